/** Splits a template text into tokens. Knows neither grammar nor data. Rules: Go, text/template/parse/lex.go. */
import { quote } from './go/quote.ts'
import { isLetterOrDigit } from './go/unicode.ts'

export type TokenKind =
  | 'error'
  | 'eof'
  | 'text'
  | 'leftDelim'
  | 'rightDelim'
  | 'space'
  | 'bool'
  | 'char'
  | 'charConstant'
  | 'complex'
  | 'number'
  | 'string'
  | 'rawString'
  | 'identifier'
  | 'field'
  | 'variable'
  | 'assign'
  | 'declare'
  | 'pipe'
  | 'leftParen'
  | 'rightParen'
  | 'dot'
  | 'nil'
  | Keyword

export type Keyword = 'block' | 'break' | 'continue' | 'define' | 'else' | 'end' | 'if' | 'range' | 'template' | 'with'

const KEYWORDS: ReadonlySet<string> = new Set<Keyword>([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
])

export interface Token {
  readonly kind: TokenKind
  /** As written; for an error its message. */
  readonly value: string
  readonly at: number
  readonly line: number
}

/** All tokens of the text; the last one is `eof`, or `error` where lexing cannot go on. */
export function lex(text: string): readonly Token[] {
  return new Lexer(text).run()
}

/** The token as parse errors name it. */
export function describe(token: Token): string {
  if (token.kind === 'eof') return 'EOF'
  if (token.kind === 'error') return token.value
  if (KEYWORDS.has(token.kind) || token.kind === 'nil' || token.value === '.') return keywordText(token)
  const chars = [...token.value]
  return chars.length > 10 ? quote(chars.slice(0, 10).join('')) + '...' : quote(token.value)
}

const keywordText = (token: Token): string => `<${token.value}>`

const SPACE = /[ \t\r\n]/
const isSpace = (char: string): boolean => char !== '' && SPACE.test(char)
const isAlphaNumeric = (char: string): boolean => char === '_' || (char !== '' && isLetterOrDigit(char))

function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && isSpace(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

/** Reads a text once, front to back; gone after `run`. */
class Lexer {
  private readonly text: string
  private at = 0
  private start = 0
  private line = 1
  private lineAt = 0
  private parenDepth = 0
  private readonly tokens: Token[] = []

  constructor(text: string) {
    this.text = text
  }

  run(): Token[] {
    for (;;) {
      if (!this.readText()) return this.tokens
      if (!this.readAction()) return this.tokens
    }
  }

  /** Text up to the next action; false at the end. */
  private readText(): boolean {
    const open = this.text.indexOf('{{', this.at)
    const end = open === -1 ? this.text.length : open
    let piece = this.text.slice(this.start, end)
    if (open !== -1 && this.hasLeftTrim(open + 2)) piece = trimEnd(piece)
    if (piece !== '') this.push('text', piece)
    this.at = this.start = end
    if (open !== -1) return true
    this.push('eof', '')
    return false
  }

  private hasLeftTrim = (at: number): boolean => this.text.charAt(at) === '-' && isSpace(this.text.charAt(at + 1))

  /** One action or comment, delimiters included; false after an error. */
  private readAction(): boolean {
    const trim = this.hasLeftTrim(this.at + 2) ? 2 : 0
    const inside = this.at + 2 + trim
    if (this.text.startsWith('/*', inside)) return this.readComment(inside)
    this.push('leftDelim', '{{')
    this.at = this.start = inside
    this.parenDepth = 0
    for (;;) {
      const more = this.readInside()
      if (more !== 'inside') return more === 'text'
    }
  }

  private readComment(inside: number): boolean {
    this.start = inside
    const close = this.text.indexOf('*/', inside + 2)
    if (close === -1) return this.fail('unclosed comment')
    this.at = close + 2
    const { found, trim } = this.rightDelim()
    if (!found) return this.fail('comment ends before closing delimiter')
    this.skipRightDelim(trim)
    return true
  }

  private rightDelim(at = this.at): { found: boolean; trim: boolean } {
    const trim = isSpace(this.text.charAt(at)) && this.text.startsWith('-}}', at + 1)
    return { found: trim || this.text.startsWith('}}', at), trim }
  }

  private skipRightDelim(trim: boolean): void {
    this.at += trim ? 4 : 2
    if (trim) this.at += this.spaceAhead()
    this.start = this.at
  }

  private spaceAhead(): number {
    let end = this.at
    while (isSpace(this.text.charAt(end))) end++
    return end - this.at
  }

  /** One token inside an action: still inside, back to text, or stopped by an error. */
  private readInside(): 'inside' | 'text' | 'stopped' {
    const { found, trim } = this.rightDelim()
    if (found) return this.closeAction(trim)
    const char = this.peek()
    if (char === '') return this.stop('unclosed action')
    if (isSpace(char)) return this.readSpace()
    this.at += char.length
    switch (char) {
      case '=':
        return this.emit('assign')
      case ':':
        if (this.peek() !== '=') return this.stop('expected :=')
        this.at++
        return this.emit('declare')
      case '|':
        return this.emit('pipe')
      case '"':
        return this.readQuoted('string', '"')
      case "'":
        return this.readQuoted('charConstant', "'")
      case '`':
        return this.readRaw()
      case '$':
        return this.readName('variable')
      case '(':
        this.parenDepth++
        return this.emit('leftParen')
      case ')':
        if (--this.parenDepth < 0) return this.stop('unexpected right paren')
        return this.emit('rightParen')
      default:
        return this.readWord(char)
    }
  }

  private closeAction(trim: boolean): 'text' | 'stopped' {
    if (this.parenDepth > 0) return this.stop('unclosed left paren')
    this.push('rightDelim', '}}')
    this.skipRightDelim(trim)
    return 'text'
  }

  private readWord(char: string): 'inside' | 'stopped' {
    if (char === '.' && this.at < this.text.length && !/[0-9]/.test(this.peek())) return this.readName('field')
    if (/[.+\-0-9]/.test(char)) return this.readNumber()
    if (isAlphaNumeric(char)) return this.readIdentifier()
    if (/[ -~]/.test(char)) return this.emit('char')
    return this.stop(`unrecognized character in action: ${codePoint(char)}`)
  }

  private readSpace(): 'inside' {
    this.at += this.spaceAhead()
    // The last space may belong to a trimming delimiter.
    if (this.text.startsWith('-}}', this.at)) this.at--
    if (this.at > this.start) this.emit('space')
    return 'inside'
  }

  private readIdentifier(): 'inside' | 'stopped' {
    while (isAlphaNumeric(this.peek())) this.at += this.peek().length
    if (!this.atTerminator()) return this.stop(`bad character ${codePoint(this.peek())}`)
    const word = this.text.slice(this.start, this.at)
    if (KEYWORDS.has(word)) return this.emit(word as Keyword) // the set holds keywords only
    if (word === 'nil') return this.emit('nil')
    return this.emit(word === 'true' || word === 'false' ? 'bool' : 'identifier')
  }

  private readName(kind: 'field' | 'variable'): 'inside' | 'stopped' {
    if (this.atTerminator()) return this.emit(kind === 'field' ? 'dot' : 'variable')
    while (isAlphaNumeric(this.peek())) this.at += this.peek().length
    if (!this.atTerminator()) return this.stop(`bad character ${codePoint(this.peek())}`)
    return this.emit(kind)
  }

  private atTerminator(): boolean {
    const char = this.peek()
    return char === '' || isSpace(char) || '.,|:)('.includes(char) || this.text.startsWith('}}', this.at)
  }

  private readQuoted(kind: 'string' | 'charConstant', mark: string): 'inside' | 'stopped' {
    for (;;) {
      const char = this.peek()
      this.at += char.length
      if (char === mark) return this.emit(kind)
      const next = char === '\\' ? this.peek() : char
      if (next === '' || next === '\n') {
        return this.stop(kind === 'string' ? 'unterminated quoted string' : 'unterminated character constant')
      }
      if (char === '\\') this.at += next.length
    }
  }

  private readRaw(): 'inside' | 'stopped' {
    const close = this.text.indexOf('`', this.at)
    if (close === -1) return this.stop('unterminated raw quoted string')
    this.at = close + 1
    return this.emit('rawString')
  }

  private readNumber(): 'inside' | 'stopped' {
    this.at = this.start
    if (!this.scanNumber()) return this.badNumber()
    const sign = this.peek()
    if (sign !== '+' && sign !== '-') return this.emit('number')
    if (!this.scanNumber() || this.text.charAt(this.at - 1) !== 'i') return this.badNumber()
    return this.emit('complex')
  }

  private badNumber = (): 'stopped' => this.stop(`bad number syntax: ${quote(this.text.slice(this.start, this.at))}`)

  private scanNumber(): boolean {
    this.take(
      /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y,
    )
    if (!isAlphaNumeric(this.peek())) return true
    this.at += this.peek().length
    return false
  }

  private take(pattern: RegExp): void {
    pattern.lastIndex = this.at
    this.at += pattern.exec(this.text)?.[0].length ?? 0
  }

  private peek(): string {
    const code = this.text.codePointAt(this.at)
    return code === undefined ? '' : String.fromCodePoint(code)
  }

  private emit(kind: TokenKind): 'inside' {
    this.push(kind, this.text.slice(this.start, this.at))
    this.start = this.at
    return 'inside'
  }

  private stop(message: string): 'stopped' {
    this.push('error', message)
    return 'stopped'
  }

  private fail(message: string): false {
    this.push('error', message)
    return false
  }

  private push(kind: TokenKind, value: string): void {
    for (; this.lineAt < this.start; this.lineAt++) if (this.text.charCodeAt(this.lineAt) === 10) this.line++
    this.tokens.push({ kind, value, at: this.start, line: this.line })
  }
}

/** Go's `%#U`. */
function codePoint(char: string): string {
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char) ? `U+${code} '${char}'` : `U+${code}`
}
