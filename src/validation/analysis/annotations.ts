/** The registry of Istio's annotations: where each belongs, and what it may say. */
import { isIpPrefix } from '../../base/ip-address.ts'

export interface Annotation {
  /** Kinds it may stand on; `Any` for all. */
  readonly kinds: readonly string[]
  readonly deprecated: boolean
  /** What is wrong with a value. */
  readonly wrong: (value: string) => string | undefined
}
type Check = (value: string) => string | undefined
const ANYTHING: Check = () => undefined
const invalid = (value: string, what: string): string => `${JSON.stringify(value)} is not ${what}`

const PORT = /^\s*\d+\s*$/
const isPort = (text: string): boolean => PORT.test(text) && Number(text) <= 65535
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value) ? undefined : invalid(value, `one of ${values.join(', ')}`)
const every =
  (what: string, test: (element: string) => boolean): Check =>
  (value) =>
    value === '' || value.split(',').every(test) ? undefined : invalid(value, `a list of ${what}`)
const starOr =
  (check: Check): Check =>
  (value) =>
    value === '*' ? undefined : check(value)

const BOOL = oneOf('1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False')
const UINT: Check = (value) =>
  /^\d+$/.test(value) && Number(value) < 2 ** 32 ? undefined : invalid(value, 'an unsigned number')
const PORT_VALUE: Check = (value) => (isPort(value) ? undefined : invalid(value, 'a port'))
const PORTS = every('ports', isPort)
const CIDRS = every('prefixes', isIpPrefix)
const INTERFACES = every(
  'interface names',
  (name) => name.trim().length <= 15 && /^[a-zA-Z][a-zA-Z0-9_.-]*$/.test(name.trim()),
)
const QUANTITY: Check = (value) =>
  /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.test(value)
    ? undefined
    : invalid(value, 'a quantity')

interface Row {
  readonly names: string
  readonly kinds: string
  readonly deprecated?: boolean
  readonly wrong?: Check
}
const SIDECAR_TEXTS =
  'agentLogLevel bootstrapOverride componentLogLevel logLevel nativeSidecar proxyImage proxyImageType rewriteAppHTTPProbers statsEvictionInterval statsFlushInterval statsHistogramBins statsHistogramBuckets userVolume userVolumeMount'
const SIDECAR_OLD =
  'discoveryAddress extraStatTags statsCompression statsInclusionPrefixes statsInclusionRegexps statsInclusionSuffixes'
const below = (prefix: string, names: string): string =>
  names
    .split(' ')
    .map((name) => `${prefix}/${name}`)
    .join(' ')

const ROWS: readonly Row[] = [
  {
    names: 'alpha.istio.io/canonical-serviceaccounts alpha.istio.io/kubernetes-serviceaccounts',
    kinds: 'Service',
    deprecated: true,
  },
  {
    names: 'ambient.istio.io/bypass-inbound-capture ambient.istio.io/dns-capture ambient.istio.io/redirection',
    kinds: 'Pod',
  },
  { names: 'ambient.istio.io/waypoint-inbound-binding', kinds: 'GatewayClass Gateway' },
  { names: 'galley.istio.io/analyze-suppress gateway.istio.io/controller-version', kinds: 'Any' },
  { names: 'istio.io/rev sidecar.istio.io/status', kinds: 'Pod' },
  {
    names: 'gateway.istio.io/name-override gateway.istio.io/service-account networking.istio.io/service-type',
    kinds: 'Gateway',
  },
  { names: 'inject.istio.io/templates proxy.istio.io/overrides proxy.istio.io/config', kinds: 'Pod' },
  {
    names: below('istio.io', 'autoRegistrationGroup connectedAt disconnectedAt workloadController'),
    kinds: 'WorkloadEntry',
  },
  { names: 'istio.io/dry-run', kinds: 'AuthorizationPolicy' },
  { names: 'istio.io/reroute-virtual-interfaces', kinds: 'Pod', wrong: INTERFACES },
  { names: 'istio.io/use-waypoint-canary-weight', kinds: 'Service ServiceEntry Namespace' },
  { names: 'networking.istio.io/exportTo traffic.istio.io/nodeSelector', kinds: 'Service' },
  { names: 'networking.istio.io/traffic-distribution', kinds: 'Namespace Service ServiceEntry' },
  { names: 'prometheus.istio.io/merge-metrics', kinds: 'Pod', wrong: BOOL },
  {
    names: below('readiness.status.sidecar.istio.io', 'failureThreshold initialDelaySeconds periodSeconds'),
    kinds: 'Pod',
    wrong: UINT,
  },
  {
    names: `${below('sidecar.istio.io', SIDECAR_TEXTS)} readiness.status.sidecar.istio.io/applicationPorts`,
    kinds: 'Pod',
  },
  { names: below('sidecar.istio.io', SIDECAR_OLD), kinds: 'Pod', deprecated: true },
  { names: 'sidecar.istio.io/inject', kinds: 'Pod', deprecated: true },
  { names: 'sidecar.istio.io/interceptionMode', kinds: 'Pod', wrong: oneOf('REDIRECT', 'TPROXY', 'NONE') },
  {
    names: below('sidecar.istio.io', 'proxyCPU proxyCPULimit proxyMemory proxyMemoryLimit'),
    kinds: 'Pod',
    wrong: QUANTITY,
  },
  { names: 'status.sidecar.istio.io/port', kinds: 'Pod', wrong: PORT_VALUE },
  { names: 'topology.istio.io/controlPlaneClusters', kinds: 'Namespace' },
  { names: 'kubernetes.io/ingress.class', kinds: 'Ingress' },
  { names: 'traffic.sidecar.istio.io/includeInboundPorts', kinds: 'Pod', wrong: starOr(PORTS) },
  { names: below('traffic.sidecar.istio.io', 'excludeInboundPorts excludeOutboundPorts'), kinds: 'Pod', wrong: PORTS },
  { names: 'traffic.sidecar.istio.io/includeOutboundPorts', kinds: 'Pod' },
  { names: 'traffic.sidecar.istio.io/includeOutboundIPRanges', kinds: 'Pod', wrong: starOr(CIDRS) },
  { names: 'traffic.sidecar.istio.io/excludeOutboundIPRanges', kinds: 'Pod', wrong: CIDRS },
  { names: 'traffic.sidecar.istio.io/excludeInterfaces', kinds: 'Pod', wrong: INTERFACES },
  { names: 'traffic.sidecar.istio.io/kubevirtInterfaces', kinds: 'Pod', deprecated: true, wrong: INTERFACES },
]

export const ANNOTATIONS: ReadonlyMap<string, Annotation> = new Map(
  ROWS.flatMap(({ names, kinds, deprecated = false, wrong = ANYTHING }) =>
    names.split(' ').map((name) => [name, { kinds: kinds.split(' '), deprecated, wrong }] as const),
  ),
)

/** Written by the system itself, never reported. */
export const SYSTEM_ANNOTATIONS: ReadonlySet<string> = new Set([
  'gateway.istio.io/controller-version',
  'istio.io/rev',
  'sidecar.istio.io/status',
])

/** istiod: whatever ends in istio.io before its slash, so xistio.io as well. */
export const isIstioAnnotation = (name: string): boolean =>
  name === 'kubernetes.io/ingress.class' || (name.split('/', 1)[0] ?? '').endsWith('istio.io')
