/** Sprig's functions on texts. Lengths and positions count bytes unless said otherwise. */
import { FunctionError } from '../template/errors.ts'
import { sprint } from '../template/format.ts'
import { any, fn, integer, tableOf, text, variadic, type FunctionTable } from '../template/function-table.ts'
import {
  byteLength,
  fromBytes,
  isAscii,
  normalizeBytes,
  replaceRawBytes,
  sliceBytes,
  toBytes,
} from '../template/go/byte-text.ts'
import { quote } from '../template/go/quote.ts'
import { isLetterOrDigit, isSpace, lowerChar, titleChar, upperChar } from '../template/go/unicode.ts'
import { checkListLength, checkTextLength } from '../template/limits.ts'
import { elementsOf, newMap, rawOf, setKey, stringList, stringMap, typeOf } from '../template/value.ts'
import { textOf } from './convert.ts'

export const STRING_FUNCTIONS: FunctionTable = tableOf({
  trunc: fn([integer, text], truncate),
  trim: fn([text], trimSpace),
  trimAll: fn([text, text], trimSet),
  trimall: fn([text, text], trimSet),
  trimPrefix: fn([text, text], (prefix, given) => (given.startsWith(prefix) ? given.slice(prefix.length) : given)),
  trimSuffix: fn([text, text], (suffix, given) =>
    given.endsWith(suffix) ? given.slice(0, given.length - suffix.length) : given,
  ),
  upper: fn([text], (given) => mapChars(given, upperChar)),
  lower: fn([text], (given) => toLower(given)),
  title: fn([text], toTitle),
  substr: fn([integer, integer, text], substring),
  repeat: fn([integer, text], repeat),
  replace: fn([text, text, text], replaceAll),
  cat: variadic([], any, (...given) =>
    given
      .filter((one) => one !== null)
      .map((one) => sprint([one]))
      .join(' '),
  ),
  quote: variadic([], any, (...given) => quoteEach(given, (one) => quote(textOf(one)))),
  squote: variadic([], any, (...given) => quoteEach(given, (one) => `'${sprint([one])}'`)),
  contains: fn([text, text], (part, given) => given.includes(part)),
  hasPrefix: fn([text, text], (prefix, given) => given.startsWith(prefix)),
  hasSuffix: fn([text, text], (suffix, given) => given.endsWith(suffix)),
  indent: fn([integer, text], indent),
  nindent: fn([integer, text], (spaces, given) => '\n' + indent(spaces, given)),
  plural: fn([text, text, integer], (one, many, count) => (count === 1 ? one : many)),
  join: fn([text, any], (separator, list) => joinTexts(textsOf(list), separator)),
  split: fn([text, text], (separator, given) => numbered(splitText(given, separator, -1) ?? [])),
  splitn: fn([text, integer, text], (separator, count, given) => numbered(splitText(given, separator, count) ?? [])),
  splitList: fn([text, text], (separator, given) => stringList(splitText(given, separator, -1) ?? [])),
  toStrings: fn([any], (list) => stringList(textsOf(list))),
})

function truncate(count: number, given: string): string {
  const length = byteLength(given)
  if (count < 0) return length + count > 0 ? sliceBytes(given, length + count, length) : given
  return length > count ? sliceBytes(given, 0, count) : given
}

/** Go's `strings.TrimSpace`. */
export function trimSpace(given: string): string {
  let from = 0
  let to = given.length
  while (from < to && isSpace(given.charAt(from))) from++
  while (to > from && isSpace(given.charAt(to - 1))) to--
  return given.slice(from, to)
}

/** Go's `strings.Trim`: removes characters of the set at both ends. */
export function trimSet(set: string, given: string): string {
  const removed = new Set(replaceRawBytes(set))
  const chars = [...given]
  let from = 0
  let to = chars.length
  const isRemoved = (at: number): boolean => removed.has(replaceRawBytes(chars[at] ?? ''))
  while (from < to && isRemoved(from)) from++
  while (to > from && isRemoved(to - 1)) to--
  return chars.slice(from, to).join('')
}

/** Go's `strings.ToLower`. */
export const toLower = (given: string): string => mapChars(given, lowerChar)

/** Go's `strings.Map`: character by character, invalid bytes become U+FFFD. */
function mapChars(given: string, change: (char: string) => string): string {
  let out = ''
  for (const char of replaceRawBytes(given)) out += change(char)
  return out
}

/** istiod: every letter that follows anything but a letter, digit or `_`; beyond ASCII only white space separates. */
function toTitle(given: string): string {
  let previous = ' '
  return mapChars(given, (char) => {
    const starts = isSeparator(previous)
    previous = char
    return starts ? titleChar(char) : char
  })
}

function isSeparator(char: string): boolean {
  if (char === '_' || isLetterOrDigit(char)) return false
  return (char.codePointAt(0) ?? 0) <= 0x7f || isSpace(char)
}

/** istiod: a negative start means "from the beginning", an end that is negative or too large "to the end". */
function substring(start: number, end: number, given: string): string {
  const length = byteLength(given)
  if (start < 0) return sliceChecked(given, 0, { to: end, length })
  if (end < 0 || end > length) return sliceChecked(given, start, { to: length, length })
  return sliceChecked(given, start, { to: end, length })
}

function sliceChecked(given: string, from: number, { to, length }: { to: number; length: number }): string {
  if (to < 0 || to > length) throw new FunctionError(`runtime error: slice bounds out of range [:${to}]`)
  if (from > to) throw new FunctionError(`runtime error: slice bounds out of range [${from}:${to}]`)
  return sliceBytes(given, from, to)
}

function repeat(count: number, given: string): string {
  if (count < 0) throw new FunctionError('strings: negative Repeat count')
  if (given === '') return ''
  if (byteLength(given) * count >= 2 ** 63) throw new FunctionError('strings: Repeat output length overflow')
  checkTextLength(given.length * count)
  return normalizeBytes(given.repeat(count))
}

/** Go's `strings.ReplaceAll`; an empty pattern stands before every character and at the end. */
export function replaceAll(from: string, to: string, given: string): string {
  const parts = from === '' ? ['', ...given, ''] : given.split(from)
  checkTextLength(given.length + (parts.length - 1) * Math.max(0, to.length - from.length))
  return normalizeBytes(parts.join(to))
}

function quoteEach(given: readonly unknown[], write: (one: unknown) => string): string {
  return given
    .filter((one) => one !== null)
    .map(write)
    .join(' ')
}

function indent(spaces: number, given: string): string {
  if (spaces < 0) throw new FunctionError('strings: negative Repeat count')
  checkTextLength(spaces)
  const pad = ' '.repeat(spaces)
  return pad + replaceAll('\n', '\n' + pad, given)
}

/** Sprig's list of texts: elements as text without nils; what is no list is a list of one. */
export function textsOf(list: unknown): readonly string[] {
  const type = typeOf(list)
  if (type === undefined) return []
  if (type.kind === 'slice' && type.elem.kind === 'string' && type.elem.name === undefined) {
    return (rawOf(list) ?? []) as readonly string[]
  }
  const elements = elementsOf(list)
  if (elements === undefined) return [textOf(list)]
  return elements.filter((one) => one !== null && one !== undefined).map(textOf)
}

function joinTexts(texts: readonly string[], separator: string): string {
  checkTextLength(texts.reduce((length, one) => length + one.length + separator.length, 0))
  return normalizeBytes(texts.join(separator))
}

/** Go's `strings.SplitN`: an empty separator splits characters, a negative count means all, 0 nothing. */
export function splitText(given: string, separator: string, count: number): string[] | undefined {
  if (count === 0) return undefined
  const parts = separator === '' ? [...given] : splitAtBytes(given, separator)
  checkListLength(parts.length)
  if (count < 0 || parts.length <= count) return parts
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)]
}

function splitAtBytes(given: string, separator: string): string[] {
  const isWhole = isAscii(separator) || (isWellFormed(given) && isWellFormed(separator))
  if (isWhole) return given.split(separator)
  // Byte by byte: a separator may be part of a character.
  const bytes = Array.from(toBytes(given), (byte) => String.fromCharCode(byte)).join('')
  const part = Array.from(toBytes(separator), (byte) => String.fromCharCode(byte)).join('')
  return bytes.split(part).map((one) => fromBytes(Uint8Array.from(one, (char) => char.charCodeAt(0))))
}

const isWellFormed = (given: string): boolean => replaceRawBytes(given) === given

function numbered(parts: readonly string[]): unknown {
  const map = newMap()
  for (const [i, part] of parts.entries()) setKey(map, `_${i}`, part)
  return stringMap(map as Record<string, string>)
}
