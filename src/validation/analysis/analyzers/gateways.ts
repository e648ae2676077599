/** Gateways: the pods behind them, their certificates, and each other. */
import type { Analyzer } from '../analyze.ts'
import { certificateValidity } from '../certificate.ts'
import type { Message } from '../messages.ts'
import { message, notFound } from '../messages.ts'
import { bagOf, bagsOf, numberOf, textMapOf, textOf, textsOf } from '../read.ts'
import type { Bag } from '../read.ts'
import type { Resource, World } from '../world.ts'
import { selectorText, selects } from '../world.ts'

const selectorOf = ({ spec }: Resource): Readonly<Record<string, string>> => textMapOf(spec['selector'])
const podsOf = (gateway: Resource, world: World): readonly Resource[] =>
  world.all('Pod').filter(({ labels }) => selects(selectorOf(gateway), labels))
const selectorPath = (gateway: Resource): string => `spec.selector.${Object.keys(selectorOf(gateway))[0] ?? ''}`

const selectorNotFound = (gateway: Resource): Message =>
  notFound(gateway, selectorPath(gateway), 'selector', selectorText(selectorOf(gateway)))

export const gatewayPods: Analyzer = {
  name: 'gateway.ports',
  inputs: ['Gateway', 'Pod', 'Service'],
  *analyze(world): Iterable<Message> {
    for (const gateway of world.all('Gateway')) {
      const pods = podsOf(gateway, world)
      if (pods.length > 0) yield* checkServicePorts(gateway, pods, world)
      else yield selectorNotFound(gateway)
    }
  },
}

/** istiod: only ports whose protocol is spelled out as TCP count; a Service without selector has all pods of its namespace. */
function* checkServicePorts(gateway: Resource, pods: readonly Resource[], world: World): Iterable<Message> {
  const services = world.all('Service').filter((service) => {
    const selector = textMapOf(service.spec['selector'])
    const own = pods.filter(({ namespace }) => namespace === service.namespace)
    return own.some(({ labels }) => selects(selector, labels))
  })
  const open = new Set<number>()
  for (const { spec } of services) {
    for (const { protocol, port, targetPort } of bagsOf(spec['ports'])) {
      if (protocol !== 'TCP') continue
      open.add(numberOf(port))
      open.add(Number(targetPort))
    }
  }
  for (const { port } of bagsOf(gateway.spec['servers'])) {
    const number = numberOf(bagOf(port)['number'])
    if (port === undefined || open.has(number)) continue
    const text = `The gateway is listening on a target port (port ${number}) that is not defined in the Service associated with its workload instances (Pod selector ${selectorText(selectorOf(gateway))}). If you need to access the gateway port through the gateway Service, it will not be available.`
    yield message('IST0162', gateway, text, selectorPath(gateway))
  }
}

export const gatewaySecrets: Analyzer = {
  name: 'gateway.secrets',
  inputs: ['Gateway', 'Pod', 'Secret'],
  *analyze(world): Iterable<Message> {
    for (const gateway of world.all('Gateway')) {
      const [pod] = podsOf(gateway, world)
      if (pod === undefined) continue
      if (pod.namespace === '') {
        // istiod: a pod without namespace is as good as none here.
        yield selectorNotFound(gateway)
        continue
      }
      for (const [i, { tls }] of bagsOf(gateway.spec['servers']).entries()) {
        const name = textOf(bagOf(tls)['credentialName'])
        if (name === '') continue
        const path = `spec.servers[${i}].tls.credentialName`
        const secret = world.find('Secret', `${pod.namespace}/${name}`)
        if (secret === undefined) yield notFound(gateway, path, 'credentialName', name)
        else if (!holdsCertificate(secret, world.nowMs)) {
          const text = `The credential referenced by the Gateway ${gateway.name} in namespace ${pod.namespace} is invalid, which can cause the traffic not to work as expected.`
          yield message('IST0161', gateway, text, path)
        }
      }
    }
  },
}

const PAIRS = [
  ['cert', 'key'],
  ['tls.crt', 'tls.key'],
] as const

/** istiod: of the pair that is there, the certificate must be one, and valid by now. */
function holdsCertificate({ object }: Resource, nowMs: number | undefined): boolean {
  const data = bagOf(object['data'])
  const pair = PAIRS.find((names) => names.every((name) => textOf(data[name]) !== ''))
  const validity = pair === undefined ? undefined : certificateValidity(textOf(data[pair[0]]))
  if (validity === undefined) return false
  return nowMs === undefined || (validity.fromMs <= nowMs && nowMs <= validity.toMs)
}

export const duplicateCertificates: Analyzer = {
  name: 'gateway.certificates',
  inputs: ['Gateway'],
  *analyze(world): Iterable<Message> {
    const gateways = world.all('Gateway')
    for (const gateway of gateways) {
      const own = certificatesOf(gateway)
      for (const other of gateways) {
        if (other === gateway || !overlap(gateway, other)) continue
        if (![...certificatesOf(other)].some((id) => own.has(id))) continue
        const text = `Duplicate certificate in multiple gateways [${gateway.fullName} ${other.fullName}] may cause 404s if clients re-use HTTP2 connections.`
        yield message('IST0138', gateway, text, 'metadata.name')
      }
    }
  },
}

function certificatesOf({ spec }: Resource): ReadonlySet<string> {
  const found = new Set<string>()
  for (const { tls } of bagsOf(spec['servers'])) {
    const { credentialName, serverCertificate, privateKey } = bagOf(tls)
    if (textOf(credentialName) !== '') found.add(`credential ${textOf(credentialName)}`)
    else if (textOf(serverCertificate) !== '' && textOf(privateKey) !== '')
      found.add(`files ${textOf(serverCertificate)} ${textOf(privateKey)}`)
  }
  return found
}

/** istiod: only the gateway whose selector is the wider one, or an equal one, is told. */
const overlap = (a: Resource, b: Resource): boolean => selects(selectorOf(a), selectorOf(b))

/** Gateways with one selector and port: name -> host -> bind. Of several servers on the port the last one counts. */
type Listeners = Map<string, Map<string, string>>
interface ListenerGroup {
  readonly gateway: Resource
  readonly port: number
  readonly listeners: Listeners
}

const portOf = (server: Bag): number => numberOf(bagOf(server['port'])['number'])

function listenerGroups(gateways: readonly Resource[]): readonly ListenerGroup[] {
  const groups = new Map<string, ListenerGroup>()
  for (const gateway of gateways) {
    for (const server of bagsOf(gateway.spec['servers'])) {
      const port = portOf(server)
      const key = `${selectorText(selectorOf(gateway))}~${port}`
      const group = groups.get(key) ?? { gateway, port, listeners: new Map() }
      groups.set(key, group)
      const bind = textOf(server['bind'])
      group.listeners.set(gateway.fullName, new Map(textsOf(server['hosts']).map((host) => [host, bind])))
    }
  }
  return [...groups.values()]
}

export const conflictingGateways: Analyzer = {
  name: 'gateway.conflicts',
  inputs: ['Gateway', 'Pod'],
  *analyze(world): Iterable<Message> {
    const groups = listenerGroups(world.all('Gateway'))
    for (const gateway of world.all('Gateway')) {
      const near = groups.filter((group) => meetAtPods(gateway, group.gateway, world))
      if (near.length > 0) yield* conflictsOf(gateway, near)
      else if (selectorText(selectorOf(gateway)) !== '') yield selectorNotFound(gateway)
    }
  },
}

function* conflictsOf(gateway: Resource, near: readonly ListenerGroup[]): Iterable<Message> {
  for (const server of bagsOf(gateway.spec['servers'])) {
    const port = portOf(server)
    const others = near
      .filter((group) => group.port === port)
      .flatMap(({ listeners }) => [...listeners])
      .filter(([name, hosts]) => name !== gateway.fullName && sharesHost(server, hosts))
      .map(([name]) => name)
    if (others.length === 0) continue
    const text = `Conflict with gateways ${others.sort().join(',')} (workload selector ${selectorText(selectorOf(gateway))}, port ${port}, hosts ${textsOf(server['hosts']).join(',')}).`
    yield message('IST0145', gateway, text)
  }
}

/** istiod: hosts that are not known yet are known from now on, so a second server with them is told of. */
function sharesHost(server: Bag, known: Map<string, string>): boolean {
  const hosts = textsOf(server['hosts'])
  const bind = textOf(server['bind'])
  if (hosts.some((host) => known.get(host) === bind)) return true
  for (const host of hosts) known.set(host, bind)
  return false
}

/** istiod: one selector's text must be part of the other's, and unless they are equal a pod must have the labels of both. */
function meetAtPods(a: Resource, b: Resource, world: World): boolean {
  const [left, right] = [selectorText(selectorOf(a)), selectorText(selectorOf(b))]
  if (left === right) return true
  if (!left.includes(right) && !right.includes(left)) return false
  return world.all('Pod').some(({ labels }) => selects(selectorOf(a), labels) && selects(selectorOf(b), labels))
}
