/** Pods that were injected before: what the first run noted on them, and how they look without it. */
import { ANNOTATION } from '../api/names.ts'
import type { Container, Pod } from '../api/pod.ts'
import { ProjectError } from '../base/errors.ts'
import { parseGoJson } from './go-json.ts'
import { CONTAINER } from './model/container.ts'
import { decodeTyped } from './model/decode.ts'
import { scrapeAnnotations, withoutScrapeAnnotations } from './prometheus-annotations.ts'
import { STRING, sliceOf } from './template/types.ts'
import type { GoType, StructType } from './template/types.ts'

export interface ContainerNames {
  readonly containers: readonly string[]
  readonly initContainers: readonly string[]
}

/** Containers as the overrides annotation holds them. */
export interface Overrides {
  readonly containers: readonly Container[]
  readonly initContainers: readonly Container[]
}

const twoLists = (name: string, elem: GoType): StructType => ({
  kind: 'struct',
  name,
  fields: [
    { name: 'Containers', json: 'containers', type: sliceOf(elem), omitEmpty: true },
    { name: 'InitContainers', json: 'initContainers', type: sliceOf(elem), omitEmpty: true },
  ],
})
export const OVERRIDES = twoLists('inject.podOverrides', CONTAINER)

const STATUS: StructType = {
  kind: 'struct',
  name: 'inject.SidecarInjectionStatus',
  fields: [
    { name: 'InitContainers', json: 'initContainers', type: sliceOf(STRING), omitEmpty: true },
    { name: 'Containers', json: 'containers', type: sliceOf(STRING), omitEmpty: true },
    { name: 'Volumes', json: 'volumes', type: sliceOf(STRING), omitEmpty: true },
    { name: 'ImagePullSecrets', json: 'imagePullSecrets', type: sliceOf(STRING), omitEmpty: true },
    { name: 'Revision', json: 'revision', type: STRING, omitEmpty: true },
  ],
}

/**
 * The pod as it was before it was injected, for the template's eyes only: without the containers its status lists,
 * without our scrape annotations, with the overridden containers back in.
 * istiod: an unreadable status counts as none. @throws ModelError for an overrides annotation that is no JSON
 */
export function strippedPod(pod: Pod, statusPort: number): Pod {
  return reinsertOverrides(withoutInjected(pod, statusPort), readOverrides(pod))
}

/** The overrides annotation. @throws ModelError with the text of Go's decoder */
export function readOverrides(pod: Pod): Overrides {
  const text = pod.metadata?.annotations?.[ANNOTATION.overrides]
  if (text === undefined) return { containers: [], initContainers: [] }
  const value = decodeTyped(OVERRIDES, parseGoJson(text), { unknownFields: 'drop' }) as Partial<Overrides>
  return { containers: value.containers ?? [], initContainers: value.initContainers ?? [] }
}

/**
 * Names that a former run injected, as the merge of user containers asks for them.
 * istiod: read without types here. Lists of anything but names make it panic; we refuse the pod instead.
 * @throws ProjectError INJECTION_FAILED
 */
export function injectedNames(pod: Pod): ContainerNames {
  const text = pod.metadata?.annotations?.[ANNOTATION.status]
  const none = { containers: [], initContainers: [] }
  if (text === undefined) return none
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return none
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return none
  const status = value as Readonly<Record<string, unknown>>
  return { containers: namesIn(status, 'containers'), initContainers: namesIn(status, 'initContainers') }
}

function namesIn(status: Readonly<Record<string, unknown>>, key: string): readonly string[] {
  const list = status[key] ?? []
  if (Array.isArray(list) && list.every((name): name is string => typeof name === 'string')) return list
  throw new ProjectError('INJECTION_FAILED', `annotation ${ANNOTATION.status}: ${key}: expected a list of names`)
}

function withoutInjected(pod: Pod, statusPort: number): Pod {
  const annotations = pod.metadata?.annotations ?? {}
  const status = readStatus(annotations[ANNOTATION.status])
  if (status === undefined) return pod
  const without = (list: readonly Container[] | null | undefined, names: readonly string[]): readonly Container[] => {
    const gone = new Set(names)
    return (list ?? []).filter(({ name = '' }) => !gone.has(name))
  }
  const isOurScrape = scrapeAnnotations(annotations).get('port') === String(statusPort)
  const { [ANNOTATION.status]: _status, ...rest } = isOurScrape ? withoutScrapeAnnotations(annotations) : annotations
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: rest },
    spec: {
      ...pod.spec,
      containers: without(pod.spec?.containers, status.containers),
      initContainers: without(pod.spec?.initContainers, status.initContainers),
    },
  }
}

function readStatus(text: string | undefined): ContainerNames | undefined {
  if (text === undefined) return undefined
  try {
    const value = decodeTyped(STATUS, JSON.parse(text), { unknownFields: 'drop' }) as Partial<ContainerNames>
    return { containers: value.containers ?? [], initContainers: value.initContainers ?? [] }
  } catch {
    return undefined
  }
}

function reinsertOverrides(pod: Pod, overrides: Overrides): Pod {
  if (overrides.containers.length === 0 && overrides.initContainers.length === 0) return pod
  const withMissing = (
    list: readonly Container[] | null | undefined,
    added: readonly Container[],
  ): readonly Container[] => {
    const present = new Set(list?.map(({ name }) => name))
    const result = [...(list ?? [])]
    for (const container of added) {
      if (present.has(container.name)) continue
      present.add(container.name)
      result.push(container)
    }
    return result
  }
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: withMissing(pod.spec?.containers, overrides.containers),
      initContainers: withMissing(pod.spec?.initContainers, overrides.initContainers),
    },
  }
}
