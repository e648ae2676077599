/** The structural part of a CRD: types, required fields, enums, bounds, patterns, list-map keys and oneOf groups. */
import { dottedPathText, entry, field, index } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { EnumSchema, IntegerSchema, ListSchema, MapSchema, NumberSchema, ObjectSchema, Schema } from './dsl.ts'
import type { StringSchema } from './dsl.ts'
import { keysOf } from './keys.ts'

export type SchemaErrorType =
  | 'FieldValueRequired'
  | 'FieldValueTypeInvalid'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueDuplicate'
  | 'NoMatch'
  | 'Decode'
export interface SchemaError {
  /** As the API server writes it: map keys as if they were fields; `<nil>` where it gives none. */
  readonly path: string
  readonly message: string
  readonly type: SchemaErrorType
  /** Where it is, also when `path` does not say so. */
  readonly at: FieldPath
}

/** Errors of these types keep the API server from evaluating the CEL rules. */
export const BLOCKING: ReadonlySet<SchemaErrorType> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
])

/** All structural errors of a value, in document order. */
export function checkStructure(schema: Schema, value: unknown, at: FieldPath): SchemaError[] {
  const errors: SchemaError[] = []
  checkValue(schema, value, { at, errors })
  return errors
}

interface Place {
  readonly at: FieldPath
  readonly errors: SchemaError[]
}

/** Hostile objects can break the schema per byte; whoever has this many errors knows enough. */
const MAX_ERRORS = 1000

/** `write` makes the text only when there is room. The last place is for an error that keeps CEL from being asked. */
function report({ at, errors }: Place, type: SchemaErrorType, write: (path: string) => string): void {
  const isFull = errors.length >= MAX_ERRORS
  if (isFull && (!BLOCKING.has(type) || BLOCKING.has(errors.at(-1)?.type ?? type))) return
  if (isFull) errors.pop()
  const path = dottedPathText(at)
  errors.push({ at, path, message: write(path), type })
}
const invalid = (place: Place, value: unknown, what: string): void =>
  report(place, 'FieldValueInvalid', (path) => `Invalid value: ${shownText(value)}: ${path} in body ${what}`)
/** kube-openapi reports these without a field; they do not block CEL. */
const withoutPath = ({ at, errors }: Place, write: (path: string) => string): void => {
  if (errors.length >= MAX_ERRORS) return
  const message = `Invalid value: "": ${write(dottedPathText(at))}`
  errors.push({ at, path: '<nil>', message, type: 'FieldValueInvalid' })
}

const MAX_SHOWN = 1024
/** As JSON; of a very long text its beginning. */
const shownText = (value: unknown): string =>
  JSON.stringify(typeof value === 'string' && value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value)

function checkValue(schema: Schema, value: unknown, place: Place): void {
  if (value === null && schema.nullable === true) return
  switch (schema.kind) {
    case 'string':
      if (typeof value === 'string') checkString(schema, value, place)
      // kube-openapi: takes a list for bytes, too.
      else if (schema.as !== 'bytes' || !Array.isArray(value)) wrongType('string', value, place)
      return
    case 'enum':
      checkEnum(schema, value, place)
      return
    case 'boolean':
      if (typeof value !== 'boolean') wrongType('boolean', value, place)
      return
    case 'integer':
      if (!isInteger(value)) wrongType('integer', value, place)
      if (typeof value === 'number') checkInteger(schema, value, place)
      return
    case 'number':
      if (typeof value === 'number') checkBounds(schema, value, place)
      else wrongType('number', value, place)
      return
    case 'list':
      if (Array.isArray(value)) checkList(schema, value as readonly unknown[], place)
      else wrongType('array', value, place)
      return
    case 'map':
      if (isObject(value)) checkMap(schema, value, place)
      else wrongType('object', value, place)
      return
    case 'object':
      if (isObject(value)) checkObject(schema, value, place)
      else checkNoObject(schema, value, place)
      return
    case 'free':
      if (!isObject(value)) wrongType('object', value, place)
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
/** Numbers beyond 64 bits are no integers to the API server any more. */
const isInteger = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 63

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return isInteger(value) ? 'integer' : typeof value
}

function wrongType(wanted: string, value: unknown, place: Place): void {
  const found = typeOf(value)
  report(
    place,
    'FieldValueTypeInvalid',
    (path) => `Invalid value: "${found}": ${path} in body must be of type ${wanted}: "${found}"`,
  )
}

/** kube-openapi: the first thing that is wrong with a text is the only one reported. */
function checkString(schema: StringSchema, value: string, place: Place): void {
  const { minLength = 0, maxLength, pattern } = schema
  if (maxLength !== undefined && value.length > maxLength && [...value].length > maxLength) {
    report(place, 'FieldValueTooLong', () => `Too long: may not be more than ${maxLength} bytes`)
  } else if (value.length < minLength) invalid(place, value, `should be at least ${minLength} chars long`)
  else if (pattern !== undefined && !pattern.test(value)) invalid(place, value, `should match '${pattern.source}'`)
  else if (schema.as === 'bytes' && !isBytesText(value)) wrongBytes(value, place)
}

const BYTES = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/

/** Whether the API server takes the text for `format: byte`: stricter than what the webhook reads. */
export const isBytesText = (text: string): boolean => BYTES.test(text)

const wrongBytes = (value: string, place: Place): void =>
  report(place, 'FieldValueTypeInvalid', (path) => {
    const shown = shownText(value)
    return `Invalid value: ${shown}: ${path} in body must be of type byte: ${shown}`
  })

function checkEnum({ values }: EnumSchema, value: unknown, place: Place): void {
  if (typeof value !== 'string') wrongType('string', value, place)
  else if (values.includes(value)) return
  report(place, 'FieldValueNotSupported', () => {
    const supported = values.map((name) => JSON.stringify(name)).join(', ')
    return `Unsupported value: ${shortJson(value)}: supported values: ${supported}`
  })
}

const shortJson = (value: unknown): string =>
  isObject(value) || Array.isArray(value) ? `"${typeOf(value)}"` : shownText(value)

/** kube-openapi: bounds and range are looked at even where the type is wrong already. */
function checkInteger(schema: IntegerSchema, value: number, place: Place): void {
  checkBounds(schema, value, place)
  const isInt32 = schema.format === 'int32'
  if (isInteger(value) && (!isInt32 || (value >= -2147483648 && value <= 2147483647))) return
  const format = isInt32 ? 'with format int32' : '(default format)'
  withoutPath(place, (path) => `Checked value must be of type integer ${format} in ${path}`)
}

function checkBounds({ minimum, maximum }: IntegerSchema | NumberSchema, value: number, place: Place): void {
  if (maximum !== undefined && value > maximum) invalid(place, value, `should be less than or equal to ${maximum}`)
  if (minimum !== undefined && value < minimum) invalid(place, value, `should be greater than or equal to ${minimum}`)
}

function checkList(schema: ListSchema, values: readonly unknown[], place: Place): void {
  const { minItems = 0, maxItems, items, mapKey } = schema
  if (maxItems !== undefined && values.length > maxItems) tooMany(values.length, maxItems, place)
  if (values.length < minItems) invalid(place, values.length, `should have at least ${minItems} items`)
  const end = lookedAt(values.length, maxItems)
  for (let i = 0; i < end; i++) {
    if (isPlainlyValid(items, values[i])) continue
    checkValue(items, values[i], { at: index(place.at, i), errors: place.errors })
  }
  if (mapKey !== undefined) checkMapKeys(values, mapKey, place)
}

/** Of a list or map that is too long anyhow, the beginning. */
const lookedAt = (count: number, most = count): number => (count > most ? Math.min(count, MAX_ERRORS) : count)

const tooMany = (count: number, most: number, place: Place): void =>
  report(place, 'FieldValueTooMany', () => `Too many: ${count}: must have at most ${most} items`)

/** Kubernetes: of several equal elements the second is reported; null is an element without the key. */
function checkMapKeys(values: readonly unknown[], mapKey: string, { at, errors }: Place): void {
  const odd = values.findIndex((value) => value !== null && !isObject(value))
  if (odd !== -1) {
    report({ at: index(at, odd), errors }, 'FieldValueInvalid', () => {
      return `Invalid value: ${shownText(values[odd])}: must be an object for an array of list-type map`
    })
    return
  }
  const seen = new Map<string, number>()
  for (const [i, value] of values.entries()) {
    const key = JSON.stringify(isObject(value) && Object.hasOwn(value, mapKey) ? { [mapKey]: value[mapKey] } : {})
    const times = seen.get(key) ?? 0
    seen.set(key, times + 1)
    if (times === 1) report({ at: index(at, i), errors }, 'FieldValueDuplicate', () => `Duplicate value: ${key}`)
  }
}

function checkMap(schema: MapSchema, value: Readonly<Record<string, unknown>>, place: Place): void {
  const keys = keysOf(value)
  const { minProperties = 0, maxProperties, values } = schema
  if (maxProperties !== undefined && keys.length > maxProperties) tooMany(keys.length, maxProperties, place)
  if (keys.length < minProperties) invalid(place, keys.length, `should have at least ${minProperties} properties`)
  const end = lookedAt(keys.length, maxProperties)
  for (let i = 0; i < end; i++) {
    const key = keys[i] ?? ''
    if (!isPlainlyValid(values, value[key]))
      checkValue(values, value[key], { at: entry(place.at, key), errors: place.errors })
  }
}

function checkObject(schema: ObjectSchema, value: Readonly<Record<string, unknown>>, place: Place): void {
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name))
      report({ at: field(place.at, name), errors: place.errors }, 'FieldValueRequired', () => 'Required value')
  }
  for (const key in value) {
    const declared = schema.declared.get(key)
    if (declared !== undefined && !isPlainlyValid(declared, value[key]))
      checkValue(declared, value[key], { at: field(place.at, key), errors: place.errors })
  }
  for (const group of schema.oneOf ?? []) {
    const present = group.filter((name) => Object.hasOwn(value, name)).length
    if (present > 1) notOne(present, place)
  }
}

/** Most values are scalars without bounds; they need no place to be reported at. */
function isPlainlyValid(schema: Schema, value: unknown): boolean {
  if (schema.kind === 'boolean') return typeof value === 'boolean'
  if (schema.kind === 'enum') return typeof value === 'string' && schema.values.includes(value)
  if (schema.kind !== 'string' || typeof value !== 'string' || schema.as === 'bytes') return false
  return schema.minLength === undefined && schema.maxLength === undefined && schema.pattern === undefined
}

/** kube-openapi: `required` says nothing about what is no object, so every member of the group "matches". */
function checkNoObject(schema: ObjectSchema, value: unknown, place: Place): void {
  wrongType('object', value, place)
  if (value === null) return
  for (const group of schema.oneOf ?? []) if (group.length > 1) notOne(group.length, place)
}

const notOne = (present: number, place: Place): void =>
  withoutPath(
    place,
    (path) => `"${path}" must validate one and only one schema (oneOf). Found ${present} valid alternatives`,
  )
