/** Names of hosts, labels, ports and sockets. Each function answers with what is wrong, or undefined. */
import type { DomainProblem } from '../../base/host-names.ts'
import { domainProblem, isDnsLabel, wildcardDomainProblem } from '../../base/host-names.ts'
import { isIpAddress, isIpPrefix } from '../../base/ip-address.ts'

/** Short names pass, `*` never does. */
export const wrongFqdn = (domain: string): string | undefined => worded(domainProblem(domain))

/** As `wrongFqdn`, with a star in front: `*`, `*.a.b`, `*a.b`, `*-a.b`. */
export const wrongWildcardDomain = (domain: string): string | undefined => worded(wildcardDomainProblem(domain))

function worded(problem: DomainProblem | undefined): string | undefined {
  switch (problem?.why) {
    case undefined:
      return undefined
    case 'empty':
      return 'empty domain name not allowed'
    case 'too long':
      return `domain name "${problem.domain.slice(0, 40)}…" too long (max 255)`
    case 'numeric top level':
      return `domain name "${problem.domain}" invalid (top level domain "${problem.part}" cannot be all-numeric)`
    case 'label':
      return `domain name "${problem.domain}" invalid (label "${problem.part}" invalid)`
  }
}

/** istiod: names the control plane generates for SNI routing (`outbound_.80_._.a.b`) pass where `sni` is set. */
export function wrongSniDomain(domain: string, { sni }: { sni: boolean }): string | undefined {
  if (!sni || !domain.startsWith('outbound_')) return wrongWildcardDomain(domain)
  const parts = domain.split('_')
  const [, port = '', , host = ''] = parts
  const sound = parts.length >= 4 && /[0-9]/.test(port) && /[a-zA-Z]/.test(host)
  return sound ? undefined : `domain name "${domain}" invalid (not of the form outbound_.port_.subset_.host)`
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
