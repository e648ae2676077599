/** VirtualService: networking.istio.io v1, v1beta1, v1alpha3. */
import { bool, bytes, double, enumOf, i32, list, map, object, text, u32 } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { destination, duration, headers, percent, stringMatch } from './shared.ts'

const httpMatch = object({
  name: text(),
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: map(stringMatch),
  withoutHeaders: map(stringMatch),
  queryParams: map(stringMatch),
  ignoreUriCase: bool(),
  port: u32(),
  sourceLabels: map(text()),
  sourceNamespace: text(),
  gateways: list(text()),
  statPrefix: text(),
})
const l4Route = list(object({ destination, weight: i32() }, { required: ['destination'] }))
const http = object(
  {
    name: text(),
    match: list(httpMatch),
    route: list(object({ destination, weight: i32(), headers }, { required: ['destination'] })),
    redirect: object(
      {
        uri: text(),
        authority: text(),
        port: u32(),
        derivePort: enumOf(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']),
        scheme: text(),
        redirectCode: u32(),
        prefixRewrite: text(),
      },
      { oneOf: [['port', 'derivePort']] },
    ),
    directResponse: object(
      { status: u32(), body: object({ string: text(), bytes: bytes() }, { oneOf: [['string', 'bytes']] }) },
      { required: ['status'] },
    ),
    delegate: object({ name: text(), namespace: text() }),
    rewrite: object({
      uri: text(),
      authority: text(),
      uriRegexRewrite: object({ match: text(), rewrite: text() }),
    }),
    timeout: duration(),
    retries: object({
      attempts: i32(),
      perTryTimeout: duration(),
      retryOn: text(),
      retryRemoteLocalities: bool({ nullable: true }),
      retryIgnorePreviousHosts: bool({ nullable: true }),
      backoff: duration(),
    }),
    fault: object({
      delay: object(
        { fixedDelay: duration(), exponentialDelay: duration(), percent: i32(), percentage: percent },
        { oneOf: [['fixedDelay', 'exponentialDelay']] },
      ),
      abort: object(
        { httpStatus: i32(), grpcStatus: text(), http2Error: text(), percentage: percent },
        { oneOf: [['httpStatus', 'grpcStatus', 'http2Error']] },
      ),
    }),
    mirror: destination,
    mirrors: list(object({ destination, percentage: percent }, { required: ['destination'] })),
    mirrorPercentage: object({ value: double() }),
    mirrorPercent: u32({ nullable: true }),
    corsPolicy: object({
      allowOrigins: list(stringMatch),
      allowOrigin: list(text()),
      allowMethods: list(text()),
      allowHeaders: list(text()),
      exposeHeaders: list(text()),
      maxAge: duration(),
      allowCredentials: bool({ nullable: true }),
      unmatchedPreflights: enumOf(['UNSPECIFIED', 'FORWARD', 'IGNORE']),
    }),
    headers,
  },
  { alsoSpelled: { mirror_percent: 'mirrorPercent' } },
)
const spec = object({
  hosts: list(text()),
  gateways: list(text()),
  exportTo: list(text()),
  http: list(http),
  tls: list(
    object(
      {
        match: list(
          object(
            {
              sniHosts: list(text()),
              destinationSubnets: list(text()),
              port: u32(),
              sourceLabels: map(text()),
              gateways: list(text()),
              sourceNamespace: text(),
            },
            { required: ['sniHosts'] },
          ),
        ),
        route: l4Route,
      },
      { required: ['match'] },
    ),
  ),
  tcp: list(
    object({
      match: list(
        object({
          destinationSubnets: list(text()),
          port: u32(),
          sourceSubnet: text(),
          sourceLabels: map(text()),
          gateways: list(text()),
          sourceNamespace: text(),
        }),
      ),
      route: l4Route,
    }),
  ),
})

export const virtualService: KindSchema<Decoded<typeof spec>> = {
  group: 'networking.istio.io',
  kind: 'VirtualService',
  plural: 'virtualservices',
  shortNames: ['vs'],
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  specRequired: false,
  spec,
}
export type VirtualService = Decoded<typeof spec>
export type HttpRoute = Decoded<typeof http>
export type HttpMatch = Decoded<typeof httpMatch>
export type StringMatch = Decoded<typeof stringMatch>
export type Destination = Decoded<typeof destination>
export type Headers = Decoded<typeof headers>
