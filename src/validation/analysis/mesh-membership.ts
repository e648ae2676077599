/** Who belongs to the mesh, and how. */
import { bagsOf, textOf } from './read.ts'
import type { Resource, World } from './world.ts'

const DATAPLANE_MODE = 'istio.io/dataplane-mode'
const INJECTION = 'istio-injection'
const REVISION = 'istio.io/rev'
export const INJECT_LABEL = 'sidecar.istio.io/inject'

export const isAmbientNamespace = (name: string, world: World): boolean => {
  const labels = world.find('Namespace', name)?.labels ?? {}
  const injected = labels[INJECTION] === 'enabled' || (labels[REVISION] ?? '') !== ''
  return labels[DATAPLANE_MODE] === 'ambient' && !injected
}

/** istiod: only what the node's agent has written counts, not what anybody asked for. */
export const isAmbientPod = (pod: Resource): boolean => pod.annotations['ambient.istio.io/redirection'] === 'enabled'

/** By its own labels. */
export const isControlPlane = ({ labels }: Resource): boolean =>
  labels['istio'] !== undefined || labels['release'] === 'istio'

/** The proxy's container, wherever it stands. */
export const proxyContainerOf = ({ spec }: Resource): Readonly<Record<string, unknown>> | undefined =>
  [...bagsOf(spec['containers']), ...bagsOf(spec['initContainers'])].find(
    ({ name, image }) => name === 'istio-proxy' && textOf(image) !== '',
  )

/** istiod: a revision label of the namespace does not count. */
export function isInMesh(pod: Resource, world: World): boolean {
  if (proxyContainerOf(pod) !== undefined || isAmbientPod(pod)) return true
  const asked = pod.labels[INJECT_LABEL] ?? pod.annotations[INJECT_LABEL]
  if (asked !== undefined) return asked === 'true'
  return world.find('Namespace', pod.namespace)?.labels[INJECTION] === 'enabled'
}
