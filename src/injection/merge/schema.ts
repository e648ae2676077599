/** What a strategic merge must know of a Go type: the struct or list behind a JSON name and how it is merged. */
import type { ModelField, PatchRule } from '../model/define.ts'
import type { GoType, StructField, StructType } from '../template/types.ts'

export interface MergeField {
  /** Schema of the struct, or of the list's elements if these are structs. */
  readonly schema: Schema | undefined
  readonly rule: PatchRule
}

export type Schema = ReadonlyMap<string, MergeField>

const REPLACE: PatchRule = { merge: false, retainKeys: false }
const compiled = new WeakMap<StructType, Schema>()

/** The fields of a struct, those of embedded structs included, by JSON name. */
export function schemaOf(type: StructType): Schema {
  const known = compiled.get(type)
  if (known !== undefined) return known
  const schema = new Map(type.fields.flatMap(entriesOf))
  compiled.set(type, schema)
  return schema
}

function entriesOf(field: StructField & Pick<ModelField, 'patch'>): (readonly [string, MergeField])[] {
  if (field.json === '' && field.type.kind === 'struct') return [...schemaOf(field.type)]
  const struct = structBehind(field.type)
  const schema = struct === undefined ? undefined : schemaOf(struct)
  return [[field.json, { schema, rule: field.patch ?? REPLACE }]]
}

function structBehind(type: GoType): StructType | undefined {
  if (type.kind === 'pointer' || type.kind === 'slice') return structBehind(type.elem)
  return type.kind === 'struct' ? type : undefined
}
