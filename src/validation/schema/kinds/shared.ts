/** Blocks that several kinds share, with the CEL rules that hang on them. */
import { parseDurationNs } from '../../../base/duration.ts'
import { parseRequestUri, parseUrl } from '../../go-url.ts'
import { keysOf } from '../keys.ts'
import { bool, double, enumOf, free, i32, list, map, object, text, u32 } from '../dsl.ts'
import type { CelRule, StringSchema } from '../dsl.ts'

type Bag = Readonly<Record<string, unknown>>
const has = (self: Bag, key: string): boolean => Object.hasOwn(self, key)

/** istiod: a CEL rule of the CRD. `holds` may answer with the text of an evaluation error. */
export const celRule = <T>(rule: string, message: string, holds: (self: T) => boolean | string): CelRule => ({
  rule,
  message,
  holds,
})
const atMostOneOf = (names: readonly string[]): string =>
  `${names.map((name) => `(has(self.${name}) ? 1 : 0)`).join(' + ')} <= 1`
/** At most one of the named members is present, empty ones included. */
export const onlyOne = (names: readonly string[], message: string): CelRule =>
  celRule<Bag>(atMostOneOf(names), message, (self) => names.filter((name) => has(self, name)).length <= 1)

const DURATION_RULE = celRule<string>(
  "duration(self) >= duration('1ms')",
  'must be a valid duration greater than 1ms',
  (self) => {
    const ns = parseDurationNs(self)
    return ns === undefined ? "type conversion error from 'string' to 'google.protobuf.Duration'" : ns >= 1e6
  },
)
/** A duration the CRD bounds from below. */
export const duration = (): StringSchema => ({ kind: 'string', as: 'duration', cel: [DURATION_RULE] })
/** A duration only the webhook looks into. */
export const looseDuration = (): StringSchema => ({ kind: 'string', as: 'duration' })

const PORT_RULE = celRule<number>(
  '0 < self && self <= 65535',
  'port must be between 1-65535',
  (self) => self > 0 && self <= 65535,
)
export const port = () => u32({ cel: [PORT_RULE] })

const NO_STAR = (message: string): CelRule =>
  celRule<string>("!self.contains('*')", message, (self) => !self.includes('*'))
/** `selector` and `workloadSelector` with `matchLabels`. */
export const matchLabelsSelector = object({
  matchLabels: map(text({ maxLength: 63, cel: [NO_STAR('wildcard not allowed in label value match')] }), {
    maxProperties: 4096,
    cel: [
      celRule<Bag>("self.all(key, !key.contains('*'))", 'wildcard not allowed in label key match', (self) =>
        keysOf(self).every((key) => !key.includes('*')),
      ),
      celRule<Bag>('self.all(key, key.size() != 0)', 'key must not be empty', (self) => !has(self, '')),
    ],
  }),
})
/** `workloadSelector` with `labels`. */
export const labelsSelector = object({
  labels: map(text({ maxLength: 63, cel: [NO_STAR('wildcard is not supported in selector')] }), { maxProperties: 256 }),
})

export const targetRef = object(
  {
    group: text({ maxLength: 253, pattern: /^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/ }),
    kind: text({ minLength: 1, maxLength: 63, pattern: /^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/ }),
    name: text({ minLength: 1, maxLength: 253 }),
    namespace: text({
      cel: [
        celRule<string>(
          'self.size() == 0',
          'cross namespace referencing is not currently supported',
          (self) => self === '',
        ),
      ],
    }),
  },
  { required: ['kind', 'name'] },
)
export const targetRefs = list(targetRef, { maxItems: 16 })
export const ONE_TARGET = onlyOne(
  ['selector', 'targetRef', 'targetRefs'],
  'only one of targetRefs or selector can be set',
)

export const stringMatch = object(
  { exact: text(), prefix: text(), regex: text() },
  { oneOf: [['exact', 'prefix', 'regex']] },
)
export const percent = object({ value: double() })
export const destination = object(
  { host: text(), subset: text(), port: object({ number: u32() }) },
  { required: ['host'] },
)
const headerOperations = object({ set: map(text()), add: map(text()), remove: list(text()) })
export const headers = object({ request: headerOperations, response: headerOperations })
export const connectionPool = object({
  tcp: object({
    maxConnections: i32(),
    connectTimeout: duration(),
    tcpKeepalive: object({ probes: u32(), time: duration(), interval: duration() }),
    maxConnectionDuration: duration(),
    idleTimeout: looseDuration(),
  }),
  http: object({
    http1MaxPendingRequests: i32(),
    http2MaxRequests: i32(),
    maxRequestsPerConnection: i32(),
    maxRetries: i32(),
    idleTimeout: duration(),
    h2UpgradePolicy: enumOf(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']),
    useClientProtocol: bool(),
    maxConcurrentStreams: i32(),
    http2KeepAlive: object({ interval: duration(), timeout: duration() }),
  }),
})

const TLS_VERSIONS = ['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'] as const
/** Gateway servers and Sidecar ingress listeners. istiod: the third rule tests the wrong field, in the CRD as well. */
export const serverTls = object(
  {
    mode: enumOf(['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL']),
    httpsRedirect: bool(),
    serverCertificate: text(),
    privateKey: text(),
    caCertificates: text(),
    caCrl: text(),
    credentialName: text(),
    credentialNames: list(text(), { minItems: 1, maxItems: 2 }),
    caCertCredentialName: text(),
    tlsCertificates: list(object({ serverCertificate: text(), privateKey: text(), caCertificates: text() }), {
      minItems: 1,
      maxItems: 2,
    }),
    subjectAltNames: list(text()),
    verifyCertificateSpki: list(text()),
    verifyCertificateHash: list(text()),
    minProtocolVersion: enumOf(TLS_VERSIONS),
    maxProtocolVersion: enumOf(TLS_VERSIONS),
    cipherSuites: list(text()),
    insecureSkipVerify: bool({ nullable: true }),
  },
  {
    cel: [
      onlyOne(['credentialNames', 'tlsCertificates'], 'only one of credentialNames or tlsCertificates can be set'),
      onlyOne(['credentialName', 'credentialNames'], 'only one of credentialName or credentialNames can be set'),
      onlyOne(['credentialNames', 'tlsCertificates'], 'only one of credentialName or tlsCertificates can be set'),
    ],
  },
)

/** The scheme of a URL as the API server's CEL library sees it, or why it cannot be evaluated. */
export function celUrlScheme(url: string): { scheme: string } | { error: string } {
  const request = parseRequestUri(url)
  const parsed = typeof request === 'string' ? request : parseUrl(url)
  return typeof parsed === 'string'
    ? { error: `URL parse error during conversion from string: parse ${JSON.stringify(url)}: ${parsed}` }
    : { scheme: parsed.scheme }
}

const WASM_SCHEMES = ['', 'http', 'https', 'oci', 'file']
const WASM_URL_RULE = celRule<string>(
  "isURL(self) ? (url(self).getScheme() in ['', 'http', 'https', 'oci', 'file']) : (isURL('http://' + self) && url('http://' + self).getScheme() in ['', 'http', 'https', 'oci', 'file'])",
  'url must have schema one of [http, https, file, oci]',
  (self) => {
    const own = celUrlScheme(self)
    if ('scheme' in own) return WASM_SCHEMES.includes(own.scheme)
    return 'scheme' in celUrlScheme(`http://${self}`)
  },
)
const ENV_RULE = celRule<{ value?: string; valueFrom?: string }>(
  "(has(self.valueFrom) ? self.valueFrom : '') != 'HOST' || !has(self.value)",
  'value may only be set when valueFrom is INLINE',
  (self) => self.valueFrom !== 'HOST' || !has(self, 'value'),
)
/** What WasmPlugin has at the top and TrafficExtension below `wasm`. */
export const wasmFields = {
  url: text({ minLength: 1, cel: [WASM_URL_RULE] }),
  sha256: text({ pattern: /(^$|^[a-f0-9]{64}$)/ }),
  imagePullPolicy: enumOf(['UNSPECIFIED_POLICY', 'IfNotPresent', 'Always']),
  imagePullSecret: text({ minLength: 1, maxLength: 253 }),
  verificationKey: text(),
  pluginConfig: free(),
  pluginName: text({ minLength: 1, maxLength: 256 }),
  failStrategy: enumOf(['FAIL_CLOSE', 'FAIL_OPEN', 'FAIL_RELOAD']),
  type: enumOf(['UNSPECIFIED_PLUGIN_TYPE', 'HTTP', 'NETWORK']),
  vmConfig: object({
    env: list(
      object(
        {
          name: text({ minLength: 1, maxLength: 256 }),
          valueFrom: enumOf(['INLINE', 'HOST']),
          value: text({ maxLength: 2048 }),
        },
        { required: ['name'], cel: [ENV_RULE] },
      ),
      { maxItems: 256, mapKey: 'name' },
    ),
  }),
} as const
export const trafficSelectors = list(
  object({
    mode: enumOf(['UNDEFINED', 'CLIENT', 'SERVER', 'CLIENT_AND_SERVER']),
    ports: list(object({ number: u32({ minimum: 1, maximum: 65535 }) }, { required: ['number'] }), {
      mapKey: 'number',
    }),
  }),
)
export const nullableI32 = () => i32({ nullable: true })
