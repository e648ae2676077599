/** IP addresses and prefixes as Go's netip parses them, with its complaints. */

export interface IpComplaint {
  readonly why: string
  /** The rest of the text where the problem is. */
  readonly at?: string
  /** Of a prefix: its address, when that is what does not parse. */
  readonly address?: string
}

/** The form nearly all addresses have. */
const PLAIN_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?=.)|$)){4}$/

/** Whether the text is an IPv4 or IPv6 address; a zone is allowed. Source: netip.ParseAddr. */
export const isIpAddress = (text: string): boolean =>
  mayBeAddress(text) && (PLAIN_IPV4.test(text) || addressProblem(text) === undefined)

/** No IPv4 address begins without a digit, and no IPv6 address is without a colon: names of hosts leave here. */
function mayBeAddress(text: string): boolean {
  const first = text.charCodeAt(0)
  return (first >= 0x30 && first <= 0x39) || text.includes(':')
}

/** Whether the text is a prefix (`10.0.0.0/8`): bits of the host may be set, a zone may not. Source: netip.ParsePrefix. */
export const isIpPrefix = (text: string): boolean => prefixProblem(text) === undefined

const MAX_INT64 = (1n << 63n) - 1n

/** What netip.ParsePrefix complains of. */
export function prefixProblem(text: string): IpComplaint | undefined {
  const slash = text.lastIndexOf('/')
  if (slash < 0) return { why: "no '/'" }
  const address = text.slice(0, slash)
  const problem = PLAIN_IPV4.test(address) ? undefined : addressProblem(address)
  if (problem !== undefined) return { ...problem, address }
  if (address.includes('%')) return { why: 'IPv6 zones cannot be present in a prefix' }
  const bits = text.slice(slash + 1)
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(bits) || BigInt(bits) > MAX_INT64)
    return { why: 'bad bits after slash', at: bits }
  return Number(bits) > (address.includes(':') ? 128 : 32) ? { why: 'prefix length out of range' } : undefined
}

/** The first of `.`, `:` and `%` decides what the text wants to be. */
function addressProblem(text: string): IpComplaint | undefined {
  switch (/[.:%]/.exec(text)?.[0]) {
    case '.':
      return ipv4Problem(text)
    case ':':
      return ipv6Problem(text)
    case '%':
      return { why: 'missing IPv6 address' }
    default:
      return { why: 'unable to parse IP' }
  }
}

function ipv4Problem(text: string): IpComplaint | undefined {
  let digits = ''
  let octets = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (/[0-9]/.test(char)) {
      if (digits === '0') return { why: 'IPv4 field has octet with leading zero' }
      digits += char
      if (Number(digits) > 255) return { why: 'IPv4 field has value >255' }
    } else if (char === '.') {
      if (digits === '' || at === text.length - 1) {
        return { why: 'IPv4 field must have at least one digit', at: text.slice(at) }
      }
      if (octets === 3) return { why: 'IPv4 address too long' }
      octets++
      digits = ''
    } else {
      return { why: 'unexpected character', at: text.slice(at) }
    }
  }
  return octets < 3 ? { why: 'IPv4 address too short' } : undefined
}

function ipv6Problem(text: string): IpComplaint | undefined {
  const [address = ''] = text.split('%', 1)
  if (address.length === text.length - 1) return { why: 'zone must be a non-empty string' }
  if (address === '::') return undefined
  const gapFirst = address.startsWith('::')
  return groupsProblem(gapFirst ? address.slice(2) : address, gapFirst)
}

/** The groups of 16 bits, `::` among them at most once. */
function groupsProblem(text: string, gapFirst: boolean): IpComplaint | undefined {
  let rest = text
  let gap = gapFirst
  let bytes = 0
  while (bytes < 16) {
    const group = /^[0-9a-fA-F]*/.exec(rest)?.[0] ?? ''
    if (group.length > 4) return { why: 'each group must have 4 or less digits', at: rest }
    if (group === '') return { why: 'each colon-separated field must have at least one digit', at: rest }
    if (rest.charAt(group.length) === '.') {
      const problem = embeddedProblem(rest, { bytes, gap })
      if (problem !== undefined) return problem
      rest = ''
      bytes += 4
      break
    }
    bytes += 2
    rest = rest.slice(group.length)
    if (rest === '') break
    if (!rest.startsWith(':')) return { why: 'unexpected character, want colon', at: rest }
    if (rest === ':') return { why: 'colon must be followed by more characters', at: rest }
    rest = rest.slice(1)
    if (!rest.startsWith(':')) continue
    if (gap) return { why: 'multiple :: in address', at: rest }
    gap = true
    rest = rest.slice(1)
    if (rest === '') break
  }
  return endProblem(rest, { bytes, gap })
}

function embeddedProblem(rest: string, { bytes, gap }: { bytes: number; gap: boolean }): IpComplaint | undefined {
  if (!gap && bytes !== 12) {
    return { why: 'embedded IPv4 address must replace the final 2 fields of the address', at: rest }
  }
  if (bytes > 12) {
    return { why: 'too many hex fields to fit an embedded IPv4 at the end of the address', at: rest }
  }
  return ipv4Problem(rest)
}

function endProblem(rest: string, { bytes, gap }: { bytes: number; gap: boolean }): IpComplaint | undefined {
  if (rest !== '') return { why: 'trailing garbage after address', at: rest }
  if (bytes < 16) return gap ? undefined : { why: 'address string too short' }
  return gap ? { why: 'the :: must expand to at least one field of zeros' } : undefined
}
