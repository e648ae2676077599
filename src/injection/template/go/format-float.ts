/** Go's `strconv.FormatFloat`: exact digits at any precision, or the shortest that read back. */

/** Decimal digits and the place of the point: 0.d1d2d3… × 10^pointAt. */
interface Decimal {
  readonly digits: string
  readonly pointAt: number
}

export interface FloatFormat {
  readonly verb: 'e' | 'E' | 'f' | 'g' | 'G' | 'b' | 'x' | 'X'
  /** Digits after the point (`g`: digits in all); -1 for the shortest that read back. */
  readonly precision: number
  /** Shortest digits that read back as a float32. */
  readonly isFloat32?: boolean
}

/** Any finite or special float as Go prints it. */
export function formatFloat(value: number, format: FloatFormat): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  return sign + formatMagnitude(Math.abs(value), format)
}

/** A float as Go prints it by itself: the shortest digits, in exponent form below 1e-4 and from 1e6. */
export const formatG = (value: number): string => formatFloat(value, { verb: 'g', precision: -1 })

function formatMagnitude(value: number, format: FloatFormat): string {
  const { verb, precision } = format
  switch (verb) {
    case 'b':
      return formatBinary(value)
    case 'x':
    case 'X':
      return formatHex(value, verb, precision)
    case 'e':
    case 'E':
      return exponentForm(
        precision < 0 ? shortest(value, format) : rounded(value, { significant: precision + 1 }),
        verb,
        precision,
      )
    case 'f':
      return plainForm(precision < 0 ? shortest(value, format) : rounded(value, { decimals: precision }), precision)
    case 'g':
    case 'G':
      return generalForm(value, format)
  }
}

function generalForm(value: number, format: FloatFormat): string {
  const { precision, verb } = format
  const isShortest = precision < 0
  const decimal = isShortest ? shortest(value, format) : rounded(value, { significant: Math.max(1, precision) })
  const digits = trimZeros(decimal.digits)
  let limit = isShortest ? 6 : Math.max(1, precision)
  if (!isShortest && limit > digits.length && digits.length >= decimal.pointAt) limit = digits.length
  const trimmed = { digits, pointAt: digits === '' ? 0 : decimal.pointAt }
  const exponent = trimmed.pointAt - 1
  if (exponent < -4 || exponent >= limit) {
    return exponentForm(trimmed, verb === 'g' ? 'e' : 'E', Math.max(0, digits.length - 1))
  }
  return plainForm(trimmed, Math.max(digits.length - trimmed.pointAt, 0))
}

function exponentForm({ digits, pointAt }: Decimal, letter: string, precision: number): string {
  const shown = digits === '' ? '0' : digits
  const decimals = precision < 0 ? shown.length - 1 : precision
  const exponent = digits === '' ? 0 : pointAt - 1
  const size = String(Math.abs(exponent)).padStart(2, '0')
  const fraction = decimals > 0 ? '.' + shown.slice(1, 1 + decimals).padEnd(decimals, '0') : ''
  return `${shown.charAt(0)}${fraction}${letter}${exponent < 0 ? '-' : '+'}${size}`
}

function plainForm({ digits, pointAt }: Decimal, precision: number): string {
  const decimals = precision < 0 ? Math.max(digits.length - pointAt, 0) : precision
  const whole = pointAt > 0 ? digits.slice(0, pointAt).padEnd(pointAt, '0') : '0'
  if (decimals === 0) return whole
  const fraction = pointAt >= 0 ? digits.slice(pointAt) : '0'.repeat(Math.min(-pointAt, decimals)) + digits
  return `${whole}.${fraction.slice(0, decimals).padEnd(decimals, '0')}`
}

function shortest(value: number, { isFloat32 = false }: FloatFormat): Decimal {
  if (value === 0) return { digits: '', pointAt: 0 }
  if (!isFloat32) return fromExponential(value.toExponential())
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits)
    if (Math.fround(Number(text)) === value) return fromExponential(text)
  }
  return fromExponential(value.toExponential())
}

function fromExponential(text: string): Decimal {
  const [mantissa = '', exponent = '0'] = text.split('e')
  return { digits: trimZeros(mantissa.replace('.', '')), pointAt: Number(exponent) + 1 }
}

function trimZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits.charAt(end - 1) === '0') end--
  return digits.slice(0, end)
}

/** The exact decimal value, rounded half to even. */
function rounded(value: number, { significant, decimals }: { significant?: number; decimals?: number }): Decimal {
  const exact = exactDecimal(value)
  const keep = significant ?? exact.pointAt + (decimals ?? 0)
  if (keep >= exact.digits.length) return exact
  if (keep < 0) return { digits: '', pointAt: 0 }
  const kept = exact.digits.slice(0, keep)
  if (!roundsUp(exact.digits, keep)) return { digits: kept, pointAt: kept === '' ? 0 : exact.pointAt }
  const raised = (BigInt('0' + kept) + 1n).toString()
  const grew = raised.length > kept.length ? 1 : 0
  return { digits: raised.padStart(keep, '0'), pointAt: exact.pointAt + grew }
}

function roundsUp(digits: string, at: number): boolean {
  const next = digits.charCodeAt(at) - 48
  if (next !== 5 || trimZeros(digits.slice(at + 1)) !== '') return next >= 5
  return at > 0 && digits.charCodeAt(at - 1) % 2 === 1
}

/** All digits of a double: mantissa × 2^exponent written out. */
function exactDecimal(value: number): Decimal {
  if (value === 0) return { digits: '', pointAt: 0 }
  const { mantissa, exponent } = split(value)
  const scaled = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent)
  const digits = scaled.toString()
  return { digits, pointAt: digits.length + Math.min(exponent, 0) }
}

function split(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & ((1n << 52n) - 1n)
  return exponent === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: exponent - 1075 }
}

function formatBinary(value: number): string {
  const { mantissa, exponent } = split(value)
  return `${mantissa}p${exponent >= 0 ? '+' : ''}${exponent}`
}

/** `0x1.8p+00`: a hexadecimal mantissa from 1 to 2 and a binary exponent. */
function formatHex(value: number, verb: 'x' | 'X', precision: number): string {
  let { mantissa, exponent } = split(value)
  if (mantissa !== 0n) {
    const shift = 53 - mantissa.toString(2).length
    mantissa <<= BigInt(shift)
    exponent += 52 - shift
  } else exponent = 0
  if (precision >= 0 && precision < 13) mantissa = roundHex(mantissa, precision)
  if (mantissa >> 53n > 0n) {
    mantissa >>= 1n
    exponent++
  }
  const digits = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, '0')
  const fraction = precision < 0 ? trimZeros(digits) : digits.slice(0, precision).padEnd(precision, '0')
  const size = String(Math.abs(exponent)).padStart(2, '0')
  const text = `0x${mantissa >> 52n}${fraction === '' ? '' : '.' + fraction}p${exponent < 0 ? '-' : '+'}${size}`
  return verb === 'X' ? text.toUpperCase() : text
}

function roundHex(mantissa: bigint, precision: number): bigint {
  const shift = BigInt(52 - 4 * precision)
  const kept = mantissa >> shift
  const twiceRest = (mantissa - (kept << shift)) << 1n
  const one = 1n << shift
  const up = twiceRest > one || (twiceRest === one && (kept & 1n) === 1n)
  return (up ? kept + 1n : kept) << shift
}
