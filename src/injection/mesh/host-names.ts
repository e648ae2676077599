/** Names of hosts and domains, and `host:port` addresses: what istiod takes for valid, and its complaints. */
import * as names from '../../base/host-names.ts'
import type { DomainProblem } from '../../base/host-names.ts'
import { portProblem, splitHostPort } from '../../base/host-port.ts'
import { isIpAddress } from '../../base/ip-address.ts'
import { GoTextError, goQuote, parseInteger } from './go-text.ts'

/** What is wrong with a domain name without wildcard. */
export const domainProblem = (domain: string): string | undefined => worded(names.domainProblem(domain))

/** What is wrong with a domain name whose first label may be a wildcard. */
export const wildcardDomainProblem = (domain: string): string | undefined => worded(names.wildcardDomainProblem(domain))

function worded(problem: DomainProblem | undefined): string | undefined {
  switch (problem?.why) {
    case undefined:
      return undefined
    case 'empty':
      return 'empty domain name not allowed'
    case 'too long':
      return `domain name ${goQuote(problem.domain)} too long (max 255)`
    case 'numeric top level':
      return `domain name ${goQuote(problem.domain)} invalid (top level domain ${goQuote(problem.part)} cannot be all-numeric)`
    case 'label':
      return `domain name ${goQuote(problem.domain)} invalid (label ${goQuote(problem.part)} invalid)`
  }
}

/** What is wrong with a trust domain. */
export function trustDomainProblem(domain: string): string | undefined {
  if (domain === '') return 'empty domain name not allowed'
  return names.badLabel(domain.split('.')) === undefined ? undefined : `trust domain name ${goQuote(domain)} invalid`
}

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
