/** A place in a YAML text, and the classes of characters libyaml knows. */
import { YamlError } from './yaml-error.ts'

/** Zero-based, as libyaml counts. */
export interface Mark {
  readonly index: number
  readonly line: number
  readonly column: number
}

const TAB = 0x09
const SPACE = 0x20
const COLON = 0x3a
const LF = 0x0a
const CR = 0x0d
const NEXT_LINE = 0x85
const LINE_SEPARATOR = 0x2028
const PARAGRAPH_SEPARATOR = 0x2029
const BYTE_ORDER_MARK = '\ufeff'

const isBreakCode = (code: number): boolean =>
  code === LF || code === CR || code === NEXT_LINE || code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR

const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufeff\ufffe\uffff]/

/** A code behind the end is NaN. */
const isBlankOrEndCode = (code: number): boolean =>
  code === SPACE || code === TAB || isBreakCode(code) || Number.isNaN(code)

/** Moves through a text and keeps line and column. Behind the end every character is the empty one. */
export class Cursor {
  readonly text: string
  index = 0
  line = 0
  column = 0

  constructor(text: string) {
    this.text = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
    if (FORBIDDEN.test(this.text)) throw new YamlError('yaml: control characters are not allowed')
  }

  mark(): Mark {
    return { index: this.index, line: this.line, column: this.column }
  }

  /** The character `ahead` of the place; empty at the end. */
  at(ahead = 0): string {
    return this.text.charAt(this.index + ahead)
  }

  isEnd(ahead = 0): boolean {
    return this.index + ahead >= this.text.length
  }

  isTab(): boolean {
    return this.text.charCodeAt(this.index) === TAB
  }

  isBlank(ahead = 0): boolean {
    const code = this.text.charCodeAt(this.index + ahead)
    return code === SPACE || code === TAB
  }

  isBreak(ahead = 0): boolean {
    return isBreakCode(this.text.charCodeAt(this.index + ahead))
  }

  isBreakOrEnd(ahead = 0): boolean {
    return this.isEnd(ahead) || this.isBreak(ahead)
  }

  isBlankOrEnd(ahead = 0): boolean {
    return isBlankOrEndCode(this.text.charCodeAt(this.index + ahead))
  }

  /** Whether a document begins or ends here. */
  isDocumentMarker(): boolean {
    if (this.column !== 0) return false
    const three = this.text.slice(this.index, this.index + 3)
    return (three === '---' || three === '...') && this.isBlankOrEnd(3)
  }

  /** Takes `count` characters of one line. */
  take(count = 1): string {
    const taken = this.text.slice(this.index, this.index + count)
    this.index += count
    this.column += count
    return taken
  }

  /** Moves over `count` characters of one line. */
  advance(count = 1): void {
    this.index += count
    this.column += count
  }

  /**
   * Takes what belongs to a plain scalar: up to a blank, a break, a colon before one of these, or one of the characters
   * in `ends`.
   */
  takePlainWord(ends: string): string {
    const { text, index } = this
    let end = index
    for (;;) {
      const code = text.charCodeAt(end)
      if (isBlankOrEndCode(code)) break
      if (code === COLON && isBlankOrEndCode(text.charCodeAt(end + 1))) break
      if (ends !== '' && ends.includes(text.charAt(end))) break
      end++
    }
    this.advance(end - index)
    return text.slice(index, end)
  }

  /** Takes characters as long as they match; none of them may be a line break. */
  takeWhile(matches: (char: string) => boolean): string {
    let count = 0
    while (!this.isEnd(count) && matches(this.at(count))) count++
    return this.take(count)
  }

  takeBlanks(): void {
    while (this.isBlank()) this.advance()
  }

  /** Takes what is left of the line. */
  takeLine(): string {
    let end = this.index
    while (end < this.text.length && !isBreakCode(this.text.charCodeAt(end))) end++
    return this.take(end - this.index)
  }

  /** Takes one line break, if there is one, and gives it as YAML counts it: all but two kinds are one newline. */
  takeBreak(): string {
    const code = this.text.charCodeAt(this.index)
    if (!isBreakCode(code)) return ''
    this.index += code === CR && this.text.charCodeAt(this.index + 1) === LF ? 2 : 1
    this.line++
    this.column = 0
    return code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR ? String.fromCharCode(code) : '\n'
  }
}

/** Broken text, found here: Go counts the line from one for these. */
export const scanError = ({ line }: Mark, { line: start }: Mark, problem: string): YamlError =>
  lineError(line === 0 ? start : line + 1, problem)

/** go-yaml names a line only from the second on. */
export const lineError = (line: number, problem: string): YamlError =>
  new YamlError(`yaml: ${line === 0 ? '' : `line ${line}: `}${problem}`)
