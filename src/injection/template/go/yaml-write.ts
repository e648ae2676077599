/**
 * YAML as istiod's `toYaml` writes it: a value is first turned into JSON, read as YAML, and written by go-yaml v2.
 * Rules: go-yaml v2, sorter.go, encode.go and emitterc.go, with a line width of 80.
 */
import { FunctionError } from '../errors.ts'
import { checkTextLength } from '../limits.ts'
import { byteLength, compareText } from './byte-text.ts'
import { formatG } from './format-float.ts'
import { isDigit, isLetter } from './unicode.ts'

const WIDTH = 80
/** Longest key that may stand on the line of its colon, in bytes. */
const MAX_SIMPLE_KEY = 128

/** Plain JSON (any object, list or scalar) as YAML text. @throws FunctionError for characters that YAML cannot read back */
export function writeYaml(value: unknown): string {
  const writer = new YamlWriter()
  writer.node(value, { indent: 0, column: 0, isRoot: true })
  return writer.out + '\n'
}

interface Place {
  /** Indentation of the block the node stands in. */
  readonly indent: number
  /** Column at which a scalar begins. */
  readonly column: number
  readonly isRoot?: boolean
  /** The node follows `- `, so that its first line stays there. */
  readonly isItem?: boolean
  readonly isKey?: boolean
}

/** Collects lines; lives for one call. */
class YamlWriter {
  out = ''

  private write(text: string): void {
    this.out += text
    checkTextLength(this.out.length)
  }

  node(value: unknown, place: Place): void {
    if (Array.isArray(value)) return value.length === 0 ? this.write('[]') : this.list(value, place)
    if (typeof value === 'object' && value !== null) return this.map(value as Record<string, unknown>, place)
    this.write(scalarText(value, place))
  }

  private list(items: readonly unknown[], { indent, isRoot = false, isItem = false }: Place): void {
    // Lists are not indented below their key, but are below another dash.
    const at = isRoot || !isItem ? indent : indent + 2
    for (const [i, item] of items.entries()) {
      if (i > 0 || !(isRoot || isItem)) this.write('\n' + ' '.repeat(at))
      this.write('- ')
      this.node(item, { indent: at, column: at + 2, isItem: true })
    }
  }

  private map(map: Record<string, unknown>, { indent, isRoot = false, isItem = false }: Place): void {
    const keys = Object.keys(map).sort(compareKeys)
    keys.forEach(checkKey)
    if (keys.length === 0) return this.write('{}')
    const at = isRoot ? 0 : indent + 2
    for (const [i, key] of keys.entries()) {
      if (i > 0 || !(isRoot || isItem)) this.write('\n' + ' '.repeat(at))
      this.pair(key, map[key], at)
    }
  }

  private pair(key: string, value: unknown, at: number): void {
    if (isSimpleKey(key)) {
      const text = scalarText(key, { indent: at, column: at, isKey: true })
      this.write(text + ':')
      if (!isBlock(value)) this.write(' ')
      this.node(value, { indent: at, column: at + text.length + 2 })
      return
    }
    this.write('? ' + scalarText(key, { indent: at, column: at + 2 }))
    this.write('\n' + ' '.repeat(at) + ': ')
    this.node(value, { indent: at, column: at + 2, isItem: true })
  }
}

const isBlock = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0)

const isSimpleKey = (key: string): boolean => !/[\n\r\u0085\u2028\u2029]/.test(key) && byteLength(key) <= MAX_SIMPLE_KEY

/** go-yaml's order of keys: letters after everything else, runs of digits by their number. */
export function compareKeys(a: string, b: string): number {
  const x = [...a]
  const y = [...b]
  for (let i = 0; i < x.length && i < y.length; i++) {
    if (x[i] !== y[i]) return compareAt(x, y, i)
  }
  return x.length - y.length
}

function compareAt(x: readonly string[], y: readonly string[], at: number): number {
  const a = x[at] ?? ''
  const b = y[at] ?? ''
  const aIsLetter = isLetter(a)
  const bIsLetter = isLetter(b)
  if (aIsLetter && bIsLetter) return compareText(a, b)
  if (aIsLetter || bIsLetter) return bIsLetter ? -1 : 1
  const before = a === '0' || b === '0' ? leadingDigit(x, at) : ''
  const m = digitsAt(x, at)
  const n = digitsAt(y, at)
  const difference = BigInt('0' + before + m) - BigInt('0' + before + n)
  if (difference !== 0n) return difference < 0n ? -1 : 1
  return m.length === n.length ? compareText(a, b) : m.length - n.length
}

/** A zero counts as a digit of the number before it. */
function leadingDigit(chars: readonly string[], at: number): string {
  for (let i = at - 1; i >= 0 && isDigit(chars[i] ?? ''); i--) if (chars[i] !== '0') return '1'
  return ''
}

function digitsAt(chars: readonly string[], from: number): string {
  let end = from
  while (end < chars.length && isDigit(chars[end] ?? '')) end++
  return chars
    .slice(from, end)
    .map((char) => (/[0-9]/.test(char) ? char : '0'))
    .join('')
}

function scalarText(value: unknown, place: Place): string {
  if (typeof value === 'string') return stringText(readBack(value), place)
  if (typeof value === 'number') return numberText(value)
  return typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : 'null'
}

/** The text as YAML reads it from JSON: U+0085 ends a line there, and lines are folded. */
function readBack(text: string): string {
  checkReadable(text)
  if (!text.includes('\u0085')) return text
  return text.replace(/ *(?:\u0085 *)+/g, (breaks) => {
    const count = breaks.split('\u0085').length - 1
    return count === 1 ? ' ' : '\n'.repeat(count - 1)
  })
}

/** Whole floats below 2^64 are written as integers: in JSON they have no point, and YAML reads them so. */
function numberText(value: number): string {
  const isPlain = Number.isInteger(value) && Math.abs(value) < 1e21
  if (isPlain && value < 2 ** 64 && value >= -(2 ** 63)) return BigInt(value).toString()
  return formatG(value)
}

/** go-yaml reads no keys that take more than a line. */
function checkKey(key: string): void {
  if (key.includes('\u0085')) throw new FunctionError("yaml: did not find expected ',' or '}'")
}

/** Characters that go-yaml's reader refuses. */
function checkReadable(text: string): void {
  if (/[\x7f\x80-\x84\x86-\x9f\ufffe\uffff]/.test(text))
    throw new FunctionError('yaml: control characters are not allowed')
}

function stringText(text: string, place: Place): string {
  const analysis = analyze(text)
  if (!place.isKey && text.includes('\n') && !looksLikeOther(text)) {
    return analysis.blockAllowed ? literal(text, place) : doubleQuoted(text, place)
  }
  if (looksLikeOther(text)) return doubleQuoted(text, place)
  if (text !== '' && analysis.plainAllowed && !analysis.multiline) return folded(text, place)
  if (analysis.singleAllowed) return singleQuoted(text, place)
  return doubleQuoted(text, place)
}

const BOOLS = /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF|true|True|TRUE|false|False|FALSE)$/
const NULLS = /^(?:~|null|Null|NULL|)$/
const SPECIAL_FLOATS = /^(?:\.nan|\.NaN|\.NAN|[+-]?(?:\.inf|\.Inf|\.INF))$/
const YAML_FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const BASE60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/

/** Whether the text, written plainly, would be read as something else than text. */
function looksLikeOther(text: string): boolean {
  if (BOOLS.test(text) || NULLS.test(text) || SPECIAL_FLOATS.test(text)) return true
  if (BASE60.test(text) || isTimestamp(text)) return true
  if (!/^[-+.0-9]/.test(text)) return false
  const digits = text.replaceAll('_', '')
  return isInteger(digits) || (YAML_FLOAT.test(digits) && Number.isFinite(Number(digits)))
}

function isInteger(text: string): boolean {
  if (/^[-+]?(?:0|[1-9][0-9]*)$/.test(text) || /^[-+]?0[oO]?[0-7]+$/.test(text)) return true
  return /^[-+]?0[xX][0-9a-fA-F]+$/.test(text) || /^-?0b[01]+$/i.test(text) || /^\+0b[01]+$/i.test(text)
}

const DATE =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]|[ \t]+)(\d{1,2}):(\d{2}):(\d{2})(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d{1,2}(?::?\d{2})?))?)?$/

function isTimestamp(text: string): boolean {
  const parts = DATE.exec(text)
  if (parts === null) return false
  const [, year, month, day, hour = 0, minute = 0, second = 0] = parts.map(Number)
  const lastDay = new Date(Date.UTC(2000, Number(month), 0)).getUTCDate()
  const isLeap = new Date(Date.UTC((Number(year) % 400) + 400, 1, 29)).getUTCMonth() === 1
  const days = Number(month) === 2 && !isLeap ? 28 : lastDay
  const isDate = Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= days
  return isDate && !(Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
}

interface Analysis {
  readonly multiline: boolean
  readonly plainAllowed: boolean
  readonly singleAllowed: boolean
  readonly blockAllowed: boolean
}

const BREAK = /[\n\r\u0085\u2028\u2029]/

/** What styles a text may be written in. Rules: go-yaml v2, yaml_emitter_analyze_scalar. */
function analyze(text: string): Analysis {
  const specials = hasUnprintable(text)
  const multiline = BREAK.test(text)
  const leadingSpace = text.startsWith(' ')
  const trailingSpace = text.endsWith(' ')
  const leadingBreak = BREAK.test(text.charAt(0))
  const trailingBreak = BREAK.test(text.slice(-1))
  const breakSpace = /[\n\r\u0085\u2028\u2029] /.test(text)
  const spaceBreak = / [\n\r\u0085\u2028\u2029]/.test(text)
  const edges = leadingSpace || trailingSpace || leadingBreak || trailingBreak
  const quotedOnly = spaceBreak || specials
  return {
    multiline,
    plainAllowed: !edges && !breakSpace && !quotedOnly && !hasIndicators(text),
    singleAllowed: !breakSpace && !quotedOnly,
    blockAllowed: !trailingSpace && !quotedOnly,
  }
}

function hasUnprintable(text: string): boolean {
  return /[^\n\x20-\x7e\u0085\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/.test(text)
}

function hasIndicators(text: string): boolean {
  if (/^(?:---|\.\.\.)/.test(text)) return true
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text)) return true
  if (/^[?:-](?:[\s\0]|$)/.test(text) || /^[?-]$/.test(text)) return true
  return /:(?:\s|$)/.test(text) || /\s#/.test(text)
}

const foldIndent = (indent: number): number => indent + 2

/** Writes a text on one line, or several: broken at single spaces beyond the width, unless it is a key. */
class Folder {
  out = ''
  private column: number
  private readonly indent: number
  private readonly folds: boolean
  private afterSpace = false
  private afterBreak = false

  constructor({ column, indent, isKey = false }: Place, offset: number) {
    this.column = column + offset
    this.indent = foldIndent(indent)
    this.folds = !isKey
  }

  run(text: string, escape: (char: string) => string): string {
    const chars = [...text]
    for (const [i, char] of chars.entries()) {
      const isInner = i > 0 && i < chars.length - 1 && chars[i + 1] !== ' '
      if (char === ' ' && isInner && this.folds && !this.afterSpace && this.column > WIDTH) this.breakLine()
      else if (BREAK.test(char)) this.writeBreak(char)
      else this.write(char, escape)
      this.afterSpace = char === ' '
    }
    return this.out
  }

  private breakLine(): void {
    this.out += '\n' + ' '.repeat(this.indent)
    this.column = this.indent
  }

  /** U+2028 and U+2029 end a line in YAML; what follows is indented. */
  private writeBreak(char: string): void {
    this.out += char
    this.column = 0
    this.afterBreak = true
  }

  private write(char: string, escape: (char: string) => string): void {
    if (this.afterBreak && char !== ' ') {
      this.out += ' '.repeat(Math.max(0, this.indent - this.column))
      this.column = Math.max(this.column, this.indent)
      this.afterBreak = false
    }
    const written = escape(char)
    this.out += written
    this.column += [...written].length
  }
}

const folded = (text: string, place: Place): string => new Folder(place, 0).run(text, (char) => char)

const singleQuoted = (text: string, place: Place): string =>
  `'${new Folder(place, 1).run(text, (char) => (char === "'" ? "''" : char))}'`

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u00a0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
}

function doubleQuoted(text: string, { column, indent, isKey = false }: Place): string {
  let out = '"'
  let at = column + 1
  let wasSpace = false
  const chars = [...text]
  for (const [i, char] of chars.entries()) {
    const isSpace = char === ' '
    if (isSpace && !isKey && !wasSpace && at > WIDTH && i > 0 && i < chars.length - 1) {
      const next = chars[i + 1] === ' ' ? '\\' : ''
      out += '\n' + ' '.repeat(foldIndent(indent)) + next
      at = foldIndent(indent) + next.length
      wasSpace = true
      continue
    }
    const written = escapeDouble(char, text.startsWith('\ufeff'))
    out += written
    at += [...written].length
    wasSpace = isSpace
  }
  return out + '"'
}

/** istiod: a byte order mark at the start makes go-yaml escape every character. */
function escapeDouble(char: string, escapesAll: boolean): string {
  const code = char.codePointAt(0) ?? 0
  const mustEscape = escapesAll || hasUnprintable(char) || BREAK.test(char) || char === '"' || char === '\\'
  if (!mustEscape) return char
  const named = NAMED_ESCAPES[char]
  if (named !== undefined) return named
  const digits = code.toString(16).toUpperCase()
  if (code <= 0xff) return '\\x' + digits.padStart(2, '0')
  return code <= 0xffff ? '\\u' + digits.padStart(4, '0') : '\\U' + digits.padStart(8, '0')
}

/** A block: `|` with a hint of its indentation and of the newlines at its end. */
function literal(text: string, { indent, isRoot = false }: Place): string {
  const at = isRoot ? 2 : indent + 2
  const needsHint = text.startsWith(' ') || BREAK.test(text.charAt(0))
  const chomp = !BREAK.test(text.slice(-1)) ? '-' : text.length === 1 || BREAK.test(text.slice(-2, -1)) ? '+' : ''
  const lines = text.split(/(?<=[\n\u2028\u2029])/)
  const body = lines.map((line) => (BREAK.test(line.charAt(0)) ? line : ' '.repeat(at) + line)).join('')
  const hint = `|${needsHint ? '2' : ''}${chomp}`
  return `${hint}\n${body.replace(/\n$/, '')}`
}
