/** Go's quoting: `strconv.Quote` and its kin, and reading quoted literals of templates. */
import { fromByteValues, hasRawBytes, replaceRawBytes } from './byte-text.ts'
import { isPrint } from './unicode.ts'

const NAMED: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** A double-quoted Go string. `asciiOnly` escapes everything above 0x7E (`%+q`). */
export function quote(text: string, asciiOnly = false): string {
  let out = '"'
  for (const char of text) out += escapeChar(char, { quoteChar: '"', asciiOnly })
  return out + '"'
}

/** A single-quoted Go rune literal; what is no valid character is U+FFFD. */
export function quoteRune(code: number, asciiOnly = false): string {
  const valid = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  const char = String.fromCodePoint(valid ? code : 0xfffd)
  return `'${escapeChar(char, { quoteChar: "'", asciiOnly })}'`
}

/** Whether the text can stand between back quotes (`%#q`). */
export function canBackquote(text: string): boolean {
  if (hasRawBytes(text)) return false
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    if (code === 0xfeff || code === 0x60 || code === 0x7f || (code < 0x20 && char !== '\t')) return false
  }
  return true
}

function escapeChar(char: string, options: { quoteChar: string; asciiOnly: boolean }): string {
  const code = char.codePointAt(0) ?? 0
  if (char === options.quoteChar || char === '\\') return '\\' + char
  if (code >= 0xdc00 && code <= 0xdfff) return '\\x' + hex(code & 0xff, 2)
  if (code < 0x80 ? code >= 0x20 && code < 0x7f : !options.asciiOnly && isPrint(char)) return char
  const named = NAMED[char]
  if (named !== undefined) return named
  if (code < 0x20 || code === 0x7f) return '\\x' + hex(code, 2)
  return code > 0xffff ? '\\U' + hex(code, 8) : '\\u' + hex(code, 4)
}

const hex = (code: number, width: number): string => code.toString(16).padStart(width, '0')

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 }

/** What a Go literal in `"`, backquotes or `'` means; undefined where its syntax is invalid. */
export function unquote(literal: string): string | undefined {
  const mark = literal.charAt(0)
  const body = literal.slice(1, -1)
  if (literal.length < 2 || !literal.endsWith(mark)) return undefined
  if (mark === '`') return body.includes('`') ? undefined : body.replaceAll('\r', '')
  if (body.includes('\n')) return undefined
  const text = unescape(body, mark)
  if (text === undefined || (mark === "'" && [...text].length !== 1)) return undefined
  return text
}

/** The text of a quoted body. Neighbouring `\x` escapes may spell one character together. */
function unescape(body: string, mark: string): string | undefined {
  if (!body.includes('\\')) return body.includes(mark) ? undefined : body
  let text = ''
  let bytes: number[] = []
  for (let i = 0; i < body.length;) {
    const char = body.charAt(i)
    if (char === mark) return undefined
    const escape = char === '\\' ? readEscape(body, i + 1, mark) : { length: 0, text: char }
    if (escape === undefined) return undefined
    if (escape.byte === undefined) {
      text += fromByteValues(bytes) + escape.text
      bytes = []
    } else bytes.push(escape.byte)
    i += 1 + escape.length
  }
  return text + fromByteValues(bytes)
}

interface Escape {
  readonly length: number
  readonly text: string
  readonly byte?: number
}

function readEscape(body: string, at: number, mark: string): Escape | undefined {
  const char = body.charAt(at)
  const simple = ESCAPES[char]
  if (simple !== undefined) return { length: 1, text: String.fromCharCode(simple) }
  if (char === mark) return { length: 1, text: mark }
  const width = { x: 2, u: 4, U: 8 }[char]
  if (width !== undefined) return numericEscape(body.slice(at + 1, at + 1 + width), width)
  const octal = /^[0-7]{3}/.exec(body.slice(at, at + 3))
  if (octal === null || parseInt(octal[0], 8) > 255) return undefined
  return { length: 3, text: '', byte: parseInt(octal[0], 8) }
}

function numericEscape(digits: string, width: number): Escape | undefined {
  if (digits.length !== width || !/^[0-9a-fA-F]+$/.test(digits)) return undefined
  const code = parseInt(digits, 16)
  if (width === 2) return { length: 3, text: '', byte: code }
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined
  return { length: width + 1, text: String.fromCodePoint(code) }
}

/** Characters of the text for messages that must be valid UTF-8. */
export const printable = (text: string): string => replaceRawBytes(text)
