/** Advice on extension providers: istiod never refuses them, it logs what it finds. */
import { isDnsLabel } from '../../base/host-names.ts'
import { portProblem } from '../../base/host-port.ts'
import { isIpAddress } from '../../base/ip-address.ts'
import { goQuote } from './go-text.ts'
import { domainProblem, wildcardDomainProblem } from './host-names.ts'
import type { Message } from './message-type.ts'
import { ENVOY_STATUS_CODES } from './envoy-status.ts'

type Rule = (settings: Message) => readonly (string | undefined)[]

const service: Rule = (settings) => [serviceProblem((settings['service'] as string | undefined) ?? '')]
const port: Rule = (settings) => [portProblem((settings['port'] as number | undefined) ?? 0)]
const accessToken: Rule = (settings) => [settings['accessToken'] === undefined ? 'access token is required' : undefined]
const pathPrefix: Rule = (settings) => {
  const path = (settings['pathPrefix'] as string | undefined) ?? ''
  return [path === '' || path.startsWith('/') ? undefined : `pathPrefix should begin with '/' but got ${goQuote(path)}`]
}
const statusOnError: Rule = (settings) => {
  const status = (settings['statusOnError'] as string | undefined) ?? ''
  const known = status === '' || (/^[0-9]+$/.test(status) && ENVOY_STATUS_CODES.has(Number(status)))
  return [known ? undefined : `unsupported statusOnError value ${goQuote(status)}`]
}
const oneProtocol: Rule = (settings) => [
  settings['http'] !== undefined && settings['grpc'] !== undefined
    ? 'OpenTelemetryTracingProvider cannot specify both http and grpc'
    : undefined,
]

/** Type of provider -> its rules. istiod: `sds` has none and counts as unsupported. */
const RULES: Readonly<Record<string, readonly Rule[]>> = {
  envoyExtAuthzHttp: [port, service, statusOnError, pathPrefix],
  envoyExtAuthzGrpc: [port, service, statusOnError],
  zipkin: [service, port],
  datadog: [service, port],
  opencensus: [service, port],
  skywalking: [service, port],
  lightstep: [service, port, accessToken],
  envoyOtelAls: [port, service],
  envoyHttpAls: [port, service],
  envoyTcpAls: [port, service],
  opentelemetry: [port, service, oneProtocol],
  prometheus: [],
  stackdriver: [],
  envoyFileAccessLog: [],
}

/** What istiod would log about the extension providers of a mesh. */
export function extensionProviderAdvice(providers: readonly Message[]): string[] {
  const names = new Set<string>()
  return providers.flatMap((provider, i) => {
    const name = (provider['name'] as string | undefined) ?? ''
    const problems: string[] = []
    if (name === '') problems.push('empty name')
    else if (names.has(name)) problems.push('duplicate provider name')
    names.add(name)
    const type = Object.keys(RULES).find((one) => provider[one] !== undefined)
    if (type === undefined) problems.push('unsupported provider')
    else problems.push(...typeProblems(type, provider[type] as Message))
    return problems.map((problem) => `extensionProviders[${i}], name ${goQuote(name)}: ${problem}`)
  })
}

const typeProblems = (type: string, settings: Message): string[] =>
  (RULES[type] ?? []).flatMap((rule) => rule(settings)).filter((problem) => problem !== undefined)

/** What is wrong with a service: a host, or `namespace/host`. */
function serviceProblem(text: string): string | undefined {
  if (text === '') return 'service must not be empty'
  const slash = text.indexOf('/')
  if (slash < 0) {
    if (isIpAddress(text)) return undefined
    return domainProblem(text)
  }
  const namespace = text.slice(0, slash).replace(/^~/, '')
  const host = text.slice(slash + 1)
  if (namespace !== '*' && namespace !== '.' && !isDnsLabel(namespace)) return `invalid namespace in ${goQuote(text)}`
  if (!host.includes('.')) return `short names (non FQDN) are not allowed: ${goQuote(host)}`
  if (/^.+\*/.test(host) || (host.startsWith('*') && !host.startsWith('*.'))) {
    return `partial wildcard ${goQuote(host)} not allowed`
  }
  return isIpAddress(host) ? undefined : wildcardDomainProblem(host)
}
