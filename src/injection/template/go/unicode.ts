/** Character classes and simple case mapping as Go's `unicode` package has them: one character for one. */

const LETTER = /^\p{L}/u
const LETTER_OR_DIGIT = /^[\p{L}\p{Nd}]/u
const DIGIT = /^\p{Nd}/u
const GRAPHIC = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]/u
const UPPER = /^\p{Lu}/u
const LOWER = /^\p{Ll}/u
const TITLE = /^\p{Lt}/u

export const isLetter = (char: string): boolean => LETTER.test(char)
export const isLetterOrDigit = (char: string): boolean => LETTER_OR_DIGIT.test(char)
export const isDigit = (char: string): boolean => DIGIT.test(char)
export const isUpper = (char: string): boolean => UPPER.test(char)
export const isLower = (char: string): boolean => LOWER.test(char)
export const isTitle = (char: string): boolean => TITLE.test(char)

/** Go's `unicode.IsSpace`. */
export const isSpace = (char: string): boolean =>
  /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/.test(char)

/** Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrint(char: string): boolean {
  const code = char.codePointAt(0) ?? 0
  if (code < 0x7f) return code >= 0x20
  return GRAPHIC.test(char)
}

/** Digraphs: upper, title, lower. Only they have a title form of their own that JavaScript cannot name. */
const DIGRAPHS: readonly string[] = ['Ǆǅǆ', 'Ǉǈǉ', 'Ǌǋǌ', 'Ǳǲǳ']

/** Go's `unicode.ToUpper`; what has no single upper character stays. */
export function upperChar(char: string): string {
  const upper = char.toUpperCase()
  if (isOneChar(upper)) return upper
  const code = char.codePointAt(0) ?? 0
  // Greek letters with iota subscript have a simple mapping besides the full one.
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCodePoint(code | 8)
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9)
  return char
}

/** Go's `unicode.ToLower`. */
export function lowerChar(char: string): string {
  if (char === '\u0130') return 'i'
  const lower = char.toLowerCase()
  return isOneChar(lower) ? lower : char
}

/** Go's `unicode.ToTitle`. */
export function titleChar(char: string): string {
  const digraph = DIGRAPHS.find((forms) => forms.includes(char))
  if (digraph !== undefined) return digraph.charAt(1)
  const code = char.codePointAt(0) ?? 0
  if (code >= 0x10d0 && code <= 0x10ff) return char // Georgian has capitals, but no title forms
  return upperChar(char)
}

const isOneChar = (text: string): boolean =>
  text.length === 1 || (text.length === 2 && (text.codePointAt(0) ?? 0) > 0xffff)
