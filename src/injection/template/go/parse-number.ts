/** Go's `strconv`: reading integers and floats, with Go's limits and error texts. */
import { quote } from './quote.ts'

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)
const MAX_UINT64 = 2n ** 64n - 1n

export type NumberProblem = 'syntax' | 'range'

export interface ParsedInteger {
  /** On `range` the nearest limit, on `syntax` 0, as Go returns it. */
  readonly value: bigint
  readonly problem?: NumberProblem
}

const PROBLEM_TEXTS: Readonly<Record<NumberProblem, string>> = {
  syntax: 'invalid syntax',
  range: 'value out of range',
}

/** Text of Go's `*strconv.NumError`, e.g. `strconv.ParseUint: parsing "x": invalid syntax`. */
export function numberError(fn: string, text: string, problem: NumberProblem): string {
  return `strconv.${fn}: parsing ${quote(text)}: ${PROBLEM_TEXTS[problem]}`
}

/** Go's `strconv.ParseInt(text, base, 64)`; base 0 reads the base from the prefix and allows `_`. */
export function parseInteger(text: string, base: number): ParsedInteger {
  const negative = text.startsWith('-')
  const magnitude = parseMagnitude(negative || text.startsWith('+') ? text.slice(1) : text, base)
  if (magnitude === undefined) return { value: 0n, problem: 'syntax' }
  const value = negative ? -magnitude : magnitude
  if (value > MAX_INT64) return { value: MAX_INT64, problem: 'range' }
  return value < MIN_INT64 ? { value: MIN_INT64, problem: 'range' } : { value }
}

/** Go's `strconv.ParseUint(text, base, bits)`. */
export function parseUnsigned(text: string, base: number, bits = 64): ParsedInteger {
  const max = bits === 64 ? MAX_UINT64 : 2n ** BigInt(bits) - 1n
  const value = parseMagnitude(text, base)
  if (value === undefined) return { value: 0n, problem: 'syntax' }
  return value > max ? { value: max, problem: 'range' } : { value }
}

const PREFIXED: readonly (readonly [RegExp, string])[] = [
  [/^0[xX]((?:_?[0-9a-fA-F])+)$/, '0x'],
  [/^0[oO]?((?:_?[0-7])+)$/, '0o'],
  [/^0[bB]((?:_?[01])+)$/, '0b'],
]

function parseMagnitude(text: string, base: number): bigint | undefined {
  if (base === 10) return /^[0-9]+$/.test(text) ? BigInt(text) : undefined
  if (base === 8) return /^[0-7]+$/.test(text) ? BigInt('0o' + text) : undefined
  for (const [pattern, prefix] of PREFIXED) {
    const digits = pattern.exec(text)?.[1]
    if (digits !== undefined) return BigInt(prefix + digits.replaceAll('_', ''))
  }
  if (text === '0') return 0n
  return /^[1-9](?:_?[0-9])*$/.test(text) ? BigInt(text.replaceAll('_', '')) : undefined
}

export interface ParsedFloat {
  readonly value: number
  readonly problem?: NumberProblem
}

const DECIMAL_FLOAT =
  /^[+-]?(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?$/
const HEX_FLOAT =
  /^([+-]?)0[xX]((?:_?[0-9a-fA-F])*)\.?((?:[0-9a-fA-F](?:_?[0-9a-fA-F])*)?)[pP]([+-]?[0-9](?:_?[0-9])*)$/

/** Go's `strconv.ParseFloat(text, 64)`: decimal, hexadecimal, `inf`, `nan`. */
export function parseFloat64(text: string): ParsedFloat {
  if (DECIMAL_FLOAT.test(text)) return checkRange(Number(text.replaceAll('_', '')))
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text)
  if (special !== null) {
    if (special[2]?.toLowerCase() === 'nan') return special[1] === '' ? { value: NaN } : { value: 0, problem: 'syntax' }
    return { value: special[1] === '-' ? -Infinity : Infinity }
  }
  const hex = HEX_FLOAT.exec(text)
  if (hex === null || (hex[2] === '' && hex[3] === '')) return { value: 0, problem: 'syntax' }
  return checkRange(hexFloat(hex))
}

const checkRange = (value: number): ParsedFloat => (Number.isFinite(value) ? { value } : { value, problem: 'range' })

function hexFloat(parts: RegExpExecArray): number {
  const whole = (parts[2] ?? '').replaceAll('_', '')
  const fraction = (parts[3] ?? '').replaceAll('_', '')
  const mantissa = BigInt('0x0' + whole + fraction)
  const exponent = Number((parts[4] ?? '0').replaceAll('_', '')) - 4 * fraction.length
  const value = scale(mantissa, exponent)
  return parts[1] === '-' ? -value : value
}

/** mantissa × 2^exponent, rounded once, half to even. */
function scale(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0
  const bits = mantissa.toString(2).length
  if (bits + exponent > 1025) return Infinity
  if (bits + exponent < -1080) return 0
  if (exponent >= 0) return Number(mantissa << BigInt(exponent))
  // Number() of a bigint rounds half to even at 53 bits; below the normal range fewer bits remain.
  const keep = Math.min(53, bits + exponent + 1074)
  const drop = bits - keep
  if (drop <= 0) return multiplyByPowerOfTwo(Number(mantissa), exponent)
  return multiplyByPowerOfTwo(Number(roundHalfEven(mantissa, drop)), exponent + drop)
}

function roundHalfEven(mantissa: bigint, drop: number): bigint {
  const shift = BigInt(drop)
  const kept = mantissa >> shift
  const twiceRest = (mantissa - (kept << shift)) << 1n
  const one = 1n << shift
  const up = twiceRest > one || (twiceRest === one && (kept & 1n) === 1n)
  return up ? kept + 1n : kept
}

function multiplyByPowerOfTwo(value: number, exponent: number): number {
  let result = value
  let rest = exponent
  for (; rest < -1000; rest += 1000) result *= 2 ** -1000
  for (; rest > 1000; rest -= 1000) result *= 2 ** 1000
  return result * 2 ** rest
}

/** Go's `strconv.ParseBool`; undefined for anything else. */
export function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined
}

/** The low 64 bits as a signed integer: Go's wrap-around. */
export const wrapInt64 = (value: bigint): bigint => BigInt.asIntN(64, value)

/** Integers are held as numbers where these are exact, else as bigint. */
export function normalizeInteger(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value
}
