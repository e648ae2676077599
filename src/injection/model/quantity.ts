/** Kubernetes quantities (`1500m`, `2Gi`): reading, the canonical text, and what templates may call on one. */
import type { Method, StructType } from '../template/types.ts'
import { BOOL, INT, INT64, STRING } from '../template/types.ts'
import { ModelError } from './model-error.ts'

const FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const NUMERIC_WRONG = 'unable to parse numeric part of quantity'
const SUFFIX_WRONG = "unable to parse quantity's suffix"

/** A quantity's value is `unscaled * 10^exponent`, exactly. */
export interface Quantity {
  readonly unscaled: bigint
  readonly exponent: number
  readonly format: 'decimalSI' | 'binarySI' | 'decimalExponent'
  /** Kubernetes keeps some texts as they were written (`1e3`, `1.500`) although they are not canonical. */
  readonly written?: string
}

/**
 * Reads a quantity. Smaller parts than a billionth are rounded up, away from zero; binary ones are capped at 2^63-1.
 * @throws ModelError with Kubernetes' text
 */
export function parseQuantity(text: string): Quantity {
  const parts = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[+-]?[0-9]*)$/.exec(text)
  if (parts === null || text === '') throw new ModelError(FORMAT_WRONG)
  const [, sign = '', digits = '', fraction = '', suffixText = ''] = parts
  const suffix = suffixOf(suffixText)
  // A text like `+` or `-` counts as zero, as Kubernetes reads digits only where there are any.
  const number = { sign, whole: digits.replace(/^0+/, '') || '0', fraction }
  const quantity = exactly(number, { suffix, text })
  if (quantity !== undefined) return quantity
  if (digits + fraction === '') throw new ModelError(NUMERIC_WRONG)
  return rounded(number, suffix)
}

/** The canonical text, which Kubernetes writes: at most three digits of a group and the largest fitting suffix. */
export function canonicalQuantity(text: string): string {
  return isSurelyCanonical(text) ? text : quantityText(parseQuantity(text))
}

/** Text of a quantity as Kubernetes' own writer gives it. */
export function quantityText(quantity: Quantity): string {
  if (quantity.written !== undefined) return quantity.written
  if (quantity.unscaled === 0n) return '0'
  return (quantity.format === 'binarySI' ? binaryText(quantity) : undefined) ?? decimalText(quantity)
}

/** The value in units of 10^`exponent`, parts of a unit rounded away from zero. */
export function scaledValue({ unscaled, exponent }: Quantity, toExponent = 0): bigint {
  if (exponent >= toExponent) return unscaled * 10n ** BigInt(exponent - toExponent)
  return divideAwayFromZero(unscaled, 10n ** BigInt(toExponent - exponent))
}

const exact = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

const readSelf = (self: unknown): Quantity => parseQuantity(typeof self === 'string' ? self : String(Number(self ?? 0)))

const method = (result: Method['result'], call: (quantity: Quantity) => unknown, nilSafe = false): Method => ({
  params: [],
  result,
  nilSafe,
  onPointer: true,
  call: (self) => call(readSelf(self)),
})

/** resource.Quantity; in memory its canonical text, absent where it is zero and was never set. */
export const QUANTITY: StructType = {
  kind: 'struct',
  name: 'resource.Quantity',
  fields: [],
  opaque: 'quantity',
  toText: (self) => quantityText(readSelf(self)),
  textOnPointer: true,
  methods: {
    String: {
      ...method(STRING, quantityText, true),
      call: (self) => (self === undefined || self === null ? '<nil>' : quantityText(readSelf(self))),
    },
    Value: method(INT64, (quantity) => exact(BigInt.asIntN(64, scaledValue(quantity)))),
    MilliValue: method(INT64, (quantity) => exact(BigInt.asIntN(64, scaledValue(quantity, -3)))),
    IsZero: method(BOOL, ({ unscaled }) => unscaled === 0n),
    Sign: method(INT, ({ unscaled }) => Math.sign(Number(unscaled))),
  },
}

interface Suffix {
  readonly format: Quantity['format']
  /** Power of ten, or of two for `binarySI`. */
  readonly exponent: number
}

interface NumberParts {
  readonly sign: string
  readonly whole: string
  readonly fraction: string
}

const DECIMAL_SUFFIXES = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']
const BINARY_SUFFIXES = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const NANO = -9
const MAX_INT64 = 2n ** 63n - 1n
/** An int64 holds any number of that many digits. */
const INT64_DIGITS = 18
/** Kubernetes would spend minutes on larger powers of ten where it needs them digit by digit. */
const MAX_EXPONENT = 10_000

function suffixOf(text: string): Suffix {
  const decimal = DECIMAL_SUFFIXES.indexOf(text)
  if (decimal >= 0) return { format: 'decimalSI', exponent: decimal * 3 + NANO }
  const binary = BINARY_SUFFIXES.indexOf(text)
  if (binary >= 0) return { format: 'binarySI', exponent: binary * 10 + 10 }
  if (!/^[eE][+-]?[0-9]+$/.test(text)) throw new ModelError(SUFFIX_WRONG)
  const power = BigInt(text.slice(1).replace('+', ''))
  if (power !== BigInt.asIntN(64, power)) throw new ModelError(SUFFIX_WRONG)
  return { format: 'decimalExponent', exponent: Number(BigInt.asIntN(32, power)) }
}

/** Most quantities fit an int64 and lose nothing; undefined where this one might not. */
function exactly(
  { sign, whole, fraction }: NumberParts,
  { suffix, text }: { suffix: Suffix; text: string },
): Quantity | undefined {
  const { format } = suffix
  const binary = format === 'binarySI'
  if (binary && fraction !== '') return undefined
  const room = binary ? 14 - Math.trunc((Math.fround(suffix.exponent) * 3) / 10) : INT64_DIGITS
  const exponent = (binary ? 0 : suffix.exponent) - fraction.length
  if (whole.length + fraction.length > room || exponent < NANO) return undefined
  const digits = whole + fraction
  const value = BigInt(digits)
  const unscaled = (sign === '-' ? -value : value) * (binary ? 2n ** BigInt(suffix.exponent) : 1n)
  const keeps = binary ? (value & 7n) !== 0n : exponent % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0')
  return { unscaled, exponent, format, ...(keeps && { written: text }) }
}

function rounded({ sign, whole, fraction }: NumberParts, suffix: Suffix): Quantity {
  const binary = suffix.format === 'binarySI'
  const digits = BigInt(whole + fraction) * (binary ? 2n ** BigInt(suffix.exponent) : 1n)
  const exponent = (binary ? 0 : suffix.exponent) - fraction.length
  if (exponent > MAX_EXPONENT) throw new ModelError(NUMERIC_WRONG)
  let unscaled = digits
  if (digits !== 0n) unscaled = toNanos(digits, exponent)
  if (binary && unscaled > MAX_INT64 * NANOS) unscaled = MAX_INT64 * NANOS
  // Parts of one are written with a decimal suffix, even where a binary one was given.
  const format = binary && unscaled < NANOS && unscaled > 0n ? 'decimalSI' : suffix.format
  return { unscaled: sign === '-' ? -unscaled : unscaled, exponent: NANO, format }
}

const NANOS = 10n ** 9n

function toNanos(digits: bigint, exponent: number): bigint {
  if (exponent >= NANO) return digits * 10n ** BigInt(exponent - NANO)
  const tooMany = digits.toString().length < NANO - exponent
  return tooMany ? 1n : divideAwayFromZero(digits, 10n ** BigInt(NANO - exponent))
}

function divideAwayFromZero(value: bigint, by: bigint): bigint {
  const quotient = value / by
  if (value % by === 0n) return quotient
  return value < 0n ? quotient - 1n : quotient + 1n
}

function decimalText({ unscaled, exponent, format }: Quantity): string {
  let digits = unscaled.toString()
  const zeros = trailingZeros(digits)
  digits = digits.slice(0, digits.length - zeros)
  let power = exponent + zeros
  for (; power % 3 !== 0; power--) digits += '0'
  if (format === 'decimalExponent') return power === 0 ? digits : `${digits}e${power}`
  // Beyond exa Kubernetes knows no suffix and writes none.
  return digits + (DECIMAL_SUFFIXES[(power - NANO) / 3] ?? '')
}

/** Counted from the end: an expression would begin anew at each zero, for minutes where there are many. */
function trailingZeros(digits: string): number {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end--
  return digits.length - end
}

/** Undefined where a binary suffix would not do: below 1024, or with a fraction. */
function binaryText(quantity: Quantity): string | undefined {
  let amount = scaledValue(quantity)
  if (quantity.exponent < 0 && amount * 10n ** BigInt(-quantity.exponent) !== quantity.unscaled) return undefined
  if (amount > -1024n && amount < 1024n) return undefined
  let power = 0
  for (; amount % 1024n === 0n; power++) amount /= 1024n
  return amount.toString() + (power === 0 ? '' : (BINARY_SUFFIXES[power - 1] ?? ''))
}

function isSurelyCanonical(text: string): boolean {
  if (/^[1-9][0-9]{0,8}[numkMGTPE]?$/.test(text)) return !/000[a-zA-Z]?$/.test(text)
  return /^[1-9][0-9]{0,2}[KMGTP]i$/.test(text)
}
