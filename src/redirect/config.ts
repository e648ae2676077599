/** Settings and the facts of a host -> the configuration that rules are made from. */
import { messageOf, ProjectError } from '../base/errors.ts'
import {
  formatAddress,
  isLinkLocalMulticast,
  isLinkLocalUnicast,
  isLoopback,
  parseAddress,
  parsePrefix,
  unmap,
  type Address,
} from './addresses.ts'
import type { Compat, RedirectSettings } from './flags.ts'

/** Everything rules are made from; nothing is looked up any more. */
export interface RedirectConfig extends Readonly<RedirectSettings> {
  /** First ordinary address of the namespace. */
  readonly hostIp: string
  readonly ipv6Enabled: boolean
  /** Name servers to capture, canonical spelling. */
  readonly dnsServersV4: readonly string[]
  readonly dnsServersV6: readonly string[]
  readonly compat: Compat
}

/** What the rules depend on outside flags and variables. Each is asked only when needed. */
export interface HostFacts {
  /** Addresses with their prefix length, all IPv4 of all interfaces before all IPv6, as the kernel lists them. */
  readonly addresses: () => readonly string[] | Promise<readonly string[]>
  /** Text of resolv.conf. @throws when it cannot be read */
  readonly resolvConf: () => string | Promise<string>
  /** Uid of an account, or undefined. */
  readonly uidOf: (account: string) => number | undefined | Promise<number | undefined>
}

const DEFAULT_UID = '1337'
/** istiod: more groups do not fit one rule's matches. */
const MAX_OWNER_GROUPS = 64

/**
 * Completes and checks settings.
 * @throws ProjectError REDIRECT_ENVIRONMENT when the host lacks an address or resolv.conf; REDIRECT_CONFIG_INVALID naming the value
 */
export async function deriveConfig(
  settings: RedirectSettings,
  host: HostFacts,
  compat: Compat,
): Promise<RedirectConfig> {
  const proxyUid = settings.proxyUid === '' ? await defaultUid(settings.envoyUser, host) : settings.proxyUid
  const proxyGid = settings.proxyGid === '' ? proxyUid : settings.proxyGid
  const local = findLocalAddress(await host.addresses(), settings.dualStack || compat === 'off')
  const servers =
    settings.redirectDns && !settings.captureAllDns ? readNameServers(await loadResolvConf(host)) : NO_SERVERS
  const config: RedirectConfig = { ...settings, proxyUid, proxyGid, ...local, ...servers, compat }
  checkConfig(config)
  return config
}

async function loadResolvConf(host: HostFacts): Promise<string> {
  try {
    return await host.resolvConf()
  } catch (error) {
    throw new ProjectError('REDIRECT_ENVIRONMENT', `failed to load /etc/resolv.conf: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

async function defaultUid(account: string, host: HostFacts): Promise<string> {
  const uid = await host.uidOf(account)
  return uid === undefined ? DEFAULT_UID : String(uid)
}

/**
 * The host's address, and whether IPv6 is to be redirected.
 * istiod: without dual stack the first address alone decides, so that IPv6 of a pod with IPv4 is left open.
 */
export function findLocalAddress(
  addresses: readonly string[],
  dualStack: boolean,
): { hostIp: string; ipv6Enabled: boolean } {
  const usable = addresses.map(interfaceAddress).filter((address) => address !== undefined)
  const [first] = usable
  if (first === undefined) throw new ProjectError('REDIRECT_ENVIRONMENT', 'no valid local IP address found')
  const candidates = dualStack ? usable : [first]
  return { hostIp: formatAddress(first), ipv6Enabled: candidates.some(({ family }) => family === 'v6') }
}

function interfaceAddress(text: string): Address | undefined {
  const literal = parseAddress(text.split('/')[0] ?? '')
  if (literal === undefined) return undefined
  const address = unmap(literal)
  return isLoopback(address) || isLinkLocalUnicast(address) || isLinkLocalMulticast(address) ? undefined : address
}

interface NameServers {
  readonly dnsServersV4: readonly string[]
  readonly dnsServersV6: readonly string[]
}
const NO_SERVERS: NameServers = { dnsServersV4: [], dnsServersV6: [] }

/** Name servers of a resolv.conf text, in canonical spelling; what is no IP literal is dropped, duplicates stay. */
export function readNameServers(resolvConf: string): NameServers {
  const found = resolvConf
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([keyword, server]) => keyword === 'nameserver' && server !== undefined)
    .map(([, server = '']) => parseAddress(server))
    .filter((address) => address !== undefined)
  const spelled = (family: string): string[] => found.filter((address) => address.family === family).map(formatAddress)
  return { dnsServersV4: spelled('v4'), dnsServersV6: spelled('v6') }
}

/** Entries of a comma-separated list. istiod: empty ones are dropped, nothing is trimmed. */
export function splitList(text: string): string[] {
  return text.split(',').filter((entry) => entry !== '')
}

/** Whether DNS is captured: asked for, and there is something to capture. */
export function capturesDns(config: RedirectConfig): boolean {
  if (!config.redirectDns) return false
  return config.captureAllDns || config.dnsServersV4.length + config.dnsServersV6.length > 0
}

function checkConfig(config: RedirectConfig): void {
  const groups = splitList(config.ownerGroupsInclude)
  if (config.ownerGroupsInclude !== '*' && groups.length > MAX_OWNER_GROUPS) {
    throw invalid(
      `number of owner groups whose outgoing traffic should be redirected to Envoy cannot exceed ${MAX_OWNER_GROUPS}, got ${groups.length}: [${groups.join(' ')}]`,
    )
  }
  if (!['', 'legacy', 'nft'].includes(config.forceIptablesBinary)) {
    throw invalid(`invalid FORCE_IPTABLES_BINARY value "${config.forceIptablesBinary}"`)
  }
  checkLoopback(config.loopbackCidr)
  if (config.compat === 'off') checkWords(config)
}

function checkLoopback(cidr: string): void {
  const parsed = parsePrefix(cidr)
  if (!parsed.ok) throw invalid(`failed to parse CIDR ${cidr}: ${parsed.reason}`)
  const { address, bits } = parsed.prefix
  if (address.family !== 'v4' || !isLoopback(address)) {
    throw invalid(`expected valid IPv4 loopback address in CIDR ${cidr}; found ${formatAddress(address)}`)
  }
  if (bits < 8) throw invalid(`expected CIDR ${cidr} to have mask in range [8, 32]; found ${bits}`)
}

const WORD = /^[A-Za-z0-9_][A-Za-z0-9_.:+@-]*$/
const WORD_LISTS = [
  ['proxyUid', 'proxy-uid'],
  ['proxyGid', 'proxy-gid'],
  ['inboundPortsInclude', 'istio-inbound-ports'],
  ['inboundPortsExclude', 'istio-local-exclude-ports'],
  ['excludeInterfaces', 'istio-exclude-interfaces'],
  ['outboundPortsInclude', 'istio-outbound-ports'],
  ['outboundPortsExclude', 'istio-local-outbound-ports-exclude'],
  ['virtualInterfaces', 'kube-virt-interfaces'],
  ['ownerGroupsInclude', 'ISTIO_OUTBOUND_OWNER_GROUPS'],
  ['ownerGroupsExclude', 'ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE'],
  ['proxyPort', 'envoy-port'],
  ['inboundCapturePort', 'inbound-capture-port'],
  ['inboundTunnelPort', 'inbound-tunnel-port'],
  ['tproxyMark', 'istio-inbound-tproxy-mark'],
] as const

/** A value with a space, a newline or a leading dash would become further arguments of the tool: rules a user may not write. */
function checkWords(config: RedirectConfig): void {
  for (const [setting, name] of WORD_LISTS) {
    if (config[setting] === '*') continue
    const bad = splitList(config[setting]).find((entry) => !WORD.test(entry.trim()))
    if (bad !== undefined) throw invalid(`${name}: expected a list of plain words, got ${JSON.stringify(bad)}`)
  }
}

function invalid(message: string): ProjectError {
  return new ProjectError('REDIRECT_CONFIG_INVALID', message)
}
