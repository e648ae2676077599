/** `host:port` as Go's net.SplitHostPort takes it apart. */

export interface HostPort {
  readonly host: string
  readonly port: string
}

/** The two halves, IPv6 without its brackets; text is the reason why it cannot be split. */
export function splitHostPort(address: string): HostPort | string {
  const fail = (why: string): string => `address ${address}: ${why}`
  const colon = address.lastIndexOf(':')
  if (colon === -1) return fail('missing port in address')
  let host = address.slice(0, colon)
  if (address.startsWith('[')) {
    const end = address.indexOf(']')
    if (end === -1) return fail("missing ']' in address")
    if (end + 1 === address.length) return fail('missing port in address')
    if (end + 1 !== colon)
      return fail(address[end + 1] === ':' ? 'too many colons in address' : 'missing port in address')
    host = address.slice(1, end)
    if (host.includes('[')) return fail("unexpected '[' in address")
  } else if (host.includes(':')) return fail('too many colons in address')
  else if (host.includes('[')) return fail("unexpected '[' in address")
  if (address.slice(address.startsWith('[') ? address.indexOf(']') + 1 : 0).includes(']'))
    return fail("unexpected ']' in address")
  return { host, port: address.slice(colon + 1) }
}
