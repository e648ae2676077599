/** Go's texts that readers of configuration need: quoting, JSON strings, durations, and numbers with strconv's errors. */

const NAMED: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** A double-quoted Go string (`strconv.Quote`). */
export function goQuote(text: string): string {
  let out = '"'
  for (const char of text) out += NAMED[char] ?? (/[ \p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char) ? char : escaped(char))
  return `${out}"`
}

function escaped(char: string): string {
  const code = char.codePointAt(0) ?? 0
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

const HTML: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

/** A JSON string as Go's encoding/json writes it: `<`, `>`, `&` and two line separators escaped. */
export const goJsonString = (text: string): string =>
  JSON.stringify(text.replace(/[\ud800-\udfff]/gu, '\ufffd')).replace(
    /[<>&\u2028\u2029]/g,
    (char) => HTML[char] ?? char,
  )

/** Thrown by the readers of this file; the message is Go's text. */
export class GoTextError extends Error {}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

const MAX_INT64 = (1n << 63n) - 1n
const MAX_UINT64 = (1n << 64n) - 1n

/**
 * Nanoseconds of a duration in Go's syntax (`1h30m`, `1.5s`, `.5s`, `-2ms`, `0`).
 * @throws GoTextError with the text of Go's time.ParseDuration
 */
export function parseGoDuration(text: string): bigint {
  const invalid = (): GoTextError => new GoTextError(`time: invalid duration ${timeQuote(text)}`)
  const negative = text.startsWith('-')
  let rest = /^[+-]/.test(text) ? text.slice(1) : text
  if (rest === '0') return 0n
  if (rest === '') throw invalid()
  let total = 0n
  while (rest !== '') {
    const part = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/.exec(rest)
    const [whole = '', integer = '', fraction = '', unit = ''] = part ?? []
    if (integer + fraction === '') throw invalid()
    if (exceeds(integer, MAX_INT64 + 1n)) throw invalid()
    if (unit === '') throw new GoTextError(`time: missing unit in duration ${timeQuote(text)}`)
    const size = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined
    if (size === undefined)
      throw new GoTextError(`time: unknown unit ${timeQuote(unit)} in duration ${timeQuote(text)}`)
    total += BigInt(integer) * size + fractionOf(fraction, size)
    if (total > MAX_INT64 + 1n) throw invalid()
    rest = rest.slice(whole.length)
  }
  if (negative) return -total
  if (total > MAX_INT64) throw invalid()
  return total
}

/** Whether decimal digits spell more than `limit`, which has 19 or 20 digits; cheap for texts of any length. */
function exceeds(digits: string, limit: bigint): boolean {
  const significant = digits.replace(/^0+/, '')
  return significant.length > 20 || BigInt(significant) > limit
}

/** Go computes the part after the point in floating point and drops digits that do not fit 63 bits. */
function fractionOf(digits: string, unit: bigint): bigint {
  const zeros = /^0*/.exec(digits)?.[0].length ?? 0
  let kept = digits.slice(0, zeros + 19)
  if (exceeds(kept, MAX_INT64 + 1n)) kept = kept.slice(0, -1)
  return BigInt(Math.trunc(Number(kept) * (Number(unit) / 10 ** kept.length)))
}

/** The quoting of Go's time package: every byte that is not printable ASCII as `\x..`. */
function timeQuote(text: string): string {
  let out = ''
  for (const char of text) {
    if (char === '"' || char === '\\') out += `\\${char}`
    else if (char >= ' ' && char < '\x80') out += char
    else for (const byte of new TextEncoder().encode(char)) out += `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return `"${out}"`
}

/**
 * An unsigned decimal number of at most `bits` bits.
 * @throws GoTextError with the text of strconv.ParseUint
 */
export function parseUint(text: string, bits: 16 | 32): number {
  const fail = (why: string): GoTextError => new GoTextError(`strconv.ParseUint: parsing ${goQuote(text)}: ${why}`)
  if (text === '') throw fail('invalid syntax')
  let value = 0
  for (const char of text) {
    if (char < '0' || char > '9') throw fail('invalid syntax')
    value = value * 10 + Number(char)
    if (value >= 2 ** bits) throw fail('value out of range')
  }
  return value
}

/**
 * A signed decimal number.
 * @throws GoTextError with the text of strconv.Atoi
 */
export function parseInteger(text: string): number {
  const fail = (why: string): GoTextError => new GoTextError(`strconv.Atoi: parsing ${goQuote(text)}: ${why}`)
  // Go reads digit by digit, so a number may be too large before the first bad character is seen.
  const digits = /^[+-]?([0-9]*)/.exec(text)?.[1] ?? ''
  if (exceeds(digits, MAX_UINT64)) throw fail('value out of range')
  if (!/^[+-]?[0-9]+$/.test(text)) throw fail('invalid syntax')
  const value = BigInt(text.replace(/^\+/, ''))
  if (value > MAX_INT64 || value < -MAX_INT64 - 1n) throw fail('value out of range')
  return Number(value)
}

/**
 * A bool in one of Go's spellings.
 * @throws GoTextError with the text of strconv.ParseBool
 */
export function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw new GoTextError(`strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`)
}
