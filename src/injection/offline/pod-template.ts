/** Where a workload keeps its pod template, and how the template is read and written. */
import { ProjectError } from '../../base/errors.ts'
import type { Pod } from '../../api/pod.ts'
import { isJsonObject, type JsonObject, memberOf, setMember } from '../model/members.ts'

type Path = readonly string[]

/** Members that lead to a pod's metadata and to its spec. */
export interface TemplatePlace {
  readonly metadata: Path
  readonly spec: Path
}

/**
 * Place of the pod template in an object of that kind.
 * istiod: labels and annotations of a CronJob are taken from its job template, and written there; `compat` `off` reads
 * and writes the pod template's own.
 */
export function templatePlace(kind: string, compat: 'istiod' | 'off'): TemplatePlace {
  if (kind === 'Pod') return { metadata: ['metadata'], spec: ['spec'] }
  if (kind !== 'CronJob') return { metadata: [...TEMPLATE, 'metadata'], spec: [...TEMPLATE, 'spec'] }
  const job = ['spec', 'jobTemplate']
  const metadata = compat === 'istiod' ? [...job, 'metadata'] : [...job, ...TEMPLATE, 'metadata']
  return { metadata, spec: [...job, ...TEMPLATE, 'spec'] }
}

const TEMPLATE: Path = ['spec', 'template']

/** The pod a typed object's template describes. @throws ProjectError OFFLINE_INVALID where the object has no template */
export function podOf(object: JsonObject, { metadata, spec }: TemplatePlace): Pod {
  if (valueAt(object, spec.slice(0, -1)) === undefined) {
    throw new ProjectError('OFFLINE_INVALID', 'spec.template is required value')
  }
  // The object was decoded as its type, which has metadata and a pod spec there.
  return { metadata: valueAt(object, metadata), spec: valueAt(object, spec) } as Pod
}

/** The object with the template of `pod`; `object` itself is left alone. */
export function withPod(object: JsonObject, pod: Pod, { metadata, spec }: TemplatePlace): JsonObject {
  return withValueAt(withValueAt(object, metadata, pod.metadata ?? {}), spec, pod.spec ?? {})
}

/** The value the members lead to; undefined where one is missing or null. */
export function valueAt(object: unknown, path: Path): unknown {
  let value = object
  for (const name of path) value = isJsonObject(value) ? memberOf(value, name) : undefined
  return value ?? undefined
}

function withValueAt(object: JsonObject, [name = '', ...rest]: Path, value: unknown): JsonObject {
  const copy = { ...object }
  const inner = memberOf(object, name)
  setMember(copy, name, rest.length === 0 ? value : withValueAt(isJsonObject(inner) ? inner : {}, rest, value))
  return copy
}
