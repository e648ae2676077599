/** Validation of a ProxyConfig, of a mesh or of a pod's annotation. */
import { portProblem } from '../../base/host-port.ts'
import { goQuote } from './go-text.ts'
import { clientTlsProblems } from './client-tls.ts'
import { durationProblem, nanosecondsOf } from './durations.ts'
import { addressProblem } from './host-names.ts'
import type { DurationValue, EnumType, Message } from './message-type.ts'
import { PROXY_CONFIG } from './messages.ts'

/** What a validation found; texts in the order of the rules. */
export interface Findings {
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/** Checks a ProxyConfig. Source: validation reference, section 11.3; texts are istiod's. */
export function validateProxyConfig(config: Message): Findings {
  const errors = RULES.flatMap((rule) => rule(config))
  const metadata = config['proxyMetadata'] as Message | undefined
  const warnings =
    metadata !== undefined && Object.hasOwn(metadata, 'ISTIO_META_DNS_AUTO_ALLOCATE')
      ? [
          'ISTIO_META_DNS_AUTO_ALLOCATE is deprecated; review the documentation of DNS auto allocation v2 before upgrading',
        ]
      : []
  return { errors, warnings }
}

type Rule = (config: Message) => readonly string[]

const textOf = (message: Message, name: string): string => (message[name] as string | undefined) ?? ''

const messageAt = (message: Message, name: string): Message | undefined => message[name] as Message | undefined

const prefixed = (prefix: string, problem: string | undefined): string[] =>
  problem === undefined ? [] : [`${prefix} ${problem}`]

const RULES: readonly Rule[] = [
  (config) => (textOf(config, 'configPath') === '' ? ['config path must be set'] : []),
  (config) => (textOf(config, 'binaryPath') === '' ? ['binary path must be set'] : []),
  clusterName,
  drainDuration,
  discoveryAddress,
  lightstep,
  (config) => tracerAddress(config, 'zipkin'),
  (config) => tracerAddress(config, 'datadog'),
  (config) =>
    clientTlsProblems(messageAt(messageAt(config, 'tracing') ?? {}, 'tlsSettings')).flatMap((problem) =>
      prefixed('invalid tracing TLS config:', problem),
    ),
  (config) => optionalAddress('statsd udp', textOf(config, 'statsdUdpAddress')),
  (config) => optionalAddress('envoy metrics service', textOf(config, 'envoyMetricsServiceAddress')),
  (config) => optionalAddress('envoy metrics service', serviceAddress(config, 'envoyMetricsService')),
  (config) => optionalAddress('envoy access log service', serviceAddress(config, 'envoyAccessLogService')),
  (config) => prefixed('invalid proxy admin port:', portProblem((config['proxyAdminPort'] as number | undefined) ?? 0)),
  (config) => prefixed('invalid status port:', portProblem((config['statusPort'] as number | undefined) ?? 0)),
  authenticationPolicy,
  privateKeyProvider,
  connectionSettings,
]

function clusterName(config: Message): string[] {
  if (config['tracingServiceName'] !== undefined || textOf(config, 'serviceCluster') !== '') return []
  return ['service cluster must be specified']
}

function drainDuration(config: Message): string[] {
  const duration = config['drainDuration'] as DurationValue | undefined
  const problem = durationProblem(duration)
  if (problem !== undefined) return [`invalid drain duration: ${problem}`]
  return duration?.nanos === 0 ? [] : ['drain time only supports durations to seconds precision']
}

function discoveryAddress(config: Message): string[] {
  const address = textOf(config, 'discoveryAddress')
  if (address === '') return ['discovery address must be set to the proxy discovery service']
  return prefixed('invalid discovery address:', addressProblem(address))
}

/** istiod: a missing address counts twice, as missing and as no address. */
function lightstep(config: Message): string[] {
  const tracer = messageAt(messageAt(config, 'tracing') ?? {}, 'lightstep')
  if (tracer === undefined) return []
  const address = textOf(tracer, 'address')
  const problems = [
    ...(address === '' ? ['address is required'] : []),
    ...prefixed('invalid lightstep address:', addressProblem(address)),
    ...(textOf(tracer, 'accessToken') === '' ? ['access token is required'] : []),
  ]
  return problems.map((problem) => `invalid lightstep config: ${problem}`)
}

/** istiod: the first `$(HOST_IP)` stands for the node's address, which the kubelet fills in. */
function tracerAddress(config: Message, tracer: 'zipkin' | 'datadog'): string[] {
  const settings = messageAt(messageAt(config, 'tracing') ?? {}, tracer)
  if (settings === undefined) return []
  const address = textOf(settings, 'address').replace('$(HOST_IP)', '127.0.0.1')
  return prefixed(`invalid ${tracer} config:`, addressProblem(address))
}

const serviceAddress = (config: Message, name: string): string => textOf(messageAt(config, name) ?? {}, 'address')

const optionalAddress = (what: string, address: string): string[] =>
  address === '' ? [] : prefixed(`invalid ${what} address ${goQuote(address)}:`, addressProblem(address))

const POLICY = PROXY_CONFIG.fields.find((field) => field.json === 'controlPlaneAuthPolicy')?.type as EnumType

function authenticationPolicy(config: Message): string[] {
  const policy = (config['controlPlaneAuthPolicy'] as number | undefined) ?? 0
  if (policy === 0 || policy === 1) return []
  const name = POLICY.enumNames[policy] ?? String(policy)
  return [`invalid authentication policy: unrecognized control plane auth policy ${goQuote(name)}`]
}

function privateKeyProvider(config: Message): string[] {
  const settings = messageAt(config, 'privateKeyProvider')
  if (settings === undefined) return []
  const provider = messageAt(settings, 'cryptomb') ?? messageAt(settings, 'qat')
  const prefix = 'invalid private key provider configuration:'
  if (provider === undefined) {
    return [`${prefix} private key provider configuration is required`, `${prefix} unknown private key provider`]
  }
  const delay = provider['pollDelay'] as DurationValue | undefined
  if (delay === undefined) return [`${prefix} pollDelay is required`]
  return nanosecondsOf(delay) === 0n ? [`${prefix} pollDelay must be non zero`] : []
}

const HTTP2_WINDOW_MIN = 65535

/** Field -> least allowed value and how that is called; durations count in nanoseconds. */
const CONNECTION_LIMITS: readonly (readonly [string, number, string])[] = [
  ['listenerPerConnectionBufferLimitBytes', 0, 'non-negative'],
  ['clusterPerConnectionBufferLimitBytes', 0, 'non-negative'],
  ['httpIdleTimeout', 0, 'non-negative'],
  ['httpMaxConnectionDuration', 0, 'non-negative'],
  ['httpDrainTimeout', 0, 'non-negative'],
  ['httpRequestTimeout', 0, 'non-negative'],
  ['httpRequestHeadersTimeout', 0, 'non-negative'],
  ['httpStreamIdleTimeout', 0, 'non-negative'],
  ['httpMaxStreamDuration', 0, 'non-negative'],
  ['httpMaxConcurrentStreams', 1, 'positive'],
  ['listenerConnectionLimit', 1, 'positive'],
  ['globalDownstreamConnectionLimit', 1, 'positive'],
  ['http2InitialStreamWindowSize', HTTP2_WINDOW_MIN, `at least ${HTTP2_WINDOW_MIN}`],
  ['http2InitialConnectionWindowSize', HTTP2_WINDOW_MIN, `at least ${HTTP2_WINDOW_MIN}`],
]

function connectionSettings(config: Message): string[] {
  const settings = messageAt(config, 'connectionSettings')
  if (settings === undefined) return []
  return CONNECTION_LIMITS.filter(([name, least]) => {
    const value = settings[name] as { value: number } | DurationValue | undefined
    if (value === undefined) return false
    return 'value' in value ? value.value < least : nanosecondsOf(value) < BigInt(least)
  }).map(([name, , wanted]) => `invalid connection settings: ${protoName(name)} must be ${wanted}`)
}

const protoName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
