/** Gateways: the pods behind them, their certificates, and each other. */
import type { Analyzer } from '../analyze.ts'
import type { Message } from '../messages.ts'
import { message, notFound } from '../messages.ts'
import { bagOf, bagsOf, numberOf, textMapOf, textOf, textsOf } from '../read.ts'
import type { Resource, World } from '../world.ts'
import { DEFAULT_POD, selectorText, selects } from '../world.ts'

const selectorOf = ({ spec }: Resource): Readonly<Record<string, string>> => textMapOf(spec['selector'])
/** istiod: the pod of the default gateway stands in only for a Gateway that has servers. */
const podsOf = (gateway: Resource, world: World): readonly Resource[] =>
  world
    .all('Pod')
    .filter(
      ({ labels, fullName }) =>
        selects(selectorOf(gateway), labels) &&
        (fullName !== DEFAULT_POD || bagsOf(gateway.spec['servers']).length > 0),
    )
const selectorPath = (gateway: Resource): string => `spec.selector.${Object.keys(selectorOf(gateway))[0] ?? ''}`

export const gatewayPods: Analyzer = {
  name: 'gateway.ports',
  inputs: ['Gateway', 'Pod', 'Service'],
  *analyze(world): Iterable<Message> {
    for (const gateway of world.all('Gateway')) {
      const selector = selectorOf(gateway)
      if (Object.keys(selector).length === 0) continue
      const pods = podsOf(gateway, world)
      if (pods.length === 0) {
        yield notFound(gateway, selectorPath(gateway), 'selector', selectorText(selector))
        continue
      }
      yield* checkServicePorts(gateway, pods, world)
    }
  },
}

/** istiod: only ports whose protocol is spelled out as TCP count. */
function* checkServicePorts(gateway: Resource, pods: readonly Resource[], world: World): Iterable<Message> {
  const services = world.all('Service').filter((service) => {
    const selector = textMapOf(service.spec['selector'])
    const own = pods.filter(({ namespace }) => namespace === service.namespace)
    return Object.keys(selector).length > 0 && own.some(({ labels }) => selects(selector, labels))
  })
  if (services.length === 0) return
  const open = new Set<number>()
  for (const { spec } of services) {
    for (const { protocol, port, targetPort } of bagsOf(spec['ports'])) {
      if (protocol !== 'TCP') continue
      open.add(numberOf(port))
      open.add(numberOf(targetPort))
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
        yield notFound(gateway, selectorPath(gateway), 'selector', selectorText(selectorOf(gateway)))
        continue
      }
      for (const [i, { tls }] of bagsOf(gateway.spec['servers']).entries()) {
        const name = textOf(bagOf(tls)['credentialName'])
        if (name === '') continue
        const path = `spec.servers[${i}].tls.credentialName`
        const secret = world.find('Secret', `${pod.namespace}/${name}`)
        if (secret === undefined) yield notFound(gateway, path, 'credentialName', name)
        else if (!holdsCertificate(secret)) {
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
/** What base64 makes of `-----BEGIN `. */
const PEM_BASE64 = 'LS0tLS1CRUdJTi'

function holdsCertificate({ object }: Resource): boolean {
  const data = bagOf(object['data'])
  return PAIRS.some(
    ([certificate, key]) => textOf(data[certificate]).startsWith(PEM_BASE64) && textOf(data[key]) !== '',
  )
}

export const duplicateCertificates: Analyzer = {
  name: 'gateway.certificates',
  inputs: ['Gateway'],
  *analyze(world): Iterable<Message> {
    const gateways = world.all('Gateway')
    for (const gateway of gateways) {
      const own = certificatesOf(gateway)
      const others = gateways.filter(
        (other) => other !== gateway && overlap(gateway, other) && [...certificatesOf(other)].some((id) => own.has(id)),
      )
      if (others.length === 0) continue
      const names = [gateway, ...others].map(({ fullName }) => fullName).join(' ')
      const text = `Duplicate certificate in multiple gateways [${names}] may cause 404s if clients re-use HTTP2 connections.`
      yield message('IST0138', gateway, text, 'metadata.name')
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

export const conflictingGateways: Analyzer = {
  name: 'gateway.conflicts',
  inputs: ['Gateway', 'Pod'],
  *analyze(world): Iterable<Message> {
    const listeners = world.all('Gateway').flatMap((gateway) => listenersOf(gateway))
    const groups = new Map<string, { listener: Listener; others: Set<string> }>()
    for (const a of listeners) {
      for (const b of listeners) {
        if (a.gateway === b.gateway || !collide(a, b, world)) continue
        const id = `${a.gateway.fullName}\n${a.port}`
        const group = groups.get(id) ?? { listener: a, others: new Set() }
        group.others.add(b.gateway.fullName)
        groups.set(id, group)
      }
    }
    for (const { listener, others } of groups.values()) {
      const { gateway, port, hosts } = listener
      const text = `Conflict with gateways ${[...others].sort().join(',')} (workload selector ${selectorText(selectorOf(gateway))}, port ${port}, hosts ${hosts.join(',')}).`
      yield message('IST0145', gateway, text)
    }
  },
}

interface Listener {
  readonly gateway: Resource
  readonly port: string
  readonly bind: string
  readonly hosts: readonly string[]
}

const listenersOf = (gateway: Resource): readonly Listener[] =>
  bagsOf(gateway.spec['servers'])
    .filter(({ port }) => port !== undefined && port !== null)
    .map(({ port, bind, hosts }) => ({
      gateway,
      port: String(numberOf(bagOf(port)['number'])),
      bind: textOf(bind),
      hosts: textsOf(hosts),
    }))

function collide(a: Listener, b: Listener, world: World): boolean {
  if (a.port !== b.port || a.bind !== b.bind || !a.hosts.some((host) => b.hosts.includes(host))) return false
  const [left, right] = [selectorText(selectorOf(a.gateway)), selectorText(selectorOf(b.gateway))]
  if (left === right) return true
  if (!left.includes(right) && !right.includes(left)) return false
  return world
    .all('Pod')
    .some(({ labels }) => selects(selectorOf(a.gateway), labels) && selects(selectorOf(b.gateway), labels))
}
