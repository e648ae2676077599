/** The webhook's own view of a spec: proto-JSON, lenient flavour, as istiod decodes it whatever the CRD said. */
import { parseDurationNs } from '../../base/duration.ts'
import { entry, field, index } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import { keysOf } from './keys.ts'
import { membersBefore, setMember } from './prune.ts'
import type { EnumSchema, IntegerSchema, ListSchema, MapSchema, ObjectSchema, Schema } from './dsl.ts'
import type { StringSchema } from './dsl.ts'

export interface DecodeError {
  readonly at: FieldPath
  readonly text: string
}
/** `spec` is of the schema's `Decoded` type. */
export type DecodeResult = { readonly spec: unknown } | { readonly error: DecodeError }

/**
 * What the rules see: unknown fields, nulls, empty lists and empty maps are gone, proto spellings and enum numbers are
 * translated, of two members of a oneof the one declared later stays. The value itself when nothing had to change.
 */
export function decode(schema: Schema, value: unknown, at: FieldPath): DecodeResult {
  const failure: Failure = { error: undefined }
  const spec = decodeValue(schema, value ?? {}, { at, failure })
  return failure.error === undefined ? { spec } : { error: failure.error }
}

interface Failure {
  error: DecodeError | undefined
}
interface Place {
  readonly at: FieldPath
  readonly failure: Failure
}
type Bag = Readonly<Record<string, unknown>>

function fail({ at, failure }: Place, text: string): undefined {
  failure.error ??= { at, text }
  return undefined
}
const mismatch = (place: Place, value: unknown, goType: string): undefined =>
  fail(place, `json: cannot unmarshal ${jsonType(value)} into Go value of type ${goType}`)

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}
const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)

function decodeValue(schema: Schema, value: unknown, place: Place): unknown {
  switch (schema.kind) {
    case 'string':
      return typeof value === 'string' ? decodeString(schema, value, place) : mismatch(place, value, 'string')
    case 'enum':
      return decodeEnum(schema, value, place)
    case 'boolean':
      return typeof value === 'boolean' ? value : mismatch(place, value, 'bool')
    case 'integer':
      return decodeInteger(schema, value, place)
    case 'number':
      return decodeDouble(value, place)
    case 'list':
      return Array.isArray(value)
        ? decodeList(schema, value as readonly unknown[], place)
        : mismatch(place, value, '[]json.RawMessage')
    case 'map':
      return isBag(value) ? decodeMap(schema, value, place) : mismatch(place, value, 'map[string]json.RawMessage')
    case 'object':
      return isBag(value) ? decodeObject(schema, value, place) : mismatch(place, value, 'map[string]json.RawMessage')
    case 'free':
      return isBag(value) ? value : mismatch(place, value, 'map[string]json.RawMessage')
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Whether Go reads the text as base64. Go's reader skips line breaks. */
const isBase64 = (text: string): boolean => BASE64.test(text.replaceAll(/[\r\n]/g, ''))

function decodeString({ as }: StringSchema, value: string, place: Place): string | undefined {
  if (as === 'duration' && parseDurationNs(value) === undefined) {
    return fail(place, `bad Duration: time: invalid duration ${JSON.stringify(value)}`)
  }
  if (as === 'bytes' && !isBase64(value)) return fail(place, 'illegal base64 data')
  return value
}

function decodeEnum({ values, protoOnly }: EnumSchema, value: unknown, place: Place): string | undefined {
  if (typeof value === 'string') {
    if (values.includes(value) || protoOnly?.includes(value) === true) return value
    return fail(place, `unknown value ${JSON.stringify(value)} for enum, known are ${values.join(', ')}`)
  }
  if (typeof value !== 'number') return mismatch(place, value, 'int32')
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31) return mismatch(place, value, 'int32')
  return [...values, ...(protoOnly ?? [])][value] ?? String(value)
}

const RANGES: Readonly<Record<IntegerSchema['format'], readonly [number, number]>> = {
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  int64: [-(2 ** 63), 2 ** 63],
  uint64: [0, 2 ** 64],
}
const DIGITS = /^-?(?:0|[1-9]\d*)$/

function decodeInteger({ format }: IntegerSchema, value: unknown, place: Place): number | undefined {
  const number = typeof value === 'string' ? (quotedNumber(value, DIGITS) ?? value) : value
  if (typeof number !== 'number') return mismatch(place, value, format)
  const [least, most] = RANGES[format]
  if (Number.isInteger(number) && number >= least && number <= most) return number
  return fail(place, `json: cannot unmarshal number ${number} into Go value of type ${format}`)
}

/** What is between the quotes is read as JSON: spaces around it do not count, and null is zero. */
function quotedNumber(text: string, form: RegExp): number | undefined {
  const json = text.replaceAll(/^[ \t\n\r]+|[ \t\n\r]+$/g, '')
  if (json === 'null') return 0
  return form.test(json) ? Number(json) : undefined
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const SPECIAL_DOUBLES: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity'])

function decodeDouble(value: unknown, place: Place): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return mismatch(place, value, 'float64')
  if (SPECIAL_DOUBLES.has(value)) return Number(value)
  return quotedNumber(value, JSON_NUMBER) ?? mismatch(place, value, 'float64')
}

/** null inside a list or map: the empty message, or the type's zero. */
function zeroOf(schema: Schema): unknown {
  switch (schema.kind) {
    case 'string':
      return ''
    case 'enum':
      return schema.values[0]
    case 'boolean':
      return false
    case 'integer':
    case 'number':
      return 0
    case 'list':
      return []
    case 'map':
    case 'object':
    case 'free':
      return {}
  }
}

function decodeList({ items }: ListSchema, values: readonly unknown[], place: Place): readonly unknown[] {
  let changed: unknown[] | undefined
  for (let i = 0; i < values.length && place.failure.error === undefined; i++) {
    const value = values[i]
    const read =
      value === null ? zeroOf(items) : decodeItem(items, value, { at: index(place.at, i), failure: place.failure })
    if (read === value) continue
    changed ??= [...values]
    changed[i] = read
  }
  return changed ?? values
}

const decodeItem = (schema: Schema, value: unknown, place: Place): unknown => decodeValue(schema, value, place)

/** Stands for any empty map. */
const EMPTY_MAP: Bag = Object.freeze({})

function decodeMap(schema: MapSchema, value: Bag, place: Place): Bag {
  const keys = keysOf(value)
  let changed: Record<string, unknown> | undefined
  for (const key of keys) {
    const child = value[key]
    if (schema.numericKeys === true) checkNumericKey(key, place)
    const read = child === null ? zeroOf(schema.values) : decodeEntry(schema.values, child, { key, place })
    if (place.failure.error !== undefined) return value
    if (read !== child) changed ??= membersBefore(value, key)
    if (changed !== undefined) setMember(changed, key, read)
  }
  return keys.length === 0 ? EMPTY_MAP : (changed ?? value)
}

function checkNumericKey(key: string, { at, failure }: Place): void {
  if (DIGITS.test(key) && Number(key) >= 0 && Number(key) <= 4294967295) return
  const text = `invalid character ${JSON.stringify(key.charAt(0))} looking for beginning of value`
  fail({ at: entry(at, key), failure }, text)
}

const decodeEntry = (schema: Schema, child: unknown, { key, place }: { key: string; place: Place }): unknown =>
  isPlainText(schema, child) ? child : decodeValue(schema, child, { at: entry(place.at, key), failure: place.failure })

function decodeObject(schema: ObjectSchema, value: Bag, place: Place): Bag {
  let changed: Record<string, unknown> | undefined
  for (const key in value) {
    const child = value[key]
    const name = isField(schema, key) ? key : protoSpelled(schema, key)
    const declared = name === undefined ? undefined : schema.fields[name]
    const yields = name !== key && name !== undefined && Object.hasOwn(value, name)
    const read =
      declared === undefined || yields || child === null ? undefined : decodeMember(declared, child, { key, place })
    const isKept = name !== undefined && declared !== undefined && !isAbsent(declared, read)
    if (changed === undefined) {
      if (isKept && name === key && read === child) continue
      changed = membersBefore(value, key)
    }
    if (isKept) changed[name] = read
  }
  return keepLastOfOneOf(schema, changed ?? value)
}

/** Most values are texts that need no decoding, nor a place to be reported at. */
const isPlainText = (schema: Schema, value: unknown): boolean =>
  typeof value === 'string' && schema.kind === 'string' && schema.as === undefined

function decodeMember(schema: Schema, child: unknown, { key, place }: { key: string; place: Place }): unknown {
  if (isPlainText(schema, child)) return child
  return decodeValue(schema, child, { at: field(place.at, key), failure: place.failure })
}

const isField = (schema: ObjectSchema, key: string): boolean =>
  schema.declared.has(key) && (schema.alsoSpelled === undefined || !Object.hasOwn(schema.alsoSpelled, key))

/** An empty list or map cannot be told from a missing one; only the map with number keys keeps its presence. */
function isAbsent(schema: Schema, read: unknown): boolean {
  if (read === undefined) return true
  if (schema.kind === 'list') return (read as readonly unknown[]).length === 0
  return read === EMPTY_MAP && !(schema.kind === 'map' && schema.numericKeys === true)
}

function keepLastOfOneOf(schema: ObjectSchema, value: Bag): Bag {
  let kept = value
  for (const group of schema.oneOf ?? []) {
    const present = group.filter((name) => Object.hasOwn(kept, name))
    if (present.length < 2) continue
    const dropped = new Set<string>(present.slice(0, -1))
    kept = Object.fromEntries(Object.entries(kept).filter(([key]) => !dropped.has(key)))
  }
  return kept
}

const SPELLINGS = new WeakMap<ObjectSchema, ReadonlyMap<string, string>>()

/** `export_to` -> `exportTo`, for the fields of this object. */
function protoSpelled(schema: ObjectSchema, key: string): string | undefined {
  if (!key.includes('_')) return undefined
  let spellings = SPELLINGS.get(schema)
  if (spellings === undefined) {
    spellings = new Map(Object.keys(schema.fields).map((name) => [protoName(name), name]))
    SPELLINGS.set(schema, spellings)
  }
  return spellings.get(key)
}

/** Fields whose proto name does not follow from the letters' case alone. */
const PROTO_NAMES: Readonly<Record<string, string>> = {
  consecutive5xxErrors: 'consecutive_5xx_errors',
  targetRef: 'targetRef',
  targetRefs: 'targetRefs',
}

const protoName = (name: string): string =>
  PROTO_NAMES[name] ?? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
