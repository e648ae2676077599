/** Laying rendered texts and containers over a pod, as istiod does: merge, then read the result as a typed pod. */
import type { Container, Pod } from '../api/pod.ts'
import { ProjectError, messageOf } from '../base/errors.ts'
import { strategicMerge } from './merge/strategic.ts'
import { CONTAINER } from './model/container.ts'
import { decodeTyped } from './model/decode.ts'
import { isJsonObject, setMember } from './model/members.ts'
import type { JsonObject } from './model/members.ts'
import { POD } from './model/pod.ts'
import type { GoType, StructType } from './template/types.ts'
import { readRecurringYaml } from './yaml/read.ts'
import { RecurringEntries } from './yaml/recurring-entries.ts'

/** What a rendered text wants to change of a pod. Undefined: the text is no YAML mapping. */
export type Overlay = JsonObject | undefined

/** Of all rendered texts; only pods that differ in it write anything new. */
const ENTRIES = new RecurringEntries()

/** Parses a rendered text once; it may be laid over any number of pods. istiod: what the YAML reader complains of is lost. */
export function readOverlay(text: string): Overlay {
  let value: unknown
  try {
    value = readRecurringYaml(text, ENTRIES)
  } catch {
    return undefined
  }
  if (value === null || value === undefined) return {}
  return isJsonObject(value) ? (withoutUnknownFields(POD, value) as JsonObject) : undefined
}

/**
 * The pod with the overlay merged in. Fields of the pod that its type does not know are kept; those of the overlay are
 * gone since `readOverlay`.
 * @throws ProjectError INJECTION_FAILED with istiod's text
 */
export function applyOverlay(pod: Pod, overlay: Overlay): Pod {
  if (overlay === undefined) throw new ProjectError('INJECTION_FAILED', 'strategic merge: invalid JSON document')
  const merged = stage('strategic merge: ', () => strategicMerge(POD, pod, overlay))
  return decodeMerged(POD, merged) as Pod
}

/** A container with another laid over it, the other's settings winning. @throws ProjectError INJECTION_FAILED */
export function overlayContainer(container: Container, over: Container): Container {
  const merged = stage('strategic merge: ', () => strategicMerge(CONTAINER, container, over))
  return decodeMerged(CONTAINER, merged) as Container
}

/** istiod: what was merged travels as JSON with sorted keys, so of several errors the first in that order is told. */
function decodeMerged(type: GoType, merged: unknown): unknown {
  try {
    return decodeTyped(type, merged, { unknownFields: 'keep' })
  } catch {
    const sorted = withSortedKeys(merged)
    return stage('unmarshal patched pod: ', () => decodeTyped(type, sorted, { unknownFields: 'keep' }))
  }
}

function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys)
  if (!isJsonObject(value)) return value
  const sorted: JsonObject = {}
  for (const name of Object.keys(value).sort()) setMember(sorted, name, withSortedKeys(value[name]))
  return sorted
}

/** Runs a part; what it throws is told with the prefix. */
export function stage<T>(prefix: string, run: () => T): T {
  try {
    return run()
  } catch (thrown) {
    throw new ProjectError('INJECTION_FAILED', `${prefix}${messageOf(thrown)}`, { cause: thrown })
  }
}

/** Fields the type does not know would be lost in istiod's typed round trip; directives (`$patch`) are for the merge. */
function withoutUnknownFields(type: GoType, value: unknown): unknown {
  switch (type.kind) {
    case 'pointer':
      return withoutUnknownFields(type.elem, value)
    case 'slice':
      return Array.isArray(value) ? knownElements(type.elem, value) : value
    case 'map':
      return value
    case 'struct':
      return type.opaque === undefined && isJsonObject(value) ? knownMembers(type, value) : value
    default:
      return value
  }
}

/** A copy is made from the first member on that goes or changes. */
function knownMembers(type: StructType, value: JsonObject): JsonObject {
  const fields = fieldTypes(type)
  const names = Object.keys(value)
  let copy: JsonObject | undefined
  for (const [n, name] of names.entries()) {
    const fieldType = fields.get(name) ?? fields.get(name.toLowerCase())
    const member = fieldType === undefined ? value[name] : withoutUnknownFields(fieldType, value[name])
    const isKept = fieldType !== undefined || name.startsWith('$')
    if (!isKept || member !== value[name]) copy ??= firstMembers(value, names.slice(0, n))
    if (copy !== undefined && isKept) setMember(copy, name, member)
  }
  return copy ?? value
}

function firstMembers(value: JsonObject, names: readonly string[]): JsonObject {
  const copy: JsonObject = {}
  for (const name of names) setMember(copy, name, value[name])
  return copy
}

/** Known fields of every element; the list itself where nothing else is in it. */
function knownElements(elem: GoType, list: readonly unknown[]): readonly unknown[] {
  const known = list.map((one) => withoutUnknownFields(elem, one))
  return known.every((one, i) => one === list[i]) ? list : known
}

const FIELD_TYPES = new WeakMap<StructType, ReadonlyMap<string, GoType>>()

/** Types of a struct's fields by JSON name and, as Go ignores case, by its lower case. */
function fieldTypes(type: StructType): ReadonlyMap<string, GoType> {
  const known = FIELD_TYPES.get(type)
  if (known !== undefined) return known
  const types = new Map<string, GoType>()
  const add = ({ fields }: StructType): void => {
    for (const { json, type: fieldType } of fields) {
      if (json === '' && fieldType.kind === 'struct') add(fieldType)
      else types.set(json, fieldType).set(json.toLowerCase(), fieldType)
    }
  }
  add(type)
  FIELD_TYPES.set(type, types)
  return types
}
