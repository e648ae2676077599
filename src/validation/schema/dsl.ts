/** The little language in which the kinds' schemas are written, and the types that follow from it. */

/** A rule of the CRD that the API server evaluates as CEL. `holds` is our reading of `rule`; text is an evaluation error. */
export interface CelRule {
  readonly rule: string
  readonly message: string
  readonly holds: (self: never) => boolean | string
}
interface Common {
  /** null is a legal value (wrapper types of the protos). Elsewhere the API server drops a null as if never written. */
  readonly nullable?: boolean
  readonly cel?: readonly CelRule[]
}
export interface StringSchema extends Common {
  readonly kind: 'string'
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: RegExp
  /** Text the webhook decodes further: a Go duration, or base64. */
  readonly as?: 'duration' | 'bytes'
}
export interface EnumSchema<V extends string = string> extends Common {
  readonly kind: 'enum'
  /** In the order of the wire numbers, from 0. */
  readonly values: readonly V[]
  /** Values behind `values` that the webhook's proto knows and the CRD refuses. */
  readonly protoOnly?: readonly V[]
}
export interface BooleanSchema extends Common {
  readonly kind: 'boolean'
}
export interface IntegerSchema extends Common {
  readonly kind: 'integer'
  readonly format: 'int32' | 'uint32' | 'int64' | 'uint64'
  readonly minimum?: number
  readonly maximum?: number
}
export interface NumberSchema extends Common {
  readonly kind: 'number'
  readonly minimum?: number
  readonly maximum?: number
}
export interface ListSchema<I extends Schema = Schema> extends Common {
  readonly kind: 'list'
  readonly items: I
  readonly minItems?: number
  readonly maxItems?: number
  /** The field by which elements must differ (x-kubernetes-list-map-keys). */
  readonly mapKey?: string
}
export interface MapSchema<V extends Schema = Schema> extends Common {
  readonly kind: 'map'
  readonly values: V
  readonly minProperties?: number
  readonly maxProperties?: number
  /** Keys the webhook decodes as unsigned 32-bit numbers. */
  readonly numericKeys?: boolean
}
export type Fields = Readonly<Record<string, Schema>>
export interface ObjectSchema<F extends Fields = Fields> extends Common {
  readonly kind: 'object'
  readonly fields: F
  readonly required?: readonly (keyof F & string)[]
  /** Groups of fields of which at most one may be there. */
  readonly oneOf?: readonly (readonly (keyof F & string)[])[]
  /** The fields as the CRD spells them, second spellings included. */
  readonly declared: ReadonlyMap<string, Schema>
  /** Names of the fields, for advice on misspelt ones. */
  readonly names: readonly string[]
  /** Second spellings that the CRD declares too: `{ mirror_percent: 'mirrorPercent' }`. */
  readonly alsoSpelled?: Readonly<Record<string, keyof F & string>>
}
/** Any object at all; nothing below it is looked at. */
export interface FreeSchema extends Common {
  readonly kind: 'free'
}
export type Schema =
  | StringSchema
  | EnumSchema
  | BooleanSchema
  | IntegerSchema
  | NumberSchema
  | ListSchema
  | MapSchema
  | ObjectSchema
  | FreeSchema

/** What the webhook's rules see of a value: every field may be missing, empty lists and maps are missing. */
export type Decoded<S> =
  S extends EnumSchema<infer V>
    ? V
    : S extends StringSchema
      ? string
      : S extends BooleanSchema
        ? boolean
        : S extends IntegerSchema | NumberSchema
          ? number
          : S extends ListSchema<infer I>
            ? readonly Decoded<I>[]
            : S extends MapSchema<infer V>
              ? Readonly<Record<string, Decoded<V>>>
              : S extends ObjectSchema<infer F>
                ? { readonly [K in keyof F]?: Decoded<F[K]> | undefined }
                : S extends FreeSchema
                  ? Readonly<Record<string, unknown>>
                  : never

type Options<S> = Omit<S, 'kind' | 'fields' | 'items' | 'values' | 'format' | 'as'>

export const text = (options: Options<StringSchema> = {}): StringSchema => ({ kind: 'string', ...options })
export const bytes = (): StringSchema => ({ kind: 'string', as: 'bytes' })
export const enumOf = <const V extends string>(values: readonly V[], protoOnly?: readonly V[]): EnumSchema<V> =>
  protoOnly === undefined ? { kind: 'enum', values } : { kind: 'enum', values, protoOnly }
export const bool = (options: Options<BooleanSchema> = {}): BooleanSchema => ({ kind: 'boolean', ...options })
export const i32 = (options: Options<IntegerSchema> = {}): IntegerSchema => ({
  kind: 'integer',
  format: 'int32',
  ...options,
})
export const u32 = (options: Options<IntegerSchema> = {}): IntegerSchema => ({
  kind: 'integer',
  format: 'uint32',
  minimum: 0,
  maximum: 4294967295,
  ...options,
})
export const u64 = (options: Options<IntegerSchema> = {}): IntegerSchema => ({
  kind: 'integer',
  format: 'uint64',
  minimum: 0,
  ...options,
})
export const double = (options: Options<NumberSchema> = {}): NumberSchema => ({ kind: 'number', ...options })
export const list = <I extends Schema>(items: I, options: Options<ListSchema<I>> = {}): ListSchema<I> => ({
  kind: 'list',
  items,
  ...options,
})
export const map = <V extends Schema>(values: V, options: Options<MapSchema<V>> = {}): MapSchema<V> => ({
  kind: 'map',
  values,
  ...options,
})
export const object = <const F extends Fields>(
  fields: F,
  options: Omit<Options<ObjectSchema<F>>, 'declared' | 'names'> = {},
): ObjectSchema<F> => ({
  kind: 'object',
  fields,
  declared: declaredFields(fields, options.alsoSpelled ?? {}),
  names: Object.keys(fields),
  ...options,
})
export const free = (options: Options<FreeSchema> = {}): FreeSchema => ({ kind: 'free', ...options })

function declaredFields(fields: Fields, alsoSpelled: Readonly<Record<string, string>>): ReadonlyMap<string, Schema> {
  const declared = new Map(Object.entries(fields))
  for (const [spelling, name] of Object.entries(alsoSpelled)) {
    const schema = fields[name]
    if (schema !== undefined) declared.set(spelling, schema)
  }
  return declared
}

/** One kind of object; `Spec` is what its rules get to see. */
export interface KindSchema<Spec = never> {
  readonly group: string
  readonly kind: string
  readonly plural: string
  readonly shortNames: readonly string[]
  /** Served versions, the stored one first. */
  readonly versions: readonly string[]
  readonly specRequired: boolean
  readonly spec: Schema
  /** Never set: it only ties the type of the rules' argument to the schema. */
  readonly decodedType?: (spec: Spec) => void
}
