/** Go's `time.Duration`: text to nanoseconds and back. */
import { quote } from './quote.ts'

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
const MAX = 2n ** 63n

export type ParsedDuration = { readonly ns: bigint } | { readonly error: string }

/** Go's `time.ParseDuration`; the error is Go's text. */
export function parseDuration(text: string): ParsedDuration {
  const invalid = { error: `time: invalid duration ${quote(text)}` }
  const sign = text.startsWith('-') ? -1n : 1n
  let rest = /^[+-]/.test(text) ? text.slice(1) : text
  if (rest === '0') return { ns: 0n }
  if (rest === '') return invalid
  let total = 0n
  while (rest !== '') {
    const number = /^(\d*)(?:\.(\d*))?/.exec(rest)
    const [matched = '', whole = '', fraction = ''] = number ?? []
    if (whole === '' && fraction === '') return invalid
    rest = rest.slice(matched.length)
    const unitText = /^[^.\d]*/.exec(rest)?.[0] ?? ''
    if (unitText === '') return { error: `time: missing unit in duration ${quote(text)}` }
    const unit = Object.hasOwn(UNITS, unitText) ? UNITS[unitText] : undefined
    if (unit === undefined) return { error: `time: unknown unit ${quote(unitText)} in duration ${quote(text)}` }
    rest = rest.slice(unitText.length)
    total += BigInt(whole === '' ? '0' : whole) * unit + fractionOf(fraction, unit)
    if (total > MAX) return invalid
  }
  if (sign > 0n && total === MAX) return invalid
  return { ns: sign * total }
}

/** Go keeps as many digits of a fraction as fit 63 bits and computes with floats. */
function fractionOf(digits: string, unit: bigint): bigint {
  if (digits === '') return 0n
  let kept = digits
  while (BigInt(kept) >= MAX / 10n && kept.length > 1) kept = kept.slice(0, -1)
  return BigInt(Math.trunc(Number(BigInt(kept)) * (Number(unit) / 10 ** kept.length)))
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
