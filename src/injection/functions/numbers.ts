/** Sprig's arithmetic: 64-bit integers that wrap around, and decimals that do not round like floats. */
import { FunctionError } from '../template/errors.ts'
import { sprint } from '../template/format.ts'
import { any, float, fn, integer, tableOf, text, variadic, type FunctionTable } from '../template/function-table.ts'
import { parseInteger, wrapInt64 } from '../template/go/parse-number.ts'
import { checkListLength, LimitReached } from '../template/limits.ts'
import { INT, INT64 } from '../template/types.ts'
import { INT_LIST, int64, TypedValue } from '../template/value.ts'
import { toFloat64, toInt64 } from './convert.ts'
import {
  addDecimals,
  decimalOf,
  divideDecimals,
  floatOf,
  multiplyDecimals,
  subtractDecimals,
  type Decimal,
} from './decimals.ts'

const wrapped = (value: bigint): TypedValue => int64(wrapInt64(value))
const largest = variadic([any], any, (first, ...rest) =>
  int64(rest.map(toInt64).reduce((a, b) => (b > a ? b : a), toInt64(first))),
)

export const NUMBER_FUNCTIONS: FunctionTable = tableOf({
  int: fn([any], (value) => new TypedValue(INT, int64(toInt64(value)).value)),
  int64: fn([any], (value) => int64(toInt64(value))),
  float64: fn([any], toFloat64),
  atoi: fn([text], (given) => new TypedValue(INT, int64(parseInteger(given, 10).value).value)),
  toDecimal: fn([any], (value) => octal(sprint([value]))),
  add: variadic([], any, (...values) => wrapped(values.reduce<bigint>((sum, one) => sum + toInt64(one), 0n))),
  add1: fn([any], (value) => wrapped(toInt64(value) + 1n)),
  sub: fn([any, any], (a, b) => wrapped(toInt64(a) - toInt64(b))),
  mul: variadic([any], any, (first, ...rest) =>
    wrapped(rest.reduce<bigint>((product, one) => wrapInt64(product * toInt64(one)), toInt64(first))),
  ),
  div: fn([any, any], (a, b) => wrapped(toInt64(a) / divisor(b))),
  mod: fn([any, any], (a, b) => wrapped(toInt64(a) % divisor(b))),
  max: largest,
  biggest: largest,
  min: variadic([any], any, (first, ...rest) =>
    int64(rest.map(toInt64).reduce((a, b) => (b < a ? b : a), toInt64(first))),
  ),
  maxf: variadic([any], any, (first, ...rest) => Math.max(toFloat64(first), ...rest.map(toFloat64))),
  minf: variadic([any], any, (first, ...rest) => Math.min(toFloat64(first), ...rest.map(toFloat64))),
  add1f: fn([any], (value) => floatOf(addDecimals(decimal(value), decimalOf(1)))),
  addf: variadic([], any, (...values) => floatOf(values.map(decimal).reduce(addDecimals, decimalOf(0)))),
  subf: variadic([any], any, (first, ...rest) => floatOf(rest.map(decimal).reduce(subtractDecimals, decimal(first)))),
  mulf: variadic([any], any, (first, ...rest) => floatOf(rest.map(decimal).reduce(multiplyDecimals, decimal(first)))),
  divf: variadic([any], any, (first, ...rest) => floatOf(rest.map(decimal).reduce(divideDecimals, decimal(first)))),
  ceil: fn([any], (value) => Math.ceil(toFloat64(value))),
  floor: fn([any], (value) => Math.floor(toFloat64(value))),
  round: variadic([any, integer], float, round),
  until: fn([integer], (count) => intList(steps(0, count, count < 0 ? -1 : 1))),
  untilStep: fn([integer, integer, integer], (start, stop, step) => intList(steps(start, stop, step))),
  seq: variadic([], integer, (...given) => sequence(given).join(' ')),
})

const decimal = (value: unknown): Decimal => decimalOf(toFloat64(value))

function divisor(value: unknown): bigint {
  const number = toInt64(value)
  if (number === 0n) throw new FunctionError('runtime error: integer divide by zero')
  return number
}

function octal(given: string): TypedValue {
  const { value, problem } = parseInteger(given, 8)
  return new TypedValue(INT64, problem === undefined ? int64(value).value : 0)
}

/** istiod: rounds up from `roundOn` of a fraction with its sign, so every negative number with a fraction goes down. */
function round(value: unknown, places: number, roundOn = 0.5): number {
  const power = powerOfTen(places)
  const digits = power * toFloat64(value)
  const fraction = Number.isFinite(digits) ? digits - Math.trunc(digits) : NaN
  return (fraction >= roundOn ? Math.ceil(digits) : Math.floor(digits)) / power
}

/** Go's `math.Pow(10, n)`, which rounds otherwise than JavaScript's from about 1e23. Rules: Go, math/pow.go. */
function powerOfTen(exponent: number): number {
  if (Math.abs(exponent) > 400) return exponent > 0 ? Infinity : 0
  let [factor, factorExponent] = [0.625, 4]
  let [result, resultExponent] = [1, 0]
  for (let bits = Math.abs(exponent); bits !== 0; bits >>= 1) {
    if ((bits & 1) === 1) {
      result *= factor
      resultExponent += factorExponent
    }
    factor *= factor
    factorExponent *= 2
    if (factor >= 0.5) continue
    factor += factor
    factorExponent--
  }
  if (exponent >= 0) return scaleByTwo(result, resultExponent)
  return scaleByTwo(1 / result, -resultExponent)
}

/** In two steps, since the power alone may leave the range of floats. */
const scaleByTwo = (value: number, exponent: number): number => {
  const half = Math.trunc(exponent / 2)
  return value * 2 ** half * 2 ** (exponent - half)
}

function steps(start: number, stop: number, step: number): number[] {
  if (stop < start ? step >= 0 : step <= 0) return []
  const count = Math.ceil((stop - start) / step)
  checkListLength(count)
  // Beyond the last element Go's counter wraps around and never reaches the end.
  if (Math.abs(start + count * step) >= 2 ** 63) throw new LimitReached('list without end')
  return Array.from({ length: count }, (_, i) => start + i * step)
}

const intList = (values: readonly number[]): TypedValue => new TypedValue(INT_LIST, values)

/** Like `seq` of a shell: last; first and last; first, step and last. */
function sequence(given: readonly number[]): number[] {
  const [first = 0, second = 0, third = 0] = given
  if (given.length === 1) return steps(1, beyond(first, first < 1), first < 1 ? -1 : 1)
  if (given.length === 2) return steps(first, beyond(second, second < first), second < first ? -1 : 1)
  if (given.length !== 3 || (third < first && second > 0)) return []
  return steps(first, beyond(third, third < first), second)
}

/** One further, wrapping around at 64 bits. */
const beyond = (end: number, goesDown: boolean): number => Number(wrapInt64(BigInt(end) + (goesDown ? -1n : 1n)))
