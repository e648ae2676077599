/** Decimal numbers of any size, as sprig's float functions compute (shopspring/decimal). */
import { FunctionError } from '../template/errors.ts'
import { formatFloat } from '../template/go/format-float.ts'

/** coefficient × 10^exponent. */
export interface Decimal {
  readonly coefficient: bigint
  readonly exponent: number
}

/** Decimals of a quotient that are kept. */
const DIVISION_PLACES = 16

/** The shortest decimal that reads back as the float. @throws FunctionError for NaN and infinities */
export function decimalOf(value: number): Decimal {
  if (!Number.isFinite(value))
    throw new FunctionError(`Cannot create a Decimal from ${formatFloat(value, { verb: 'g', precision: -1 })}`)
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  return { coefficient: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length }
}

/** The nearest float. */
export const floatOf = ({ coefficient, exponent }: Decimal): number => Number(`${coefficient}e${exponent}`)

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent)
  return { coefficient: scaled(a, exponent) + scaled(b, exponent), exponent }
}

export const subtractDecimals = (a: Decimal, b: Decimal): Decimal =>
  addDecimals(a, { ...b, coefficient: -b.coefficient })

export const multiplyDecimals = (a: Decimal, b: Decimal): Decimal => ({
  coefficient: a.coefficient * b.coefficient,
  exponent: a.exponent + b.exponent,
})

/** Rounded half away from zero at 16 decimals. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (b.coefficient === 0n) throw new FunctionError('decimal division by 0')
  const shift = a.exponent - b.exponent + DIVISION_PLACES
  const dividend = shift >= 0 ? a.coefficient * 10n ** BigInt(shift) : a.coefficient
  const divisor = shift >= 0 ? b.coefficient : b.coefficient * 10n ** BigInt(-shift)
  const quotient = dividend / divisor
  const twiceRest = magnitude(dividend % divisor) * 2n
  const isNegative = dividend < 0n !== divisor < 0n
  const rounded = twiceRest >= magnitude(divisor) ? quotient + (isNegative ? -1n : 1n) : quotient
  return { coefficient: rounded, exponent: -DIVISION_PLACES }
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)

const scaled = ({ coefficient, exponent }: Decimal, to: number): bigint => coefficient * 10n ** BigInt(exponent - to)
