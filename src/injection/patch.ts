/** The difference of two JSON documents as RFC 6902 operations. */
import { isJsonObject, type JsonObject } from './model/members.ts'

/** What our patches consist of; JSON patches know more. */
export type Operation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/**
 * Operations that turn `before` into `after`; none where they are equal. Elements with a name that came or went are
 * added and removed one by one, so that the others keep what neither side knows of; a list whose order changed is
 * replaced. Members that are undefined count as absent. Time and size are linear in both documents.
 */
export function createPatch(before: unknown, after: unknown): Operation[] {
  const operations: Operation[] = []
  compare(before, after, { path: '', operations })
  return operations
}

interface Place {
  /** JSON pointer of what is compared. */
  readonly path: string
  readonly operations: Operation[]
}

function compare(before: unknown, after: unknown, place: Place): void {
  if (before === after) return
  if (isJsonObject(before) && isJsonObject(after)) compareObjects(before, after, place)
  else if (Array.isArray(before) && Array.isArray(after)) compareLists(before, after, place)
  else place.operations.push({ op: 'replace', path: place.path, value: after })
}

const holds = (object: JsonObject, name: string): boolean => Object.hasOwn(object, name) && object[name] !== undefined

const pointer = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

function compareObjects(before: JsonObject, after: JsonObject, { path, operations }: Place): void {
  for (const name of Object.keys(before)) {
    if (before[name] === after[name] || !holds(before, name)) continue
    const at = path + pointer(name)
    if (holds(after, name)) compare(before[name], after[name], { path: at, operations })
    else operations.push({ op: 'remove', path: at })
  }
  for (const name of Object.keys(after)) {
    if (holds(after, name) && !holds(before, name)) {
      operations.push({ op: 'add', path: path + pointer(name), value: after[name] })
    }
  }
}

type List = readonly unknown[]

/** Each insertion and removal moves the rest of the list where the patch is applied: beyond that many we replace it. */
const MAX_MOVES = 32

function compareLists(before: List, after: List, place: Place): void {
  const moves = findMoves(before, after)
  if (moves === undefined) {
    if (!isEqual(before, after)) place.operations.push({ op: 'replace', path: place.path, value: after })
    return
  }
  for (const index of moves.removed.reverse()) {
    place.operations.push({ op: 'remove', path: `${place.path}/${index}` })
  }
  for (const index of moves.added) {
    place.operations.push({ op: 'add', path: `${place.path}/${index}`, value: after[index] })
  }
  for (const [from, to] of moves.kept) {
    if (before[from] !== after[to]) compare(before[from], after[to], { ...place, path: `${place.path}/${to}` })
  }
}

interface Moves {
  /** Indexes in `before`, ascending. */
  readonly removed: number[]
  /** Indexes in `after`, ascending. */
  readonly added: number[]
  /** Index in `before` and in `after` of each element that stays. */
  readonly kept: [number, number][]
}

/** Undefined where elements cannot be told apart, changed their order, or too many came and went. */
function findMoves(before: List, after: List): Moves | undefined {
  const [old, now] = [placesOf(before), placesOf(after)]
  if (old === undefined || now === undefined) return undefined
  const moves: Moves = { removed: [], added: [], kept: [] }
  for (const [name, index] of old) if (!now.has(name)) moves.removed.push(index)
  let last = -1
  for (const [name, index] of now) {
    const from = old.get(name)
    if (from === undefined) moves.added.push(index)
    else if (from < last) return undefined
    else moves.kept.push([(last = from), index])
  }
  return moves.removed.length + moves.added.length > MAX_MOVES ? undefined : moves
}

/** The index of every element by its name; undefined where one has none or two share one. */
function placesOf(list: List): Map<string, number> | undefined {
  const places = new Map<string, number>()
  for (const [index, element] of list.entries()) {
    const name = nameOf(element)
    if (name === undefined || places.has(name)) return undefined
    places.set(name, index)
  }
  return places
}

/** What tells list elements of a pod apart; a volume may be mounted at several paths. */
function nameOf(element: unknown): string | undefined {
  if (!isJsonObject(element) || typeof element.name !== 'string') return undefined
  const { name, mountPath, devicePath, containerPort } = element
  const place = mountPath ?? devicePath ?? containerPort
  return place === undefined ? name : JSON.stringify([name, place])
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => isEqual(one, b[i]))
  if (!isJsonObject(a) || !isJsonObject(b)) return false
  const names = Object.keys(a).filter((name) => holds(a, name))
  const count = Object.keys(b).filter((name) => holds(b, name)).length
  return names.length === count && names.every((name) => holds(b, name) && isEqual(a[name], b[name]))
}
