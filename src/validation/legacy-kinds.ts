/** Kinds of older Istio releases that no CRD serves any more, and what to write today. */

const CHECKS = 'use an AuthorizationPolicy'
const METRICS = 'use Telemetry metrics with a provider of the mesh configuration'
const LOGS = 'use Telemetry accessLogging'
const TRACES = 'use Telemetry tracing'
const QUOTAS = 'use a local rate limit, or a global rate limit service, by EnvoyFilter'
const EXTERNAL = 'use an AuthorizationPolicy with action CUSTOM and an external authorizer, or a WasmPlugin'
const BY_PURPOSE =
  'use AuthorizationPolicy for checks, Telemetry for metrics, logs and traces, EnvoyFilter or an extension for the rest'

const MIXER_KINDS: readonly (readonly [names: string, replacement: string])[] = [
  [
    'listchecker listentry',
    'use an AuthorizationPolicy with action ALLOW or DENY and principals, namespaces or ipBlocks',
  ],
  ['denier checknothing', 'use an AuthorizationPolicy with action DENY'],
  ['rule handler instance adapter template attributemanifest', BY_PURPOSE],
  ['quota memquota redisquota QuotaSpec QuotaSpecBinding', QUOTAS],
  ['metric prometheus statsd dogstatsd cloudwatch circonus signalfx solarwinds stackdriver', METRICS],
  ['logentry stdio fluentd', LOGS],
  ['tracespan zipkin', TRACES],
  [
    'opa rbac authorization apikey bypass noop reportnothing edge kubernetesenv kubernetes servicecontrol servicecontrolreport',
    EXTERNAL,
  ],
  ['HTTPAPISpec HTTPAPISpecBinding', 'there is no replacement, route by VirtualService'],
  ['RouteRule', 'use a VirtualService'],
  ['DestinationPolicy', 'use a DestinationRule'],
  ['EgressRule', 'use a ServiceEntry'],
  ['IngressRule', 'use a Gateway and a VirtualService'],
]
const OTHER_KINDS: readonly (readonly [name: string, replacement: string])[] = [
  [
    'authentication.istio.io/MeshPolicy',
    'use a PeerAuthentication without selector in the root namespace (istio-system); origins become a RequestAuthentication and an AuthorizationPolicy there',
  ],
  [
    'authentication.istio.io/Policy',
    'use a PeerAuthentication in the same namespace, with selector.matchLabels instead of targets; origins become a RequestAuthentication and an AuthorizationPolicy',
  ],
  [
    'rbac.istio.io/ServiceRole',
    `${CHECKS}: services become selector, paths, methods and ports to.operation, constraints when`,
  ],
  [
    'rbac.istio.io/ServiceRoleBinding',
    `${CHECKS}: subjects become from.source of the policy that replaces the ServiceRole`,
  ],
  ['rbac.istio.io/RbacConfig', `${CHECKS}; authorization is on wherever a policy selects a workload`],
  ['rbac.istio.io/ClusterRbacConfig', `${CHECKS}; authorization is on wherever a policy selects a workload`],
  ['install.istio.io/IstioOperator', 'give the file to istioctl install, or use Helm values; it is no object to apply'],
]
const REPLACEMENTS: ReadonlyMap<string, string> = new Map([
  ...OTHER_KINDS,
  ...MIXER_KINDS.flatMap(([names, replacement]) =>
    names.split(' ').map((name) => [`config.istio.io/${name}`, replacement] as const),
  ),
])

/** What replaces a removed kind, or undefined for a kind that never was Istio's. */
export const replacementFor = (group: string, kind: string): string | undefined => REPLACEMENTS.get(`${group}/${kind}`)
