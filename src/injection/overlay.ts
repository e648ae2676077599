/** Laying rendered texts and containers over a pod, as istiod does: merge, then read the result as a typed pod. */
import type { Container, Pod } from '../api/pod.ts'
import { ProjectError, messageOf } from '../base/errors.ts'
import { withoutUnknownFields } from './known-fields.ts'
import { strategicMerge } from './merge/strategic.ts'
import { CONTAINER } from './model/container.ts'
import { decodeTyped } from './model/decode.ts'
import { isJsonObject, setMember } from './model/members.ts'
import type { JsonObject } from './model/members.ts'
import { POD } from './model/pod.ts'
import { EMPTY_POD, RecurringOverlays } from './recurring-overlays.ts'
import type { TypedParts } from './recurring-overlays.ts'
import type { GoType } from './template/types.ts'
import { readYaml } from './yaml/read.ts'

/** What a rendered text wants to change of a pod. */
export interface Overlay {
  /** Undefined: the text is no YAML mapping. */
  readonly patch: JsonObject | undefined
  /** What the patch alone makes, where that is known. */
  readonly typed?: TypedParts | undefined
}

/** Of all rendered texts; few pods need one that is new in anything but single values. */
const RECURRING = new RecurringOverlays()

/** Parses a rendered text once; it may be laid over any number of pods. istiod: what the YAML reader complains of is lost. */
export function readOverlay(text: string): Overlay {
  return RECURRING.read(text) ?? { patch: patchOf(text) }
}

function patchOf(text: string): JsonObject | undefined {
  let value: unknown
  try {
    value = readYaml(text)
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
export function applyOverlay(pod: Pod, { patch, typed }: Overlay): Pod {
  if (patch === undefined) throw new ProjectError('INJECTION_FAILED', 'strategic merge: invalid JSON document')
  if (typed !== undefined && pod === EMPTY_POD) return typed.pod
  const merged = stage('strategic merge: ', () => strategicMerge(POD, pod, patch, typed?.of))
  if (typed === undefined) return decodeMerged(POD, merged) as Pod
  const own = typedPartsOf(pod)
  return decodeMerged(POD, merged, (value) => own.has(value) || typed.has(value)) as Pod
}

/** Parts of a typed pod that a merge may take as they are. */
function typedPartsOf({ metadata, spec }: Pod): ReadonlySet<unknown> {
  const parts = new Set<unknown>([metadata, spec, ...membersOf(metadata)])
  for (const member of membersOf(spec)) {
    parts.add(member)
    if (Array.isArray(member)) for (const element of member) parts.add(element)
  }
  return parts
}

/** A container with another laid over it, the other's settings winning. @throws ProjectError INJECTION_FAILED */
export function overlayContainer(container: Container, over: Container): Container {
  const merged = stage('strategic merge: ', () => strategicMerge(CONTAINER, container, over))
  return decodeMerged(CONTAINER, merged) as Container
}

const membersOf = (object: object | null | undefined): readonly unknown[] => Object.values(object ?? {})

/** istiod: what was merged travels as JSON with sorted keys, so of several errors the first in that order is told. */
function decodeMerged(type: GoType, merged: unknown, isTyped?: (value: object) => boolean): unknown {
  try {
    return decodeTyped(type, merged, { unknownFields: 'keep', ...(isTyped !== undefined && { isTyped }) })
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
