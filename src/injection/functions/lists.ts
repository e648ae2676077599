/** Sprig's functions on lists. Except `sortAlpha` they leave their arguments alone. */
import { deepEqual } from '../template/comparison.ts'
import { FunctionError } from '../template/errors.ts'
import {
  any,
  fn,
  integer,
  mutating,
  tableOf,
  variadic,
  type FunctionTable,
  type TemplateFunction,
} from '../template/function-table.ts'
import { compareText } from '../template/go/byte-text.ts'
import { checkListLength } from '../template/limits.ts'
import { isInteger, kindName, typeName } from '../template/type-names.ts'
import { sliceOf } from '../template/types.ts'
import {
  ANY_LIST,
  elementsOf,
  isTrue,
  NIL_LIST,
  rawOf,
  stringList,
  TypedValue,
  typeOf,
  wrap,
} from '../template/value.ts'
import { textOf, toInt64 } from './convert.ts'
import { textsOf } from './strings.ts'

/** The functions that exist with `must`, too, which here fail in the same way. */
const BOTH: Readonly<Record<string, TemplateFunction>> = {
  append: fn([any, any], (list, item) => grown([...listOf(list, 'push on'), item])),
  push: fn([any, any], (list, item) => grown([...listOf(list, 'push on'), item])),
  prepend: fn([any, any], (list, item) => grown([item, ...listOf(list, 'prepend on')])),
  first: fn([any], (list) => listOf(list, 'find first on').at(0) ?? null),
  last: fn([any], (list) => listOf(list, 'find last on').at(-1) ?? null),
  rest: fn([any], (list) => nilIfEmpty(listOf(list, 'find rest on'), (items) => items.slice(1))),
  initial: fn([any], (list) => nilIfEmpty(listOf(list, 'find initial on'), (items) => items.slice(0, -1))),
  reverse: fn([any], (list) => [...listOf(list, 'find reverse on')].reverse()),
  compact: fn([any], (list) => listOf(list, 'compact on').filter(isTrue)),
  uniq: fn([any], (list) => unique(listOf(list, 'find uniq on'))),
  without: variadic([any], any, (list, ...omitted) =>
    listOf(list, 'find without on').filter((item) => !omitted.some((other) => deepEqual(item, other))),
  ),
  has: fn(
    [any, any],
    (needle, list) => list !== null && listOf(list, 'find has on').some((item) => deepEqual(needle, item)),
  ),
  slice: variadic([any], any, sliceList),
  chunk: fn([integer, any], chunk),
}

const MUST: Readonly<Record<string, TemplateFunction>> = Object.fromEntries(
  Object.entries(BOTH).map(([name, declared]) => [`must${name.charAt(0).toUpperCase()}${name.slice(1)}`, declared]),
)

export const LIST_FUNCTIONS: FunctionTable = tableOf({
  ...BOTH,
  ...MUST,
  list: variadic([], any, (...items) => items),
  tuple: variadic([], any, (...items) => items),
  concat: variadic([], any, concat),
  sortAlpha: mutating(fn([any], sortAlpha)),
})

/** Elements of a list, or the error of a function that wants one. */
function listOf(list: unknown, action: string): readonly unknown[] {
  const elements = elementsOf(list)
  if (elements !== undefined) return elements
  const type = typeOf(list)
  if (type === undefined) throw new FunctionError('runtime error: invalid memory address or nil pointer dereference')
  throw new FunctionError(`Cannot ${action} type ${kindName(type)}`)
}

function grown(items: unknown[]): unknown[] {
  checkListLength(items.length)
  return items
}

const nilIfEmpty = (items: readonly unknown[], take: (items: readonly unknown[]) => readonly unknown[]): unknown =>
  items.length === 0 ? NIL_LIST : take(items)

function unique(items: readonly unknown[]): unknown[] {
  const seen = new Set<unknown>()
  const others: unknown[] = []
  return items.filter((item) => {
    const key = scalarKey(item)
    if (key !== undefined) return !seen.has(key) && seen.add(key) !== undefined
    if (others.some((other) => deepEqual(item, other))) return false
    others.push(item)
    return true
  })
}

/** Equal for scalars that are deeply equal; undefined for lists, maps and structs. NaN equals nothing. */
function scalarKey(item: unknown): unknown {
  if (item === null || typeof item !== 'object') return Number.isNaN(item) ? undefined : item
  if (!(item instanceof TypedValue) || !isInteger(item.type)) return undefined
  // A tag, since a text could spell the same.
  return Symbol.for(`${typeName(item.type)} ${String(item.value)}`)
}

function sliceList(list: unknown, ...indexes: readonly unknown[]): unknown {
  const type = typeOf(list)
  const items = listOf(list, 'slice')
  if (items.length === 0 || type?.kind !== 'slice') return null
  const from = indexes.length > 0 ? Number(toInt64(indexes[0])) : 0
  const to = indexes.length > 1 ? Number(toInt64(indexes[1])) : items.length
  if (from < 0 || to > items.length || from > to)
    throw new FunctionError('reflect.Value.Slice: slice index out of bounds')
  return wrap(type, (rawOf(list) as readonly unknown[]).slice(from, to))
}

function chunk(size: number, list: unknown): unknown {
  const type = typeOf(list)
  const items = elementsOf(list)
  if (type === undefined) throw new FunctionError('runtime error: invalid memory address or nil pointer dereference')
  if (items === undefined) throw new FunctionError(`Cannot chunk type ${kindName(type)}`)
  const count = Math.floor((items.length - 1) / size) + 1
  if (!(count >= 0 && Number.isFinite(count))) throw new FunctionError('runtime error: makeslice: len out of range')
  const chunks: unknown[] = []
  for (let i = 0; i < count; i++) {
    // istiod: with a negative size a single element is a chunk of its own, and no element is an error
    if (size < 0 && items.length === 0) throw new FunctionError('runtime error: makeslice: len out of range')
    chunks.push(size < 0 ? items : items.slice(i * size, (i + 1) * size))
  }
  return new TypedValue(sliceOf(ANY_LIST), chunks)
}

function concat(...lists: readonly unknown[]): unknown {
  const all: unknown[] = []
  for (const list of lists) {
    const items = listOf(list, 'concat')
    checkListLength(all.length + items.length)
    for (const item of items) all.push(item)
  }
  return all.length === 0 ? NIL_LIST : all
}

/** istiod: a list of texts is sorted in place, so that the caller's list changes as well. */
function sortAlpha(list: unknown): unknown {
  if (elementsOf(list) === undefined) return stringList([textOf(list)])
  const texts = textsOf(list)
  if (texts !== rawOf(list)) return stringList([...texts].sort(compareText))
  ;(texts as string[]).sort(compareText) // the array of the value itself
  return list
}
