/** Sprig's loose conversions: anything to text, to an int64, to a float64 (spf13/cast). */
import { sprint } from '../template/format.ts'
import { parseFloat64, parseInteger, wrapInt64 } from '../template/go/parse-number.ts'
import { isInteger } from '../template/type-names.ts'
import { rawOf, TypedValue, typeOf, wrap } from '../template/value.ts'

/** Sprig's `toString`. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : sprint([value]))

/** What a pointer leads to, nil if nowhere. */
function follow(value: unknown): unknown {
  let target = value
  while (target instanceof TypedValue && target.type.kind === 'pointer') {
    target = target.value === null ? null : wrap(target.type.elem, target.value)
  }
  return target
}

/** Any value as an int64: floats are cut, texts read as integers, everything else is 0. */
export function toInt64(value: unknown): bigint {
  const target = follow(value)
  const type = typeOf(target)
  const raw = rawOf(target)
  if (type === undefined) return 0n
  if (type.kind === 'string') return type.name === undefined ? textToInt64(raw as string) : 0n
  if (type.kind === 'bool') return raw === true ? 1n : 0n
  if (type.kind === 'float64' || type.kind === 'float32') return floatToInt64(raw as number)
  return isInteger(type) ? wrapInt64(BigInt(raw as number | bigint)) : 0n
}

/** Only plain decimals lose their fraction; hexadecimal, octal and `_` follow Go's literals. */
function textToInt64(text: string): bigint {
  const plain = /^([-+]?\d*)(?:\.\d*)?$/.exec(text)
  const { value, problem } = parseInteger(plain?.[1] ?? text, 0)
  return problem === undefined ? value : 0n
}

/** amd64: what does not fit becomes the smallest int64. */
function floatToInt64(value: number): bigint {
  const cut = Math.trunc(value)
  return cut >= -(2 ** 63) && cut < 2 ** 63 ? BigInt(cut) : -(2n ** 63n)
}

/** Any value as a float64; 0 for what is none. */
export function toFloat64(value: unknown): number {
  const target = follow(value)
  const type = typeOf(target)
  const raw = rawOf(target)
  if (type === undefined) return 0
  if (type.kind === 'bool') return raw === true ? 1 : 0
  if (type.kind === 'float64' || type.kind === 'float32') return raw as number
  if (isInteger(type)) return Number(raw)
  if (type.kind !== 'string' || type.name !== undefined) return 0
  const { value: parsed, problem } = parseFloat64(raw as string)
  return problem === undefined ? parsed : 0
}
