/** Prefixes of IP addresses, refused in the words of Go's netip. */
import { prefixProblem } from '../../base/ip-address.ts'
import { GoTextError, goQuote } from './go-text.ts'

/**
 * Checks a prefix (`10.0.0.0/8`): bits of the host may be set, a zone may not.
 * @throws GoTextError with the text of netip.ParsePrefix
 */
export function checkPrefix(text: string): void {
  const problem = prefixProblem(text)
  if (problem === undefined) return
  const { why, at, address } = problem
  const fail = (complaint: string): GoTextError => new GoTextError(`netip.ParsePrefix(${goQuote(text)}): ${complaint}`)
  if (address === undefined) throw fail(at === undefined ? why : `${why}: ${goQuote(at)}`)
  throw fail(`ParseAddr(${goQuote(address)}): ${at === undefined ? why : `${why} (at ${goQuote(at)})`}`)
}
