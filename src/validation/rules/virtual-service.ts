/** VirtualService: hosts, gateways, and the order of the checks. */
import { portProblem } from '../../base/host-port.ts'
import { isIpAddress } from '../../base/ip-address.ts'
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { withoutWarnings } from '../report.ts'
import type { VirtualService } from '../schema/kinds/virtual-service.ts'
import { checkDestination, checkGatewayNames, checkWeights } from './destinations.ts'
import { checkExportTo } from './export-to.ts'
import type { HostIndex } from './host-index.ts'
import { indexHosts, isCovered, overlappingPairs } from './host-index.ts'
import { wrongCidr, wrongSniDomain, wrongWildcardDomain } from './hosts.ts'
import { isJwtClaim } from './http-headers.ts'
import { checkHttpRoute } from './http-route.ts'
import { checkLabels } from './labels.ts'
import type { KindRules, RuleContext } from './rule-context.ts'
import { hasGatewaySemantics } from './rule-context.ts'
import { warnOfUnusedRules } from './unused-rules.ts'

type L4Route = NonNullable<VirtualService['tcp']>[number]
type TlsRoute = NonNullable<VirtualService['tls']>[number]

/** Where the routes apply. */
interface Binding {
  readonly mesh: boolean
  /** Gateways are listed, and the mesh is not among them. */
  readonly gatewayOnly: boolean
  readonly destinationsUnchecked: boolean
}

export const checkVirtualService: KindRules<VirtualService> = (spec, context) => {
  const { meta, report } = context
  const { hosts = [], gateways = [], http = [] } = spec
  const listed = gateways.length > 0
  const binding: Binding = {
    mesh: !listed || gateways.includes('mesh'),
    gatewayOnly: listed && !gateways.includes('mesh'),
    destinationsUnchecked: hasGatewaySemantics(meta, 'route-semantics'),
  }
  if (hosts.length === 0) checkDelegate(spec, report)
  checkGatewayNames(gateways, {
    at: field(SPEC, 'gateways'),
    namesMayBeGenerated: binding.destinationsUnchecked,
    report,
  })
  if (!binding.gatewayOnly) checkNoClaims(http, gateways, report)
  checkHosts(spec, binding, report)
  if (http.length === 0 && spec.tls === undefined && spec.tcp === undefined) {
    report.error('ROUTES_REQUIRED', SPEC, 'http, tcp or tls must be provided in virtual service')
  }
  for (const [i, route] of http.entries()) {
    const at = index(field(SPEC, 'http'), i)
    checkHttpRoute(route, {
      at,
      report,
      inDelegate: hosts.length === 0,
      destinationsUnchecked: binding.destinationsUnchecked,
    })
  }
  checkTlsRoutes(spec, binding, report)
  checkTcpRoutes(spec.tcp ?? [], binding, report)
  checkExportTo(spec.exportTo, { namespace: meta.namespace }, report)
  warnOfUnusedRules(spec, report)
}

function checkDelegate({ gateways, tls, tcp }: VirtualService, report: Report): void {
  const refuse = (name: string, text: string): void =>
    report.error('DELEGATE_INVALID', field(SPEC, name), `delegate virtual service must ${text}`)
  if (gateways !== undefined) refuse('gateways', 'have no gateways specified')
  if (tls !== undefined) refuse('tls', 'have no tls route specified')
  if (tcp !== undefined) refuse('tcp', 'have no tcp route specified')
}

/** istiod: a delegate can name no gateways, so claims can be matched in the root only. */
function checkNoClaims(http: NonNullable<VirtualService['http']>, gateways: readonly string[], report: Report): void {
  for (const [i, { match = [] }] of http.entries()) {
    for (const [j, entry] of match.entries()) {
      for (const list of ['headers', 'withoutHeaders'] as const) {
        for (const key of Object.keys(entry[list] ?? {})) {
          if (!isJwtClaim(key)) continue
          const at = field(index(field(index(field(SPEC, 'http'), i), 'match'), j), list)
          const text = `JWT claim based routing (key: ${key}) is only supported for gateway, found no gateways: [${gateways.join(' ')}]`
          report.error('JWT_CLAIM_ROUTING', at, text)
        }
      }
    }
  }
}

/** n hosts that cover each other have n * n pairs; nobody reads that many. */
const MAX_PAIRS = 100

function checkHosts({ hosts = [], tls = [] }: VirtualService, { mesh, gatewayOnly }: Binding, report: Report): void {
  const sni = tls.some(({ match = [] }) => match.some(({ sniHosts }) => sniHosts !== undefined))
  const before = report.errorCount()
  const list = field(SPEC, 'hosts')
  for (const [i, host] of hosts.entries()) {
    if (report.isFull()) return
    const at = index(list, i)
    const wrong = isIpAddress(host)
      ? undefined
      : gatewayOnly
        ? wrongSniDomain(host, { sni })
        : wrongWildcardDomain(host)
    if (wrong !== undefined) report.error('HOST_INVALID', at, wrong)
    if (host === '*' && mesh)
      report.error('HOST_WILDCARD', at, 'wildcard host * is not allowed for virtual services bound to the mesh gateway')
  }
  if (report.errorCount() > before) return
  let pairs = 0
  for (const [i, j] of overlappingPairs(hosts)) {
    pairs += 1
    if (pairs > MAX_PAIRS) return
    report.error(
      'HOST_DUPLICATE',
      index(field(SPEC, 'hosts'), j),
      `duplicate hosts in virtual service: ${hosts[i] ?? ''} & ${hosts[j] ?? ''}`,
    )
  }
}

function checkTlsRoutes(
  { tls = [], hosts = [], gateways = [] }: VirtualService,
  binding: Binding,
  report: Report,
): void {
  const hostIndex = indexHosts(tls.length === 0 ? [] : hosts)
  // istiod: no gateways at all counts as a gateway here.
  const sni = !gateways.includes('mesh')
  for (const [i, route] of tls.entries()) {
    const at = index(field(SPEC, 'tls'), i)
    if (route.match === undefined)
      report.error('TLS_MATCH_REQUIRED', field(at, 'match'), 'TLS route must have at least one match condition')
    for (const [j, match] of (route.match ?? []).entries()) {
      checkTlsMatch(match, { at: index(field(at, 'match'), j), report, sni, hosts, hostIndex })
    }
    checkL4Destinations(route, { at, binding, report, subject: 'TLS' })
  }
}

interface TlsMatchPlace {
  readonly at: FieldPath
  readonly report: Report
  readonly sni: boolean
  readonly hosts: readonly string[]
  readonly hostIndex: HostIndex
}

function checkTlsMatch(match: NonNullable<TlsRoute['match']>[number], place: TlsMatchPlace): void {
  const { at, report } = place
  if (match.sniHosts === undefined)
    report.error('TLS_SNI_REQUIRED', field(at, 'sniHosts'), 'TLS match must have at least one SNI host')
  for (const [i, sniHost] of (match.sniHosts ?? []).entries())
    checkSniHost(sniHost, index(field(at, 'sniHosts'), i), place)
  checkL4Match(match, at, report)
  checkGatewayNames(match.gateways, { at: field(at, 'gateways'), namesMayBeGenerated: false, report })
}

function checkSniHost(sniHost: string, at: FieldPath, { report, sni, hosts, hostIndex }: TlsMatchPlace): void {
  if (isIpAddress(sniHost)) {
    report.warn(
      'SNI_IP',
      at,
      `using an IP address (${sniHost}) goes against SNI spec and most clients do not support this`,
    )
    return
  }
  const wrong = wrongSniDomain(sniHost, { sni })
  if (wrong !== undefined) report.error('SNI_INVALID', at, wrong)
  if (!isCovered(sniHost, hostIndex)) {
    const text = `SNI host "${sniHost}" is not a compatible subset of any of the virtual service hosts: [${hosts.join(', ')}]`
    report.error('SNI_OUTSIDE_HOSTS', at, text)
  }
}

interface L4Match {
  readonly destinationSubnets?: readonly string[] | undefined
  readonly port?: number | undefined
  readonly sourceLabels?: Readonly<Record<string, string>> | undefined
}

function checkL4Match(
  { destinationSubnets = [], port = 0, sourceLabels }: L4Match,
  at: FieldPath,
  report: Report,
): void {
  for (const [i, subnet] of destinationSubnets.entries()) {
    const wrong = wrongCidr(subnet)
    if (wrong !== undefined) report.error('SUBNET_INVALID', index(field(at, 'destinationSubnets'), i), wrong)
  }
  const badPort = port === 0 ? undefined : portProblem(port)
  if (badPort !== undefined) report.error('PORT_RANGE', field(at, 'port'), badPort)
  checkLabels(sourceLabels, field(at, 'sourceLabels'), report)
}

function checkTcpRoutes(tcp: readonly L4Route[], binding: Binding, report: Report): void {
  const quiet = withoutWarnings(report)
  for (const [i, route] of tcp.entries()) {
    const at = index(field(SPEC, 'tcp'), i)
    for (const [j, match] of (route.match ?? []).entries()) {
      const here = index(field(at, 'match'), j)
      checkL4Match(match, here, report)
      checkGatewayNames(match.gateways, { at: field(here, 'gateways'), namesMayBeGenerated: false, report: quiet })
    }
    checkL4Destinations(route, { at, binding, report, subject: 'TCP' })
  }
}

interface L4Place {
  readonly at: FieldPath
  readonly binding: Binding
  readonly report: RuleContext['report']
  readonly subject: 'TLS' | 'TCP'
}

function checkL4Destinations({ route = [] }: Pick<L4Route, 'route'>, { at, binding, report, subject }: L4Place): void {
  const list = field(at, 'route')
  if (route.length === 0) report.error('ROUTES_REQUIRED', list, `${subject} route is required`)
  for (const [i, { destination }] of route.entries()) {
    const here = field(index(list, i), 'destination')
    if (destination === undefined) report.error('DESTINATION_REQUIRED', here, 'destination is required')
    else if (!binding.destinationsUnchecked) checkDestination(destination, here, report)
  }
  checkWeights(route, list, report)
}
