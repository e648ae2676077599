/**
 * Go types as data: what a template may know of a value that Go would hold in a typed variable.
 *
 * Typed values stay plain JSON in memory; the descriptor beside them says how Go would see that JSON: which Go names
 * its fields have, what is a pointer, what is an int32 and what is a named string. So a decoded pod is handed to a
 * template as it is, nothing is copied or wrapped up front.
 *
 * In-memory form of a value by type:
 * - bool, string: boolean, string. An absent string or bool is its zero value.
 * - ints, uints: number where it is exact, else bigint. float64: number.
 * - any (interface{}): plain JSON; every number in it is a float64; null is a nil interface.
 * - slice, map: array, plain object; absent or null is the nil slice or map.
 * - pointer: the element's form, or absent or null for nil.
 * - struct: plain object keyed by JSON names; absent fields have their zero value. Fields of an embedded struct whose
 *   JSON is inlined stand in the same object.
 * - a struct with `opaque`: the JSON its own marshaller reads and writes (a quantity is a string).
 */

export type ScalarKind =
  | 'bool'
  | 'string'
  | 'int'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float32'
  | 'float64'

export interface ScalarType {
  readonly kind: ScalarKind
  /** Go name of a defined type (`v1.DNSPolicy`); such a string is no `string` to a function. Absent: the built-in type. */
  readonly name?: string
  /** Enum of a message: number -> name as printed. In memory an enum is its number. */
  readonly enumNames?: Readonly<Record<number, string>>
  readonly methods?: Readonly<Record<string, Method>>
  /** What `fmt` prints for it, where it has a `String` method. Enums print their name without. */
  readonly toText?: (self: unknown) => string
}

export interface AnyType {
  readonly kind: 'any'
}

export interface SliceType {
  readonly kind: 'slice'
  readonly elem: GoType
  readonly name?: string
}

export interface MapType {
  readonly kind: 'map'
  /** Key type; a named string type (`v1.ResourceName`) can neither be reached by field nor indexed with plain text. */
  readonly key: ScalarType
  readonly elem: GoType
  readonly name?: string
  /** Methods of a defined map type (`v1.ResourceList`); `self` may be a nil map. */
  readonly methods?: Readonly<Record<string, Method>>
}

export interface PointerType {
  readonly kind: 'pointer'
  readonly elem: GoType
}

export interface StructField {
  /** Go name, as templates spell it. */
  readonly name: string
  /** JSON name; empty for an embedded struct that is inlined. */
  readonly json: string
  readonly type: GoType
  /** Left out of JSON when empty (Go's `omitempty`). */
  readonly omitEmpty: boolean
  /** Embedded: its fields and methods are promoted to the outer struct. */
  readonly embedded?: boolean
  /** Go name of the oneof it belongs to (`Tracer`): reached through its getter or that name, never directly. */
  readonly oneof?: string
}

/** A method templates may call. `self` is the receiver's in-memory form; undefined or null stands for a nil pointer. */
export interface Method {
  readonly params: readonly GoType[]
  readonly result: GoType
  /** False: calling it on a nil pointer is an error (Go would dereference it). */
  readonly nilSafe: boolean
  /** Declared on the pointer: out of reach of values that have no address, such as elements of maps. */
  readonly onPointer?: boolean
  readonly call: (self: unknown, args: readonly unknown[]) => unknown
}

export interface StructType {
  readonly kind: 'struct'
  /** Qualified Go name as error messages print it, e.g. `v1.Container`. */
  readonly name: string
  /** In declaration order, which is the order of Go's JSON. */
  readonly fields: readonly StructField[]
  readonly methods?: Readonly<Record<string, Method>>
  /** A protobuf message: every field has a nil-safe getter `Get<Name>`. */
  readonly message?: boolean
  /** A struct with a marshaller of its own; named for its JSON form. */
  readonly opaque?: 'quantity' | 'time' | 'microTime' | 'intOrString' | 'duration' | 'rawJson'
  /** What `fmt` prints for it, where it has a `String` method. */
  readonly toText?: (self: unknown) => string
  /** What `fmt` prints for a value without address, where that is not its fields as they stand in JSON. */
  readonly bareText?: (self: unknown) => string
  /** `String` is declared on the pointer: a value without address prints as a plain struct. */
  readonly textOnPointer?: boolean
  /** What a nil pointer to it prints. @default `<nil>` */
  readonly nilText?: string
  /** JSON text by a marshaller of its own (messages of Istio's API). Absent: field by field. */
  readonly toJson?: (self: unknown) => string
}

export type GoType = ScalarType | AnyType | SliceType | MapType | PointerType | StructType

export const ANY: AnyType = { kind: 'any' }
export const BOOL: ScalarType = { kind: 'bool' }
export const STRING: ScalarType = { kind: 'string' }
export const INT: ScalarType = { kind: 'int' }
export const INT32: ScalarType = { kind: 'int32' }
export const INT64: ScalarType = { kind: 'int64' }
export const UINT8: ScalarType = { kind: 'uint8' }
export const UINT32: ScalarType = { kind: 'uint32' }
export const FLOAT64: ScalarType = { kind: 'float64' }

export const sliceOf = (elem: GoType): SliceType => ({ kind: 'slice', elem })
export const mapOf = (elem: GoType, key: ScalarType = STRING): MapType => ({ kind: 'map', key, elem })
export const pointerTo = (elem: GoType): PointerType => ({ kind: 'pointer', elem })

/** map[string]interface{}, what untyped JSON objects and `dict` are. */
export const UNTYPED_MAP: MapType = mapOf(ANY)
/** map[string]string, what labels, annotations and `strdict` are. */
export const STRING_MAP: MapType = mapOf(STRING)

/** A value together with its Go type; how the caller hands typed data to a template. */
export interface Typed {
  readonly type: GoType
  readonly value: unknown
}
