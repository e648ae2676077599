/** Who belongs to the mesh, and how. */
import { bagsOf, textOf } from './read.ts'
import type { Resource, World } from './world.ts'

const DATAPLANE_MODE = 'istio.io/dataplane-mode'
const INJECTION = 'istio-injection'
const REVISION = 'istio.io/rev'
export const INJECT_LABEL = 'sidecar.istio.io/inject'

export const isAmbientNamespace = (name: string, world: World): boolean => {
  const labels = world.find('Namespace', name)?.labels ?? {}
  const injected = labels['istio-injection'] === 'enabled' || labels['istio.io/rev'] !== undefined
  return labels[DATAPLANE_MODE] === 'ambient' && !injected
}

export function isAmbientPod(pod: Resource, world: World): boolean {
  const own = pod.labels[DATAPLANE_MODE]
  if (own === 'none') return false
  return (
    own === 'ambient' ||
    pod.annotations['ambient.istio.io/redirection'] === 'enabled' ||
    isAmbientNamespace(pod.namespace, world)
  )
}

/** By its own labels. */
export const isControlPlane = ({ labels }: Resource): boolean =>
  labels['istio'] !== undefined || labels['release'] === 'istio'

/** The proxy's container, wherever it stands. */
export const proxyContainerOf = ({ spec }: Resource): Readonly<Record<string, unknown>> | undefined =>
  [...bagsOf(spec['containers']), ...bagsOf(spec['initContainers'])].find(
    ({ name, image }) => name === 'istio-proxy' && textOf(image) !== '',
  )

/** istiod: a pod that injection was asked for counts, whether or not it has its proxy by now. */
export function isInMesh(pod: Resource, world: World): boolean {
  const asked = pod.labels[INJECT_LABEL] ?? pod.annotations[INJECT_LABEL]
  if (asked !== undefined) return asked === 'true' || isAmbientPod(pod, world)
  const { [INJECTION]: injection, [REVISION]: revision } = world.find('Namespace', pod.namespace)?.labels ?? {}
  const enabled = injection === 'enabled' || (injection === undefined && revision !== undefined)
  return enabled || proxyContainerOf(pod) !== undefined || isAmbientPod(pod, world)
}
