/** Strategic merge patches, as Kubernetes' apimachinery applies them (lists by merge key, `$patch` directives). */
import { isJsonObject, type JsonObject, memberOf, setMember } from '../model/members.ts'
import type { StructType } from '../template/types.ts'
import { goText, LIST_TYPE, MAP_TYPE, MergeError, wrongType } from './merge-error.ts'
import { interleave, mergeLists, sortedByPlace, withoutScalars } from './lists.ts'
import { type MergeField, type Schema, schemaOf } from './schema.ts'

/** What is taken for a part of the patch that nothing stands against; undefined where that is the part itself. */
export type TakenFor = (part: object) => object | undefined

/**
 * `patch` merged over `original`, an object of `type`. Neither is changed; parts no patch touches are shared, and an
 * empty patch gives `original` itself. Maps and lists the type does not know are replaced.
 * @throws MergeError with Kubernetes' text
 */
export function strategicMerge(type: StructType, original: unknown, patch: unknown, takenFor?: TakenFor): unknown {
  return mergeMaps(documentOf(original), documentOf(patch), { schema: schemaOf(type), takenFor })
}

interface MergeContext {
  readonly schema: Schema | undefined
  readonly takenFor: TakenFor | undefined
}

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_PREFIX = '$deleteFromPrimitiveList'
const ORDER_PREFIX = '$setElementOrder'

function documentOf(value: unknown): JsonObject {
  if (value === null || value === undefined) return {}
  if (!isJsonObject(value)) throw new MergeError('invalid JSON document')
  return value
}

function mergeMaps(original: JsonObject, patch: JsonObject, context: MergeContext): JsonObject {
  const directive = memberOf(patch, DIRECTIVE)
  if (directive !== undefined) return applyDirective(directive, patch)
  const { schema, takenFor } = context
  const draft = new Draft(original)
  const rest = new Set(Object.keys(patch))
  if (rest.delete(RETAIN_KEYS)) retainKeys(draft, patch, rest)
  for (const name of takeWithPrefix(rest, ORDER_PREFIX)) setElementOrder(name, { draft, patch, rest, context })
  for (const name of takeWithPrefix(rest, DELETE_PREFIX)) deleteScalars(name, draft, patch[name])
  for (const name of rest) mergeMember(name, { draft, value: patch[name], field: schema?.get(name), takenFor })
  return draft.result
}

/** Replaces or empties the whole map. */
function applyDirective(directive: unknown, patch: JsonObject): JsonObject {
  if (directive === 'delete') return {}
  if (directive !== 'replace') throw new MergeError(`unknown patch type: ${goText(directive)} in map: ${goText(patch)}`)
  const { [DIRECTIVE]: _, ...rest } = patch
  return rest
}

/** The original until the first change, then a copy of it. */
class Draft {
  result: JsonObject
  readonly #original: JsonObject

  constructor(original: JsonObject) {
    this.result = original
    this.#original = original
  }

  get(name: string): unknown {
    return memberOf(this.result, name)
  }

  set(name: string, value: unknown): void {
    if (this.get(name) !== value) setMember(this.#writable(), name, value)
  }

  remove(name: string): void {
    if (Object.hasOwn(this.result, name)) Reflect.deleteProperty(this.#writable(), name)
  }

  #writable(): JsonObject {
    if (this.result === this.#original) this.result = { ...this.#original }
    return this.result
  }
}

function takeWithPrefix(names: Set<string>, prefix: string): string[] {
  const found: string[] = []
  for (const name of names) if (name.startsWith(prefix)) found.push(name)
  for (const name of found) names.delete(name)
  return found
}

function listNameOf(name: string, prefix: string): string {
  if (name.startsWith(`${prefix}/`)) return name.slice(prefix.length + 1)
  throw new MergeError(`invalid patch format of ${prefix === DELETE_PREFIX ? 'primitive' : 'setElementOrder'} list`)
}

/** Only the listed keys survive; the patch itself may set no other. */
function retainKeys(draft: Draft, patch: JsonObject, names: ReadonlySet<string>): void {
  const listed = patch[RETAIN_KEYS]
  const retained = new Set<unknown>(Array.isArray(listed) ? listed : [])
  const isAllowed = (name: string): boolean =>
    patch[name] === null || name.startsWith(DELETE_PREFIX) || name.startsWith(ORDER_PREFIX) || retained.has(name)
  if (!Array.isArray(listed) || ![...names].every(isAllowed)) {
    throw new MergeError('invalid patch format of retainKeys')
  }
  for (const name of Object.keys(draft.result)) if (!retained.has(name)) draft.remove(name)
}

function deleteScalars(directive: string, draft: Draft, unwanted: unknown): void {
  const name = listNameOf(directive, DELETE_PREFIX)
  const list = draft.get(name)
  if (unwanted === null) draft.remove(name)
  if (!Array.isArray(list) || !Array.isArray(unwanted)) return
  draft.set(name, withoutScalars(list, unwanted))
}

interface MemberPatch {
  readonly draft: Draft
  readonly value: unknown
  readonly field: MergeField | undefined
  readonly takenFor: TakenFor | undefined
}

function mergeMember(name: string, { draft, value, field, takenFor }: MemberPatch): void {
  const original = draft.get(name)
  if (value === null) draft.remove(name)
  else if (field !== undefined && isJsonObject(original) && isJsonObject(value)) {
    draft.set(name, mergeMaps(original, value, { schema: field.schema, takenFor }))
  } else if (field !== undefined && Array.isArray(original) && Array.isArray(value)) {
    draft.set(name, mergeList(original, value, { ...field, takenFor }))
  } else {
    const known = typeof value === 'object' && value !== null ? takenFor?.(value) : undefined
    const taken = known ?? withoutDirectives(value)
    if (taken === undefined) draft.remove(name)
    else draft.set(name, taken)
  }
}

type FieldContext = MergeContext & MergeField

function mergeList(original: readonly unknown[], patch: readonly unknown[], field: FieldContext): readonly unknown[] {
  const { rule, takenFor } = field
  if (!rule.merge) return (takenFor?.(patch) as readonly unknown[] | undefined) ?? patch
  const merged = mergeLists(original, patch, { key: rule.key, mergeElements: mergeElements(field), takenFor })
  const isSame = merged.length === original.length && merged.every((one, i) => one === original[i])
  return isSame ? original : merged
}

const mergeElements =
  (context: MergeContext) =>
  (original: JsonObject, patch: JsonObject): JsonObject =>
    mergeMaps(original, patch, context)

/** A value nothing stands against: taken without its nulls, shared if it has none; undefined where it is nothing but a directive. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return elementsWithoutDirectives(value)
  if (!isJsonObject(value)) return value
  if ((memberOf(value, DIRECTIVE) ?? undefined) !== undefined) return undefined
  const draft = new Draft(value)
  for (const name of Object.keys(value)) {
    const member = value[name] === null ? undefined : withoutDirectives(value[name])
    if (member === undefined) draft.remove(name)
    else draft.set(name, member)
  }
  return draft.result
}

function elementsWithoutDirectives(list: readonly unknown[]): readonly unknown[] {
  const taken = list.map(withoutDirectives)
  if (taken.every((one, i) => one === list[i] && one !== undefined)) return list
  return taken.filter((one) => one !== undefined)
}

interface OrderDirective {
  readonly draft: Draft
  readonly patch: JsonObject
  /** Names of the patch that are still to be merged. */
  readonly rest: Set<string>
  readonly context: MergeContext
}

/** Merges the list the directive belongs to and puts the elements it names in its order, among those it does not name. */
function setElementOrder(directive: string, { draft, patch, rest, context }: OrderDirective): void {
  const order = listOf(patch[directive]) ?? []
  const name = listNameOf(directive, ORDER_PREFIX)
  const [original, given] = [listOf(draft.get(name)), listOf(memberOf(patch, name))]
  const field = context.schema?.get(name)
  if (field === undefined) throw new MergeError(`unable to find api field in struct for the json field "${name}"`)
  const { key } = field.rule
  checkOrder(given ?? [], order, key)
  if (original === undefined && given === undefined) return
  rest.delete(name)
  if (isEmpty(original) && isEmpty(given)) throw new MergeError('no elements in any of the given slices')
  const merged = mergedList(original, given, { ...field, takenFor: context.takenFor })
  const named = new Set(order.map((one) => keyOf(one, key)))
  const isNamed = (one: unknown): boolean => named.has(keyOf(one, key))
  draft.set(
    name,
    interleave(
      sortedByPlace(
        merged.filter((one) => !isNamed(one)),
        { order: original ?? [], key },
      ),
      sortedByPlace(merged.filter(isNamed), { order, key }),
      { order: original ?? [], key },
    ),
  )
}

const isEmpty = (list: readonly unknown[] | undefined): boolean => list === undefined || list.length === 0

function mergedList(
  original: readonly unknown[] | undefined,
  given: readonly unknown[] | undefined,
  field: FieldContext,
): readonly unknown[] {
  if (given === undefined) return original ?? []
  return original === undefined ? (withoutDirectives(given) as readonly unknown[]) : mergeList(original, given, field)
}

function listOf(value: unknown): readonly unknown[] | undefined {
  if (value === undefined || Array.isArray(value)) return value
  throw wrongType(LIST_TYPE, value)
}

function keyOf(element: unknown, key: string | undefined): unknown {
  if (key === undefined) return element
  if (!isJsonObject(element)) throw wrongType(MAP_TYPE, element)
  return memberOf(element, key)
}

/** The elements of the patch must stand in the order in the directive's order, all of them. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], key: string | undefined): void {
  if (order.length === 0) return
  const elements = patch.filter((one) => !(isJsonObject(one) && Object.hasOwn(one, DIRECTIVE)))
  let found = 0
  for (const one of order) {
    if (found < elements.length && keyOf(elements[found], key) === keyOf(one, key)) found++
  }
  if (found === elements.length) return
  throw new MergeError(
    `The order in patch list:\n${goText(patch)}\n doesn't match ${ORDER_PREFIX} list:\n${goText(order)}\n`,
  )
}
