/** Sidecar: listeners in both directions, and the policy for what is unknown. */
import { portProblem, splitHostPort } from '../../base/host-port.ts'
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { withoutWarnings } from '../report.ts'
import type { Sidecar, SidecarEgress, SidecarIngress, SidecarPort } from '../schema/kinds/sidecar.ts'
import { checkDestination } from './destinations.ts'
import { wrongFqdn, wrongIp, wrongPortName, wrongSocketPath } from './hosts.ts'
import { checkLabelsSelector } from './labels.ts'
import { checkNamespacedHost } from './namespaced-host.ts'
import { isHttp, isTls, wrongProtocol } from './protocols.ts'
import type { KindRules } from './rule-context.ts'
import { checkServerTls } from './server-tls.ts'
import { checkConnectionPool } from './traffic-policy.ts'

const SOCKET = 'unix://'

export const checkSidecar: KindRules<Sidecar> = (spec, { meta, report }) => {
  const { ingress = [], egress = [], inboundConnectionPool, outboundTrafficPolicy } = spec
  const selectorAt = field(SPEC, 'workloadSelector')
  const isEmpty =
    ingress.length === 0 &&
    egress.length === 0 &&
    outboundTrafficPolicy === undefined &&
    inboundConnectionPool === undefined
  // istiod: the error ends the validation and takes the selector's warning with it.
  const selectorReport = isEmpty ? withoutWarnings(report) : report
  if (!checkLabelsSelector(spec.workloadSelector, { at: selectorAt, subject: 'sidecar', report: selectorReport }))
    return
  if (isEmpty) {
    report.error('SIDECAR_EMPTY', SPEC, 'sidecar: empty configuration provided')
    return
  }
  const inboundPorts = new Set<number>()
  for (const [i, listener] of ingress.entries())
    checkIngress(listener, { at: index(field(SPEC, 'ingress'), i), seen: inboundPorts, report })
  checkConnectionPool(inboundConnectionPool, field(SPEC, 'inboundConnectionPool'), report)
  checkEgressList(egress, meta.namespace, report)
  checkOutboundPolicy(outboundTrafficPolicy, field(SPEC, 'outboundTrafficPolicy'), report)
}

interface ListenerPlace {
  readonly at: FieldPath
  /** Port numbers of the listeners before this one. */
  readonly seen: Set<number>
  readonly report: Report
}

function checkIngress(listener: SidecarIngress, { at, seen, report }: ListenerPlace): void {
  const { port, bind = '', tls, connectionPool } = listener
  if (port === undefined) {
    report.error('PORT_REQUIRED', field(at, 'port'), 'sidecar: port is required for ingress listeners')
    return
  }
  checkPortText(port, field(at, 'port'), report)
  checkBoundPort(port.number ?? 0, bind, { at, seen, report })
  checkDefaultEndpoint(listener.defaultEndpoint ?? '', field(at, 'defaultEndpoint'), report)
  checkIngressTls(tls, { at: field(at, 'tls'), protocol: port.protocol ?? '', report })
  checkConnectionPool(connectionPool, field(at, 'connectionPool'), report)
  if (connectionPool?.http !== undefined && !isHttp(port.protocol ?? '')) {
    const text = `sidecar: HTTP connection pool settings are configured for port ${port.number ?? 0} ("${port.name ?? ''}") but its protocol is not HTTP (${port.protocol ?? ''})`
    report.warn('POOL_PROTOCOL', field(field(at, 'connectionPool'), 'http'), text)
  }
}

function checkPortText({ targetPort = 0, name = '', protocol = '' }: SidecarPort, at: FieldPath, report: Report): void {
  if (targetPort > 0)
    report.error('TARGET_PORT_USELESS', field(at, 'targetPort'), 'targetPort has no impact on Sidecars')
  const badName = name === '' ? undefined : wrongPortName(name)
  if (badName !== undefined) report.error('PORT_NAME', field(at, 'name'), badName)
  const badProtocol = wrongProtocol(protocol)
  if (badProtocol !== undefined) report.error('PROTOCOL_UNKNOWN', field(at, 'protocol'), badProtocol)
}

/** istiod: the address is not compared, so one port cannot be bound twice. */
function checkBoundPort(number: number, bind: string, { at, seen, report }: ListenerPlace): void {
  const portAt = field(field(at, 'port'), 'number')
  const badNumber = portProblem(number)
  if (badNumber !== undefined) report.error('PORT_RANGE', portAt, badNumber)
  const badBind = bind === '' ? undefined : wrongIp(bind)
  if (badBind !== undefined) report.error('BIND_INVALID', field(at, 'bind'), badBind)
  if (seen.has(number)) report.error('PORT_DUPLICATE', portAt, 'sidecar: ports on IP bound listeners must be unique')
  seen.add(number)
}

const OWN_HOSTS: ReadonlySet<string> = new Set(['', '127.0.0.1', '0.0.0.0', '::1', '::'])

function checkDefaultEndpoint(endpoint: string, at: FieldPath, report: Report): void {
  if (endpoint === '') return
  if (endpoint.startsWith(SOCKET)) {
    const wrong = wrongSocketPath(endpoint.slice(SOCKET.length))
    if (wrong !== undefined) report.error('DEFAULT_ENDPOINT', at, wrong)
    return
  }
  const split = splitHostPort(endpoint)
  if (typeof split === 'string') report.error('DEFAULT_ENDPOINT', at, split)
  const { host, port } = typeof split === 'string' ? { host: '', port: '' } : split
  if (!OWN_HOSTS.has(host)) {
    const text =
      'defaultEndpoint must be of form 127.0.0.1:<port>, 0.0.0.0:<port>, [::1]:port, [::]:port, unix://filepath or unset'
    report.error('DEFAULT_ENDPOINT', at, text)
  }
  const badPort = /^[+-]?\d+$/.test(port) ? portProblem(Number(port)) : `defaultEndpoint port (${port}) is not a number`
  if (badPort !== undefined) report.error('DEFAULT_ENDPOINT', at, badPort)
}

const UNSUPPORTED_TLS = [
  'subjectAltNames',
  'httpsRedirect',
  'credentialName',
  'credentialNames',
  'tlsCertificates',
] as const

function checkIngressTls(
  tls: SidecarIngress['tls'],
  { at, protocol, report }: { at: FieldPath; protocol: string; report: Report },
): void {
  if (tls === undefined) return
  for (const name of UNSUPPORTED_TLS) {
    const value = tls[name]
    if (value === undefined || value === '' || value === false) continue
    report.error('SIDECAR_TLS', field(at, name), `sidecar: ${name} is not supported in sidecar ingress tls`)
  }
  if (tls.mode === 'ISTIO_MUTUAL' || tls.mode === 'AUTO_PASSTHROUGH') {
    report.error(
      'SIDECAR_TLS',
      field(at, 'mode'),
      `configuration is invalid: cannot set mode to ${tls.mode} in sidecar ingress tls`,
    )
  }
  if (!isTls(protocol)) report.error('TLS_FORBIDDEN', at, 'server cannot have TLS settings for non HTTPS/TLS ports')
  checkServerTls(tls, at, report)
}

function checkEgressList(egress: readonly SidecarEgress[], namespace: string, report: Report): void {
  const numbers = new Set<number>()
  const sockets = new Set<string>()
  for (const [i, listener] of egress.entries()) {
    const at = index(field(SPEC, 'egress'), i)
    if (listener.port === undefined) {
      if (i !== egress.length - 1) {
        report.error(
          'EGRESS_ORDER',
          field(at, 'port'),
          'sidecar: the egress listener with empty port should be the last listener in the list',
        )
      }
    } else {
      checkPortText(listener.port, field(at, 'port'), report)
      const number = listener.port.number ?? 0
      if (number === 0) checkSocketListener(listener, { at, sockets, report })
      else checkBoundPort(number, listener.bind ?? '', { at, seen: numbers, report })
    }
    checkEgressHosts(listener.hosts ?? [], { at: field(at, 'hosts'), namespace, report })
  }
}

function checkSocketListener(
  { bind = '', captureMode }: SidecarEgress,
  { at, sockets, report }: { at: FieldPath; sockets: Set<string>; report: Report },
): void {
  const here = field(at, 'bind')
  if (!bind.startsWith(SOCKET))
    report.error('SOCKET_PORT', here, 'sidecar: ports with 0 value must have a unix domain socket bind address')
  else {
    const wrong = wrongSocketPath(bind.slice(SOCKET.length))
    if (wrong !== undefined) report.error('BIND_INVALID', here, wrong)
  }
  if (captureMode === 'IPTABLES') {
    report.error(
      'SOCKET_CAPTURE',
      field(at, 'captureMode'),
      'sidecar: captureMode must be DEFAULT/NONE for unix domain socket listeners',
    )
  }
  if (sockets.has(bind))
    report.error('PORT_DUPLICATE', here, 'sidecar: unix domain socket values for listeners must be unique')
  sockets.add(bind)
}

interface HostsPlace {
  readonly at: FieldPath
  readonly namespace: string
  readonly report: Report
}

function checkEgressHosts(hosts: readonly string[], place: HostsPlace): void {
  const { at, report } = place
  if (hosts.length === 0) report.error('HOSTS_REQUIRED', at, 'sidecar: egress listener must contain at least one host')
  for (const [i, host] of hosts.entries()) {
    if (report.isFull()) return
    checkNamespacedHost(host, { at: index(at, i), flavour: { kind: 'sidecar', mayHide: true }, report })
  }
  warnOfRepeatedHosts(hosts, place)
}

function warnOfRepeatedHosts(hosts: readonly string[], { at, namespace, report }: HostsPlace): void {
  const seen = new Map<string, Set<string>>()
  for (const [i, host] of hosts.entries()) {
    const slash = host.indexOf('/')
    if (slash === -1 || host.startsWith('~')) continue
    const scope = host.slice(0, slash) === '.' ? namespace : host.slice(0, slash)
    const dnsName = host.slice(slash + 1)
    const names = seen.get(scope) ?? new Set<string>()
    const repeated = dnsName === '*' ? names.size > 0 : names.has(dnsName) || names.has('*')
    if (repeated) report.warn('EGRESS_HOST_DUPLICATE', index(at, i), `duplicated egress host: ${host}`)
    names.add(dnsName)
    seen.set(scope, names)
  }
  if (seen.get('*')?.has('*') === true && seen.size > 1) {
    report.warn('EGRESS_HOST_ALL', at, '`*/*` host select all resources, no other hosts can be added')
  }
}

/** istiod: the first contradiction ends the check. */
function checkOutboundPolicy(policy: Sidecar['outboundTrafficPolicy'], at: FieldPath, report: Report): void {
  if (policy === undefined) return
  const { mode = 'REGISTRY_ONLY', egressProxy } = policy
  if (mode === 'ALLOW_ANY_DYNAMIC_DNS') {
    report.error(
      'OUTBOUND_POLICY',
      field(at, 'mode'),
      'sidecar: outboundTrafficPolicy mode ALLOW_ANY_DYNAMIC_DNS is supported in the mesh configuration only',
    )
    return
  }
  if (egressProxy === undefined) return
  const here = field(at, 'egressProxy')
  if (mode !== 'ALLOW_ANY') {
    report.error(
      'OUTBOUND_POLICY',
      here,
      'sidecar: egress_proxy must be set only with ALLOW_ANY outbound_traffic_policy mode',
    )
    return
  }
  const badHost = wrongFqdn(egressProxy.host ?? '')
  if (badHost !== undefined) report.error('DESTINATION_HOST', field(here, 'host'), badHost)
  if (egressProxy.port === undefined)
    report.error('PORT_REQUIRED', field(here, 'port'), 'sidecar: egress_proxy port must be non-nil')
  else checkDestination(egressProxy, here, report)
}
