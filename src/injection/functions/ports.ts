/** Istio's functions on container ports. */
import { sprint } from '../template/format.ts'
import { any, fn, tableOf, text, type FunctionTable, type Param } from '../template/function-table.ts'
import { sliceOf, type StructType } from '../template/types.ts'
import { trimSpace } from './strings.ts'

export interface ContainerPorts {
  readonly name?: string
  readonly image?: string
  readonly ports?: readonly { readonly containerPort?: number; readonly protocol?: string }[]
}

/** Named like the type of the pod model; parameters compare types by name. */
const CONTAINER: StructType = { kind: 'struct', name: 'v1.Container', fields: [] }
export const containers: Param<readonly ContainerPorts[] | null> = { type: sliceOf(CONTAINER) }

export const PORT_FUNCTIONS: FunctionTable = tableOf({
  includeInboundPorts: fn([containers], (all) => portList(all ?? [])),
  applicationPorts: fn([containers], (all) => portList((all ?? []).filter(({ name }) => name !== 'istio-proxy'))),
  excludeInboundPort: fn([any, text], (port, list) => excludeInboundPort(sprint([port]), list)),
})

/** Ports without those of UDP and SCTP; duplicates stay. */
function portList(all: readonly ContainerPorts[]): string {
  const ports = all.flatMap((container) => container.ports ?? [])
  return ports
    .filter(({ protocol }) => protocol !== 'UDP' && protocol !== 'SCTP')
    .map(({ containerPort = 0 }) => containerPort)
    .join(',')
}

/** istiod: elements are compared with the port before they are trimmed. */
function excludeInboundPort(given: string, list: string): string {
  const port = trimSpace(given)
  if (port === '' || port === '0') return list
  const elements = list.split(',')
  if (elements.includes(port)) return list
  return [...elements.map(trimSpace).filter((element) => element !== ''), port].join(',')
}
