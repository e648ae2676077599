/**
 * Reading protobuf's JSON the way istiod's legacy reader does: lowerCamel or proto field names, unknown fields ignored,
 * every field that occurs replaced wholly.
 */
import { ProjectError, messageOf } from '../../base/errors.ts'
import type { GoType, ScalarType } from '../template/types.ts'
import { GoTextError, goJsonString, goQuote, parseGoDuration } from './go-text.ts'
import type { DurationValue, EnumType, Message, MessageField, MessageType } from './message-type.ts'
import { readQuotedNumber } from './quoted-number.ts'

/** JSON that does not fit a message; the message is Go's text. */
export class MessageError extends ProjectError {
  constructor(message: string) {
    super('MESH_MESSAGE', message)
  }
}

/**
 * Reads JSON into a message. Fields that occur replace those of `into`, which is left as it is; `null` and an absent
 * document change nothing.
 * istiod: a null field leaves the field alone, in a list or map it is the zero value.
 * @throws MessageError with the text of Go's reader
 */
export function readMessage(type: MessageType, json: unknown, into: Message = {}): Message {
  if (json === null || json === undefined) return into
  if (type.wellKnown !== undefined) throw new MessageError(`${type.fullName} has no fields of its own`)
  const source = objectOf(json)
  const target: Record<string, unknown> = { ...into }
  for (const field of type.fields) {
    const raw = rawField(source, field)
    if (raw === undefined || (raw === null && !keepsNull(field.type))) continue
    setField(type, { field, value: readValue(field.type, raw) }, target)
  }
  return target
}

/** Sets a field; the other members of its oneof go, and so does a plain field with its zero value. */
export function setField(
  type: MessageType,
  { field, value }: { field: MessageField; value: unknown },
  target: Record<string, unknown>,
): void {
  if (field.oneof !== undefined) {
    for (const other of type.fields) if (other.oneof === field.oneof) delete target[other.json]
  } else if (isZero(field.type, value)) {
    delete target[field.json]
    return
  }
  target[field.json] = value
}

/** istiod: with both spellings in the document the JSON name wins, also with null. */
function rawField(source: Readonly<Record<string, unknown>>, field: MessageField): unknown {
  if (Object.hasOwn(source, field.json)) return source[field.json]
  return Object.hasOwn(source, field.proto) ? source[field.proto] : undefined
}

const keepsNull = (type: GoType): boolean =>
  type.kind === 'pointer' && ['value', 'intOrString'].includes((type.elem as MessageType).wellKnown ?? '')

function isZero(type: GoType, value: unknown): boolean {
  if (type.kind === 'pointer') return false
  if (type.kind === 'slice') return (value as unknown[]).length === 0
  if (type.kind === 'map') return Object.keys(value as object).length === 0
  return value === 0 || value === 0n || value === '' || value === false
}

function readValue(type: GoType, json: unknown): unknown {
  if (type.kind === 'slice') {
    if (json === null) return []
    if (!Array.isArray(json)) throw wrongKind(json, '[]json.RawMessage')
    return json.map((element) => readSingle(type.elem, element))
  }
  if (type.kind === 'map') {
    const entries = Object.entries(objectOf(json)).map(([key, value]) => [key, readSingle(type.elem, value)] as const)
    // Own properties whatever the key is, `__proto__` too.
    return Object.fromEntries(entries)
  }
  return readSingle(type, json)
}

function readSingle(type: GoType, json: unknown): unknown {
  if (type.kind === 'pointer') return readWellKnown(type.elem as MessageType, json)
  if ('numbers' in type) return readEnum(type as EnumType, json)
  return readScalar(type as ScalarType, json)
}

function readWellKnown(type: MessageType, json: unknown): unknown {
  if (type.wellKnown === undefined) return readMessage(type, json)
  switch (type.wellKnown) {
    case 'wrapper':
      return { value: readScalar((type.fields[0] as MessageField).type as ScalarType, json) }
    case 'duration':
      return json === null ? { seconds: 0, nanos: 0 } : readDuration(json)
    case 'struct':
      return json === null ? {} : readStruct(json)
    case 'intOrString':
      return typeof json === 'string' ? json : readScalar({ kind: 'int32' }, json)
    case 'value':
      return json
  }
}

function readStruct(json: unknown): unknown {
  try {
    return objectOf(json)
  } catch (err) {
    throw new MessageError(`bad StructValue: ${messageOf(err)}`)
  }
}

function readDuration(json: unknown): DurationValue {
  const text = readScalar({ kind: 'string' }, json) as string
  try {
    const total = parseGoDuration(text)
    return { seconds: Number(total / 1_000_000_000n), nanos: Number(total % 1_000_000_000n) }
  } catch (err) {
    if (err instanceof GoTextError) throw new MessageError(`bad Duration: ${err.message}`)
    throw err
  }
}

function readEnum(type: EnumType, json: unknown): number {
  if (typeof json !== 'string') return readInteger(json, { kind: 'int32', goName: 'protoreflect.EnumNumber' }) as number
  const number = type.numbers.get(json)
  if (number === undefined) {
    throw new MessageError(`unknown value ${goQuote(goJsonString(json))} for enum ${type.fullName}`)
  }
  return number
}

function readScalar(type: ScalarType, json: unknown): unknown {
  switch (type.kind) {
    case 'string':
      if (json === null) return ''
      if (typeof json === 'string') return json
      throw wrongKind(json, 'string')
    case 'bool':
      if (json === null) return false
      if (typeof json === 'boolean') return json
      throw wrongKind(json, 'bool')
    case 'float64':
      return readDouble(json)
    default:
      return readInteger(json, { kind: type.kind, goName: type.kind })
  }
}

function readDouble(json: unknown): number {
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json)
  const value = typeof json === 'string' ? Number(unquoted(json, 'float64') ?? 0) : json
  if (value === null) return 0
  if (typeof value !== 'number' && typeof value !== 'bigint') throw wrongKind(value, 'float64')
  if (!Number.isFinite(Number(value))) throw unfit(String(json), 'float64')
  return Number(value)
}

/** istiod: quotes around a number are cut off and what is between them is read as JSON of its own. */
function unquoted(text: string, goName: string): string | undefined {
  return readQuotedNumber(goJsonString(text).slice(1, -1), {
    refuse: (message) => new MessageError(message),
    wrongKind: (kind) => new MessageError(`json: cannot unmarshal ${kind} into Go value of type ${goName}`),
  })
}

const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(1n << 31n), (1n << 31n) - 1n],
  uint32: [0n, (1n << 32n) - 1n],
  int64: [-(1n << 63n), (1n << 63n) - 1n],
}

function readInteger(json: unknown, { kind, goName }: { kind: string; goName: string }): number | bigint {
  const literal = typeof json === 'string' ? unquoted(json, goName) : json
  if (literal === null || literal === undefined) return 0
  if (typeof literal !== 'string' && typeof literal !== 'number' && typeof literal !== 'bigint') {
    throw wrongKind(json, goName)
  }
  // Go parses the digits as they stand in the JSON, so `1.0` in quotes is no integer.
  const text = String(literal)
  const [min, max] = RANGES[kind] ?? [0n, 0n]
  if (!/^-?[0-9]+$/.test(text) || (text.startsWith('-') && min === 0n)) throw unfit(text, goName)
  const whole = BigInt(text)
  if (whole < min || whole > max) throw unfit(text, goName)
  return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole
}

const unfit = (text: string, goName: string): MessageError =>
  new MessageError(`json: cannot unmarshal number ${text} into Go value of type ${goName}`)

function objectOf(json: unknown): Readonly<Record<string, unknown>> {
  if (json === null) return {}
  if (typeof json === 'object' && !Array.isArray(json)) return json as Record<string, unknown>
  throw wrongKind(json, 'map[string]json.RawMessage')
}

function wrongKind(json: unknown, goName: string): MessageError {
  const kind = Array.isArray(json) ? 'array' : KINDS[typeof json]
  return new MessageError(`json: cannot unmarshal ${kind} into Go value of type ${goName}`)
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  bigint: 'number',
  boolean: 'bool',
  object: 'object',
}
