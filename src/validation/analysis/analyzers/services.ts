/** Services and the Deployments behind them. */
import { isKnownProtocol } from '../../rules/protocols.ts'
import type { Analyzer } from '../analyze.ts'
import { INJECT_LABEL, isControlPlane } from '../mesh-membership.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import type { Bag } from '../read.ts'
import { bagOf, bagsOf, numberOf, textMapOf, textOf } from '../read.ts'
import type { Resource, World } from '../world.ts'
import { selects } from '../world.ts'

const WELL_KNOWN_PORTS: ReadonlySet<number> = new Set([25, 53, 3306, 27017])
const APP_PROTOCOLS: ReadonlySet<string> = new Set(['kubernetes.io/h2c', 'kubernetes.io/ws', 'kubernetes.io/wss'])
const MANAGED = 'gateway.istio.io/managed'

export const portNames: Analyzer = {
  name: 'service.portNames',
  inputs: ['Service'],
  *analyze(world): Iterable<Message> {
    for (const service of world.all('Service')) {
      if (isControlPlane(service) || service.labels[MANAGED] !== undefined) continue
      const isExternal = service.spec['type'] === 'ExternalName'
      for (const [i, port] of bagsOf(service.spec['ports']).entries()) {
        if (!isBadlyNamed(port, isExternal)) continue
        yield message(
          isExternal ? 'IST0150' : 'IST0118',
          service,
          isExternal ? EXTERNAL_TEXT : portText(port),
          `spec.ports[${i}].port`,
        )
      }
    }
  },
}
const EXTERNAL_TEXT =
  'Port name for ExternalName service is invalid. Proxy may prevent tcp named ports and unmatched traffic for ports serving TCP protocol from being forwarded correctly'

const portText = ({ name, port, targetPort }: Bag): string =>
  `Port name ${textOf(name)} (port: ${numberOf(port)}, targetPort: ${typeof targetPort === 'string' ? targetPort : numberOf(targetPort)}) doesn't follow the naming convention of Istio port.`

function isBadlyNamed({ name, port, protocol, appProtocol }: Bag, isExternal: boolean): boolean {
  if (protocol === 'UDP') return false
  const named = textOf(name)
  if (isExternal && (named === 'tcp' || textOf(appProtocol) === 'tcp')) return true
  if (WELL_KNOWN_PORTS.has(numberOf(port))) return false
  const application = textOf(appProtocol)
  if (application !== '') return !isKnownProtocol(application) && !APP_PROTOCOLS.has(application)
  const exact = named.toLowerCase()
  return (
    !isKnownProtocol(exact) &&
    !isKnownProtocol(exact.startsWith('grpc-web') ? 'grpc-web' : (exact.split('-', 1)[0] ?? ''))
  )
}

const DEPLOYMENT_INPUTS = ['Service', 'Deployment', 'Namespace']

export const deploymentServices: Analyzer = {
  name: 'deployment.services',
  inputs: DEPLOYMENT_INPUTS,
  *analyze(world): Iterable<Message> {
    for (const deployment of world.all('Deployment')) {
      if (!isMeshed(deployment, world)) continue
      const ports = servicesOf(deployment, world).flatMap((service) =>
        bagsOf(service.spec['ports']).map((port) => ({ service, port })),
      )
      yield* conflicts(deployment, ports)
    }
  },
}

function isMeshed({ namespace, spec }: Resource, world: World): boolean {
  const space = world.find('Namespace', namespace)?.labels ?? {}
  if (space['istio.io/use-waypoint'] !== undefined) return false
  const template = bagOf(bagOf(spec['template'])['metadata'])
  const asked = textMapOf(template['labels'])[INJECT_LABEL] ?? textMapOf(template['annotations'])[INJECT_LABEL]
  if (asked !== undefined) return asked === 'true'
  return (
    space['istio-injection'] === 'enabled' ||
    (space['istio-injection'] === undefined && space['istio.io/rev'] !== undefined)
  )
}

function servicesOf({ namespace, spec }: Resource, world: World): readonly Resource[] {
  const labels = textMapOf(bagOf(bagOf(spec['template'])['metadata'])['labels'])
  return world.all('Service').filter((service) => {
    const selector = textMapOf(service.spec['selector'])
    return service.namespace === namespace && Object.keys(selector).length > 0 && selects(selector, labels)
  })
}

interface ServicePort {
  readonly service: Resource
  readonly port: Bag
}

function* conflicts(deployment: Resource, ports: readonly ServicePort[]): Iterable<Message> {
  const namesOf = (list: readonly ServicePort[]): string =>
    [...new Set(list.map(({ service }) => service.fullName))].sort().join(' ')
  for (const [number, list] of groupBy(ports, ({ port }) => String(numberOf(port['port'])))) {
    if (new Set(list.map(({ port }) => textOf(port['protocol']) || 'TCP')).size < 2) continue
    const text = `This deployment ${deployment.name} is associated with multiple services using port ${number} but different protocols: [${namesOf(list)}]`
    yield message('IST0116', deployment, text, 'metadata.name')
  }
  for (const [target, list] of groupBy(ports, ({ port }) => String(port['targetPort'] ?? port['port']))) {
    if (
      new Set(list.map(({ port }) => numberOf(port['port']))).size < 2 ||
      new Set(list.map(({ service }) => service.fullName)).size < 2
    )
      continue
    const text = `This deployment ${deployment.name} is associated with multiple services [${namesOf(list)}] using targetPort "${target}" but different ports.`
    yield message('IST0137', deployment, text, 'metadata.name')
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

export const jwksRestriction: Analyzer = {
  name: 'istiod.blockedCidrs',
  inputs: ['RequestAuthentication', 'Deployment'],
  *analyze(world): Iterable<Message> {
    const requests = world.all('RequestAuthentication')
    if (requests.length === 0) return
    for (const deployment of world.all('Deployment').filter(({ labels }) => labels['app'] === 'istiod')) {
      const variables = bagsOf(bagOf(bagOf(deployment.spec['template'])['spec'])['containers']).flatMap(({ env }) =>
        bagsOf(env),
      )
      if (variables.some(({ name }) => name === 'BLOCKED_CIDRS_IN_JWKS_URIS')) continue
      const names = requests.map(({ fullName }) => fullName).join(', ')
      const text = `BLOCKED_CIDRS_IN_JWKS_URIS is not configured but ${requests.length} RequestAuthentication resource(s) exist (${names}). Consider configuring it to restrict JWKS URI fetches to trusted networks.`
      yield message('IST0175', deployment, text)
    }
  },
}
