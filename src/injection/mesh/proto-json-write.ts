/** Writing messages as protobuf's JSON, the way istiod does for PROXY_CONFIG and `protoToJSON`. */
import type { GoType, ScalarType } from '../template/types.ts'
import { goJsonString } from './go-text.ts'
import type { DurationValue, EnumType, Message, MessageType } from './message-type.ts'

/**
 * Compact JSON: fields in declaration order, keys of maps sorted bytewise, 64-bit integers as strings, enums by name,
 * durations as seconds with 0, 3, 6 or 9 decimals, strings escaped like Go's encoding/json.
 */
export function writeMessage(type: MessageType, message: Message): string {
  if (type.wellKnown !== undefined) return writeWellKnown(type, message)
  const members: string[] = []
  for (const field of type.fields) {
    const value = Object.hasOwn(message, field.json) ? message[field.json] : undefined
    if (value !== undefined) members.push(`${goJsonString(field.json)}:${writeValue(field.type, value)}`)
  }
  return `{${members.join(',')}}`
}

function writeValue(type: GoType, value: unknown): string {
  switch (type.kind) {
    case 'slice':
      return `[${(value as unknown[]).map((element) => writeValue(type.elem, element)).join(',')}]`
    case 'map':
      return writeObject(value as Readonly<Record<string, unknown>>, (element) => writeValue(type.elem, element))
    case 'pointer':
      return writeMessage(type.elem as MessageType, value as Message)
    default:
      return 'numbers' in type ? writeEnum(type as EnumType, value as number) : writeScalar(type as ScalarType, value)
  }
}

function writeWellKnown(type: MessageType, value: unknown): string {
  switch (type.wellKnown) {
    case 'wrapper': {
      const field = type.fields[0]
      return field === undefined ? '{}' : writeScalar(field.type as ScalarType, (value as Message)['value'])
    }
    case 'duration':
      return `"${durationText(value as DurationValue)}"`
    default:
      return writePlain(value)
  }
}

const writeEnum = (type: EnumType, value: number): string =>
  value in type.enumNames ? `"${type.enumNames[value] ?? ''}"` : String(value)

function writeScalar(type: ScalarType, value: unknown): string {
  switch (type.kind) {
    case 'string':
      return goJsonString((value as string | undefined) ?? '')
    case 'int64':
    case 'uint64':
      return `"${String((value as number | bigint | undefined) ?? 0)}"`
    case 'float64': {
      const number = (value as number | undefined) ?? 0
      return Number.isFinite(number) ? String(number) : `"${String(number)}"`
    }
    default:
      return String((value as number | boolean | undefined) ?? (type.kind === 'bool' ? false : 0))
  }
}

/** Seconds with 0, 3, 6 or 9 decimals and `s`. */
export function durationText({ seconds, nanos }: DurationValue): string {
  const sign = seconds < 0 || nanos < 0 ? '-' : ''
  const decimals = String(Math.abs(nanos))
    .padStart(9, '0')
    .replace(/(000){1,3}$/, '')
  return `${sign}${Math.abs(seconds)}${decimals === '' ? '' : `.${decimals}`}s`
}

/** Plain JSON inside a `Struct` or `Value`. */
function writePlain(value: unknown): string {
  if (typeof value === 'string') return goJsonString(value)
  if (Array.isArray(value)) return `[${value.map(writePlain).join(',')}]`
  if (typeof value === 'object' && value !== null) return writeObject(value as Record<string, unknown>, writePlain)
  return String(value)
}

function writeObject(object: Readonly<Record<string, unknown>>, write: (value: unknown) => string): string {
  const keys = Object.keys(object).sort(compareBytes)
  return `{${keys.map((key) => `${goJsonString(key)}:${write(object[key])}`).join(',')}}`
}

/** Order of the UTF-8 forms. UTF-16 order is the same unless surrogates or characters above them are involved. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0
  if (!/[\ud800-\uffff]/.test(a + b)) return a < b ? -1 : 1
  const [x, y] = [[...a], [...b]]
  const at = x.findIndex((char, i) => char !== y[i])
  if (at < 0) return -1
  return (x[at]?.codePointAt(0) ?? 0) - (y[at]?.codePointAt(0) ?? -1)
}
