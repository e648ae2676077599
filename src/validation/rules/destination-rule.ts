/** DestinationRule: traffic policies at the top, per port and per subset. */
import { portProblem } from '../../base/host-port.ts'
import { isIpAddress } from '../../base/ip-address.ts'
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { withoutWarnings } from '../report.ts'
import type { DestinationRule, PortLevelSettings, TrafficPolicy } from '../schema/kinds/destination-rule.ts'
import { checkExportTo } from './export-to.ts'
import { wrongFqdn, wrongSubsetName, wrongWildcardDomain } from './hosts.ts'
import { checkLabels, checkMatchLabels } from './labels.ts'
import { checkLoadBalancer } from './load-balancer.ts'
import type { KindRules } from './rule-context.ts'
import { checkClientTls, checkConnectionPool, checkOutlierDetection } from './traffic-policy.ts'

interface Place {
  readonly at: FieldPath
  readonly namespace: string
  readonly report: Report
}

export const checkDestinationRule: KindRules<DestinationRule> = (spec, { meta, report }) => {
  const badHost = wrongWildcardDomain(spec.host ?? '')
  if (badHost !== undefined) report.error('HOST_INVALID', field(SPEC, 'host'), badHost)
  const { namespace } = meta
  checkTrafficPolicy(spec.trafficPolicy, { at: field(SPEC, 'trafficPolicy'), namespace, report })
  checkSubsets(spec.subsets ?? [], { at: field(SPEC, 'subsets'), namespace, report })
  checkExportTo(spec.exportTo, { namespace, ownNamespaceOnly: spec.workloadSelector !== undefined }, report)
  checkMatchLabels(spec.workloadSelector, field(SPEC, 'workloadSelector'), report)
}

/** istiod: an empty policy, and two that exclude each other, end the check of the policy. */
function checkTrafficPolicy(policy: TrafficPolicy | undefined, place: Place): void {
  if (policy === undefined) return
  const { at, report } = place
  const { tunnel, proxyProtocol, retryBudget, portLevelSettings } = policy
  if (
    !hasBlock(policy) &&
    tunnel === undefined &&
    proxyProtocol === undefined &&
    retryBudget === undefined &&
    portLevelSettings === undefined
  ) {
    report.error('POLICY_EMPTY', at, 'traffic policy must have at least one field')
    return
  }
  if (tunnel !== undefined && proxyProtocol !== undefined) {
    report.error('TUNNEL_CONFLICT', at, 'tunnel and proxyProtocol must not be set together')
    return
  }
  checkBlocks(policy, place)
  checkPortLevels(portLevelSettings ?? [], {
    ...place,
    at: field(at, 'portLevelSettings'),
    report: withoutWarnings(report),
  })
  checkTunnel(tunnel, field(at, 'tunnel'), report)
  const version = proxyProtocol?.version ?? 'V1'
  if (!PROXY_PROTOCOLS.has(version)) {
    const here = field(field(at, 'proxyProtocol'), 'version')
    report.error('PROXY_PROTOCOL', here, `proxy protocol version is invalid: ${version}`)
  }
}

/** A number may stand for any other; the CRD refuses all numbers. */
const PROXY_PROTOCOLS: ReadonlySet<string> = new Set(['V1', 'V2'])

const hasBlock = ({
  outlierDetection,
  connectionPool,
  loadBalancer,
  tls,
}: PortLevelSettings | TrafficPolicy): boolean =>
  outlierDetection !== undefined || connectionPool !== undefined || loadBalancer !== undefined || tls !== undefined

function checkBlocks(policy: PortLevelSettings | TrafficPolicy, { at, namespace, report }: Place): void {
  const hasOutlierDetection = policy.outlierDetection !== undefined
  checkOutlierDetection(policy.outlierDetection, field(at, 'outlierDetection'), report)
  checkConnectionPool(policy.connectionPool, field(at, 'connectionPool'), report)
  checkLoadBalancer(policy.loadBalancer, { at: field(at, 'loadBalancer'), hasOutlierDetection, report })
  checkClientTls(policy.tls, { at: field(at, 'tls'), namespace, report })
}

/** istiod: the number of a port is not looked at, nor are duplicates. */
function checkPortLevels(settings: readonly PortLevelSettings[], place: Place): void {
  for (const [i, setting] of settings.entries()) {
    const at = index(place.at, i)
    if (setting.port === undefined)
      place.report.error('PORT_REQUIRED', field(at, 'port'), 'portLevelSettings must have valid port')
    if (!hasBlock(setting)) place.report.error('POLICY_EMPTY', at, 'portLevelSettings must have at least one field')
    checkBlocks(setting, { ...place, at })
  }
}

function checkTunnel(tunnel: TrafficPolicy['tunnel'], at: FieldPath, report: Report): void {
  if (tunnel === undefined) return
  const { protocol = '', targetHost = '', targetPort = 0 } = tunnel
  if (protocol !== '' && protocol !== 'CONNECT' && protocol !== 'POST') {
    report.error('TUNNEL_INVALID', field(at, 'protocol'), 'tunnel protocol must be "CONNECT" or "POST"')
  }
  const badHost = isIpAddress(targetHost) ? undefined : wrongFqdn(targetHost)
  if (badHost !== undefined) {
    report.error(
      'TUNNEL_INVALID',
      field(at, 'targetHost'),
      `tunnel target host must be valid FQDN or IP address: ${badHost}; ${targetHost} is not a valid IP`,
    )
  }
  const badPort = portProblem(targetPort)
  if (badPort !== undefined)
    report.error('PORT_RANGE', field(at, 'targetPort'), `tunnel target port is invalid: ${badPort}`)
}

function checkSubsets(subsets: NonNullable<DestinationRule['subsets']>, { at, namespace, report }: Place): void {
  const seen = new Set<string>()
  for (const [i, { name = '', labels, trafficPolicy }] of subsets.entries()) {
    const here = index(at, i)
    if (seen.has(name)) report.error('SUBSET_DUPLICATE', field(here, 'name'), `duplicate subset names: ${name}`)
    seen.add(name)
    const badName = wrongSubsetName(name)
    if (badName !== undefined) report.error('SUBSET_NAME', field(here, 'name'), badName)
    checkLabels(labels, field(here, 'labels'), report)
    checkTrafficPolicy(trafficPolicy, { at: field(here, 'trafficPolicy'), namespace, report: withoutWarnings(report) })
  }
}
