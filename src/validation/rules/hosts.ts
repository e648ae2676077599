/** Names of hosts, labels, ports and sockets. Each function answers with what is wrong, or undefined. */
import { isIpAddress, isIpPrefix } from '../ip-address.ts'

const LABEL = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/
const WILDCARD_LABEL = /^(?:\*|(?:\*|\*-)?[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$/
const MAX_LABEL_LENGTH = 63
const MAX_DOMAIN_LENGTH = 255

/** istiod: upper case is legal, and so are labels of digits only. */
export const isDnsLabel = (text: string): boolean => LABEL.test(text)
const isWildcardLabel = (text: string): boolean => text.length <= MAX_LABEL_LENGTH && WILDCARD_LABEL.test(text)

/** Short names pass, `*` never does. */
export function wrongFqdn(domain: string): string | undefined {
  return wrongLength(domain) ?? wrongLabels(domain)
}

/** As `wrongFqdn`, with a star in front: `*`, `*.a.b`, `*a.b`, `*-a.b`. */
export function wrongWildcardDomain(domain: string): string | undefined {
  const wrong = wrongLength(domain)
  if (wrong !== undefined) return wrong
  const dot = domain.indexOf('.')
  const first = dot === -1 ? domain : domain.slice(0, dot)
  if (!isWildcardLabel(first)) return `domain name "${domain}" invalid (label "${first}" invalid)`
  return dot === -1 ? undefined : wrongLabels(domain.slice(dot + 1))
}

/** istiod: names the control plane generates for SNI routing (`outbound_.80_._.a.b`) pass where `sni` is set. */
export function wrongSniDomain(domain: string, { sni }: { sni: boolean }): string | undefined {
  if (!sni || !domain.startsWith('outbound_')) return wrongWildcardDomain(domain)
  const parts = domain.split('_')
  const [, port = '', , host = ''] = parts
  const sound = parts.length >= 4 && /[0-9]/.test(port) && /[a-zA-Z]/.test(host)
  return sound ? undefined : `domain name "${domain}" invalid (not of the form outbound_.port_.subset_.host)`
}

function wrongLength(domain: string): string | undefined {
  if (domain.length > MAX_DOMAIN_LENGTH) return `domain name "${domain.slice(0, 40)}…" too long (max 255)`
  return domain === '' ? 'empty domain name not allowed' : undefined
}

/** An empty last label ends the check, so one trailing dot is legal. */
function wrongLabels(domain: string): string | undefined {
  const labels = domain.split('.')
  const top = labels.at(-1) ?? ''
  if (/^[+-]?\d+$/.test(top)) return `domain name "${domain}" invalid (top level domain "${top}" cannot be all-numeric)`
  const bad = labels.find((label, i) => !isDnsLabel(label) && !(label === '' && i === labels.length - 1))
  return bad === undefined ? undefined : `domain name "${domain}" invalid (label "${bad}" invalid)`
}

/** `*foo.com` and `*` inside a name; `*` alone and `*.foo.com` are whole wildcards. */
export function wrongPartialWildcard(host: string): string | undefined {
  const partial = host.includes('*') && host.length > 1 && !host.startsWith('*.')
  return partial ? `partial wildcard "${host}" not allowed` : undefined
}

export const wrongIp = (text: string): string | undefined =>
  isIpAddress(text) ? undefined : `${text} is not a valid IP`

/** An address, or a prefix when there is a slash. */
export function wrongCidr(text: string): string | undefined {
  if (text.split('/').length !== 2) return wrongIp(text)
  return isIpPrefix(text) ? undefined : `${text} is not a valid CIDR block`
}

export const wrongPort = (port: number): string | undefined =>
  port >= 1 && port <= 65535 ? undefined : `port number ${port} must be in the range 1..65535`

export const wrongPortName = (name: string): string | undefined =>
  isDnsLabel(name) ? undefined : `invalid port name: ${name}`

/** The path behind `unix://`. */
export function wrongSocketPath(path: string): string | undefined {
  if (path === '') return 'unix address must not be empty'
  if (path.startsWith('@')) return undefined
  return path.startsWith('/') && !path.endsWith('/') ? undefined : `${path} is not an absolute path to a file`
}

export function wrongSubsetName(name: string): string | undefined {
  if (name === '') return 'subset name cannot be empty'
  return isDnsLabel(name) ? undefined : `subset name is invalid: ${name}`
}
