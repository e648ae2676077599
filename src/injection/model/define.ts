/** Reads the tables in which this folder writes down Go types: one line a field, as in a Go source file. */
import type { GoType, MapType, Method, ScalarKind, ScalarType, StructField, StructType } from '../template/types.ts'
import { BOOL, mapOf, pointerTo, sliceOf, STRING } from '../template/types.ts'
import { structText } from './struct-text.ts'

/** How a strategic merge treats a list or map. */
export interface PatchRule {
  /** Elements are merged one by one instead of replacing the list. */
  readonly merge: boolean
  /** The `$retainKeys` directive may be used. */
  readonly retainKeys: boolean
  /** JSON name by which list elements are matched; absent for lists of scalars. */
  readonly key?: string
}

/** A field of a Kubernetes type: what Go's struct tags say beyond its JSON name. */
export interface ModelField extends StructField {
  readonly patch?: PatchRule
  /** Go's `omitzero`: left out of JSON when it is the zero struct. */
  readonly omitZero?: boolean
}

export type TypeTable = ReadonlyMap<string, GoType>

/**
 * Types of a table, under their plain names, after those of `known`. Form of the text:
 *
 *     TypeName
 *       GoName  jsonName?  type  merge=key
 *
 * A `?` says `omitempty`, `??` also `omitzero`, a lone `-` stands for an inlined embedded struct. Types: `*T`, `[]T`,
 * `map[K]V`, `...T` (embedded), `string(Name)` (a defined type of package v1, unless it names another) and the plain
 * names of `known` and of the table's earlier types. Patch rules: `merge=key`, `merge`, `retainKeys`, `merge,retainKeys=key`.
 */
export function defineTypes(table: string, known: Iterable<readonly [string, GoType]> = []): TypeTable {
  const types = new Map<string, GoType>(known)
  let fields: StructField[] = []
  for (const line of table.split('\n')) {
    const words = line.trim().split(/\s+/)
    const [first = '', json = '', type = '', patch] = words
    if (first === '') continue
    if (words.length === 1) {
      fields = []
      types.set(first, structType(`v1.${first}`, fields))
    } else {
      fields.push(fieldOf(first, json, { type, patch, types }))
    }
  }
  return types
}

/** A struct with the methods that are generated for all of Kubernetes' types. */
function structType(name: string, fields: readonly StructField[]): StructType {
  const text = (self: unknown): string => structText(type, self)
  const type: StructType = { kind: 'struct', name, fields, toText: text, textOnPointer: true, nilText: 'nil' }
  const generated = { params: [], nilSafe: true, onPointer: true }
  return withMethods(type, {
    DeepCopy: { ...generated, result: pointerTo(type), call: (self) => self },
    String: {
      ...generated,
      result: STRING,
      call: (self) => (self === null || self === undefined ? 'nil' : text(self)),
    },
  })
}

/** The struct of that name. @throws RangeError when the table has none, a mistake in this folder */
export function structOf(types: TypeTable, name: string): StructType {
  const type = types.get(name)
  if (type?.kind !== 'struct') throw new RangeError(`no struct ${name} in the table`)
  return type
}

/** `type` with methods, for a table that already uses the bare struct: the same object, so that all uses see them. */
export const withMethods = <T extends StructType | MapType>(type: T, methods: Readonly<Record<string, Method>>): T =>
  Object.assign(type, { methods: { ...type.methods, ...methods } })

interface FieldColumns {
  readonly type: string
  readonly patch: string | undefined
  readonly types: TypeTable
}

function fieldOf(name: string, json: string, { type, patch, types }: FieldColumns): ModelField {
  const embedded = type.startsWith('...')
  const jsonName = json.replace(/\?+$/, '')
  return {
    name,
    json: jsonName === '-' ? '' : jsonName,
    type: parseType(embedded ? type.slice(3) : type, types),
    omitEmpty: json.endsWith('?'),
    ...(json.endsWith('??') && { omitZero: true }),
    ...(embedded && { embedded }),
    ...(patch !== undefined && { patch: parsePatch(patch) }),
  }
}

function parsePatch(text: string): PatchRule {
  const [strategies = '', key] = text.split('=')
  const names = strategies.split(',')
  return { merge: names.includes('merge'), retainKeys: names.includes('retainKeys'), ...(key !== undefined && { key }) }
}

function parseType(text: string, types: TypeTable): GoType {
  if (text.startsWith('*')) return pointerTo(parseType(text.slice(1), types))
  if (text.startsWith('[]')) return sliceOf(parseType(text.slice(2), types))
  const map = /^map\[(.+?)\](.+)$/.exec(text)
  if (map !== null) return mapOf(parseType(map[2] ?? '', types), scalarOf(map[1] ?? ''))
  return types.get(text) ?? scalarOf(text)
}

const NUMBERS: readonly ScalarKind[] = ['int32', 'int64']

function scalarOf(text: string): ScalarType {
  if (text === 'string') return STRING
  if (text === 'bool') return BOOL
  const defined = /^string\((.+)\)$/.exec(text)?.[1]
  if (defined !== undefined) return { kind: 'string', name: defined.includes('.') ? defined : `v1.${defined}` }
  const kind = NUMBERS.find((one) => one === text)
  if (kind === undefined) throw new RangeError(`no type ${text} in the table`)
  return { kind }
}
