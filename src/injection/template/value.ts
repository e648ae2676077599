/**
 * Values while a template runs. What untyped JSON holds stands for itself: string, boolean, number (a float64), array
 * ([]interface{}), plain object (map[string]interface{}), null (a nil interface). `undefined` is Go's invalid value:
 * a missing key, nil after a pipeline. Everything else is a TypedValue.
 */
import { normalizeInteger } from './go/parse-number.ts'
import {
  ANY,
  BOOL,
  FLOAT64,
  INT,
  INT64,
  sliceOf,
  STRING,
  STRING_MAP,
  UNTYPED_MAP,
  type GoType,
  type StructType,
  type Typed,
} from './types.ts'

/** A value whose Go type is not the one its JSON form would suggest. */
export class TypedValue implements Typed {
  readonly type: GoType
  readonly value: unknown
  /** A struct that has an address: methods declared on its pointer can be called, its pointer's `String` prints it. */
  readonly addressable: boolean

  constructor(type: GoType, value: unknown, addressable = false) {
    this.type = type
    this.value = value
    this.addressable = addressable
  }
}

export type PlainMap = Record<string, unknown>

export const ANY_LIST = sliceOf(ANY)
export const STRING_LIST = sliceOf(STRING)
export const INT_LIST = sliceOf(INT)
export const COMPLEX128: StructType = {
  kind: 'struct',
  name: 'complex128',
  fields: [],
  toText: (self) => String(self),
}

export const int = (value: number): TypedValue => new TypedValue(INT, value)
export const int64 = (value: bigint): TypedValue => new TypedValue(INT64, normalizeInteger(value))
export const stringList = (values: readonly string[] | null): TypedValue => new TypedValue(STRING_LIST, values)
export const stringMap = (values: Readonly<Record<string, string>> | null): TypedValue =>
  new TypedValue(STRING_MAP, values)
export const NIL_LIST = new TypedValue(ANY_LIST, null)

/** An empty map of a template's own; any text may be a key of it. */
export function newMap(): PlainMap {
  return Object.create(null) as PlainMap // JSON-like, without prototype
}

/** Sets a key of any map, also `__proto__` of one that has a prototype. */
export function setKey(map: PlainMap, key: string, value: unknown): void {
  if (key !== '__proto__') map[key] = value
  else Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true })
}

/** The value of a key, undefined if the map does not have it. */
export function getKey(map: PlainMap, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined
}

/** Whether it is a map[string]interface{}. */
export function isPlainMap(value: unknown): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof TypedValue)
}

/** The dynamic type; undefined for nil. */
export function typeOf(value: unknown): GoType | undefined {
  switch (typeof value) {
    case 'string':
      return STRING
    case 'number':
      return FLOAT64
    case 'boolean':
      return BOOL
    case 'object':
      if (value === null) return undefined
      if (value instanceof TypedValue) return value.type
      return Array.isArray(value) ? ANY_LIST : UNTYPED_MAP
    default:
      return undefined
  }
}

/** The in-memory form below the dynamic type. */
export const rawOf = (value: unknown): unknown => (value instanceof TypedValue ? value.value : value)

/** A value of a static type as templates see it; absent ones are zero values. */
export function wrap(type: GoType, value: unknown, addressable = false): unknown {
  switch (type.kind) {
    case 'any':
      return value ?? null
    case 'string':
      return type.name === undefined ? (value ?? '') : new TypedValue(type, value ?? '')
    case 'bool':
      return type.name === undefined ? (value ?? false) : new TypedValue(type, value ?? false)
    case 'float64':
      return type.name === undefined ? (value ?? 0) : new TypedValue(type, value ?? 0)
    case 'slice':
      if (type.name === undefined && type.elem.kind === 'any' && Array.isArray(value)) return value
      return new TypedValue(type, value ?? null)
    case 'map':
      if (type.name === undefined && isUntypedMap(type) && value !== null && value !== undefined) return value
      return new TypedValue(type, value ?? null)
    case 'pointer':
      return new TypedValue(type, value ?? null)
    case 'struct':
      return new TypedValue(type, value, addressable)
    default:
      return new TypedValue(type, value ?? 0)
  }
}

const isUntypedMap = (type: GoType & { kind: 'map' }): boolean =>
  type.elem.kind === 'any' && type.key.kind === 'string' && type.key.name === undefined

/** Elements of a list of any type as templates see them; undefined if it is no list. A nil list has none. */
export function elementsOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value as readonly unknown[]
  if (!(value instanceof TypedValue) || value.type.kind !== 'slice') return undefined
  const { elem } = value.type
  const items = (value.value ?? []) as readonly unknown[] // the in-memory form of a slice is an array
  return elem.kind === 'any' ? items : items.map((item) => wrap(elem, item, true))
}

/** Whether Go's `if` takes the value for true. */
export function isTrue(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return value !== ''
    case 'boolean':
      return value
    case 'number':
      return value !== 0
    case 'object':
      if (value === null) return false
      if (value instanceof TypedValue) return isTypedTrue(value)
      return Array.isArray(value) ? value.length > 0 : hasKeys(value)
    default:
      return false
  }
}

function isTypedTrue({ type, value }: TypedValue): boolean {
  switch (type.kind) {
    case 'struct':
      return type !== COMPLEX128 || String(value) !== '(0+0i)'
    case 'pointer':
      return value !== null
    case 'slice':
      return Array.isArray(value) && value.length > 0
    case 'map':
      return value !== null && hasKeys(value as object)
    default:
      return value !== 0 && value !== '' && value !== false && value !== null
  }
}

function hasKeys(map: object): boolean {
  for (const key in map) if (Object.hasOwn(map, key)) return true
  return false
}

/** Whether the value is Go's nil: no value, nil interface, nil pointer, list or map. */
export function isNil(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return value instanceof TypedValue && value.value === null && ['pointer', 'slice', 'map'].includes(value.type.kind)
}

/** A deep copy of plain JSON and typed values that keeps which parts are shared, so that changes stay with us. */
export function copyForChanges(value: unknown): unknown {
  const copies = new Map<object, unknown>()
  const copy = (from: unknown): unknown => {
    if (typeof from !== 'object' || from === null) return from
    const known = copies.get(from)
    if (known !== undefined) return known
    if (from instanceof TypedValue) return new TypedValue(from.type, copy(from.value), from.addressable)
    if (Array.isArray(from)) {
      const list: unknown[] = []
      copies.set(from, list)
      for (const item of from) list.push(copy(item))
      return list
    }
    const map = newMap()
    copies.set(from, map)
    for (const key of Object.keys(from)) map[key] = copy((from as PlainMap)[key])
    return map
  }
  return copy(value)
}
