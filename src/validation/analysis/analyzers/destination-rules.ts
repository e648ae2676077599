/** DestinationRules: whom they verify, whom they select, whether their host exists. */
import type { Analyzer } from '../analyze.ts'
import { findHost, hostTable } from '../hosts.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import type { Bag } from '../read.ts'
import { bagOf, bagsOf, hasBag, numberOf, textMapOf, textOf } from '../read.ts'
import type { Resource, World } from '../world.ts'
import { selects } from '../world.ts'

export const serverVerification: Analyzer = {
  name: 'destinationrule.caCertificates',
  inputs: ['DestinationRule'],
  *analyze(world): Iterable<Message> {
    for (const resource of world.all('DestinationRule')) {
      const policy = bagOf(resource.spec['trafficPolicy'])
      const mode = unverifiedMode(bagOf(policy['tls']), resource)
      if (mode !== undefined) yield message('IST0128', resource, `${unverified(resource, mode)}`)
      for (const setting of bagsOf(policy['portLevelSettings'])) {
        const portMode = unverifiedMode(bagOf(setting['tls']), resource)
        if (portMode === undefined) continue
        const port = numberOf(bagOf(setting['port'])['number'])
        yield message('IST0129', resource, `${unverified(resource, portMode)} at port number:${port}`)
      }
    }
  },
}

function unverifiedMode({ mode, caCertificates, credentialName }: Bag, { spec }: Resource): string | undefined {
  if ((mode !== 'SIMPLE' && mode !== 'MUTUAL') || textOf(caCertificates) !== '') return undefined
  return textOf(credentialName) !== '' && hasBag(spec['workloadSelector']) ? undefined : mode
}

const unverified = ({ name, namespace, spec }: Resource, mode: string): string =>
  `DestinationRule ${name} in namespace ${namespace} has TLS mode set to ${mode} but no caCertificates are set to validate server identity for host: ${textOf(spec['host'])}`

export const destinationRuleHosts: Analyzer = {
  name: 'destinationrule.hosts',
  inputs: ['DestinationRule', 'Pod', 'Service', 'ServiceEntry', 'Node'],
  *analyze(world): Iterable<Message> {
    const table = hostTable(world)
    for (const resource of world.all('DestinationRule')) {
      const host = textOf(resource.spec['host'])
      if (findHost(host, resource, table) === undefined) {
        yield message(
          'IST0174',
          resource,
          `The host ${host} defined in the DestinationRule does not match any services in the mesh.`,
        )
        continue
      }
      for (const subset of bagsOf(resource.spec['subsets'])) {
        const labels = textMapOf(subset['labels'])
        if (
          Object.keys(labels).length === 0 ||
          world.all('Pod').some((pod) => selects(labels, placedLabels(pod, world)))
        )
          continue
        const text = `The Subset ${textOf(subset['name'])} defined in the DestinationRule does not select any pods. Which may lead to 503 UH (NoHealthyUpstream).`
        yield message('IST0173', resource, text)
      }
    }
  },
}

const TOPOLOGY = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone']

/** A pod's labels with those of its place; an empty one says nothing. */
function placedLabels(pod: Resource, world: World): Readonly<Record<string, string>> {
  const node = world.find('Node', textOf(pod.spec['nodeName']))
  const placed = TOPOLOGY.flatMap((name) => {
    const value = node?.labels[name] ?? ''
    return value === '' ? [] : [[name, value] as const]
  })
  return { ...pod.labels, 'kubernetes.io/hostname': textOf(pod.spec['nodeName']), ...Object.fromEntries(placed) }
}
