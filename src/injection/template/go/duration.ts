/** Go's `time.Duration`: text to nanoseconds and back. */
import { toBytes } from './byte-text.ts'

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const MAX_INT64 = (1n << 63n) - 1n

export type ParsedDuration = { readonly ns: bigint } | { readonly error: string }

/** Go's `time.ParseDuration` (`1h30m`, `1.5s`, `.5s`, `-2ms`, `0`); the error is Go's text. */
export function parseDuration(text: string): ParsedDuration {
  const invalid = { error: `time: invalid duration ${timeQuote(text)}` }
  const negative = text.startsWith('-')
  let rest = /^[+-]/.test(text) ? text.slice(1) : text
  if (rest === '0') return { ns: 0n }
  if (rest === '') return invalid
  let total = 0n
  while (rest !== '') {
    const part = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/.exec(rest)
    const [whole = '', integer = '', fraction = '', unit = ''] = part ?? []
    if (integer + fraction === '' || exceeds(integer, MAX_INT64 + 1n)) return invalid
    if (unit === '') return { error: `time: missing unit in duration ${timeQuote(text)}` }
    const size = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined
    if (size === undefined) return { error: `time: unknown unit ${timeQuote(unit)} in duration ${timeQuote(text)}` }
    total += BigInt(integer) * size + fractionOf(fraction, size)
    if (total > MAX_INT64 + 1n) return invalid
    rest = rest.slice(whole.length)
  }
  if (negative) return { ns: -total }
  return total > MAX_INT64 ? invalid : { ns: total }
}

/** Whether decimal digits spell more than `limit`, which has 19 or 20 digits; cheap for texts of any length. */
export function exceeds(digits: string, limit: bigint): boolean {
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
    else for (const byte of toBytes(char)) out += `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return `"${out}"`
}

/** Go's `Duration.String`: `1m30s`, `500ms`, `0s`. */
export function durationText(ns: bigint): string {
  if (ns === 0n) return '0s'
  const sign = ns < 0n ? '-' : ''
  const size = ns < 0n ? -ns : ns
  if (size < 1_000n) return `${sign}${size}ns`
  if (size < 1_000_000n) return sign + decimal(size, 3) + 'µs'
  if (size < 1_000_000_000n) return sign + decimal(size, 6) + 'ms'
  const minutes = size / 60_000_000_000n
  const seconds = decimal(size % 60_000_000_000n, 9) + 's'
  if (minutes === 0n) return sign + seconds
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`
}

function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, '0')
  const fraction = digits.slice(-places).replace(/0+$/, '')
  return digits.slice(0, -places) + (fraction === '' ? '' : '.' + fraction)
}
