/** Splits a YAML text into tokens, by libyaml's rules: indentation becomes tokens, keys are found when their `:` is. */
import { Cursor, lineError, type Mark, scanError } from './cursor.ts'
import { scanAnchor, scanDirective, scanTag } from './scan-properties.ts'
import { scanBlock, scanPlain, scanQuoted } from './scan-scalars.ts'
import { markToken, type Token, type TokenType } from './tokens.ts'

/** Something that turns out to be a key if a `:` follows on the same line. */
interface SimpleKey {
  readonly mark: Mark
  /** Number of the token, counted from the start of the text. */
  readonly token: number
  /** Nothing but a key may stand here. */
  readonly isRequired: boolean
  isPossible: boolean
}

/** A key ends on its line and within that many characters. */
const MAX_KEY_LENGTH = 1024
/** Deeper nesting is refused: what reads the result is recursive. istiod: refuses from 10000 on. */
export const MAX_DEPTH = 1000

const INDICATORS: ReadonlyMap<string, TokenType> = new Map([
  ['[', 'flow-sequence-start'],
  ['{', 'flow-mapping-start'],
  [']', 'flow-sequence-end'],
  ['}', 'flow-mapping-end'],
])

/** Token by token; what a token is may depend on what follows it on its line. */
export class Scanner {
  readonly #cursor: Cursor
  #queue: Token[] = []
  /** Tokens given away. */
  #given = 0
  #isDone = false
  /** Nothing can come before the first token of the queue any more. */
  #isReady = false
  #indent = -1
  readonly #indents: number[] = []
  #flowLevel = 0
  #mayBeKey = true
  /** One for each flow level, the block level first. */
  readonly #keys: SimpleKey[] = []
  /** Keys by their token, for as long as that token must wait for them. */
  readonly #waiting = new Map<number, SimpleKey>()

  constructor(text: string) {
    this.#cursor = new Cursor(text)
    this.#openLevel()
  }

  /** The next token, which stays. @throws YamlError */
  peek(): Token {
    while (!this.#isReady && this.#needsMore()) this.#fetch()
    this.#isReady = true
    const token = this.#queue[0]
    if (token === undefined)
      throw lineError(this.#cursor.line, 'attempted to go past the end of stream; corrupted value?')
    return token
  }

  /** Takes the token that was looked at. */
  skip(): void {
    this.#queue.shift()
    this.#given++
    this.#isReady = false
  }

  #needsMore(): boolean {
    if (this.#queue.length === 0) return !this.#isDone
    // The first token may still get a key mark in front of it.
    const key = this.#waiting.get(this.#given)
    return key !== undefined && this.#mayBecomeKey(key) && !this.#isDone
  }

  #mayBecomeKey(key: SimpleKey): boolean {
    if (!key.isPossible) return false
    const { line, index } = this.#cursor
    if (key.mark.line === line && key.mark.index + MAX_KEY_LENGTH >= index) return true
    if (key.isRequired) this.#failKey(key)
    key.isPossible = false
    return false
  }

  #failKey({ mark }: SimpleKey): never {
    throw scanError(this.#cursor.mark(), mark, "could not find expected ':'")
  }

  #openLevel(): void {
    const token = this.#given + this.#queue.length
    this.#keys.push({ mark: this.#cursor.mark(), token, isRequired: false, isPossible: false })
  }

  #closeLevel(): void {
    const key = this.#keys.pop()
    if (key !== undefined) this.#waiting.delete(key.token)
  }

  get #key(): SimpleKey | undefined {
    return this.#keys.at(-1)
  }

  #dropKey(): void {
    const key = this.#key
    if (key?.isPossible !== true) return
    if (key.isRequired) this.#failKey(key)
    key.isPossible = false
    this.#waiting.delete(key.token)
  }

  #saveKey(): void {
    if (!this.#mayBeKey) return
    const mark = this.#cursor.mark()
    const isRequired = this.#flowLevel === 0 && this.#indent === mark.column
    this.#dropKey()
    const key = { mark, isRequired, token: this.#given + this.#queue.length, isPossible: true }
    this.#keys[this.#keys.length - 1] = key
    this.#waiting.set(key.token, key)
  }

  #push(type: TokenType, start = this.#cursor.mark()): void {
    this.#queue.push(markToken(type, start))
  }

  #insert(place: number, token: Token): void {
    const index = place - this.#given
    if (index < 0 || index >= this.#queue.length) this.#queue.push(token)
    else this.#queue.splice(index, 0, token)
  }

  #fetch(): void {
    this.#skipToToken()
    const cursor = this.#cursor
    this.#unrollIndent(cursor.column)
    if (cursor.isEnd()) return this.#fetchEnd()
    if (cursor.column === 0 && cursor.at() === '%') return this.#fetchDirective()
    if (cursor.isDocumentMarker()) return this.#fetchDocumentMarker()
    const char = cursor.at()
    const indicator = INDICATORS.get(char)
    if (indicator !== undefined) return this.#fetchFlowMarker(indicator)
    if (char === ',') return this.#fetchFlowEntry()
    if (char === '-' && cursor.isBlankOrEnd(1)) return this.#fetchBlockEntry()
    const endsWord = this.#flowLevel > 0 || cursor.isBlankOrEnd(1)
    if (char === '?' && endsWord) return this.#fetchKey()
    if (char === ':' && endsWord) return this.#fetchValue()
    return this.#fetchContent(char)
  }

  #fetchContent(char: string): void {
    const cursor = this.#cursor
    if (char === '*' || char === '&') return this.#fetchKeyPart(scanAnchor)
    if (char === '!') return this.#fetchKeyPart(scanTag)
    if ((char === '|' || char === '>') && this.#flowLevel === 0) return this.#fetchBlockScalar()
    if (char === "'" || char === '"') return this.#fetchKeyPart(quotedToken)
    if (!this.#startsPlain(char)) {
      throw scanError(cursor.mark(), cursor.mark(), 'found character that cannot start any token')
    }
    return this.#fetchPlain()
  }

  #startsPlain(char: string): boolean {
    if (char === '-') return !this.#cursor.isBlank(1)
    if (char === '?' || char === ':') return this.#flowLevel === 0
    return !this.#cursor.isBlank() && !',[]{}#&*!|>\'"%@`'.includes(char)
  }

  #skipToToken(): void {
    const cursor = this.#cursor
    for (;;) {
      while (cursor.at() === ' ' || ((this.#flowLevel > 0 || !this.#mayBeKey) && cursor.isTab())) cursor.advance()
      if (cursor.at() === '#') cursor.takeLine()
      if (!cursor.isBreak()) return
      cursor.takeBreak()
      if (this.#flowLevel === 0) this.#mayBeKey = true
    }
  }

  #fetchEnd(): void {
    if (this.#cursor.column !== 0) {
      this.#cursor.column = 0
      this.#cursor.line++
    }
    this.#endBlocks()
    this.#push('stream-end')
    this.#isDone = true
  }

  #endBlocks(): void {
    this.#unrollIndent(-1)
    this.#dropKey()
    this.#mayBeKey = false
  }

  #fetchDirective(): void {
    this.#endBlocks()
    this.#queue.push(scanDirective(this.#cursor))
  }

  #fetchDocumentMarker(): void {
    this.#endBlocks()
    const start = this.#cursor.mark()
    this.#push(this.#cursor.take(3) === '---' ? 'document-start' : 'document-end', start)
  }

  #fetchFlowMarker(type: TokenType): void {
    const starts = type.endsWith('start')
    if (starts) {
      this.#saveKey()
      this.#openLevel()
      if (++this.#flowLevel > MAX_DEPTH) this.#failDepth()
    } else {
      this.#dropKey()
      if (this.#flowLevel > 0) {
        this.#flowLevel--
        this.#closeLevel()
      }
    }
    this.#mayBeKey = starts
    this.#push(type)
    this.#cursor.advance()
  }

  #failDepth(): never {
    const mark = this.#cursor.mark()
    throw scanError(mark, mark, `exceeded max depth of ${MAX_DEPTH}`)
  }

  #fetchFlowEntry(): void {
    this.#dropKey()
    this.#mayBeKey = true
    this.#push('flow-entry')
    this.#cursor.advance()
  }

  #fetchBlockEntry(): void {
    this.#startBlock('block-sequence-start', 'block sequence entries are not allowed in this context')
    this.#dropKey()
    this.#mayBeKey = true
    this.#push('block-entry')
    this.#cursor.advance()
  }

  #fetchKey(): void {
    this.#startBlock('block-mapping-start', 'mapping keys are not allowed in this context')
    this.#dropKey()
    this.#mayBeKey = this.#flowLevel === 0
    this.#push('key')
    this.#cursor.advance()
  }

  #fetchValue(): void {
    const key = this.#key
    if (key !== undefined && this.#mayBecomeKey(key)) {
      this.#insert(key.token, markToken('key', key.mark))
      this.#rollIndent('block-mapping-start', key.mark, key.token)
      key.isPossible = false
      this.#waiting.delete(key.token)
      this.#mayBeKey = false
    } else {
      this.#startBlock('block-mapping-start', 'mapping values are not allowed in this context')
      this.#mayBeKey = this.#flowLevel === 0
    }
    this.#push('value')
    this.#cursor.advance()
  }

  /** An indicator of a block collection that no key stands before. */
  #startBlock(type: TokenType, problem: string): void {
    if (this.#flowLevel > 0) return
    const mark = this.#cursor.mark()
    if (!this.#mayBeKey) throw scanError(mark, mark, problem)
    this.#rollIndent(type, mark)
  }

  #rollIndent(type: TokenType, mark: Mark, token = this.#given + this.#queue.length): void {
    if (this.#flowLevel > 0 || this.#indent >= mark.column) return
    this.#indents.push(this.#indent)
    this.#indent = mark.column
    if (this.#indents.length > MAX_DEPTH) this.#failDepth()
    this.#insert(token, markToken(type, mark))
  }

  #unrollIndent(column: number): void {
    if (this.#flowLevel > 0) return
    while (this.#indent > column) {
      this.#push('block-end')
      this.#indent = this.#indents.pop() ?? -1
    }
  }

  /** What a key may begin with. */
  #fetchKeyPart(scan: (cursor: Cursor) => Token): void {
    this.#saveKey()
    this.#mayBeKey = false
    this.#queue.push(scan(this.#cursor))
  }

  #fetchPlain(): void {
    this.#saveKey()
    const start = this.#cursor.mark()
    const { value, endsLine } = scanPlain(this.#cursor, { inFlow: this.#flowLevel > 0, indent: this.#indent + 1 })
    this.#mayBeKey = endsLine
    this.#queue.push({ type: 'scalar', start, value, suffix: '', isPlain: true })
  }

  #fetchBlockScalar(): void {
    this.#dropKey()
    this.#mayBeKey = true
    const start = this.#cursor.mark()
    const value = scanBlock(this.#cursor, this.#indent)
    this.#queue.push({ type: 'scalar', start, value, suffix: '', isPlain: false })
  }
}

function quotedToken(cursor: Cursor): Token {
  const start = cursor.mark()
  return { type: 'scalar', start, value: scanQuoted(cursor), suffix: '', isPlain: false }
}
