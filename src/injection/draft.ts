/** The pod while post-processing changes it. */
import type { Container, ObjectMeta, Pod, PodSpec, StringMap } from '../api/pod.ts'
import { without } from './model/members.ts'

/**
 * A pod whose metadata maps, container lists and containers may be changed in place. Anything deeper is shared with
 * the pod it was made from and must be replaced, never changed.
 */
export interface PodDraft {
  labels: StringMap
  annotations: StringMap
  containers: Container[]
  initContainers: Container[]
}

export function draftOf(pod: Pod): PodDraft {
  return {
    labels: { ...pod.metadata?.labels },
    annotations: { ...pod.metadata?.annotations },
    containers: copies(pod.spec?.containers),
    initContainers: copies(pod.spec?.initContainers),
  }
}

/** The finished pod. istiod: the list of containers is there even when it is empty, other empty parts are not. */
export function podOfDraft(pod: Pod, draft: PodDraft): Pod {
  const metadata: ObjectMeta = without(pod.metadata ?? {}, 'labels', 'annotations')
  if (Object.keys(draft.labels).length > 0) metadata.labels = draft.labels
  if (Object.keys(draft.annotations).length > 0) metadata.annotations = draft.annotations
  const spec: PodSpec = without(pod.spec ?? {}, 'containers', 'initContainers')
  spec.containers = draft.containers
  if (draft.initContainers.length > 0) spec.initContainers = draft.initContainers
  return { ...pod, metadata, spec }
}

/** The first container of that name, those of `containers` before those of `initContainers`. */
export function findInDraft(draft: PodDraft, name: string): Container | undefined {
  const isIt = (container: Container): boolean => container.name === name
  return draft.containers.find(isIt) ?? draft.initContainers.find(isIt)
}

const copies = (list: readonly Container[] | null | undefined): Container[] =>
  (list ?? []).map((container) => ({ ...container }))
