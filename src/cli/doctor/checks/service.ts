/** Does the Service lead from the entries' port to the server's? */
import type { Entry } from '../../installed/configurations.ts'
import { ourEntries } from '../../installed/configurations.ts'
import { reapply, shellJson } from '../advice.ts'
import { check } from '../check.ts'
import type { Deployment, Service, ServicePort, World } from '../world.ts'

const PORT_NAME = 'https-webhook'
const WEBHOOK_PORT = 15_017
const DEFAULT_PORT = 443

export const service = check({
  name: 'Service',
  reads: ['plan', 'configurations', 'service', 'deployment'],
  *run(world) {
    const { plan, service: found, deployment } = world
    const ports = new Set(serviceEntries(world).map(({ clientConfig }) => clientConfig.service?.port ?? DEFAULT_PORT))
    if (ports.size === 0) return
    const subject = `service/${plan.name} -n ${plan.namespace}`
    if (found === undefined) {
      yield { code: 'SERVICE_MISSING', subject, message: 'no such Service', next: reapply(world, 'service') }
      return
    }
    for (const port of ports) {
      const problem = portProblem(found, port, deployment)
      if (problem !== undefined) {
        yield { code: 'SERVICE_PORT_WRONG', subject, message: problem, next: repair(found, port, plan) }
      }
    }
  },
})

/** Our entries that name a Service, mutating and validating. */
export function serviceEntries({ plan, configurations }: Pick<World, 'plan' | 'configurations'>): Entry[] {
  return ourEntries(configurations, plan)
    .map(({ entry }) => entry)
    .filter(({ clientConfig }) => clientConfig.service !== undefined)
}

/** The port of the server's pods that the API server has to reach: a firewall must let it through. */
export function webhookPort(deployment: Deployment | undefined): number {
  const named = containerPorts(deployment).find(({ name }) => name === PORT_NAME)
  return named?.containerPort ?? WEBHOOK_PORT
}

function portProblem(
  { spec: { ports = [] } }: Service,
  wanted: number,
  deployment: Deployment | undefined,
): string | undefined {
  const found = ports.find(({ port }) => port === wanted)
  if (found === undefined) {
    return `our entries ask for port ${wanted}, the Service has ${ports.map(({ port }) => port).join(', ') || 'none'}`
  }
  const target = resolveTarget(found, deployment)
  const listens = webhookPort(deployment)
  if (target === listens) return undefined
  return `port ${wanted} leads to ${found.targetPort ?? found.port}, the server listens on ${listens} (${PORT_NAME})`
}

function resolveTarget(
  { port, targetPort = port }: ServicePort,
  deployment: Deployment | undefined,
): number | undefined {
  if (typeof targetPort === 'number') return targetPort
  const named = containerPorts(deployment).find(({ name }) => name === targetPort)
  if (named === undefined && deployment === undefined && targetPort === PORT_NAME) return WEBHOOK_PORT
  return named?.containerPort
}

const containerPorts = (deployment: Deployment | undefined) =>
  deployment?.spec.template.spec.containers.flatMap(({ ports = [] }) => ports) ?? []

function repair({ spec: { ports = [] } }: Service, port: number, { namespace, name }: World['plan']): string {
  const value = { name: PORT_NAME, port, protocol: 'TCP', targetPort: PORT_NAME }
  const index = ports.findIndex((one) => one.name === PORT_NAME || one.port === port)
  const operation = index < 0 ? { op: 'add', path: '/spec/ports/-' } : { op: 'replace', path: `/spec/ports/${index}` }
  return `kubectl -n ${namespace} patch service ${name} --type=json -p ${shellJson([{ ...operation, value }])}`
}
