/** Reads parsed JSON the way Go's decoder fills a struct: keys in any case, `null` as absent, wrong types refused. */

/** Says that a value has a type that the field does not take. */
export class GoTypeError extends Error {
  override readonly name = 'GoTypeError'
}

export type JsonObject = Readonly<Record<string, unknown>>

/** Parses text. @throws SyntaxError with Go's words for an empty text */
export function parseJson(text: string): unknown {
  if (text.trim() === '') throw new SyntaxError('unexpected end of JSON input')
  return JSON.parse(text) as unknown
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of a field, or undefined; the last of several spellings wins. */
export function fieldOf(object: JsonObject, name: string): unknown {
  let found: unknown
  for (const [key, value] of Object.entries(object)) {
    if (key.toLowerCase() === name.toLowerCase() && value !== null) found = value
  }
  return found
}

/** Whether a field is there at all, `null` included. */
export function hasField(object: JsonObject, name: string): boolean {
  return Object.keys(object).some((key) => key.toLowerCase() === name.toLowerCase())
}

function wrongType(value: unknown, path: string, type: string): GoTypeError {
  return new GoTypeError(`json: cannot unmarshal ${kindOf(value)} into Go struct field ${path} of type ${type}`)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (value === null) return 'null'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** Where a field stands, for messages. */
export interface FieldAt {
  readonly object: JsonObject
  readonly name: string
  /** Go's name of the struct. */
  readonly of: string
}

/** A string field; empty when absent. @throws GoTypeError */
export function stringField({ object, name, of }: FieldAt): string {
  const value = fieldOf(object, name)
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  throw wrongType(value, `${of}.${name}`, 'string')
}

/** A bool field; false when absent. @throws GoTypeError */
export function boolField({ object, name, of }: FieldAt): boolean {
  const value = fieldOf(object, name)
  if (value === undefined) return false
  if (typeof value === 'boolean') return value
  throw wrongType(value, `${of}.${name}`, 'bool')
}

/** An integer field, or undefined. @throws GoTypeError */
export function integerField({ object, name, of }: FieldAt): number | undefined {
  const value = fieldOf(object, name)
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw wrongType(value, `${of}.${name}`, 'int')
}

/** A list of strings; empty when absent, `null` elements read as empty text. @throws GoTypeError */
export function stringsField(at: FieldAt): string[] {
  return listField(at, '[]string').map((item) => {
    if (item === null) return ''
    if (typeof item === 'string') return item
    throw wrongType(item, `${at.of}.${at.name}`, 'string')
  })
}

/** A list of objects; empty when absent, `null` elements refused or read as empty objects. @throws GoTypeError */
export function objectsField(at: FieldAt, nulls: 'refused' | 'empty' = 'refused'): JsonObject[] {
  return listField(at, '[]object').map((item) => {
    if (isObject(item)) return item
    if (item === null && nulls === 'empty') return {}
    throw wrongType(item, `${at.of}.${at.name}`, 'object')
  })
}

function listField({ object, name, of }: FieldAt, type: string): readonly unknown[] {
  const value = fieldOf(object, name)
  if (value === undefined) return []
  if (Array.isArray(value)) return value as unknown[]
  throw wrongType(value, `${of}.${name}`, type)
}

/** An object field; empty when absent. @throws GoTypeError */
export function objectField({ object, name, of }: FieldAt): JsonObject {
  const value = fieldOf(object, name)
  if (value === undefined) return {}
  if (isObject(value)) return value
  throw wrongType(value, `${of}.${name}`, 'object')
}
