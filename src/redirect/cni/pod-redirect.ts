/** What a pod asks of the plugin: redirect it, leave it alone, or refuse it. Pure. */
import { parsePrefix } from '../addresses.ts'
import { DEFAULT_SETTINGS, parseFlags, type Compat, type RedirectSettings } from '../flags.ts'
import { parseGoBool, quoteGo, whyNotPort } from '../go-literals.ts'

/** Absent parts may be null, as the API server never sends but people write. */
export interface RedirectedContainer {
  readonly name?: string
  readonly args?: readonly string[] | null
  readonly env?: readonly { readonly name: string; readonly value?: string }[] | null
  readonly securityContext?: { readonly runAsUser?: number; readonly runAsGroup?: number } | null
}

/** The part of a pod that counts. */
export interface RedirectedPod {
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>> | null
    readonly annotations?: Readonly<Record<string, string>> | null
  }
  readonly spec?: {
    readonly initContainers?: readonly RedirectedContainer[] | null
    readonly containers?: readonly RedirectedContainer[] | null
    readonly securityContext?: { readonly runAsUser?: number; readonly runAsGroup?: number } | null
  }
}

/** What was taken from a pod, under the names that the original logs. */
export interface RedirectParameters {
  readonly targetPort: string
  readonly redirectMode: string
  readonly noRedirectUID: string
  readonly noRedirectGID: string
  readonly includeIPCidrs: string
  readonly excludeIPCidrs: string
  readonly excludeInboundPorts: string
  readonly excludeOutboundPorts: string
  readonly includeInboundPorts: string
  readonly includeOutboundPorts: string
  readonly rerouteVirtualInterfaces: string
  readonly excludeInterfaces: string
  readonly dnsRedirect: boolean
  readonly dualStack: boolean
  readonly invalidDrop: boolean
}

export type PodDecision =
  | { readonly do: 'skip'; readonly reason: string }
  | { readonly do: 'refuse'; readonly reason: string }
  | { readonly do: 'redirect'; readonly parameters: RedirectParameters; readonly settings: RedirectSettings }

const PROXY = 'istio-proxy'
const INJECT = 'sidecar.istio.io/inject'
const STATUS = 'sidecar.istio.io/status'
const INTERCEPTION_MODE = 'sidecar.istio.io/interceptionMode'
const DEFAULT_ID = '1337'
const ALWAYS_EXCLUDED_INBOUND = '15020,15021,15090'

/** The first rule that applies decides, in istiod's order. */
export function decideForPod(pod: RedirectedPod, compat: Compat): PodDecision {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
  const names = new Set(containers.map(({ name = '' }) => name))
  const proxy = proxyFacts(containers)
  const annotations = pod.metadata?.annotations ?? {}
  if (names.has('istio-init')) return skip('excluded due to being already injected with istio-init container')
  if (isTrue(proxy.env.get('DISABLE_ENVOY'))) return skip('excluded due to DISABLE_ENVOY on istio-proxy')
  if (!names.has(PROXY)) {
    return skip(`excluded because it does not have istio-proxy container (have [${[...names].sort().join(' ')}])`)
  }
  if (proxy.type !== '' && proxy.type !== 'sidecar') {
    const { namespace = '', name = '' } = pod.metadata ?? {}
    return skip(`excluded ${namespace}/${name} pod because it has proxy type ${proxy.type}`)
  }
  // istiod: a label that is present but empty hides an annotation of false.
  const inject = parseGoBool(ownText(pod.metadata?.labels ?? {}, INJECT) ?? ownText(annotations, INJECT) ?? '')
  if (inject.ok && !inject.value) return skip('excluded due to inject-disabled annotation')
  if (ownText(annotations, STATUS) === undefined) return skip('excluded due to not containing sidecar annotation')
  if (compat === 'off' && ownText(annotations, INTERCEPTION_MODE) === 'NONE')
    return skip('excluded by interception mode NONE')
  return redirect(annotations, { proxy, compat, ports: compat === 'off' ? meshPorts(containers) : MESH_PORTS })
}

type MeshPorts = Pick<RedirectSettings, 'proxyPort' | 'inboundCapturePort' | 'inboundTunnelPort'>

const VALIDATION = 'istio-validation'
const MESH_PORTS: MeshPorts = {
  proxyPort: DEFAULT_SETTINGS.proxyPort,
  inboundCapturePort: DEFAULT_SETTINGS.inboundCapturePort,
  inboundTunnelPort: DEFAULT_SETTINGS.inboundTunnelPort,
}

/**
 * The proxy's ports, as the injector told the container that checks the redirection; nothing else of a pod says them.
 * istiod: constants, so that a mesh with ports of its own is redirected to where nobody listens.
 */
function meshPorts(containers: readonly RedirectedContainer[]): MeshPorts {
  const args = containers.find(({ name }) => name === VALIDATION)?.args ?? []
  const flags = args[0] === 'istio-iptables' ? parseFlags(args.slice(1).map(String), {}, 'off') : undefined
  if (flags?.kind !== 'settings') return MESH_PORTS
  const { proxyPort, inboundCapturePort, inboundTunnelPort } = flags.settings
  return { proxyPort, inboundCapturePort, inboundTunnelPort }
}

function skip(reason: string): PodDecision {
  return { do: 'skip', reason }
}

function isTrue(text: string | undefined): boolean {
  return text !== undefined && parseGoBool(text).value
}

function ownText(texts: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(texts, key) ? texts[key] : undefined
}

interface ProxyFacts {
  readonly env: ReadonlyMap<string, string>
  readonly type: string
  readonly uid: number | undefined
  readonly gid: number | undefined
}

/** Of several proxies the variables add up, the type is the last one's that states it, the ids the last one's that has any. */
function proxyFacts(containers: readonly RedirectedContainer[]): ProxyFacts {
  const proxies = containers.filter(({ name }) => name === PROXY)
  const env = new Map<string, string>()
  for (const container of proxies) for (const { name, value = '' } of container.env ?? []) env.set(name, value)
  const typed = proxies.findLast(({ args }) => args?.[0] === 'proxy' && args.length >= 2)
  const context = proxies.findLast(({ securityContext }) => isPresent(securityContext))?.securityContext
  return { env, type: typed?.args?.[1] ?? '', uid: context?.runAsUser, gid: context?.runAsGroup }
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

type Validator = (value: string) => string | undefined

interface Parameter {
  readonly key: string
  readonly annotation: string
  readonly fallback: string
  readonly whyInvalid: Validator
}

const traffic = (name: string): string => `traffic.sidecar.istio.io/${name}`

/** In the order in which they are checked: the first that is wrong is told. */
const PARAMETERS = {
  redirectMode: parameter('redirectMode', INTERCEPTION_MODE, { fallback: 'REDIRECT', whyInvalid: whyNotMode }),
  includeIPCidrs: parameter('includeIPCidrs', traffic('includeOutboundIPRanges'), {
    fallback: '*',
    whyInvalid: whyNotRanges,
  }),
  excludeIPCidrs: parameter('excludeIPCidrs', traffic('excludeOutboundIPRanges'), {
    fallback: '',
    whyInvalid: whyNotRangeList,
  }),
  excludeInboundPorts: parameter('excludeInboundPorts', traffic('excludeInboundPorts'), {
    fallback: '15020',
    whyInvalid: whyNotPorts,
  }),
  includeInboundPorts: parameter('includeInboundPorts', traffic('includeInboundPorts'), {
    fallback: '*',
    whyInvalid: whyNotPorts,
  }),
  // istiod: the status port is excluded outbound as well.
  excludeOutboundPorts: parameter('excludeOutboundPorts', traffic('excludeOutboundPorts'), {
    fallback: '15020',
    whyInvalid: whyNotPorts,
  }),
  includeOutboundPorts: parameter('includeOutboundPorts', traffic('includeOutboundPorts'), {
    fallback: '',
    whyInvalid: whyNotPorts,
  }),
  excludeInterfaces: parameter('excludeInterfaces', traffic('excludeInterfaces'), {
    fallback: '',
    whyInvalid: whyNotInterfaces,
  }),
}
const REROUTE = parameter('reroute-virtual-interfaces', 'istio.io/reroute-virtual-interfaces', {
  fallback: '',
  whyInvalid: whyNotInterfaces,
})
const KUBEVIRT = parameter('kubevirtInterfaces', traffic('kubevirtInterfaces'), {
  fallback: '',
  whyInvalid: whyNotInterfaces,
})

function parameter(key: string, annotation: string, rest: { fallback: string; whyInvalid: Validator }): Parameter {
  return { key, annotation, ...rest }
}

interface RedirectInput {
  readonly proxy: ProxyFacts
  readonly compat: Compat
  readonly ports: MeshPorts
}

function redirect(annotations: Readonly<Record<string, string>>, input: RedirectInput): PodDecision {
  const { proxy, ports } = input
  const virtual = ownText(annotations, REROUTE.annotation) === undefined ? KUBEVIRT : REROUTE
  for (const asked of [...Object.values(PARAMETERS), virtual]) {
    const value = ownText(annotations, asked.annotation)
    const reason = value === undefined ? undefined : asked.whyInvalid(value)
    if (reason === undefined) continue
    return { do: 'refuse', reason: `annotation value error for value ${asked.key}; annotationFound = true: ${reason}` }
  }
  const valueOf = ({ annotation, fallback }: Parameter): string => ownText(annotations, annotation) ?? fallback
  const parameters: RedirectParameters = {
    targetPort: ports.proxyPort,
    redirectMode: valueOf(PARAMETERS.redirectMode),
    noRedirectUID: idText(proxy.uid),
    noRedirectGID: idText(proxy.gid),
    includeIPCidrs: valueOf(PARAMETERS.includeIPCidrs),
    excludeIPCidrs: valueOf(PARAMETERS.excludeIPCidrs),
    excludeInboundPorts: withAlwaysExcluded(valueOf(PARAMETERS.excludeInboundPorts)),
    excludeOutboundPorts: valueOf(PARAMETERS.excludeOutboundPorts),
    includeInboundPorts: valueOf(PARAMETERS.includeInboundPorts),
    includeOutboundPorts: valueOf(PARAMETERS.includeOutboundPorts),
    rerouteVirtualInterfaces: valueOf(virtual),
    excludeInterfaces: valueOf(PARAMETERS.excludeInterfaces),
    dnsRedirect: isTrue(proxy.env.get('ISTIO_META_DNS_CAPTURE')),
    dualStack: isTrue(proxy.env.get('ISTIO_DUAL_STACK')),
    invalidDrop: isTrue(proxy.env.get('INVALID_DROP')),
  }
  return { do: 'redirect', parameters, settings: settingsOf(parameters, input) }
}

/** istiod: root counts as not stated. */
function idText(id: number | undefined): string {
  return id === undefined || id === null || id === 0 ? DEFAULT_ID : String(id)
}

function withAlwaysExcluded(ports: string): string {
  const trimmed = ports.trim()
  const joined = trimmed === '' || trimmed.endsWith(',') ? trimmed : `${trimmed},`
  return [...new Set(`${joined}${ALWAYS_EXCLUDED_INBOUND}`.split(','))].join(',')
}

function settingsOf(from: RedirectParameters, { proxy, compat, ports }: RedirectInput): RedirectSettings {
  return {
    ...DEFAULT_SETTINGS,
    ...(compat === 'off' ? environmentSettings(proxy.env) : {}),
    ...ports,
    proxyUid: from.noRedirectUID,
    proxyGid: from.noRedirectGID,
    interceptionMode: from.redirectMode,
    inboundPortsInclude: from.includeInboundPorts,
    inboundPortsExclude: from.excludeInboundPorts,
    excludeInterfaces: from.excludeInterfaces,
    outboundRangesInclude: from.includeIPCidrs,
    outboundRangesExclude: from.excludeIPCidrs,
    outboundPortsInclude: from.includeOutboundPorts,
    outboundPortsExclude: from.excludeOutboundPorts,
    virtualInterfaces: from.rerouteVirtualInterfaces,
    redirectDns: from.dnsRedirect,
    captureAllDns: from.dnsRedirect,
    dualStack: from.dualStack,
    dropInvalid: from.invalidDrop,
    cniMode: true,
  }
}

/** istiod: these are read from the container runtime's environment, so that a pod's proxyMetadata has no effect. */
function environmentSettings(env: ReadonlyMap<string, string>): Partial<RedirectSettings> {
  const { ownerGroupsInclude, ownerGroupsExclude, loopbackCidr } = DEFAULT_SETTINGS
  return {
    ownerGroupsInclude: env.get('ISTIO_OUTBOUND_OWNER_GROUPS') ?? ownerGroupsInclude,
    ownerGroupsExclude: env.get('ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE') ?? ownerGroupsExclude,
    loopbackCidr: env.get('ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR') ?? loopbackCidr,
  }
}

function whyNotMode(value: string): string | undefined {
  return value === 'REDIRECT' || value === 'TPROXY' ? undefined : `interceptionMode invalid: ${value}`
}

function whyNotRangeList(value: string): string | undefined {
  if (value === '') return undefined
  for (const range of value.split(',')) {
    const parsed = parsePrefix(range)
    if (!parsed.ok) return `failed parsing cidr '${range}': ${parsed.reason}`
  }
  return undefined
}

function whyNotRanges(value: string): string | undefined {
  const reason = value === '*' ? undefined : whyNotRangeList(value)
  return reason === undefined ? undefined : `IPRanges invalid: ${reason}`
}

function whyNotPorts(value: string): string | undefined {
  if (value === '*' || value.trim() === '') return undefined
  for (const port of value.trim().split(',')) {
    const reason = whyNotPort(port.trim())
    if (reason !== undefined)
      return `portList ${quoteGo(value)} invalid: failed parsing port ${quoteGo(port)}: ${reason}`
  }
  return undefined
}

/** Without this check a name could carry further arguments into a rule. */
function whyNotInterfaces(value: string): string | undefined {
  if (value === '') return undefined
  for (const name of value.split(',').map((entry) => entry.trim())) {
    if (name === '') return 'empty interface name'
    if (new TextEncoder().encode(name).length > 15) return `interface name ${quoteGo(name)} too long (max 15 chars)`
    if (!/^[A-Za-z][A-Za-z0-9_.-]*$/.test(name)) return `interface name ${quoteGo(name)} contains invalid characters`
  }
  return undefined
}
