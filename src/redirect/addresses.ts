/** IP literals and prefixes, read as strictly as Go's netip does and written in its canonical spelling. */
import { quoteGo } from './go-literals.ts'

export type Family = 'v4' | 'v6'

export interface Address {
  readonly family: Family
  /** 4 or 16 bytes. */
  readonly bytes: readonly number[]
  /** Scope of a link-local IPv6 literal, as in `fe80::1%eth0`. */
  readonly zone?: string
}

export interface Prefix {
  readonly address: Address
  readonly bits: number
  /** Canonical text; host bits are kept, as in `10.1.2.3/8`. */
  readonly text: string
}

export type PrefixOutcome =
  { readonly ok: true; readonly prefix: Prefix } | { readonly ok: false; readonly reason: string }

/** An IP literal, or undefined. An IPv4-mapped literal stays IPv6. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const bytes = parseOctets(text)
    return bytes === undefined ? undefined : { family: 'v4', bytes }
  }
  const percent = text.indexOf('%')
  const bytes = parseGroups(percent < 0 ? text : text.slice(0, percent))
  if (bytes === undefined) return undefined
  if (percent < 0) return { family: 'v6', bytes }
  const zone = text.slice(percent + 1)
  return zone === '' ? undefined : { family: 'v6', bytes, zone }
}

function parseOctets(text: string): number[] | undefined {
  const fields = text.split('.')
  if (fields.length !== 4) return undefined
  // A leading zero means octal to some tools and decimal to others: Go refuses it.
  if (!fields.every((field) => /^(0|[1-9][0-9]{0,2})$/.test(field))) return undefined
  const bytes = fields.map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

function parseGroups(text: string): number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head = '', tail] = halves
  const before = groupBytes(head, tail === undefined)
  const after = tail === undefined ? [] : groupBytes(tail, true)
  if (before === undefined || after === undefined) return undefined
  const missing = 16 - before.length - after.length
  if (tail === undefined) return missing === 0 ? before : undefined
  // The `::` stands for at least one group of zeros.
  return missing < 2 ? undefined : [...before, ...new Array<number>(missing).fill(0), ...after]
}

function groupBytes(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  const bytes: number[] = []
  for (const [i, group] of groups.entries()) {
    if (group.includes('.')) {
      const octets = mayEndInIpv4 && i === groups.length - 1 ? parseOctets(group) : undefined
      if (octets === undefined) return undefined
      bytes.push(...octets)
      continue
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
    const value = Number.parseInt(group, 16)
    bytes.push(value >> 8, value & 0xff)
  }
  return bytes
}

/** Canonical text: lower case, the longest run of zero groups shortened, an IPv4-mapped address with its dotted end. */
export function formatAddress({ family, bytes, zone }: Address): string {
  if (family === 'v4') return bytes.join('.')
  const suffix = zone === undefined ? '' : `%${zone}`
  if (isMapped(bytes)) return `::ffff:${bytes.slice(12).join('.')}${suffix}`
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0))
  const { start, length } = longestZeroRun(groups)
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (length < 2) return hex(groups) + suffix
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}${suffix}`
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let i = 0; i <= groups.length; i++) {
    if (i < groups.length && groups[i] === 0) continue
    if (i - start > best.length) best = { start, length: i - start }
    start = i + 1
  }
  return best
}

/** A prefix `address/length`. The reason of a failure is worded as the original logs it. */
export function parsePrefix(text: string): PrefixOutcome {
  const fail = (why: string): PrefixOutcome => ({ ok: false, reason: `netip.ParsePrefix(${quoteGo(text)}): ${why}` })
  const slash = text.lastIndexOf('/')
  if (slash < 0) return fail("no '/'")
  const literal = text.slice(0, slash)
  const address = parseAddress(literal)
  if (address === undefined) return fail(`ParseAddr(${quoteGo(literal)}): unable to parse IP`)
  if (address.zone !== undefined) return fail('IPv6 zones cannot be present in a prefix')
  const length = text.slice(slash + 1)
  if (!/^(0|[1-9][0-9]*)$/.test(length)) return fail(`bad bits after slash: ${quoteGo(length)}`)
  const bits = Number(length)
  if (bits > address.bytes.length * 8) return fail('prefix length out of range')
  return { ok: true, prefix: { address, bits, text: `${formatAddress(address)}/${bits}` } }
}

/** The IPv4 address inside an IPv4-mapped one; any other address unchanged. */
export function unmap(address: Address): Address {
  if (address.family === 'v4' || !isMapped(address.bytes)) return address
  return { family: 'v4', bytes: address.bytes.slice(12) }
}

/** 127/8 or ::1, also in IPv4-mapped form. */
export function isLoopback(address: Address): boolean {
  const { family, bytes } = unmap(address)
  if (family === 'v4') return bytes[0] === 127
  return bytes.every((byte, i) => byte === (i === 15 ? 1 : 0))
}

/** 169.254/16 or fe80::/10. */
export function isLinkLocalUnicast({ family, bytes }: Address): boolean {
  const [first = 0, second = 0] = bytes
  return family === 'v4' ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80
}

/** 224.0.0/24 or ff02::/16 (any flags). */
export function isLinkLocalMulticast({ family, bytes }: Address): boolean {
  const [first = 0, second = 0, third = 0] = bytes
  return family === 'v4' ? first === 224 && second === 0 && third === 0 : first === 0xff && (second & 0x0f) === 0x02
}

/** Whether `address` lies in `prefix`; addresses of the other family never do. */
export function contains(prefix: Prefix, address: Address): boolean {
  if (prefix.address.family !== address.family) return false
  let left = prefix.bits
  for (const [i, byte] of prefix.address.bytes.entries()) {
    if (left <= 0) return true
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff
    if ((byte & mask) !== ((address.bytes[i] ?? 0) & mask)) return false
    left -= 8
  }
  return true
}

function isMapped(bytes: readonly number[]): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.slice(0, 10).every((byte) => byte === 0)
}
