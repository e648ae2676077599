/** Who is meant to have a sidecar, and who has. */
import type { Analyzer } from '../analyze.ts'
import { INJECT_LABEL, proxyContainerOf } from '../mesh-membership.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import type { Bag } from '../read.ts'
import { bagOf, bagsOf, hasBag, textOf } from '../read.ts'
import type { Resource, World } from '../world.ts'

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

const configMapName = (prefix: string, revision: string): string =>
  `istio-system/${prefix}${revision === '' || revision === 'default' ? '' : `-${revision}`}`

function injectorConfig(world: World, revision: string): Bag {
  const values = textOf(
    bagOf(world.find('ConfigMap', configMapName('istio-sidecar-injector', revision))?.object['data'])['values'],
  )
  try {
    return bagOf(JSON.parse(values === '' ? '{}' : values))
  } catch {
    return {}
  }
}
const injectorValues = (world: World, revision: string): Bag =>
  bagOf(injectorConfig(world, revision)['sidecarInjectorWebhook'])

const isExcluded = ({ labels, annotations, spec }: Resource): boolean =>
  spec['hostNetwork'] === true || (labels[INJECT_LABEL] ?? annotations[INJECT_LABEL]) === 'false'

/** istiod: namespaces with a revision label do not count here. */
export const missingProxies: Analyzer = {
  name: 'injection.pods',
  inputs: INPUTS,
  *analyze(world): Iterable<Message> {
    for (const pod of world.all('Pod')) {
      if (world.find('Namespace', pod.namespace)?.labels[INJECTION] !== 'enabled') continue
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
      const old = world.all('Pod').filter((pod) => pod.namespace === namespace.name && differs(pod, wanted))
      if (old.length === 0) continue
      const names = old.map(({ name }) => name).join(' ')
      const text = `The Istio proxy images of the pods running in the namespace do not match the image defined in the injection configuration (pod names: [${names}]). This often happens after upgrading the Istio control-plane and can be fixed by redeploying the pods.`
      yield message('IST0158', namespace, text)
    }
  },
}

function revisionOf({ labels }: Resource): string | undefined {
  if (labels[INJECTION] === 'enabled') return 'default'
  return labels[REVISION]
}

/** The image without its type, which pods may differ in. */
function wantedImage(world: World, revision: string): string | undefined {
  const { hub, tag, proxy } = bagOf(injectorConfig(world, revision)['global'])
  const name = textOf(bagOf(proxy)['image'])
  if (name.includes('/')) return name.replace(TYPE_SUFFIX, '')
  if (name === '' || textOf(hub) === '') return undefined
  return `${textOf(hub)}/${name}:${typeof tag === 'number' ? tag : textOf(tag)}`.replace(TYPE_SUFFIX, '')
}

const TYPE_SUFFIX = /-(?:distroless|debug)$/

function differs(pod: Resource, wanted: string): boolean {
  const running = proxyContainerOf(pod)?.['image']
  if (typeof running !== 'string' || pod.annotations['sidecar.istio.io/proxyImage'] !== undefined || isExcluded(pod))
    return false
  return running.replace(TYPE_SUFFIX, '') !== wanted
}

const PROXY_UID = 1337
const OWN_CONTAINERS: ReadonlySet<string> = new Set(['istio-proxy', 'istio-operator'])

export const reservedUser: Analyzer = {
  name: 'applicationUID',
  inputs: ['Pod', 'Deployment'],
  *analyze(world): Iterable<Message> {
    const report = (resource: Resource): Message =>
      message('IST0144', resource, 'User ID (UID) 1337 is reserved for the sidecar proxy.')
    for (const pod of world.all('Pod'))
      if (usesReserved(pod.spec) && pod.labels['istio'] === undefined) yield report(pod)
    for (const deployment of world.all('Deployment')) {
      const template = bagOf(deployment.spec['template'])
      const labels = bagOf(bagOf(template['metadata'])['labels'])
      if (usesReserved(bagOf(template['spec'])) && !('istio' in labels)) yield report(deployment)
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
