/** Texts of scalars: plain, quoted and block ones, with the folding of their lines. */
import { type Cursor, type Mark, scanError } from './cursor.ts'

/** Line breaks and blanks that count only once something follows them. */
class Folding {
  /** Blanks within a line. */
  blanks = ''
  #leading: string | undefined
  #trailing = ''

  get hasBreak(): boolean {
    return this.#leading !== undefined
  }

  addBreak(text: string): void {
    if (this.#leading === undefined) {
      this.blanks = ''
      this.#leading = text
    } else this.#trailing += text
  }

  /** A backslash joins lines without a trace. */
  joinLines(): void {
    this.#leading = ''
  }

  /** What stands for the white space so far: one break is a space, further ones stay. */
  flush(): string {
    const text = this.#text()
    this.blanks = ''
    this.#leading = undefined
    this.#trailing = ''
    return text
  }

  #text(): string {
    if (this.#leading === undefined) return this.blanks
    if (this.#leading !== '\n') return this.#leading + this.#trailing
    return this.#trailing === '' ? ' ' : this.#trailing
  }
}

export interface PlainContext {
  readonly inFlow: boolean
  /** Column the scalar's further lines must reach. */
  readonly indent: number
}

/** A plain scalar; `endsLine` tells that a line break was taken behind it. */
export function scanPlain(cursor: Cursor, { inFlow, indent }: PlainContext): { value: string; endsLine: boolean } {
  const start = cursor.mark()
  const folding = new Folding()
  let value = ''
  while (!cursor.isDocumentMarker() && cursor.at() !== '#') {
    const word = cursor.takePlainWord(inFlow ? ',?[]{}' : '')
    if (word !== '') value += folding.flush() + word
    if (!cursor.isBlank() && !cursor.isBreak()) break
    takeWhiteSpace(cursor, folding, () => {
      if (folding.hasBreak && cursor.column < indent && cursor.isTab()) {
        throw scanError(cursor.mark(), start, 'found a tab character that violates indentation')
      }
    })
    if (!inFlow && cursor.column < indent) break
  }
  return { value, endsLine: folding.hasBreak }
}

function takeWhiteSpace(cursor: Cursor, folding: Folding, check: () => void): void {
  while (cursor.isBlank() || cursor.isBreak()) {
    if (cursor.isBreak()) {
      folding.addBreak(cursor.takeBreak())
      continue
    }
    check()
    const blank = cursor.take()
    if (!folding.hasBreak) folding.blanks += blank
  }
}

/** The text of a quoted scalar, the cursor being on its first quote. */
export function scanQuoted(cursor: Cursor): string {
  const start = cursor.mark()
  const quote = cursor.take()
  const folding = new Folding()
  let value = ''
  for (;;) {
    if (cursor.isDocumentMarker()) throw scanError(cursor.mark(), start, 'found unexpected document indicator')
    if (cursor.isEnd()) throw scanError(cursor.mark(), start, 'found unexpected end of stream')
    const word = takeQuotedWord(cursor, { quote, start, folding })
    value += word
    if (cursor.at() === quote) break
    takeWhiteSpace(cursor, folding, () => undefined)
    value += folding.flush()
  }
  cursor.take()
  return value
}

interface QuotedContext {
  readonly quote: string
  readonly start: Mark
  readonly folding: Folding
}

function takeQuotedWord(cursor: Cursor, { quote, start, folding }: QuotedContext): string {
  let word = ''
  while (!cursor.isBlankOrEnd()) {
    const char = cursor.at()
    if (char === quote) {
      if (quote === '"' || cursor.at(1) !== "'") break
      cursor.take(2)
      word += "'"
    } else if (quote === '"' && char === '\\') {
      if (cursor.isBreak(1)) {
        cursor.take()
        cursor.takeBreak()
        folding.joinLines()
        break
      }
      word += takeEscape(cursor, start)
    } else word += cursor.take()
  }
  return word
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['a', '\x07'],
  ['b', '\b'],
  ['t', '\t'],
  ['\t', '\t'],
  ['n', '\n'],
  ['v', '\v'],
  ['f', '\f'],
  ['r', '\r'],
  ['e', '\x1b'],
  [' ', ' '],
  ['"', '"'],
  ["'", "'"],
  ['\\', '\\'],
  ['N', '\x85'],
  ['_', '\xa0'],
  ['L', '\u2028'],
  ['P', '\u2029'],
])
/** Letters of escapes by number, with their count of hexadecimal digits. */
const NUMBERED: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
])

function takeEscape(cursor: Cursor, start: Mark): string {
  const letter = cursor.at(1)
  const digits = NUMBERED.get(letter)
  const plain = ESCAPES.get(letter)
  if (plain === undefined && digits === undefined)
    throw scanError(cursor.mark(), start, 'found unknown escape character')
  cursor.take(2)
  if (plain !== undefined) return plain
  const text = cursor.text.slice(cursor.index, cursor.index + (digits ?? 0))
  if (text.length !== digits || !/^[0-9a-fA-F]+$/.test(text)) {
    throw scanError(cursor.mark(), start, 'did not find expected hexdecimal number')
  }
  const code = Number.parseInt(text, 16)
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    throw scanError(cursor.mark(), start, 'found invalid Unicode character escape code')
  }
  cursor.take(digits)
  return String.fromCodePoint(code)
}

interface BlockHeader {
  readonly chomping: 'strip' | 'clip' | 'keep'
  /** Columns of indentation the text says it has; 0 where it says nothing. */
  readonly increment: number
}

/** The text of a block scalar, the cursor being on its `|` or `>`; `parentIndent` is the column of what holds it. */
export function scanBlock(cursor: Cursor, parentIndent: number): string {
  const start = cursor.mark()
  const isLiteral = cursor.take() === '|'
  const { chomping, increment } = takeBlockHeader(cursor, start)
  const given = increment === 0 ? 0 : Math.max(parentIndent, 0) + increment
  let { indent, breaks: trailing } = takeBlockBreaks(cursor, { indent: given, parentIndent, start })
  let value = ''
  let leading = ''
  let afterBlank = false
  while (cursor.column === indent && !cursor.isEnd()) {
    const beforeBlank = cursor.isBlank()
    const folds = !isLiteral && leading === '\n' && !afterBlank && !beforeBlank
    value += folds ? (trailing === '' ? ' ' : trailing) : leading + trailing
    afterBlank = cursor.isBlank()
    value += cursor.takeLine()
    leading = cursor.takeBreak()
    ;({ indent, breaks: trailing } = takeBlockBreaks(cursor, { indent, parentIndent, start }))
  }
  if (chomping === 'strip') return value
  return chomping === 'clip' ? value + leading : value + leading + trailing
}

function takeBlockHeader(cursor: Cursor, start: Mark): BlockHeader {
  const header = cursor.takeWhile((char) => /[-+0-9]/.test(char))
  const parts = /^(?:([-+])([0-9])?|([0-9])([-+])?)?$/.exec(header)
  const digit = parts?.[2] ?? parts?.[3]
  if (digit === '0') throw scanError(cursor.mark(), start, 'found an indentation indicator equal to 0')
  cursor.takeBlanks()
  if (cursor.at() === '#') cursor.takeLine()
  if (parts === null || !cursor.isBreakOrEnd()) {
    throw scanError(cursor.mark(), start, 'did not find expected comment or line break')
  }
  cursor.takeBreak()
  const sign = parts[1] ?? parts[4]
  return { chomping: sign === '-' ? 'strip' : sign === '+' ? 'keep' : 'clip', increment: Number(digit ?? 0) }
}

interface BlockIndent {
  /** 0 until the first line of text decides. */
  readonly indent: number
  readonly parentIndent: number
  readonly start: Mark
}

/** Takes indentation and empty lines. */
function takeBlockBreaks(
  cursor: Cursor,
  { indent, parentIndent, start }: BlockIndent,
): { indent: number; breaks: string } {
  let breaks = ''
  let deepest = 0
  for (;;) {
    const isIndentation = (): boolean => indent === 0 || cursor.column < indent
    while (isIndentation() && cursor.at() === ' ') cursor.advance()
    deepest = Math.max(deepest, cursor.column)
    if (isIndentation() && cursor.isTab()) {
      throw scanError(cursor.mark(), start, 'found a tab character where an indentation space is expected')
    }
    if (!cursor.isBreak()) break
    breaks += cursor.takeBreak()
  }
  return { indent: indent === 0 ? Math.max(deepest, parentIndent + 1, 1) : indent, breaks }
}
