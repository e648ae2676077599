/** ServiceEntry: hosts, addresses, ports, and what each resolution allows. */
import { portProblem } from '../../base/host-port.ts'
import { isIpAddress } from '../../base/ip-address.ts'
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { ServiceEntry } from '../schema/kinds/service-entry.ts'
import type { WorkloadEntry } from '../schema/kinds/workload-entry.ts'
import type { ObjectMeta } from '../schema/object-meta.ts'
import { checkExportTo } from './export-to.ts'
import { wrongCidr, wrongFqdn, wrongPartialWildcard, wrongPortName, wrongWildcardDomain } from './hosts.ts'
import { checkLabels, checkLabelsSelector } from './labels.ts'
import { isHttp, isTcp, isTls, wrongProtocol } from './protocols.ts'
import type { KindRules, RuleContext } from './rule-context.ts'
import { checkEntry, checkEntryPorts } from './workload-entry.ts'

const AUTO_ALLOCATION_LABEL = 'networking.istio.io/enable-autoallocate-ip'
const WAYPOINT_LABEL = 'istio.io/use-waypoint'
const DYNAMIC_PROTOCOLS: ReadonlySet<string> = new Set(['http', 'http2', 'grpc', 'tls'])

type Ports = NonNullable<ServiceEntry['ports']>

export const checkServiceEntry: KindRules<ServiceEntry> = (spec, context) => {
  const { meta, report } = context
  const selectorAt = field(SPEC, 'workloadSelector')
  if (!checkLabelsSelector(spec.workloadSelector, { at: selectorAt, subject: 'service entry', report })) return
  if (spec.workloadSelector !== undefined && spec.endpoints !== undefined) {
    report.error('TARGET_AMBIGUOUS', SPEC, 'only one of WorkloadSelector or Endpoints is allowed in Service Entry')
  }
  checkHosts(spec, report)
  checkAddresses(spec, report)
  checkPorts(spec, meta, report)
  checkResolution(spec, context)
  checkSharedPorts(spec, report)
  checkExportTo(spec.exportTo, { namespace: meta.namespace, mayHide: true }, report)
}

function checkHosts({ hosts = [], resolution }: ServiceEntry, report: Report): void {
  if (hosts.length === 0)
    report.error('HOSTS_REQUIRED', field(SPEC, 'hosts'), 'service entry must have at least one host')
  for (const [i, host] of hosts.entries()) {
    const at = index(field(SPEC, 'hosts'), i)
    if (host === '*') {
      report.error('HOST_INVALID', at, 'invalid host *')
      continue
    }
    const wrong = wrongWildcardDomain(host)
    if (wrong !== undefined) report.error('HOST_INVALID', at, wrong)
    const partial = resolution === 'DYNAMIC_DNS' ? undefined : wrongPartialWildcard(host)
    if (partial !== undefined) report.warn('HOST_PARTIAL_WILDCARD', at, partial)
  }
}

function checkAddresses({ addresses = [], resolution = 'NONE' }: ServiceEntry, report: Report): void {
  const at = field(SPEC, 'addresses')
  for (const [i, address] of addresses.entries()) {
    const wrong = wrongCidr(address)
    if (wrong !== undefined) report.error('SUBNET_INVALID', index(at, i), wrong)
  }
  const prefixed = addresses.some((address) => address.includes('/'))
  if (prefixed && resolution !== 'NONE' && resolution !== 'STATIC') {
    report.error('CIDR_RESOLUTION', at, 'CIDR addresses are allowed only for NONE/STATIC resolution types')
  }
}

/** istiod: with PILOT_ENABLE_IP_AUTOALLOCATE at its default. */
function hasAutoAllocation({ addresses = [], resolution = 'NONE' }: ServiceEntry, { labels }: ObjectMeta): boolean {
  return addresses.length === 0 && resolution !== 'NONE' && labels[AUTO_ALLOCATION_LABEL]?.toLowerCase() !== 'false'
}

function checkPorts(spec: ServiceEntry, meta: ObjectMeta, report: Report): void {
  const names = new Set<string>()
  const numbers = new Set<number>()
  const addressless = spec.addresses === undefined && !hasAutoAllocation(spec, meta)
  for (const [i, { name = '', number = 0, targetPort = 0, protocol = '' }] of (spec.ports ?? []).entries()) {
    const at = index(field(SPEC, 'ports'), i)
    if (names.has(name))
      report.error('PORT_NAME_DUPLICATE', field(at, 'name'), `service entry port name "${name}" already defined`)
    if (numbers.has(number))
      report.error('PORT_DUPLICATE', field(at, 'number'), `service entry port ${number} already defined`)
    names.add(name)
    numbers.add(number)
    const badTarget = targetPort === 0 ? undefined : portProblem(targetPort)
    if (badTarget !== undefined) report.error('PORT_RANGE', field(at, 'targetPort'), badTarget)
    // istiod: `tcp` in lower case escapes this.
    if (addressless && (protocol === '' || protocol === 'TCP')) {
      const text =
        'addresses are required for ports serving TCP (or unset) protocol when IP Autoallocation is not enabled'
      report.warn('ADDRESSES_REQUIRED', at, text)
    }
    checkPort({ name, number, protocol }, at, report)
  }
}

function checkPort(
  { name, number, protocol }: { name: string; number: number; protocol: string },
  at: FieldPath,
  report: Report,
): void {
  const badName = wrongPortName(name)
  if (badName !== undefined) report.error('PORT_NAME', field(at, 'name'), badName)
  const badProtocol = wrongProtocol(protocol)
  if (badProtocol !== undefined) report.error('PROTOCOL_UNKNOWN', field(at, 'protocol'), badProtocol)
  const badNumber = portProblem(number)
  if (badNumber !== undefined) report.error('PORT_RANGE', field(at, 'number'), badNumber)
}

function checkResolution(spec: ServiceEntry, context: RuleContext): void {
  const resolution = spec.resolution ?? 'NONE'
  switch (resolution) {
    case 'NONE':
      checkNone(spec, context.report)
      return
    case 'STATIC':
      checkStatic(spec, context.report)
      return
    case 'DNS':
    case 'DNS_ROUND_ROBIN':
      checkDns(spec, resolution, context.report)
      return
    case 'DYNAMIC_DNS':
      checkDynamicDns(spec, context)
      return
    default:
      context.report.error(
        'RESOLUTION_INVALID',
        field(SPEC, 'resolution'),
        `unsupported resolution type ${resolution as string}`,
      )
  }
}

function checkNone({ endpoints, workloadSelector }: ServiceEntry, report: Report): void {
  if (endpoints !== undefined) {
    report.error(
      'ENDPOINTS_FORBIDDEN',
      field(SPEC, 'endpoints'),
      'no endpoints should be provided for resolution type none',
    )
  }
  if (workloadSelector !== undefined) {
    report.warn(
      'SELECTOR_USELESS',
      field(SPEC, 'workloadSelector'),
      'workloadSelector should not be set when resolution mode is NONE',
    )
  }
}

const portNames = (ports: Ports | undefined): ReadonlySet<string> => new Set((ports ?? []).map(({ name = '' }) => name))

function checkStatic({ endpoints = [], ports }: ServiceEntry, report: Report): void {
  const servicePorts = portNames(ports)
  for (const [i, endpoint] of endpoints.entries()) {
    checkEntry(endpoint, { at: index(field(SPEC, 'endpoints'), i), report, servicePorts, namesAllowed: false })
  }
}

function checkDns(spec: ServiceEntry, resolution: string, report: Report): void {
  const { hosts = [], endpoints = [], ports = [], addresses } = spec
  if (endpoints.length === 0) checkHostsResolve(hosts, resolution, report)
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) {
    const text = `there must only be 0 or 1 endpoint for resolution mode ${resolution}`
    report.error('ENDPOINTS_MANY', field(SPEC, 'endpoints'), text)
  }
  const servicePorts = portNames(ports)
  for (const [i, endpoint] of endpoints.entries())
    checkNamedEndpoint(endpoint, { at: index(field(SPEC, 'endpoints'), i), report, servicePorts })
  const tcp = ports.findIndex(({ protocol = '' }) => isTcp(protocol))
  if (addresses !== undefined && tcp !== -1 && hosts.length > 1) {
    const text = `service entry can not have more than one host specified simultaneously with address and tcp port`
    report.warn('HOSTS_SHARE_ADDRESS', index(field(SPEC, 'ports'), tcp), text)
  }
}

function checkHostsResolve(hosts: readonly string[], resolution: string, report: Report): void {
  for (const [i, host] of hosts.entries()) {
    const wrong = wrongFqdn(host)
    if (wrong === undefined) continue
    const text = `hosts must be FQDN or contain only prefix wildcards if no endpoints are provided for resolution mode ${resolution}, ${wrong}`
    report.error('HOST_UNRESOLVABLE', index(field(SPEC, 'hosts'), i), text)
    return
  }
}

interface EndpointPlace {
  readonly at: FieldPath
  readonly report: Report
  readonly servicePorts: ReadonlySet<string>
}

/** istiod: an endpoint that is resolved needs a name or an address; a socket, or a network alone, will not do. */
function checkNamedEndpoint(
  { address = '', labels, ports }: WorkloadEntry,
  { at, report, servicePorts }: EndpointPlace,
): void {
  if (!isIpAddress(address) && wrongFqdn(address) !== undefined) {
    report.error(
      'ADDRESS_INVALID',
      field(at, 'address'),
      `endpoint address "${address}" is not a valid FQDN or an IP address`,
    )
  }
  checkLabels(labels, field(at, 'labels'), report)
  checkEntryPorts(ports, { at: field(at, 'ports'), report, servicePorts })
}

function checkDynamicDns(
  { hosts = [], endpoints, addresses, ports = [], location }: ServiceEntry,
  { meta, report }: RuleContext,
): void {
  if (endpoints !== undefined)
    report.error(
      'ENDPOINTS_FORBIDDEN',
      field(SPEC, 'endpoints'),
      'no endpoints should be provided for resolution type DYNAMIC_DNS',
    )
  if (addresses !== undefined)
    report.error(
      'ADDRESSES_FORBIDDEN',
      field(SPEC, 'addresses'),
      'no addresses should be provided for resolution type DYNAMIC_DNS',
    )
  if (hosts.length === 0) {
    report.error(
      'HOSTS_REQUIRED',
      field(SPEC, 'hosts'),
      'at least one wildcard host must be provided for resolution type DYNAMIC_DNS',
    )
  }
  for (const [i, host] of hosts.entries()) {
    if (host.startsWith('*')) continue
    report.error(
      'HOST_NOT_WILDCARD',
      index(field(SPEC, 'hosts'), i),
      `host ${host} must be wildcarded for resolution type DYNAMIC_DNS`,
    )
  }
  for (const [i, { protocol = '' }] of ports.entries()) {
    if (DYNAMIC_PROTOCOLS.has(protocol.toLowerCase())) continue
    const text = `protocol "${protocol}" is not supported for resolution type DYNAMIC_DNS, use HTTP, HTTP2, GRPC or TLS`
    report.error('PROTOCOL_UNKNOWN', field(index(field(SPEC, 'ports'), i), 'protocol'), text)
  }
  const waypoint = meta.labels[WAYPOINT_LABEL]
  if (location === 'MESH_INTERNAL' && waypoint !== undefined && waypoint.toLowerCase() !== 'none') {
    report.error(
      'WAYPOINT_LOCATION',
      field(SPEC, 'location'),
      'MESH_INTERNAL location is not supported for DYNAMIC_DNS with a waypoint',
    )
  }
}

/** Only names inside the requests, or in TLS, can tell several hosts on one port apart. */
function checkSharedPorts({ hosts = [], ports = [], resolution = 'NONE' }: ServiceEntry, report: Report): void {
  if (resolution === 'NONE' || hosts.length <= 1) return
  const plain = ports.findIndex(({ protocol = '' }) => !isHttp(protocol) && !isTls(protocol))
  if (plain !== -1) {
    report.error(
      'HOSTS_SHARE_PORT',
      index(field(SPEC, 'ports'), plain),
      'multiple hosts provided with non-HTTP, non-TLS ports',
    )
  }
}
