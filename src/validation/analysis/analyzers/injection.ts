/** Who is meant to have a sidecar, and who has. */
import type { Analyzer } from '../analyze.ts'
import { INJECT_LABEL, isControlPlane, proxyContainerOf } from '../mesh-membership.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import type { Bag } from '../read.ts'
import { bagOf, bagsOf, hasBag, textMapOf, textOf } from '../read.ts'
import type { Resource, World } from '../world.ts'
import { selects } from '../world.ts'

const INPUTS = ['Namespace', 'Pod', 'ConfigMap']
const INJECTION = 'istio-injection'
const REVISION = 'istio.io/rev'
const DATAPLANE_MODE = 'istio.io/dataplane-mode'

export const namespaceInjection: Analyzer = {
  name: 'injection.namespaces',
  inputs: INPUTS,
  *analyze(world): Iterable<Message> {
    for (const namespace of world.all('Namespace')) {
      const { labels, name } = namespace
      if (name === 'istio-system') continue
      const twice = severalLabels(labels)
      if (twice.length > 1) {
        const text = `The namespace has more than one type of injection labels [${twice.join(' ')}], which may lead to undefined behavior. Make sure only one injection label exists.`
        yield message('IST0123', namespace, text)
        continue
      }
      if (labels[REVISION] !== undefined || (labels[INJECTION] ?? '') !== '' || labels[DATAPLANE_MODE] === 'ambient')
        continue
      if (injectorValues(world, 'default')['enableNamespacesByDefault'] === true) {
        const text = `Namespace is enabled for Istio injection by default; set istio-injection=disabled to exclude it.`
        yield message('IST0148', namespace, text, 'metadata.name')
        continue
      }
      const text = `The namespace is not enabled for Istio injection. Run 'kubectl label namespace ${name} istio-injection=enabled' to enable it, or 'kubectl label namespace ${name} istio-injection=disabled' to explicitly mark it as not needing injection.`
      yield message('IST0102', namespace, text, 'metadata.name')
    }
  },
}

/** istiod: unless istio-injection says enabled, the other two are not counted beside it. */
function severalLabels(labels: Readonly<Record<string, string>>): readonly string[] {
  const injection = labels[INJECTION]
  if (injection !== undefined && injection !== 'enabled') return []
  return [INJECTION, REVISION, DATAPLANE_MODE]
    .filter((name) => labels[name] !== undefined)
    .map((name) => `${name}=${labels[name] ?? ''}`)
}

/** istiod: by its name alone, in whatever namespace it lies. */
const injectorOf = (world: World, revision: string): Resource | undefined => {
  const name = `istio-sidecar-injector${revision === '' || revision === 'default' ? '' : `-${revision}`}`
  return world.all('ConfigMap').find((map) => map.name === name)
}

function injectorConfig(world: World, revision: string): Bag {
  const values = textOf(bagOf(injectorOf(world, revision)?.object['data'])['values'])
  try {
    return bagOf(JSON.parse(values === '' ? '{}' : values))
  } catch {
    return {}
  }
}
const injectorValues = (world: World, revision: string): Bag =>
  bagOf(injectorConfig(world, revision)['sidecarInjectorWebhook'])

const isExcluded = ({ labels, annotations, spec }: Resource): boolean =>
  spec['hostNetwork'] === true || (labels[INJECT_LABEL] ?? annotations[INJECT_LABEL])?.toLowerCase() === 'false'

/** istiod: namespaces with a revision label do not count here. */
function isInjected(namespace: string, world: World): boolean {
  const labels = world.find('Namespace', namespace)?.labels ?? {}
  return namespace !== 'istio-system' && labels[INJECTION] === 'enabled' && labels[DATAPLANE_MODE] !== 'ambient'
}

export const missingProxies: Analyzer = {
  name: 'injection.pods',
  inputs: INPUTS,
  *analyze(world): Iterable<Message> {
    for (const pod of world.all('Pod')) {
      if (!isInjected(pod.namespace, world)) continue
      if (isExcluded(pod) || proxyContainerOf(pod) !== undefined) continue
      const text = `The pod ${pod.fullName} is missing the Istio proxy. This can often be resolved by restarting or redeploying the workload.`
      yield message('IST0103', pod, text)
    }
  },
}

export const proxyImages: Analyzer = {
  name: 'injection.images',
  inputs: INPUTS,
  *analyze(world): Iterable<Message> {
    for (const namespace of world.all('Namespace')) {
      const revision = revisionOf(namespace)
      if (revision === undefined) continue
      const wanted = wantedImage(world, revision)
      if (wanted === undefined) continue
      const old = world.all('Pod').filter((pod) => pod.namespace === namespace.name && differs(pod, wanted, world))
      if (old.length === 0) continue
      const names = old.map(({ name }) => name).join(' ')
      const text = `The Istio proxy images of the pods running in the namespace do not match the image defined in the injection configuration (pod names: [${names}]). This often happens after upgrading the Istio control-plane and can be fixed by redeploying the pods.`
      yield message('IST0158', namespace, text)
    }
  },
}

function revisionOf({ labels }: Resource): string | undefined {
  return labels[REVISION] ?? (labels[INJECTION] === 'enabled' ? 'default' : undefined)
}

/** The image without its type; istiod: what cannot be read is the image without a name. */
function wantedImage(world: World, revision: string): string | undefined {
  if (injectorOf(world, revision) === undefined) return undefined
  const { hub, tag, proxy } = bagOf(injectorConfig(world, revision)['global'])
  const name = textOf(bagOf(proxy)['image'])
  return name.includes('/') ? name : `${textOf(hub)}/${name}:${typeof tag === 'number' ? tag : textOf(tag)}`
}

function differs(pod: Resource, wanted: string, world: World): boolean {
  if ((pod.annotations['sidecar.istio.io/proxyImage'] ?? '') !== '') return false
  const others = `${wanted}-${imageTypeOf(pod, world)}`
  return [...bagsOf(pod.spec['containers']), ...bagsOf(pod.spec['initContainers'])].some(
    ({ name, image }) => name === 'istio-proxy' && textOf(image) !== wanted && textOf(image) !== others,
  )
}

const typeIn = (image: unknown): string => textOf(bagOf(image)['imageType'])

/** From the widest to the narrowest configuration, the last one that names a type counts. The pod's annotation is not read. */
function imageTypeOf(pod: Resource, world: World): string {
  const configs = world.all('ProxyConfig').filter(({ namespace, spec }) => {
    if (namespace !== world.rootNamespace && namespace !== pod.namespace) return false
    return namespace === world.rootNamespace || selects(textMapOf(bagOf(spec['selector'])['matchLabels']), pod.labels)
  })
  const rank = ({ namespace, spec }: Resource): number =>
    namespace === world.rootNamespace ? 0 : hasBag(spec['selector']) ? 2 : 1
  const types = [
    typeIn(bagOf(world.mesh['defaultConfig'])['image']),
    ...[...configs].sort((a, b) => rank(a) - rank(b)).map(({ spec }) => typeIn(spec['image'])),
  ]
  const type = types.findLast((one) => one !== '') ?? ''
  return type === 'default' ? '' : type
}

const PROXY_UID = 1337
const OWN_CONTAINERS: ReadonlySet<string> = new Set(['istio-proxy', 'istio-operator'])

export const reservedUser: Analyzer = {
  name: 'applicationUID',
  inputs: ['Pod', 'Deployment'],
  *analyze(world): Iterable<Message> {
    const report = (resource: Resource): Message =>
      message('IST0144', resource, 'User ID (UID) 1337 is reserved for the sidecar proxy.')
    for (const pod of world.all('Pod')) if (usesReserved(pod.spec) && !isControlPlane(pod)) yield report(pod)
    for (const deployment of world.all('Deployment')) {
      const spec = bagOf(bagOf(deployment.spec['template'])['spec'])
      if (usesReserved(spec) && !isControlPlane(deployment)) yield report(deployment)
    }
  },
}

function usesReserved(spec: Bag): boolean {
  if (bagOf(spec['securityContext'])['runAsUser'] === PROXY_UID) return true
  return bagsOf(spec['containers']).some(
    ({ name, securityContext }) =>
      !OWN_CONTAINERS.has(textOf(name)) && hasBag(securityContext) && bagOf(securityContext)['runAsUser'] === PROXY_UID,
  )
}
