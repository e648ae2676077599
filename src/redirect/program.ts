/** What a network namespace must hold, in order, as data. No back end, no I/O: the whole policy is testable as text. */
import { ProjectError } from '../base/errors.ts'
import { isLoopback, parsePrefix, type Family, type Prefix } from './addresses.ts'
import { capturesDns, splitList, type RedirectConfig } from './config.ts'
import { BOTH, type Chain, type Match, type Rule, type Table, type Target } from './rule.ts'

const AGENT_DNS_PORT = '15053'
/** istiod: a constant, whatever the mark of TPROXY. */
const OUTBOUND_MARK = '1338'
const LOOPBACK_V6 = '::1/128'
const PASSTHROUGH = { v4: '127.0.0.6/32', v6: '::6/128' } as const

const RETURN: Target = { kind: 'return' }
const TCP: Match = { kind: 'protocol', is: 'tcp' }
const OUT_LO: Match = { kind: 'interface', direction: 'out', name: 'lo' }
const IN_LO: Match = { kind: 'interface', direction: 'in', name: 'lo' }

/** Ranges of a list by family. */
interface Ranges {
  readonly all: boolean
  readonly v4: readonly Prefix[]
  readonly v6: readonly Prefix[]
}

/** The configuration with its lists split once. */
interface Plan {
  readonly config: RedirectConfig
  readonly tproxy: boolean
  readonly dns: boolean
  readonly include: Ranges
  readonly exclude: Ranges
  readonly owners: readonly { readonly by: 'uid' | 'gid'; readonly is: string }[]
  readonly virtualInterfaces: readonly string[]
}

/**
 * The rules of a configuration in program order.
 * @throws ProjectError REDIRECT_RANGE_INVALID for an outbound range that is no CIDR, before any rule is made
 */
export function redirectProgram(config: RedirectConfig): Rule[] {
  const plan = planOf(config)
  return [
    ...excludedInterfaces(plan),
    ...bypassOfVirtualInterfaces(plan),
    ...invalidPackets(plan),
    ...portals(plan),
    ...inbound(plan),
    rule('nat', 'OUTPUT', [], jump('ISTIO_OUTPUT')),
    ...excludedOutboundPorts(plan),
    rule('nat', 'ISTIO_OUTPUT', [OUT_LO, { kind: 'address', side: 'source', ...PASSTHROUGH }], RETURN),
    ...proxyOwners(plan),
    ...ownerGroups(plan),
    ...(plan.dns ? dnsCapture(plan) : []),
    rule('nat', 'ISTIO_OUTPUT', [toLoopback(plan)], RETURN),
    ...excludedRanges(plan),
    ...includedPorts(plan),
    ...includedRanges(plan),
    ...(plan.tproxy ? tproxyMarks(plan) : []),
  ]
}

function planOf(config: RedirectConfig): Plan {
  const exclude = parseRanges(config.outboundRangesExclude)
  if (exclude.all) throw new ProjectError('REDIRECT_RANGE_INVALID', 'invalid value for OUTBOUND_IP_RANGES_EXCLUDE')
  return {
    config,
    exclude,
    include: parseRanges(config.outboundRangesInclude),
    tproxy: config.interceptionMode === 'TPROXY',
    dns: capturesDns(config),
    owners: [
      ...splitList(config.proxyUid).map((is) => ({ by: 'uid' as const, is })),
      ...splitList(config.proxyGid).map((is) => ({ by: 'gid' as const, is })),
    ],
    virtualInterfaces: splitList(config.virtualInterfaces),
  }
}

function parseRanges(list: string): Ranges {
  if (list === '*') return { all: true, v4: [], v6: [] }
  const prefixes = splitList(list).map((entry) => {
    const parsed = parsePrefix(entry)
    if (!parsed.ok) throw new ProjectError('REDIRECT_RANGE_INVALID', parsed.reason)
    return parsed.prefix
  })
  const ofFamily = (family: Family): Prefix[] => prefixes.filter(({ address }) => address.family === family)
  return { all: false, v4: ofFamily('v4'), v6: ofFamily('v6') }
}

function rule(table: Table, chain: Chain, match: readonly Match[], target: Target): Rule {
  return { table, chain, families: BOTH, match, target }
}

function insert(at: number, { table, chain, families, match, target }: Rule): Rule {
  return { table, chain, at, families, match, target }
}

function jump(chain: Chain): Target {
  return { kind: 'jump', chain }
}

const into = (name: string): Match => ({ kind: 'interface', direction: 'in', name })
const outOf = (name: string): Match => ({ kind: 'interface', direction: 'out', name })
const toPort = (port: string): Match => ({ kind: 'port', is: [port] })
const notToPorts = (...is: readonly string[]): Match => ({ kind: 'port', is, not: true })

function toLoopback({ config }: Plan): Match {
  return { kind: 'address', side: 'destination', v4: config.loopbackCidr, v6: LOOPBACK_V6 }
}

function notToLoopback({ config }: Plan): Match {
  return { kind: 'address', side: 'destination', v4: config.loopbackCidr, v6: LOOPBACK_V6, not: true }
}

function excludedInterfaces({ config, tproxy }: Plan): Rule[] {
  const tables: Table[] = tproxy ? ['nat', 'mangle'] : ['nat']
  return tables.flatMap((table) =>
    splitList(config.excludeInterfaces).flatMap((name) => [
      rule(table, 'PREROUTING', [into(name)], RETURN),
      rule(table, 'OUTPUT', [outOf(name)], RETURN),
    ]),
  )
}

function bypassOfVirtualInterfaces({ virtualInterfaces }: Plan): Rule[] {
  return virtualInterfaces.map((name) => insert(1, rule('nat', 'PREROUTING', [into(name)], RETURN)))
}

function invalidPackets({ config }: Plan): Rule[] {
  if (!config.dropInvalid) return []
  // istiod: nftables drops invalid TCP only, iptables every protocol.
  const match: Match[] = [
    { kind: 'protocol', is: 'tcp', only: 'nftables' },
    { kind: 'conntrack', states: ['INVALID'] },
  ]
  return [rule('mangle', 'PREROUTING', match, jump('ISTIO_DROP')), rule('mangle', 'ISTIO_DROP', [], { kind: 'drop' })]
}

/** The chains that hand a connection to the proxy, and the port that never is. */
function portals({ config }: Plan): Rule[] {
  const redirectTo = (port: string): Target => ({ kind: 'redirect', protocol: 'tcp', port })
  return [
    rule('nat', 'ISTIO_INBOUND', [TCP, toPort(config.inboundTunnelPort)], RETURN),
    rule('nat', 'ISTIO_REDIRECT', [TCP], redirectTo(config.proxyPort)),
    rule('nat', 'ISTIO_IN_REDIRECT', [TCP], redirectTo(config.inboundCapturePort)),
  ]
}

function inbound(plan: Plan): Rule[] {
  const { config, tproxy } = plan
  if (config.inboundPortsInclude === '') return []
  const table: Table = tproxy ? 'mangle' : 'nat'
  const all = config.inboundPortsInclude === '*'
  const excluded = all ? splitList(config.inboundPortsExclude) : []
  const captured: Match[][] = all ? [[]] : splitList(config.inboundPortsInclude).map((port) => [toPort(port)])
  return [
    ...(tproxy ? tproxyPortals(plan) : []),
    rule(table, 'PREROUTING', [TCP], jump('ISTIO_INBOUND')),
    ...excluded.map((port) => rule(table, 'ISTIO_INBOUND', [TCP, toPort(port)], RETURN)),
    ...captured.flatMap((port) => (tproxy ? divertOrProxy(port) : [captureInbound(port)])),
  ]
}

function tproxyPortals(plan: Plan): Rule[] {
  const { tproxyMark: mark, inboundCapturePort: port } = plan.config
  return [
    rule('mangle', 'ISTIO_DIVERT', [], { kind: 'setMark', mark }),
    rule('mangle', 'ISTIO_DIVERT', [], { kind: 'accept' }),
    rule('mangle', 'ISTIO_TPROXY', [notToLoopback(plan), TCP], { kind: 'tproxy', port, mark }),
  ]
}

function captureInbound(port: readonly Match[]): Rule {
  return rule('nat', 'ISTIO_INBOUND', [TCP, ...port], jump('ISTIO_IN_REDIRECT'))
}

/** Packets of a connection that the proxy already has keep going to it; others start with TPROXY. */
function divertOrProxy(port: readonly Match[]): Rule[] {
  const known: Match = { kind: 'conntrack', states: ['RELATED', 'ESTABLISHED'] }
  return [
    rule('mangle', 'ISTIO_INBOUND', [TCP, ...port, known], jump('ISTIO_DIVERT')),
    rule('mangle', 'ISTIO_INBOUND', [TCP, ...port], jump('ISTIO_TPROXY')),
  ]
}

function excludedOutboundPorts({ config }: Plan): Rule[] {
  return splitList(config.outboundPortsExclude).flatMap((port) =>
    (['tcp', 'udp'] as const).map((protocol) =>
      rule('nat', 'ISTIO_OUTPUT', [{ kind: 'protocolPort', protocol, side: 'destination', is: port }], RETURN),
    ),
  )
}

/** For each uid, then each gid of the proxy: calls to itself go inbound, others to itself go direct, all else leaves. */
function proxyOwners(plan: Plan): Rule[] {
  const { config, dns, include } = plan
  const loopbackCaptured = [...include.v4, ...include.v6].some(({ address }) => isLoopback(address))
  return plan.owners.flatMap((is) => {
    const owner: Match = { kind: 'owner', ...is }
    const notOwner: Match = { kind: 'owner', ...is, not: true }
    // istiod: port 53 is spared for uids only, not for gids.
    const spared = notToPorts(...(dns && is.by === 'uid' ? ['53'] : []), config.inboundTunnelPort)
    const direct = dns ? [OUT_LO, TCP, notToPorts('53'), notOwner] : [OUT_LO, notOwner]
    return [
      rule('nat', 'ISTIO_OUTPUT', [OUT_LO, notToLoopback(plan), TCP, spared, owner], jump('ISTIO_IN_REDIRECT')),
      ...(loopbackCaptured ? [] : [rule('nat', 'ISTIO_OUTPUT', direct, RETURN)]),
      rule('nat', 'ISTIO_OUTPUT', [owner], RETURN),
    ]
  })
}

/** istiod: an include list that is empty, not `*`, leaves everybody out. */
function ownerGroups({ config }: Plan): Rule[] {
  const group = (is: string, not: boolean): Match => ({ kind: 'owner', by: 'gid', is, ...(not ? { not } : {}) })
  if (config.ownerGroupsInclude === '*') {
    return splitList(config.ownerGroupsExclude).map((is) => rule('nat', 'ISTIO_OUTPUT', [group(is, false)], RETURN))
  }
  const others = splitList(config.ownerGroupsInclude).map((is) => group(is, true))
  return [rule('nat', 'ISTIO_OUTPUT', others, RETURN)]
}

/** A DNS server, or `undefined` for any. */
type Server = { readonly families: readonly Family[]; readonly v4?: string; readonly v6?: string } | undefined

function dnsServers({ config }: Plan): Server[] {
  if (config.captureAllDns) return [undefined]
  return [
    ...config.dnsServersV4.map((server) => ({ families: ['v4'] as const, v4: `${server}/32` })),
    ...config.dnsServersV6.map((server) => ({ families: ['v6'] as const, v6: `${server}/128` })),
  ]
}

function dnsFamilies({ config }: Plan): Family[] {
  const { captureAllDns, dnsServersV4, dnsServersV6 } = config
  return BOTH.filter((family) => captureAllDns || (family === 'v4' ? dnsServersV4 : dnsServersV6).length > 0)
}

function dnsCapture(plan: Plan): Rule[] {
  const servers = dnsServers(plan)
  const families = dnsFamilies(plan)
  return [
    rule('raw', 'OUTPUT', [], jump('ISTIO_OUTPUT_DNS')),
    { ...rule('nat', 'ISTIO_OUTPUT', [], jump('ISTIO_OUTPUT_DNS')), families },
    ...servers.map((server) => dnsRedirect('tcp', server)),
    ...servers.map((server) => dnsRedirect('udp', server)),
    ...plan.owners.flatMap(ownerZones),
    { ...rule('raw', 'PREROUTING', [], jump('ISTIO_INBOUND')), families },
    ...servers.flatMap(serverZones),
  ]
}

function dnsRedirect(protocol: 'tcp' | 'udp', server: Server): Rule {
  const target: Target = { kind: 'redirect', protocol, port: AGENT_DNS_PORT }
  // istiod: only the TCP rule for any server names its protocol apart from the port, in nftables.
  const match: Match[] =
    protocol === 'tcp' && server === undefined
      ? [TCP, toPort('53')]
      : [{ kind: 'protocolPort', protocol, side: 'destination', is: '53' }]
  return withServer(rule('nat', 'ISTIO_OUTPUT_DNS', match, target), 'destination', server)
}

/**
 * Packets between agent and upstream live in conntrack zone 1, between client and agent in zone 2: both flows
 * may share their ports, and in one zone they would collide.
 */
function ownerZones(owner: { readonly by: 'uid' | 'gid'; readonly is: string }): Rule[] {
  const from: Match = { kind: 'owner', ...owner }
  const query: Match = { kind: 'protocolPort', protocol: 'udp', side: 'destination', is: '53' }
  const answer: Match = { kind: 'protocolPort', protocol: 'udp', side: 'source', is: AGENT_DNS_PORT }
  return [
    rule('raw', 'ISTIO_OUTPUT_DNS', [query, from], { kind: 'zone', zone: 1 }),
    rule('raw', 'ISTIO_OUTPUT_DNS', [answer, from], { kind: 'zone', zone: 2 }),
  ]
}

function serverZones(server: Server): Rule[] {
  const query: Match = { kind: 'protocolPort', protocol: 'udp', side: 'destination', is: '53' }
  const answer: Match = { kind: 'protocolPort', protocol: 'udp', side: 'source', is: '53' }
  return [
    withServer(rule('raw', 'ISTIO_OUTPUT_DNS', [query], { kind: 'zone', zone: 2 }), 'destination', server),
    withServer(rule('raw', 'ISTIO_INBOUND', [answer], { kind: 'zone', zone: 1 }), 'source', server),
  ]
}

function withServer(base: Rule, side: 'source' | 'destination', server: Server): Rule {
  if (server === undefined) return base
  const { families, ...text } = server
  return { ...base, families, match: [...base.match, { kind: 'address', side, ...text }] }
}

function toRange(family: Family, { text }: Prefix): Match {
  return { kind: 'address', side: 'destination', [family]: text }
}

function excludedRanges({ exclude }: Plan): Rule[] {
  return BOTH.flatMap((family) =>
    exclude[family].map((range) => ({
      ...rule('nat', 'ISTIO_OUTPUT', [toRange(family, range)], RETURN),
      families: [family],
    })),
  )
}

function includedPorts({ config }: Plan): Rule[] {
  return splitList(config.outboundPortsInclude).map((is) =>
    rule(
      'nat',
      'ISTIO_OUTPUT',
      [{ kind: 'protocolPort', protocol: 'tcp', side: 'destination', is }],
      jump('ISTIO_REDIRECT'),
    ),
  )
}

/** istiod: the order of OUTPUT and PREROUTING differs between `*` and a list. */
function includedRanges({ include, virtualInterfaces }: Plan): Rule[] {
  const fromInterfaces = (...range: readonly Match[]): Rule[] =>
    virtualInterfaces.map((name) =>
      insert(1, rule('nat', 'PREROUTING', [into(name), ...range], jump('ISTIO_REDIRECT'))),
    )
  if (include.all) return [rule('nat', 'ISTIO_OUTPUT', [], jump('ISTIO_REDIRECT')), ...fromInterfaces()]
  return BOTH.flatMap((family) =>
    include[family].flatMap((range) => {
      const to = toRange(family, range)
      const rules = [...fromInterfaces(to), rule('nat', 'ISTIO_OUTPUT', [to], jump('ISTIO_REDIRECT'))]
      return rules.map((made) => ({ ...made, families: [family] }))
    }),
  )
}

/** Carries the proxy's mark between packets and connections, and keeps what is marked or local out of TPROXY. */
function tproxyMarks(plan: Plan): Rule[] {
  const { tproxyMark } = plan.config
  const marked: Match = { kind: 'mark', is: tproxyMark }
  const ownMark: Target = { kind: 'setMark', mark: OUTBOUND_MARK }
  return [
    rule('mangle', 'PREROUTING', [TCP, marked], { kind: 'saveMark' }),
    rule('mangle', 'OUTPUT', [TCP, OUT_LO, marked], RETURN),
    ...plan.owners.map((is) =>
      rule('mangle', 'OUTPUT', [notToLoopback(plan), TCP, OUT_LO, { kind: 'owner', ...is }], ownMark),
    ),
    rule('mangle', 'OUTPUT', [TCP, { kind: 'connectionMark', is: tproxyMark }], { kind: 'restoreMark' }),
    insert(1, rule('mangle', 'ISTIO_INBOUND', [TCP, marked], RETURN)),
    insert(
      2,
      rule('mangle', 'ISTIO_INBOUND', [TCP, { kind: 'address', side: 'source', ...PASSTHROUGH }, IN_LO], RETURN),
    ),
    insert(3, rule('mangle', 'ISTIO_INBOUND', [TCP, IN_LO, { kind: 'mark', is: OUTBOUND_MARK, not: true }], RETURN)),
  ]
}
