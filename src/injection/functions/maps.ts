/** Sprig's functions on untyped maps. `set`, `unset` and `merge` change the map they are given. */
import { FunctionError } from '../template/errors.ts'
import { any, fn, map, mutating, tableOf, text, variadic, type FunctionTable } from '../template/function-table.ts'
import { checkDepth } from '../template/limits.ts'
import { typeName } from '../template/type-names.ts'
import {
  elementsOf,
  getKey,
  isPlainMap,
  isTrue,
  newMap,
  setKey,
  stringList,
  TypedValue,
  typeOf,
  type PlainMap,
} from '../template/value.ts'
import { textOf } from './convert.ts'

const merge = mutating(variadic([map], map, (into, ...sources) => mergeAll(into, sources, false)))
const mergeOverwrite = mutating(variadic([map], map, (into, ...sources) => mergeAll(into, sources, true)))
const deepCopy = fn([any], (value) => {
  if (value === null) throw new FunctionError('reflect: call of reflect.Value.Type on zero Value')
  return copyValue(value, 0)
})

export const MAP_FUNCTIONS: FunctionTable = tableOf({
  dict: variadic([], any, dict),
  get: fn([map, text], (from, key) => (has(from, key) ? (getKey(from ?? newMap(), key) ?? null) : '')),
  set: mutating(fn([map, text, any], set)),
  unset: mutating(
    fn([map, text], (from, key) => {
      if (from !== null) delete from[key]
      return from ?? emptyMap()
    }),
  ),
  hasKey: fn([map, text], has),
  keys: variadic([], map, (...maps) => stringList(maps.flatMap((one) => Object.keys(one ?? {})))),
  values: fn([map], (from) => Object.values(from ?? {})),
  pluck: variadic([text], map, (key, ...maps) => maps.filter((one) => has(one, key)).map((one) => one?.[key])),
  pick: variadic([map], text, pick),
  dig: variadic([], any, dig),
  merge,
  mustMerge: merge,
  mergeOverwrite,
  mustMergeOverwrite: mergeOverwrite,
  deepCopy,
  mustDeepCopy: deepCopy,
})

function has(from: PlainMap | null, key: string): boolean {
  return from !== null && Object.hasOwn(from, key)
}

function emptyMap(): PlainMap {
  return newMap()
}

function dict(...pairs: readonly unknown[]): PlainMap {
  const made = newMap()
  for (let i = 0; i < pairs.length; i += 2) setKey(made, textOf(pairs[i]), i + 1 < pairs.length ? pairs[i + 1] : '')
  return made
}

function set(into: PlainMap | null, key: string, value: unknown): PlainMap {
  if (into === null) throw new FunctionError('assignment to entry in nil map')
  setKey(into, key, value)
  return into
}

function pick(from: PlainMap | null, ...keys: readonly string[]): PlainMap {
  const picked = newMap()
  for (const key of keys) if (from !== null && Object.hasOwn(from, key)) setKey(picked, key, from[key])
  return picked
}

function dig(...given: readonly unknown[]): unknown {
  if (given.length < 3) throw new FunctionError('dig needs at least three arguments')
  const fallback = given.at(-2)
  let at: unknown = given.at(-1)
  for (const [i, key] of given.slice(0, -2).entries()) {
    if (!isPlainMap(at))
      throw new FunctionError(`interface conversion: interface {} is ${nameOf(at)}, not map[string]interface {}`)
    if (typeof key !== 'string')
      throw new FunctionError(`interface conversion: interface {} is ${nameOf(key)}, not string`)
    if (!Object.hasOwn(at, key)) return fallback
    at = at[key]
    if (i === given.length - 3) return at
  }
  return fallback
}

const nameOf = (value: unknown): string => {
  const type = typeOf(value)
  return type === undefined ? 'nil' : typeName(type)
}

function mergeAll(into: PlainMap | null, sources: readonly (PlainMap | null)[], overwrite: boolean): unknown {
  let target = into
  for (const source of sources) {
    if (source === null) continue
    target ??= newMap()
    mergeMap({ into: target, from: source, overwrite }, 0)
  }
  return target ?? emptyMap()
}

interface Merge {
  readonly into: PlainMap
  readonly from: PlainMap
  readonly overwrite: boolean
}

/** istiod: values of `into` that are empty count as missing; maps on both sides are merged, others of `from` shared. */
function mergeMap({ into, from, overwrite }: Merge, depth: number): void {
  checkDepth(depth)
  for (const key of Object.keys(from)) {
    const value = from[key]
    const old = getKey(into, key)
    if (value === null || value === undefined) {
      if (overwrite) setKey(into, key, null)
      continue
    }
    const maps = mapsOf(old, value)
    if (maps !== undefined && old !== value) mergeMap({ into: maps.old, from: maps.value, overwrite }, depth + 1)
    const isKept = isTrue(old) && (maps !== undefined || !overwrite)
    if (!isKept) setKey(into, key, value)
  }
}

/** Both sides, when both are maps. */
function mapsOf(old: unknown, value: unknown): { old: PlainMap; value: PlainMap } | undefined {
  const first = mapOf(old)
  const second = mapOf(value)
  return first === undefined || second === undefined ? undefined : { old: first, value: second }
}

function mapOf(value: unknown): PlainMap | undefined {
  if (isPlainMap(value)) return value
  if (!(value instanceof TypedValue) || value.type.kind !== 'map' || value.value === null) return undefined
  return value.value as PlainMap
}

/** Lists and maps anew, scalars and typed values as they are. */
function copyValue(value: unknown, depth: number): unknown {
  checkDepth(depth)
  if (value instanceof TypedValue) {
    const inner =
      value.type.kind === 'slice' || value.type.kind === 'map' ? copyValue(value.value, depth + 1) : value.value
    return new TypedValue(value.type, inner)
  }
  if (Array.isArray(value)) return (elementsOf(value) ?? []).map((item) => copyValue(item, depth + 1))
  if (!isPlainMap(value)) return value
  const copy = newMap()
  for (const key of Object.keys(value)) setKey(copy, key, copyValue(value[key], depth + 1))
  return copy
}
