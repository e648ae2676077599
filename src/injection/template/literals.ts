/** Constants of templates: numbers and characters. Rules: Go, parse/node.go, newNumber. */
import { parseFloat64, parseInteger, parseUnsigned } from './go/parse-number.ts'
import { unquote } from './go/quote.ts'
import type { NumberNode } from './nodes.ts'

type Values = Omit<NumberNode, 'kind' | 'at' | 'text'>

/** The node of a number as written; a string is Go's message about a malformed one. */
export function parseNumber(text: string, at: number): NumberNode | string {
  const values = text.startsWith("'") ? charConstant(text) : numberValues(text)
  return typeof values === 'string' ? values : { kind: 'number', at, text, ...values }
}

function charConstant(text: string): Values | string {
  const code = unquote(text)?.codePointAt(0)
  if (code === undefined) return `malformed character constant: ${text}`
  // A single byte such as '\xff' is the number of that byte.
  const rune = BigInt(code >= 0xdc00 && code <= 0xdfff ? code & 0xff : code)
  return { int: rune, uint: rune, float: Number(rune) }
}

function numberValues(text: string): Values | string {
  if (text.endsWith('i')) return complexValues(text)
  const uint = parseUnsigned(text, 0)
  const int = parseInteger(text, 0)
  if (int.problem === undefined) return { ...integerValues(int.value), ...(uint.problem ? {} : { uint: uint.value }) }
  if (uint.problem === undefined) return { uint: uint.value, float: Number(uint.value) }
  const float = parseFloat64(text)
  if (float.problem !== undefined) return illegal(text)
  // What looks like an integer is too large, not a float.
  if (!/[.eEpP]/.test(text)) return `integer overflow: "${text}"`
  return floatValues(float.value)
}

const illegal = (text: string): string => `illegal number syntax: "${text}"`

const integerValues = (int: bigint): Values => ({ int, ...(int >= 0n ? { uint: int } : {}), float: Number(int) })

/** A float without fraction may be used where an integer is wanted. */
function floatValues(float: number): Values {
  if (!Number.isInteger(float) || Math.abs(float) >= 2 ** 64) return { float }
  const whole = BigInt(float)
  const fits = whole >= -(2n ** 63n) && whole < 2n ** 63n
  return { float, ...(fits ? { int: whole } : {}), ...(whole >= 0n ? { uint: whole } : {}) }
}

const COMPLEX = /^([+-]?[^+-]*(?:[eEpP][+-][^+-]*)?)([+-].*)i$/

/** `2i` is a pure imaginary number; with a zero one after a sign the constant is its real part too. */
function complexValues(text: string): Values | string {
  const single = parseFloat64(text.slice(0, -1))
  if (single.problem === undefined) return { imaginary: single.value }
  const parts = COMPLEX.exec(text)
  const real = parseFloat64(parts?.[1] ?? '')
  const imaginary = parseFloat64(parts?.[2] ?? '')
  if (real.problem !== undefined || imaginary.problem !== undefined) return illegal(text)
  return imaginary.value === 0
    ? { ...floatValues(real.value), imaginary: 0 }
    : { float: real.value, imaginary: imaginary.value }
}
