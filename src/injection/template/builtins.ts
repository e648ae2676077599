/** Go's built-in template functions. Rules: Go, text/template/funcs.go. */
import { equals, equalsAny, isLess } from './comparison.ts'
import { FunctionError } from './errors.ts'
import { formatValue, sprint, sprintf, sprintln } from './format.ts'
import { any, fn, lookup, tableOf, text, value, variadic, type FunctionTable } from './function-table.ts'
import { byteLength, isAscii, sliceBytes, toBytes } from './go/byte-text.ts'
import { isPrint } from './go/unicode.ts'
import { isInteger, typeName } from './type-names.ts'
import { UINT8 } from './types.ts'
import { getKey, int, isPlainMap, isTrue, rawOf, TypedValue, typeOf, wrap, type PlainMap } from './value.ts'

export const BUILTINS: FunctionTable = tableOf({
  and: { ...variadic([value], value, (first) => first), shortCircuit: false },
  or: { ...variadic([value], value, (first) => first), shortCircuit: true },
  not: fn([value], (given) => !isTrue(given)),
  call: variadic([value], value, callFunction),
  eq: variadic([value], value, (first, ...others) => equalsAny(first, others)),
  ne: fn([value, value], (a, b) => !equals(a, b)),
  lt: fn([value, value], (a, b) => isLess(a, b)),
  le: fn([value, value], (a, b) => isLess(a, b) || equals(a, b)),
  gt: fn([value, value], (a, b) => !(isLess(a, b) || equals(a, b))),
  ge: fn([value, value], (a, b) => !isLess(a, b)),
  index: lookup(variadic([value], value, indexInto)),
  slice: variadic([value], value, sliceOfValue),
  len: fn([value], (given) => int(lengthOf(given))),
  print: variadic([], any, (...values) => sprint(values)),
  printf: variadic([text], any, (format, ...values) => sprintf(format, values)),
  println: variadic([], any, (...values) => sprintln(values)),
  html: variadic([], any, (...values) => escapeHtml(joined(values))),
  js: variadic([], any, (...values) => escapeJs(joined(values))),
  urlquery: variadic([], any, (...values) => queryEscape(joined(values))),
})

/** No value of a template is a function. */
function callFunction(given: unknown): never {
  if (given === undefined) throw new FunctionError('call of nil')
  throw new FunctionError(`non-function of type ${nameOf(given)}`)
}

const nameOf = (given: unknown): string => {
  const type = typeOf(given)
  return type === undefined ? '<nil>' : typeName(type)
}

/** Follows pointers; a nil one stays. */
function dereference(given: unknown): unknown {
  let target = given
  while (target instanceof TypedValue && target.type.kind === 'pointer' && target.value !== null) {
    target = wrap(target.type.elem, target.value, true)
  }
  return target
}

function indexInto(given: unknown, ...keys: readonly unknown[]): unknown {
  if (given === undefined) throw new FunctionError('index of untyped nil')
  let item: unknown = given
  for (const key of keys) {
    if (item === undefined || item === null) throw new FunctionError('index of nil pointer')
    item = indexOnce(dereference(item), key)
  }
  return item
}

function indexOnce(item: unknown, key: unknown): unknown {
  if (isPlainMap(item)) return getKey(item, mapKey(key, 'string')) ?? null
  if (typeof item === 'string') {
    const bytes = toBytes(item)
    return new TypedValue(UINT8, bytes[listIndex(key, bytes.length)])
  }
  const type = typeOf(item)
  const raw = rawOf(item)
  if (type?.kind === 'slice') {
    const list = (raw ?? []) as readonly unknown[]
    return wrap(type.elem, list[listIndex(key, list.length)], true)
  }
  if (type?.kind === 'map') {
    const name = mapKey(key, typeName(type.key))
    return wrap(type.elem, raw === null ? undefined : getKey(raw as PlainMap, name))
  }
  if (type?.kind === 'pointer') throw new FunctionError('index of nil pointer')
  throw new FunctionError(`can't index item of type ${nameOf(item)}`)
}

function mapKey(key: unknown, wanted: string): string {
  const type = typeOf(key)
  if (type === undefined) throw new FunctionError(`value is nil; should be of type ${wanted}`)
  if (typeName(type) !== wanted) throw new FunctionError(`value has type ${typeName(type)}; should be ${wanted}`)
  return String(rawOf(key)) // named and plain strings are strings
}

function listIndex(key: unknown, length: number): number {
  const type = typeOf(key)
  if (type === undefined) throw new FunctionError('cannot index slice/array with nil')
  if (!isInteger(type)) throw new FunctionError(`cannot index slice/array with type ${typeName(type)}`)
  const index = Number(rawOf(key))
  if (index < 0 || index >= length) throw new FunctionError(`index out of range: ${index}`)
  return index
}

/** Go's own `slice`, which sprig's replaces. */
function sliceOfValue(given: unknown, ...indexes: readonly unknown[]): unknown {
  if (given === undefined) throw new FunctionError('slice of untyped nil')
  const item = dereference(given)
  if (indexes.length > 3) throw new FunctionError(`too many slice indexes: ${indexes.length}`)
  if (typeof item === 'string' && indexes.length === 3) throw new FunctionError('cannot 3-index slice a string')
  const type = typeOf(item)
  if (typeof item !== 'string' && type?.kind !== 'slice')
    throw new FunctionError(`can't slice item of type ${nameOf(item)}`)
  const length = typeof item === 'string' ? byteLength(item) : ((rawOf(item) ?? []) as readonly unknown[]).length
  const [from = 0, to = length] = indexes.map((index) => listIndex(index, length + 1))
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`)
  if (typeof item === 'string') return sliceBytes(item, from, to)
  return wrap(type ?? UINT8, ((rawOf(item) ?? []) as readonly unknown[]).slice(from, to))
}

function lengthOf(given: unknown): number {
  if (given === undefined) throw new FunctionError('reflect: call of reflect.Value.Type on zero Value')
  const item = dereference(given)
  const raw = rawOf(item)
  const type = typeOf(item)
  if (type?.kind === 'string') return isAscii(raw as string) ? (raw as string).length : byteLength(raw as string)
  if (type?.kind === 'slice') return ((raw ?? []) as readonly unknown[]).length
  if (type?.kind === 'map') return Object.keys(raw ?? {}).length
  if (type?.kind === 'pointer') throw new FunctionError('len of nil pointer')
  throw new FunctionError(`len of type ${nameOf(item)}`)
}

/** Arguments as `html`, `js` and `urlquery` join them: like an action prints each, with `print`'s spaces. */
function joined(values: readonly unknown[]): string {
  const [only] = values
  if (values.length === 1 && typeof only === 'string') return only
  return sprint(values.map((one) => (one === null ? '<no value>' : addressed(one))))
}

/** Pointers to scalars are followed, as in actions. */
function addressed(one: unknown): unknown {
  const target = dereference(one)
  return target === one ? one : formatValue(target)
}

const HTML: Readonly<Record<string, string>> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\0': '\ufffd',
}

export function escapeHtml(given: string): string {
  return given.replace(/["'&<>\0]/g, (char) => HTML[char] ?? char)
}

const JS: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
}

function escapeJs(given: string): string {
  let out = ''
  for (const char of given) {
    const code = char.codePointAt(0) ?? 0
    if (JS[char] !== undefined) out += JS[char]
    else if (code < 0x20) out += '\\u' + code.toString(16).toUpperCase().padStart(4, '0')
    else if (code < 0x80 || isPrint(char) || (code >= 0xd800 && code <= 0xdfff)) out += char
    else out += '\\u' + code.toString(16).toUpperCase().padStart(4, '0')
  }
  return out
}

/** Go's `url.QueryEscape`. */
export function queryEscape(given: string): string {
  let out = ''
  for (const byte of toBytes(given)) {
    const char = String.fromCharCode(byte)
    if (/[A-Za-z0-9\-_.~]/.test(char)) out += char
    else out += char === ' ' ? '+' : '%' + byte.toString(16).toUpperCase().padStart(2, '0')
  }
  return out
}
