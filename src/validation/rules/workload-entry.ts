/** WorkloadEntry, on its own or as an endpoint of a ServiceEntry. */
import { portProblem } from '../../base/host-port.ts'
import { isIpAddress } from '../../base/ip-address.ts'
import { entry, field, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { keysOf } from '../schema/keys.ts'
import type { WorkloadEntry } from '../schema/kinds/workload-entry.ts'
import { wrongFqdn, wrongPortName, wrongSocketPath } from './hosts.ts'
import { checkLabels } from './labels.ts'
import type { KindRules } from './rule-context.ts'

const SOCKET = 'unix://'

export interface EntryPlace {
  readonly at: FieldPath
  readonly report: Report
  /** Names of the ServiceEntry's ports; undefined where there is no ServiceEntry. */
  readonly servicePorts: ReadonlySet<string> | undefined
  readonly namesAllowed: boolean
}

export const checkWorkloadEntry: KindRules<WorkloadEntry> = (spec, { report }) => {
  checkEntry(spec, { at: SPEC, report, servicePorts: undefined, namesAllowed: true })
}

export function checkEntry(workload: WorkloadEntry, place: EntryPlace): void {
  const { at, report, servicePorts } = place
  const { address = '', network = '', ports, labels } = workload
  const here = field(at, 'address')
  if (address === '') {
    if (network === '') {
      report.error('ADDRESS_REQUIRED', here, 'address is required')
      return
    }
    report.warn('ADDRESS_UNSET', here, `address is unset with network "${network}"`)
  } else if (address.startsWith(SOCKET)) checkSocket(workload, { at, report, servicePorts })
  else checkAddress(address, here, place)
  checkEntryPorts(ports, { at: field(at, 'ports'), report, servicePorts })
  checkLabels(labels, field(at, 'labels'), report)
}

function checkAddress(address: string, at: FieldPath, { report, namesAllowed }: EntryPlace): void {
  if (isIpAddress(address)) return
  if (!namesAllowed) report.error('ADDRESS_INVALID', at, `endpoint address "${address}" is not a valid IP address`)
  else if (wrongFqdn(address) !== undefined) {
    report.error('ADDRESS_INVALID', at, `endpoint address "${address}" is not a valid FQDN or an IP address`)
  }
}

type SocketPlace = Pick<EntryPlace, 'at' | 'report' | 'servicePorts'>

function checkSocket({ address = '', ports }: WorkloadEntry, { at, report, servicePorts }: SocketPlace): void {
  const wrong = wrongSocketPath(address.slice(SOCKET.length))
  if (wrong !== undefined) report.error('ADDRESS_INVALID', field(at, 'address'), wrong)
  if (ports !== undefined)
    report.error('SOCKET_PORT', field(at, 'ports'), `unix endpoint ${address} must not include ports`)
  if (servicePorts !== undefined && servicePorts.size !== 1) {
    report.error('SOCKET_PORT', at, 'exactly 1 service port required for unix endpoints')
  }
}

export function checkEntryPorts(ports: WorkloadEntry['ports'] = {}, { at, report, servicePorts }: SocketPlace): void {
  for (const name of keysOf(ports)) {
    if (report.isFull()) return
    const number = ports[name] ?? 0
    const here = entry(at, name)
    if (servicePorts !== undefined && !servicePorts.has(name)) {
      report.error('ENDPOINT_PORT', here, `endpoint port ${number} is not defined by the service entry`)
    }
    const badName = wrongPortName(name)
    if (badName !== undefined) report.error('PORT_NAME', here, badName)
    const badNumber = portProblem(number)
    if (badNumber !== undefined) report.error('PORT_RANGE', here, badNumber)
  }
}
