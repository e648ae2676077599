/** `host:port` as Go's net.SplitHostPort takes it apart, and numbers of ports. */

export interface HostPort {
  /** IPv6 without its brackets. */
  readonly host: string
  readonly port: string
}

/** What is wrong with a port number. */
export const portProblem = (port: number): string | undefined =>
  port >= 1 && port <= 65535 ? undefined : `port number ${port} must be in the range 1..65535`

/** Host and port, or the complaint of Go's net.SplitHostPort. */
export function splitHostPort(address: string): HostPort | string {
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
