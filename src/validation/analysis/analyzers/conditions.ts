/** Conditions that say no. */
import type { Analyzer } from '../analyze.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import type { Bag } from '../read.ts'
import { bagOf, bagsOf, textOf } from '../read.ts'
import type { Resource } from '../world.ts'

const WAYPOINT = ['istio.io/WaypointBound']
const ACCEPTANCE = ['Accepted', 'Programmed', 'ResolvedRefs']
/** Kind -> the conditions that are looked at. */
const CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  Service: WAYPOINT,
  ServiceEntry: WAYPOINT,
  WorkloadEntry: WAYPOINT,
  AuthorizationPolicy: ['ZtunnelAccepted', 'WaypointAccepted'],
  KubernetesGateway: ACCEPTANCE,
  HTTPRoute: ACCEPTANCE,
  GRPCRoute: ACCEPTANCE,
}

export const negativeConditions: Analyzer = {
  name: 'status.conditions',
  inputs: Object.keys(CONDITIONS),
  *analyze(world): Iterable<Message> {
    for (const [kind, types] of Object.entries(CONDITIONS)) {
      for (const resource of world.all(kind)) {
        for (const condition of conditionsOf(resource)) {
          if (!types.includes(textOf(condition['type'])) || !isNegative(kind, condition)) continue
          yield message('IST0171', resource, textFor(condition))
        }
      }
    }
  },
}

/** Of the object, and of routes for each parent. */
function conditionsOf({ object }: Resource): readonly Bag[] {
  const { conditions, parents } = bagOf(object['status'])
  return [...bagsOf(conditions), ...bagsOf(parents).flatMap((parent) => bagsOf(parent['conditions']))]
}

const isNegative = (kind: string, { status, reason }: Bag): boolean =>
  status === 'False' || (kind === 'AuthorizationPolicy' && reason === 'PartiallyInvalid')

const textFor = ({ type, status, reason, message: said }: Bag): string =>
  `The condition ${textOf(type)} is ${textOf(status)} (${textOf(reason)}): ${textOf(said)}`
