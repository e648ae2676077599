/** Finding containers in a pod. */
import { CONTAINER_NAME } from '../api/names.ts'
import type { Container, Pod } from '../api/pod.ts'

export function findContainer(list: readonly Container[] | null | undefined, name: string): Container | undefined {
  return list?.find((container) => container.name === name)
}

/** The first container of that name, those of `containers` before those of `initContainers`. */
export function findInPod(pod: Pod, name: string): Container | undefined {
  return findContainer(pod.spec?.containers, name) ?? findContainer(pod.spec?.initContainers, name)
}

/** The pod's proxy, native or not. */
export function findSidecar(pod: Pod): Container | undefined {
  return findInPod(pod, CONTAINER_NAME.proxy)
}
