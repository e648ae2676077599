/** Names of hosts and domains, and `host:port` addresses: what istiod takes for valid, and its complaints. */
import { GoTextError, goQuote, parseInteger } from './go-text.ts'
import { isIpAddress } from './ip-address.ts'

const LABEL = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/

/** A DNS label. istiod: upper case and labels of digits only are fine. */
export const isDnsLabel = (text: string): boolean => text.length <= 63 && LABEL.test(text)

const isWildcardLabel = (text: string): boolean =>
  text.length <= 63 && (text === '*' || LABEL.test(text.replace(/^\*-?/, '')))

const bytesOf = (text: string): number => new TextEncoder().encode(text).length

function lengthProblem(domain: string): string | undefined {
  if (bytesOf(domain) > 255) return `domain name ${goQuote(domain)} too long (max 255)`
  return domain === '' ? 'empty domain name not allowed' : undefined
}

/** istiod: an empty last label is fine, so a domain may end with a dot; a numeric top level is not. */
function labelsProblem(domain: string): string | undefined {
  const labels = domain.split('.')
  const top = labels.at(-1) ?? ''
  if (typeof integerOf(top) === 'number') {
    return `domain name ${goQuote(domain)} invalid (top level domain ${goQuote(top)} cannot be all-numeric)`
  }
  const bad = badLabel(labels)
  return bad === undefined ? undefined : `domain name ${goQuote(domain)} invalid (label ${goQuote(bad)} invalid)`
}

const badLabel = (labels: readonly string[]): string | undefined =>
  labels.find((label, i) => !isDnsLabel(label) && !(label === '' && i === labels.length - 1))

/** What is wrong with a domain name without wildcard. */
export const domainProblem = (domain: string): string | undefined => lengthProblem(domain) ?? labelsProblem(domain)

/** What is wrong with a domain name whose first label may be a wildcard. */
export function wildcardDomainProblem(domain: string): string | undefined {
  const tooLong = lengthProblem(domain)
  if (tooLong !== undefined) return tooLong
  const dot = domain.indexOf('.')
  const first = dot < 0 ? domain : domain.slice(0, dot)
  if (!isWildcardLabel(first)) return `domain name ${goQuote(domain)} invalid (label ${goQuote(first)} invalid)`
  return dot < 0 ? undefined : labelsProblem(domain.slice(dot + 1))
}

/** What is wrong with a trust domain. */
export function trustDomainProblem(domain: string): string | undefined {
  if (domain === '') return 'empty domain name not allowed'
  return badLabel(domain.split('.')) === undefined ? undefined : `trust domain name ${goQuote(domain)} invalid`
}

/** What is wrong with a port number. */
export const portProblem = (port: number): string | undefined =>
  port >= 1 && port <= 65535 ? undefined : `port number ${port} must be in the range 1..65535`

/** What is wrong with a `host:port` address; the host is a domain name or an IP address, IPv6 in brackets. */
export function addressProblem(address: string): string | undefined {
  const split = splitHostPort(address)
  if (typeof split === 'string') return `unable to split ${goQuote(address)}: ${split}`
  const port = integerOf(split.port)
  if (typeof port === 'string') return `port (${split.port}) is not a number: ${port}`
  const problem = portProblem(port)
  if (problem !== undefined) return problem
  if (domainProblem(split.host) === undefined || isIpAddress(split.host)) return undefined
  return `${goQuote(split.host)} is not a valid hostname or an IP address`
}

/** The number, or the complaint of Go's strconv.Atoi. */
function integerOf(text: string): number | string {
  try {
    return parseInteger(text)
  } catch (err) {
    if (err instanceof GoTextError) return err.message
    throw err
  }
}

/** Host and port, or the complaint of Go's net.SplitHostPort. */
function splitHostPort(address: string): { host: string; port: string } | string {
  const complain = (why: string): string => (address === '' ? why : `address ${address}: ${why}`)
  const colon = address.lastIndexOf(':')
  if (colon < 0) return complain('missing port in address')
  const port = address.slice(colon + 1)
  if (!address.startsWith('[')) {
    const host = address.slice(0, colon)
    if (host.includes(':')) return complain('too many colons in address')
    return strayBracket(address) === undefined ? { host, port } : complain(strayBracket(address) ?? '')
  }
  const end = address.indexOf(']')
  if (end < 0) return complain("missing ']' in address")
  if (end + 1 !== colon) {
    const more = address.charAt(end + 1) === ':'
    return complain(more ? 'too many colons in address' : 'missing port in address')
  }
  const stray = strayBracket(address.slice(1, end)) ?? strayBracket(port)
  return stray === undefined ? { host: address.slice(1, end), port } : complain(stray)
}

function strayBracket(text: string): string | undefined {
  if (text.includes('[')) return "unexpected '[' in address"
  return text.includes(']') ? "unexpected ']' in address" : undefined
}
