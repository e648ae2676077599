/** The networks of a mesh of several clusters. */
import type { Analyzer } from '../analyze.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import { bagOf, bagsOf, textOf } from '../read.ts'
import type { Resource, World } from '../world.ts'
import { SYSTEM_NAMESPACE } from '../world.ts'

const BUILT_IN = ['Mock', 'Kubernetes', 'External']
const MULTI_CLUSTER = 'istio/multiCluster'

export const networkRegistries: Analyzer = {
  name: 'meshnetworks.registries',
  inputs: ['MeshNetworks', 'Secret'],
  *analyze(world): Iterable<Message> {
    const known = new Set([...BUILT_IN, ...remoteClusters(world)])
    for (const [name, network] of Object.entries(bagOf(world.networks['networks']))) {
      for (const [i, { fromRegistry }] of bagsOf(bagOf(network)['endpoints']).entries()) {
        const registry = textOf(fromRegistry)
        if (registry === '' || known.has(registry)) continue
        const text = `Unknown service registry ${registry} in network ${name}: no secret of a remote cluster has this key.`
        yield message('IST0126', networksResource(world), text, `networks.${name}.endpoints[${i}]`)
      }
    }
  },
}

/** Each key of a multi-cluster Secret is the name of a cluster. */
const remoteClusters = (world: World): readonly string[] =>
  world
    .all('Secret')
    .filter(({ labels }) => labels[MULTI_CLUSTER] === 'true')
    .flatMap(({ object }) => Object.keys(bagOf(object['data'])))

/** istiod: the document goes by this name, though it is no object of its own. */
const networksResource = ({ networks }: World): Resource => ({
  kind: 'MeshNetworks',
  group: '',
  namespace: SYSTEM_NAMESPACE,
  name: 'meshnetworks',
  fullName: `${SYSTEM_NAMESPACE}/meshnetworks`,
  labels: {},
  annotations: {},
  spec: networks,
  object: networks,
})
