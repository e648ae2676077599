/** Are there replicas behind the Service, and is each of them ready? */
import { logs } from '../advice.ts'
import { check } from '../check.ts'
import type { Endpoint } from '../world.ts'
import { serviceEntries } from './service.ts'

export const endpoints = check({
  name: 'replicas',
  reads: ['plan', 'configurations', 'service', 'endpointSlices', 'unreadyReplicas'],
  *run(world) {
    const { plan, service, endpointSlices, unreadyReplicas } = world
    if (service === undefined || serviceEntries(world).length === 0) return
    const all = endpointSlices.flatMap(({ endpoints: listed }) => listed ?? [])
    if (!all.some(isReady)) {
      yield {
        code: 'ENDPOINTS_MISSING',
        subject: `service/${plan.name} -n ${plan.namespace}`,
        message: `${all.length} replicas, none of them ready`,
        next: all.length === 0 ? `kubectl -n ${plan.namespace} describe deployment ${plan.name}` : logs(world),
      }
    }
    for (const { name, why } of unreadyReplicas) {
      yield {
        code: 'REPLICA_NOT_READY',
        subject: `pod/${name} -n ${plan.namespace}`,
        message: why ?? 'not ready; its log tells which check fails',
        next: `kubectl -n ${plan.namespace} logs ${name} --tail=50`,
      }
    }
  },
})

/** Kubernetes: an unknown condition counts as ready. */
export const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready !== false
