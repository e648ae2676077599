/** IP addresses and prefixes as Go's netip parses them: strict, no leading zeros, no spaces. */

const OCTET = /^(?:0|[1-9]\d{0,2})$/
const HEX_GROUP = /^[0-9a-fA-F]{1,4}$/
const BITS = /^(?:0|[1-9]\d{0,2})$/

export function isIpv4(text: string): boolean {
  if (text.length > 15) return false
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => OCTET.test(part) && Number(part) <= 255)
}

function isIpv6WithoutZone(text: string): boolean {
  if (text.length > 45) return false
  const halves = text.split('::')
  if (halves.length > 2) return false
  const [head = '', tail] = halves
  const headGroups = head === '' ? [] : head.split(':')
  const tailGroups = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...headGroups, ...tailGroups]
  if (tail === undefined && head === '') return false
  let count = groups.length
  for (const [i, group] of groups.entries()) {
    const embedded = i === groups.length - 1 && group.includes('.') && (tail === undefined || tail !== '')
    if (embedded) {
      if (!isIpv4(group)) return false
      count += 1
    } else if (!HEX_GROUP.test(group)) return false
  }
  return tail === undefined ? count === 8 : count <= 7
}

/** istiod: netip.ParseAddr. IPv6 may carry a zone (`fe80::1%eth0`), IPv4 may not. */
export function isIpAddress(text: string): boolean {
  if (!text.includes(':')) return isIpv4(text)
  const percent = text.indexOf('%')
  if (percent === -1) return isIpv6WithoutZone(text)
  return percent < text.length - 1 && isIpv6WithoutZone(text.slice(0, percent))
}

/** istiod: netip.ParsePrefix. Host bits may be set; no zone; bits without sign or leading zero. */
export function isIpPrefix(text: string): boolean {
  const slash = text.lastIndexOf('/')
  if (slash === -1) return false
  const address = text.slice(0, slash)
  const bits = text.slice(slash + 1)
  if (!BITS.test(bits) || address.includes('%')) return false
  if (isIpv4(address)) return Number(bits) <= 32
  return address.includes(':') && isIpv6WithoutZone(address) && Number(bits) <= 128
}
