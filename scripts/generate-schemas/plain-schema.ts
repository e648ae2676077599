/**
 * JSON Schema (draft-07) of the specs that need no second look: what is valid under it goes through pruning, the
 * structural check and decoding untouched.
 */
import type { ListSchema, MapSchema, ObjectSchema, Schema, StringSchema } from '../../src/validation/schema/dsl.ts'

type Json = Readonly<Record<string, unknown>>

export interface PlainSchemas {
  /** Blocks that stand in several places, under the names by which the others refer to them. */
  readonly definitions: ReadonlyMap<string, Json>
  /** One schema a kind, in the order given. */
  readonly kinds: ReadonlyMap<string, Json>
}

/** Smaller blocks cost less where they stand than as a call. */
const MIN_SHARED_NODES = 5

/**
 * Stricter than the CRDs on purpose: no undeclared field and no null (nothing to prune), no structural error, no empty
 * list or map, no second spelling and no text that does not decode.
 */
export function plainSchemas(specs: ReadonlyMap<string, Schema>): PlainSchemas {
  const isShared = sharedAmong([...specs.values()])
  const names = new Map<Schema, string>()
  const definitions = new Map<string, Json>()
  const of = (schema: Schema, path: string): Json => {
    if (!isShared(schema)) return plainSchema(schema, path, of)
    const name = names.get(schema) ?? `shared.${path}`
    if (!names.has(schema)) {
      names.set(schema, name)
      definitions.set(name, plainSchema(schema, path, of))
    }
    return { $ref: name }
  }
  const kinds = new Map([...specs].map(([kind, spec]) => [kind, of(spec, kind)]))
  return { definitions, kinds }
}

/** Objects of some size that stand in more than one place. */
function sharedAmong(specs: readonly Schema[]): (schema: Schema) => boolean {
  const uses = new Map<Schema, number>()
  const count = (schema: Schema): void => {
    const known = uses.get(schema) ?? 0
    uses.set(schema, known + 1)
    if (known === 0) childrenOf(schema).forEach(count)
  }
  specs.forEach(count)
  return (schema) => schema.kind === 'object' && (uses.get(schema) ?? 0) > 1 && nodesIn(schema) >= MIN_SHARED_NODES
}

function childrenOf(schema: Schema): readonly Schema[] {
  if (schema.kind === 'object') return Object.values(schema.fields)
  if (schema.kind === 'list') return [schema.items]
  return schema.kind === 'map' ? [schema.values] : []
}

const nodesIn = (schema: Schema): number => childrenOf(schema).reduce((sum, child) => sum + nodesIn(child), 1)

type ChildSchema = (schema: Schema, path: string) => Json

function plainSchema(schema: Schema, path: string, of: ChildSchema): Json {
  switch (schema.kind) {
    case 'string':
      return plainText(schema)
    case 'enum':
      return { type: 'string', enum: schema.values }
    case 'boolean':
      return { type: 'boolean' }
    case 'integer':
      return { type: 'integer', ...integerBounds(schema) }
    case 'number':
      return { type: 'number', ...given({ minimum: schema.minimum, maximum: schema.maximum }) }
    case 'list':
      return plainList(schema, path, of)
    case 'map':
      return plainMap(schema, path, of)
    case 'object':
      return plainObject(schema, path, of)
    case 'free':
      return { type: 'object' }
  }
}

const FORMATS = { duration: 'go-duration', bytes: 'base64' } as const

const plainText = ({ minLength, maxLength, pattern, as }: StringSchema): Json => ({
  type: 'string',
  ...given({ minLength, maxLength, pattern: pattern?.source, format: as && FORMATS[as] }),
})

/** Beyond 2^53 the CRD's and the webhook's ideas of an integer part ways. */
function integerBounds({ minimum, maximum, format }: Extract<Schema, { kind: 'integer' }>): Json {
  const [least, most] =
    format === 'int32' ? [-(2 ** 31), 2 ** 31 - 1] : [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
  return { minimum: Math.max(minimum ?? least, least), maximum: Math.min(maximum ?? most, most) }
}

const plainList = ({ items, minItems = 0, maxItems, mapKey }: ListSchema, path: string, of: ChildSchema): Json => ({
  type: 'array',
  items: of(items, path),
  minItems: Math.max(1, minItems),
  ...given({ maxItems, distinctBy: mapKey }),
})

const SMALL_NUMBER = '^(0|[1-9][0-9]{0,8})$'

function plainMap(schema: MapSchema, path: string, of: ChildSchema): Json {
  const { minProperties = 0, maxProperties, numericKeys } = schema
  const values = of(schema.values, path)
  return {
    type: 'object',
    ...(numericKeys === true
      ? { patternProperties: { [SMALL_NUMBER]: values }, additionalProperties: false }
      : { additionalProperties: values }),
    minProperties: Math.max(1, minProperties),
    ...given({ maxProperties }),
  }
}

function plainObject({ fields, required = [], oneOf = [] }: ObjectSchema, path: string, of: ChildSchema): Json {
  const properties = Object.fromEntries(
    Object.entries(fields).map(([name, child]) => [name, of(child, `${path}.${name}`)]),
  )
  const atMostOneOf = oneOf.filter((group) => group.length > 1)
  return {
    type: 'object',
    properties,
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    ...(atMostOneOf.length > 0 && { atMostOneOf }),
  }
}

/** Without the members that are undefined. */
const given = (members: Json): Json =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
