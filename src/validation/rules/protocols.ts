/** Names of protocols as ports carry them; letter case does not matter. */

const KNOWN: ReadonlySet<string> = new Set([
  'tcp',
  'udp',
  'grpc',
  'grpc-web',
  'http',
  'http_proxy',
  'http2',
  'https',
  'tls',
  'mongo',
  'redis',
  'mysql',
])
const HTTP: ReadonlySet<string> = new Set(['http', 'http2', 'http_proxy', 'grpc', 'grpc-web'])
const TLS: ReadonlySet<string> = new Set(['https', 'tls'])
const TCP: ReadonlySet<string> = new Set(['tcp', 'https', 'tls', 'mongo', 'redis', 'mysql'])

export const isKnownProtocol = (name: string): boolean => KNOWN.has(name.toLowerCase())
export const isHttp = (name: string): boolean => HTTP.has(name.toLowerCase())
/** istiod: HTTPS is TLS here, never HTTP. */
export const isTls = (name: string): boolean => TLS.has(name.toLowerCase())
export const isTcp = (name: string): boolean => TCP.has(name.toLowerCase())

/** No protocol at all means: find out from the first bytes. */
export const wrongProtocol = (name: string): string | undefined =>
  name === '' || isKnownProtocol(name) ? undefined : `unsupported protocol: ${name}`
