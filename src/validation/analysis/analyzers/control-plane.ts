/** The control plane's own objects: webhook configurations and definitions. */
import { isIpAddress } from '../../../base/ip-address.ts'
import type { Analyzer } from '../analyze.ts'
import type { Labels } from '../label-selector.ts'
import { selectorHolds } from '../label-selector.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import type { Bag } from '../read.ts'
import { bagOf, bagsOf, hasBag, textMapOf, textOf, textsOf } from '../read.ts'
import type { Resource, World } from '../world.ts'

const CONFIGURATIONS = ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration']
const OWN_PREFIXES = ['istio-validator', 'istiod-default-validator', 'istio-sidecar-injector']
const webhooksOf = ({ object }: Resource): readonly Bag[] => bagsOf(object['webhooks'])

export const externalControlPlane: Analyzer = {
  name: 'externalcontrolplane.webhooks',
  inputs: CONFIGURATIONS,
  *analyze(world): Iterable<Message> {
    for (const kind of CONFIGURATIONS) {
      for (const resource of world.all(kind)) {
        if (!OWN_PREFIXES.some((prefix) => resource.name.startsWith(prefix))) continue
        for (const webhook of webhooksOf(resource)) yield* checkAddress(resource, webhook)
      }
    }
  },
}

function* checkAddress(resource: Resource, { name, clientConfig }: Bag): Iterable<Message> {
  const { url, service } = bagOf(clientConfig)
  const where = (host: string): string =>
    `The hostname (${host}) that was provided for the webhook (${textOf(name)}) to reach the ingress gateway on the external control plane cluster`
  if (textOf(url) === '') {
    if (!hasBag(service)) yield message('IST0163', resource, `${where('')} is blank. Traffic may not flow properly.`)
    return
  }
  const host = hostNameOf(textOf(url))
  if (host === undefined)
    yield message('IST0163', resource, `${where(textOf(url))} is invalid. Traffic may not flow properly.`)
  else if (isIpAddress(host)) yield message('IST0164', resource, `${where(host)} is an IP address.`)
}

function hostNameOf(url: string): string | undefined {
  try {
    return new URL(url).hostname.replace(/^\[|\]$/g, '')
  } catch {
    return undefined
  }
}

export const injectorWebhooks: Analyzer = {
  name: 'webhook.overlaps',
  inputs: ['MutatingWebhookConfiguration', 'Service'],
  *analyze(world): Iterable<Message> {
    const entries = world.all('MutatingWebhookConfiguration').flatMap((resource) =>
      webhooksOf(resource)
        .filter(({ name }) => textOf(name).endsWith('istio.io'))
        .map((webhook) => ({ resource, webhook, id: `${resource.name}/${textOf(webhook['name'])}` })),
    )
    for (const entry of entries) {
      const others = entries
        .filter((other) => other !== entry && overlap(entry.webhook, other.webhook))
        .map(({ id }) => id)
      if (others.length > 0)
        yield message(
          'IST0139',
          entry.resource,
          `Webhook overlaps with others: [${others.sort().join(' ')}]. This may cause injection to occur twice.`,
        )
      const missing = missingService(entry.webhook, world)
      if (missing !== undefined)
        yield message(
          'IST0139',
          entry.resource,
          `Injector refers to a control plane service that does not exist: ${missing}.`,
        )
    }
  },
}

function missingService({ clientConfig }: Bag, world: World): string | undefined {
  const service = bagOf(clientConfig)['service']
  if (!hasBag(service)) return undefined
  const name = `${textOf(bagOf(service)['namespace'])}/${textOf(bagOf(service)['name'])}`
  return world.find('Service', name) === undefined ? name : undefined
}

const VALUES: Readonly<Record<string, readonly (string | undefined)[]>> = {
  'istio-injection': [undefined, 'enabled', 'disabled'],
  'istio.io/rev': [undefined, 'default', 'canary'],
  'sidecar.istio.io/inject': [undefined, 'true', 'false'],
}

/** Some combination of labels on namespace and pod that both ask for. */
function overlap(a: Bag, b: Bag): boolean {
  const spaces = combinations(['istio-injection', 'istio.io/rev'], [a['namespaceSelector'], b['namespaceSelector']])
  const pods = combinations(['sidecar.istio.io/inject', 'istio.io/rev'], [a['objectSelector'], b['objectSelector']])
  const both = (labels: Labels, name: string): boolean =>
    selectorHolds(a[name], labels) && selectorHolds(b[name], labels)
  return (
    spaces.some((labels) => both(labels, 'namespaceSelector')) && pods.some((labels) => both(labels, 'objectSelector'))
  )
}

function combinations(names: readonly string[], selectors: readonly unknown[]): readonly Labels[] {
  const values = new Map(names.map((name) => [name, new Set(VALUES[name])]))
  for (const selector of selectors) {
    const asked = [
      ...bagsOf(bagOf(selector)['matchExpressions']).map(
        ({ key, values: list }) => [textOf(key), textsOf(list)] as const,
      ),
      ...Object.entries(textMapOf(bagOf(selector)['matchLabels'])).map(([key, value]) => [key, [value]] as const),
    ]
    for (const [key, list] of asked) {
      const known = values.get(key) ?? new Set<string | undefined>([undefined])
      for (const value of list) known.add(value)
      values.set(key, known)
    }
  }
  let all: Labels[] = [{}]
  for (const [name, list] of values)
    all = all.flatMap((labels) => [...list].map((value) => ({ ...labels, [name]: value })))
  return all
}

const MINIMUM_VERSIONS: Readonly<Record<string, readonly [number, number, number]>> = {
  'grpcroutes.gateway.networking.k8s.io': [1, 1, 0],
  'backendtlspolicies.gateway.networking.k8s.io': [1, 4, 0],
  'tlsroutes.gateway.networking.k8s.io': [1, 5, 0],
  'tcproutes.gateway.networking.k8s.io': [1, 6, 0],
}
const BUNDLE_VERSION = 'gateway.networking.k8s.io/bundle-version'

export const gatewayApiVersions: Analyzer = {
  name: 'gatewayapi.crdVersions',
  inputs: ['CustomResourceDefinition'],
  *analyze(world): Iterable<Message> {
    for (const resource of world.all('CustomResourceDefinition')) {
      const least = MINIMUM_VERSIONS[resource.name]
      const [, ...found] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(resource.annotations[BUNDLE_VERSION] ?? '') ?? []
      if (least === undefined || found.length === 0 || !isBelow(found.map(Number), least)) continue
      const text = `Gateway API CRD "${resource.name}" is at version "${found.join('.')}" but Istio requires at least "${least.join('.')}"; resources of this kind will not be processed. Upgrade the Gateway API CRDs to satisfy the minimum version.`
      yield message('IST0176', resource, text)
    }
  },
}

function isBelow(found: readonly number[], least: readonly number[]): boolean {
  for (const [i, part] of least.entries()) if (found[i] !== part) return (found[i] ?? 0) < part
  return false
}
