/** Merging two lists by a key, and the order of the result. */
import type { JsonObject } from '../model/members.ts'
import { goText, MAP_TYPE, MergeError, noMergeKey, wrongType } from './merge-error.ts'

export interface ListMerge {
  /** JSON name elements are matched by; absent for lists of scalars, which become a union. */
  readonly key: string | undefined
  readonly mergeElements: (original: JsonObject, patch: JsonObject) => JsonObject
  /** What is taken for an element of the patch that the original does not have; undefined where that is the element itself. */
  readonly takenFor?: ((element: object) => object | undefined) | undefined
}

type List = readonly unknown[]

/** `patch` merged into `original` element by element. @throws MergeError with Kubernetes' text */
export function mergeLists(original: List, patch: List, merge: ListMerge): List {
  if (original.length === 0 && patch.length === 0) return original
  const kind = elementKind(original, patch)
  if (kind !== 'object') return mergeScalars(original, patch, merge.key)
  const { key } = merge
  if (key === undefined) throw new MergeError(NO_KEY)
  const prepared = applyDirectives(original as readonly JsonObject[], patch as readonly JsonObject[], key)
  return mergeKeyed(prepared, { ...merge, key })
}

/**
 * Two lists without common elements as one, each in its own order: the head of `rest` comes first where both heads
 * stand in `order` and it stands further in front, else the head of `named`.
 */
export function interleave(rest: List, named: List, { order, key }: { order: List; key: string | undefined }): List {
  const places = placesOf(order, key)
  const placeOf = (element: unknown): number | undefined => places.get(valueOf(element, key))
  const result: unknown[] = []
  let next = 0
  for (const element of named) {
    const place = placeOf(element)
    while (next < rest.length && place !== undefined && (placeOf(rest[next]) ?? Infinity) < place) {
      result.push(rest[next++])
    }
    result.push(element)
  }
  return [...result, ...rest.slice(next)]
}

/** `list` in the order of `order`; elements with the same key come together, where the first of them stands. */
export function sortedByPlace<T>(list: readonly T[], { order, key }: { order: List; key: string | undefined }): T[] {
  const places = placesOf(order, key)
  const placeOf = (element: T): number => places.get(valueOf(element, key)) ?? -1
  return [...list].sort((a, b) => placeOf(a) - placeOf(b))
}

/** `list` without the scalars of `unwanted`. @throws MergeError for lists of anything but scalars */
export function withoutScalars(list: List, unwanted: List): List {
  if (list.length === 0 && unwanted.length === 0) return list
  if (elementKind(list, unwanted) === 'object') throw new MergeError(NO_KEY)
  const gone = new Set(unwanted)
  return list.filter((one) => !gone.has(one))
}

const NO_KEY = 'cannot merge lists without merge key for struct'

/** What elements are matched by: their key, or a scalar itself. */
function valueOf(element: unknown, key: string | undefined): unknown {
  return key === undefined ? element : (element as JsonObject)[key]
}

/** The first place of each value. */
function placesOf(list: List, key: string | undefined): Map<unknown, number> {
  const places = new Map<unknown, number>()
  for (const [i, element] of list.entries()) {
    const value = valueOf(element, key)
    if (!places.has(value)) places.set(value, i)
  }
  return places
}

function elementKind(...lists: readonly List[]): string {
  const [first, ...others] = lists.flat()
  if (Array.isArray(first)) throw new MergeError('lists of lists are not supported')
  const kindOf = (value: unknown): string => (value === null || Array.isArray(value) ? 'other' : typeof value)
  const kind = kindOf(first)
  if (kind !== 'other' && others.every((one) => kindOf(one) === kind)) return kind
  throw new MergeError(`list element types are not identical: ${goText(lists)}`)
}

function mergeScalars(original: List, patch: List, key: string | undefined): List {
  if (key !== undefined) throw wrongType(MAP_TYPE, original[0] ?? patch[0])
  const inPatch = new Set(patch)
  const rest = [...new Set(original)].filter((one) => !inPatch.has(one))
  return interleave(rest, [...inPatch], { order: original, key })
}

interface PreparedLists {
  readonly original: readonly JsonObject[]
  readonly patch: readonly JsonObject[]
}

/** Takes elements that are directives out of the patch: `delete` removes what matches, `replace` all of the original. */
function applyDirectives(original: readonly JsonObject[], patch: readonly JsonObject[], key: string): PreparedLists {
  const deleted = new Set<unknown>()
  let replaces = false
  const elements: JsonObject[] = []
  for (const element of patch) {
    const directive = Object.hasOwn(element, '$patch') ? element.$patch : undefined
    if (directive === undefined) elements.push(element)
    else if (directive === 'replace') replaces = true
    else if (directive === 'delete') deleted.add(mergeKeyOf(element, key))
    else if (directive === 'merge') throw new MergeError('merging lists cannot yet be specified in the patch')
    else throw new MergeError(`unknown patch type: ${goText(directive)} in map: ${goText(element)}`)
  }
  if (replaces) return { original: elements, patch: [] }
  return { original: deleted.size === 0 ? original : original.filter((one) => !deleted.has(one[key])), patch: elements }
}

function mergeKeyOf(element: JsonObject, key: string): unknown {
  if (!Object.hasOwn(element, key)) throw noMergeKey(element, key)
  return element[key]
}

function mergeKeyed({ original, patch }: PreparedLists, merge: ListMerge & { key: string }): List {
  const { key, mergeElements } = merge
  const taken = (element: JsonObject): JsonObject => (merge.takenFor?.(element) as JsonObject | undefined) ?? element
  if (areApart(original, patch, key)) return [...patch.map(taken), ...original]
  const merged: JsonObject[] = [...original]
  const places = placesOf(original, key)
  for (const element of patch) {
    const value = mergeKeyOf(element, key)
    const place = places.get(value)
    const known = place === undefined ? undefined : merged[place]
    if (place !== undefined && known !== undefined) merged[place] = mergeElements(known, element)
    else places.set(value, merged.push(taken(element)) - 1)
  }
  return ordered(merged, { original, patch, key })
}

/** Whether every element has a key of its own, as most have: then there is nothing to merge or to sort. */
function areApart(original: readonly JsonObject[], patch: readonly JsonObject[], key: string): boolean {
  const values = new Set<unknown>()
  for (const list of [original, patch]) {
    for (const element of list) {
      if (!Object.hasOwn(element, key)) return false
      values.add(element[key])
    }
  }
  return values.size === original.length + patch.length
}

/** Elements of the patch in its order, among the others in theirs. Every element needs its key, merged or not. */
function ordered(merged: readonly JsonObject[], { original, patch, key }: PreparedLists & { key: string }): List {
  const inPatch = placesOf(patch, key)
  const isNamed = (element: JsonObject): boolean => inPatch.has(mergeKeyOf(element, key))
  return interleave(
    sortedByPlace(
      merged.filter((one) => !isNamed(one)),
      { order: original, key },
    ),
    sortedByPlace(merged.filter(isNamed), { order: patch, key }),
    { order: original, key },
  )
}
