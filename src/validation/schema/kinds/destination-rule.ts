/** DestinationRule: networking.istio.io v1, v1beta1, v1alpha3. */
import { bool, double, enumOf, i32, list, map, object, text, u32, u64 } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { connectionPool, duration, looseDuration, matchLabelsSelector } from './shared.ts'

const failover = list(object({ from: text(), to: text() }))
const localityLbSetting = object({
  enabled: bool({ nullable: true }),
  distribute: list(object({ from: text(), to: map(u32()) })),
  failover,
  failoverPriority: list(text()),
})
const zoneAwareLbSetting = object({
  enabled: bool({ nullable: true }),
  failover,
  failoverPriority: list(text()),
  minClusterSize: u32({ nullable: true, minimum: 1 }),
})
const loadBalancer = object(
  {
    simple: enumOf(['UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST']),
    consistentHash: object(
      {
        httpHeaderName: text(),
        httpQueryParameterName: text(),
        useSourceIp: bool(),
        httpCookie: object(
          {
            name: text(),
            path: text(),
            ttl: looseDuration(),
            attributes: list(object({ name: text(), value: text() }, { required: ['name'] })),
          },
          { required: ['name'] },
        ),
        ringHash: object({ minimumRingSize: u64() }),
        maglev: object({ tableSize: u64() }),
        minimumRingSize: u64(),
      },
      {
        oneOf: [
          ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'],
          ['ringHash', 'maglev'],
        ],
      },
    ),
    localityLbSetting,
    zoneAwareLbSetting,
    warmup: object(
      {
        duration: duration(),
        minimumPercent: double({ nullable: true, minimum: 0, maximum: 100 }),
        aggression: double({ nullable: true, minimum: 0 }),
      },
      { required: ['duration'] },
    ),
    warmupDurationSecs: duration(),
  },
  { oneOf: [['simple', 'consistentHash']] },
)
const outlierDetection = object({
  consecutiveErrors: i32(),
  consecutive5xxErrors: u32({ nullable: true }),
  consecutiveGatewayErrors: u32({ nullable: true }),
  consecutiveLocalOriginFailures: u32({ nullable: true }),
  splitExternalLocalOriginErrors: bool(),
  interval: duration(),
  baseEjectionTime: duration(),
  maxEjectionPercent: i32(),
  minHealthPercent: i32(),
  outlierDetectionHttpErrorCodes: list(u32({ minimum: 100, maximum: 599 })),
})
const clientTls = object({
  mode: enumOf(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']),
  clientCertificate: text(),
  privateKey: text(),
  caCertificates: text(),
  caCrl: text(),
  credentialName: text(),
  subjectAltNames: list(text()),
  sni: text(),
  insecureSkipVerify: bool({ nullable: true }),
})
const portLevel = object({
  port: object({ number: u32() }),
  loadBalancer,
  connectionPool,
  outlierDetection,
  tls: clientTls,
})
const trafficPolicy = object({
  loadBalancer,
  connectionPool,
  outlierDetection,
  tls: clientTls,
  portLevelSettings: list(portLevel, { maxItems: 4096 }),
  tunnel: object(
    { protocol: text(), targetHost: text(), targetPort: u32() },
    { required: ['targetHost', 'targetPort'] },
  ),
  proxyProtocol: object({ version: enumOf(['V1', 'V2']) }),
  retryBudget: object({
    percent: double({ nullable: true, minimum: 0, maximum: 100 }),
    minRetryConcurrency: u32(),
    budgetInterval: looseDuration(),
  }),
})
const spec = object(
  {
    host: text(),
    exportTo: list(text()),
    workloadSelector: matchLabelsSelector,
    subsets: list(object({ name: text(), labels: map(text()), trafficPolicy }, { required: ['name'] })),
    trafficPolicy,
  },
  { required: ['host'] },
)

export const destinationRule: KindSchema<Decoded<typeof spec>> = {
  group: 'networking.istio.io',
  kind: 'DestinationRule',
  plural: 'destinationrules',
  shortNames: ['dr'],
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  specRequired: false,
  spec,
}
export type DestinationRule = Decoded<typeof spec>
export type TrafficPolicy = Decoded<typeof trafficPolicy>
export type PortLevelSettings = Decoded<typeof portLevel>
export type LoadBalancer = Decoded<typeof loadBalancer>
export type LocalityLbSetting = Decoded<typeof localityLbSetting>
export type ZoneAwareLbSetting = Decoded<typeof zoneAwareLbSetting>
export type OutlierDetection = Decoded<typeof outlierDetection>
export type ClientTls = Decoded<typeof clientTls>
export type ConnectionPool = Decoded<typeof connectionPool>
export type MatchLabelsSelector = Decoded<typeof matchLabelsSelector>
