/** Reads JSON as Go's encoding/json reads it into a typed value, and gives the JSON that Go would write for it. */
import type { GoType, MapType, ScalarType, SliceType, StructField, StructType } from '../template/types.ts'
import type { ModelField } from './define.ts'
import { isJsonObject, type JsonObject, setMember } from './members.ts'
import { ModelError } from './model-error.ts'
import { decodeOpaque } from './opaque.ts'

export interface DecodeOptions {
  /**
   * What becomes of struct fields the type does not know. istiod: dropped. Kept, the fields of newer API versions
   * survive an injection.
   */
  readonly unknownFields: 'drop' | 'keep'
  /**
   * Which of several wrong values is reported. istiod: the first of the text; but where the JSON was made of YAML or is
   * the outcome of a merge, its members are sorted by name first.
   */
  readonly errorOrder?: 'given' | 'sorted'
  /** Tells parts that are in the form Go writes already, each where its type is wanted: they are not looked into. */
  readonly isTyped?: (part: object) => boolean
}

/**
 * `json` as a value of `type`, in the form Go writes: canonical quantities and times, empty `omitempty` fields gone, all
 * others present. Field names match in any case. Parts that need no change are shared with `json`, which is never
 * changed itself; a value that is canonical already comes back as the same object.
 * @throws ModelError with the text of Go's decoder: of the first member that has its own reader (a quantity) and
 *   refuses, else of the first value of a wrong kind
 */
export function decodeTyped(type: GoType, json: unknown, options: DecodeOptions): unknown {
  try {
    return decode(type, json, options)
  } catch (thrown) {
    if (options.errorOrder !== 'sorted') throw thrown
    return decode(type, sortedCopy(json), options)
  }
}

function decode(type: GoType, json: unknown, { unknownFields, isTyped }: DecodeOptions): unknown {
  const run: Run = { path: [], struct: undefined, error: undefined, isTyped }
  const value = codecOf(type, CODECS[unknownFields]).decode(json, run)
  if (run.error !== undefined) throw new ModelError(run.error)
  return value
}

function sortedCopy(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(sortedCopy)
  if (!isJsonObject(json)) return json
  const copy: JsonObject = {}
  for (const name of Object.keys(json).sort()) setMember(copy, name, sortedCopy(json[name]))
  return copy
}

/** A type as Go's error messages print it. */
export function typeText(type: GoType): string {
  switch (type.kind) {
    case 'any':
      return 'interface {}'
    case 'slice':
      return type.name ?? `[]${typeText(type.elem)}`
    case 'map':
      return type.name ?? `map[${typeText(type.key)}]${typeText(type.elem)}`
    case 'pointer':
      return `*${typeText(type.elem)}`
    case 'struct':
      return type.name
    default:
      return type.name ?? type.kind
  }
}

/** Where the decoder stands. Go names the innermost struct and the whole path of fields, without list indexes. */
interface Run {
  readonly path: string[]
  struct: StructType | undefined
  /** Text of the first wrong kind. Go carries on after it, and so do we, as a later reader's refusal counts more. */
  error: string | undefined
  readonly isTyped: DecodeOptions['isTyped']
}

interface Codec {
  readonly decode: (value: unknown, run: Run) => unknown
  /** JSON of Go's zero value; a fresh one, as callers change what they get. */
  readonly zero: () => unknown
  /** Whether `omitempty` leaves the value out. */
  readonly isEmpty: (value: unknown) => boolean
  /** Of scalars: whether the value is taken as it is. */
  readonly fits?: (value: unknown) => boolean
}

interface CodecSet {
  readonly keepUnknown: boolean
  readonly compiled: WeakMap<GoType, Codec>
}

const CODECS: Readonly<Record<DecodeOptions['unknownFields'], CodecSet>> = {
  drop: { keepUnknown: false, compiled: new WeakMap() },
  keep: { keepUnknown: true, compiled: new WeakMap() },
}

function codecOf(type: GoType, set: CodecSet): Codec {
  const known = set.compiled.get(type)
  if (known !== undefined) return known
  const codec = compile(type, set)
  set.compiled.set(type, codec)
  return codec
}

function compile(type: GoType, set: CodecSet): Codec {
  switch (type.kind) {
    case 'any':
      return { decode: (value) => value, zero: () => null, isEmpty: (value) => value === null }
    case 'pointer':
      return pointerCodec(codecOf(type.elem, set))
    case 'slice':
      return sliceCodec(type, codecOf(type.elem, set))
    case 'map':
      return mapCodec(type, codecOf(type.elem, set))
    case 'struct':
      return type.opaque === undefined ? structCodec(type, set) : opaqueCodec(type, type.opaque)
    default:
      return scalarCodec(type)
  }
}

function pointerCodec(element: Codec): Codec {
  return {
    decode: (value, run) => (value === null ? null : element.decode(value, run)),
    zero: () => null,
    isEmpty: (value) => value === null,
  }
}

function sliceCodec(type: SliceType, element: Codec): Codec {
  return {
    decode: (value, run) => {
      if (value === null) return null
      if (!Array.isArray(value)) return refuse(value, { type, run, zero: null })
      const list: readonly unknown[] = value
      return run.isTyped?.(list) === true ? list : decodeElements(list, element, run)
    },
    zero: () => null,
    isEmpty: (value) => value === null || (value as unknown[]).length === 0,
  }
}

function decodeElements(list: readonly unknown[], element: Codec, run: Run): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let i = 0; i < list.length; i++) {
    const decoded = element.decode(list[i], run)
    if (decoded !== list[i]) (copy ??= [...list])[i] = decoded
  }
  return copy ?? list
}

function mapCodec(type: MapType, element: Codec): Codec {
  return {
    decode: (value, run) => {
      if (value === null) return null
      if (!isJsonObject(value)) return refuse(value, { type, run, zero: null })
      if (run.isTyped?.(value) === true) return value
      let copy: JsonObject | undefined
      for (const key of Object.keys(value)) {
        const member = element.decode(value[key], run)
        if (member !== value[key]) setMember((copy ??= { ...value }), key, member)
      }
      return copy ?? value
    },
    zero: () => null,
    isEmpty: (value) => value === null || Object.keys(value as JsonObject).length === 0,
  }
}

function scalarCodec(type: ScalarType): Codec {
  const zero = type.kind === 'string' ? '' : type.kind === 'bool' ? false : 0
  const fits = scalarCheck(type)
  return {
    decode: (value, run) => {
      if (value === null) return zero
      return fits(value) ? value : refuse(value, { type, run, zero })
    },
    zero: () => zero,
    isEmpty: (value) => value === zero,
    fits,
  }
}

function scalarCheck({ kind }: ScalarType): (value: unknown) => boolean {
  if (kind === 'string' || kind === 'bool') return (value) => typeof value === (kind === 'bool' ? 'boolean' : 'string')
  if (kind === 'float32' || kind === 'float64') return (value) => typeof value === 'number'
  const unsigned = kind.startsWith('u')
  const bits = Number(/[0-9]+$/.exec(kind)?.[0] ?? 64) - (unsigned ? 0 : 1)
  const [least, tooMuch] = [unsigned ? 0 : -(2 ** bits), 2 ** bits]
  return (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value < tooMuch
}

function opaqueCodec(type: StructType, form: NonNullable<StructType['opaque']>): Codec {
  const codec = decodeOpaque(form)
  return {
    decode: (value, run) => {
      const wrongKind = (wanted: GoType): never => {
        throw new ModelError(kindError(value, wanted, run))
      }
      return value === null ? codec.zero : codec.read(value, wrongKind)
    },
    zero: () => codec.zero,
    isEmpty: (value) => value === null && type.opaque === 'time',
  }
}

/** A struct's field with what decoding needs of it; those of embedded structs stand among the outer struct's. */
interface FieldCodec {
  readonly json: string
  readonly codec: Codec
  /** Path of Go names through embedded structs, then the JSON name: what error messages print. */
  readonly path: readonly string[]
  readonly omits: (value: unknown) => boolean
}

const NEVER = (): boolean => false

function fieldsOf(type: StructType, set: CodecSet, outer: readonly string[] = []): FieldCodec[] {
  return type.fields.flatMap((field): FieldCodec[] => {
    if (field.json === '' && field.type.kind === 'struct') return fieldsOf(field.type, set, [...outer, field.name])
    const codec = codecOf(field.type, set)
    return [{ json: field.json, codec, path: [...outer, field.json], omits: omission(field, codec) }]
  })
}

/** Go's `omitempty` never leaves out a struct; `omitzero` does. */
function omission(field: StructField & Pick<ModelField, 'omitZero'>, codec: Codec): FieldCodec['omits'] {
  const leavesOut = field.type.kind === 'struct' ? field.omitZero === true : field.omitEmpty
  return leavesOut ? codec.isEmpty : NEVER
}

function structCodec(type: StructType, set: CodecSet): Codec {
  const fields = fieldsOf(type, set)
  const byName = new Map(fields.map((field) => [field.json, field]))
  const byFoldedName = new Map(fields.map((field) => [foldName(field.json), field]))
  const layout: StructLayout = {
    type,
    find: (name) => byName.get(name) ?? byFoldedName.get(foldName(name)),
    present: fields.filter(({ omits }) => omits === NEVER),
    keepsUnknown: set.keepUnknown,
  }
  const zero = (): JsonObject => complete({}, layout.present)
  return {
    zero,
    isEmpty: NEVER,
    decode: (value, run) => {
      if (value === null) return zero()
      if (!isJsonObject(value)) return refuse(value, { type, run, zero: zero() })
      return run.isTyped?.(value) === true ? value : decodeMembers(value, layout, run)
    },
  }
}

interface StructLayout {
  readonly type: StructType
  readonly find: (name: string) => FieldCodec | undefined
  /** Fields Go always writes. */
  readonly present: readonly FieldCodec[]
  readonly keepsUnknown: boolean
}

function decodeMembers(value: JsonObject, layout: StructLayout, run: Run): JsonObject {
  const names = Object.keys(value)
  // Most members are canonical already: a copy is made from the first on that is not.
  let copy: JsonObject | undefined
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string // within the list
    const given = value[name]
    const field = layout.find(name)
    const member = field === undefined ? given : decodeField(given, field, layout.type, run)
    const leftOut = field === undefined ? !keeps(name, layout) : field.omits(member)
    const isSame = !leftOut && member === given && (field === undefined || field.json === name)
    if (!isSame) copy ??= pick(value, names.slice(0, i))
    if (copy === undefined) continue
    if (!leftOut) setMember(copy, field?.json ?? name, member)
    // the last of two spellings counts, but null changes nothing
    else if (field !== undefined && given !== null && Object.hasOwn(copy, field.json)) delete copy[field.json]
  }
  if (copy !== undefined) return complete(copy, layout.present)
  for (const { json } of layout.present) {
    if (!Object.hasOwn(value, json)) return complete({ ...value }, layout.present)
  }
  return value
}

/** No field of Kubernetes begins with a dollar: what does is a merge directive left over. */
const keeps = (name: string, { keepsUnknown }: StructLayout): boolean => keepsUnknown && !name.startsWith('$')

function pick(object: JsonObject, names: readonly string[]): JsonObject {
  const picked: JsonObject = {}
  for (const name of names) setMember(picked, name, object[name])
  return picked
}

function complete(object: JsonObject, present: readonly FieldCodec[]): JsonObject {
  for (const { json, codec } of present) if (!Object.hasOwn(object, json)) object[json] = codec.zero()
  return object
}

/** Four parameters instead of an object: it runs for every field of every pod. */
function decodeField(value: unknown, field: FieldCodec, type: StructType, run: Run): unknown {
  if (field.codec.fits?.(value) === true) return value
  const { path, struct } = run
  for (const name of field.path) path.push(name)
  run.struct = type
  const decoded = field.codec.decode(value, run)
  for (let n = field.path.length; n > 0; n--) path.pop()
  run.struct = struct
  return decoded
}

/** Go folds ASCII letters and the two signs whose lower case is one: the long s and the Kelvin sign. */
const foldName = (name: string): string => name.toLowerCase().replaceAll('\u017f', 's')

/** Notes a value of the wrong kind and goes on with the zero value. */
function refuse(value: unknown, { type, run, zero }: { type: GoType; run: Run; zero: unknown }): unknown {
  run.error ??= kindError(value, type, run)
  return zero
}

function kindError(value: unknown, type: GoType, { path, struct }: Run): string {
  const target = typeText(type)
  const subject =
    struct === undefined ? 'Go value' : `Go struct field ${struct.name.replace(/^.*\./, '')}.${path.join('.')}`
  return `json: cannot unmarshal ${kindText(value, type)} into ${subject} of type ${target}`
}

function kindText(value: unknown, { kind }: GoType): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value !== 'number') return typeof value
  return /^u?int/.test(kind) ? `number ${value}` : 'number'
}
