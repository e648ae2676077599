/**
 * A fast reader of the simple YAML that templates write: block maps and lists with plain, quoted and literal scalars and
 * flow collections that end on their line. It gives up on all else, and then the complete reader has to be asked.
 */
import { type JsonObject, setMember } from '../model/members.ts'
import { resolvePlain } from './resolve.ts'

/** The text holds something this reader does not know, right or wrong. */
class Unusual extends Error {}
const UNUSUAL = new Unusual()

/** Where a text holds a scalar as the value of a key or the entry of a list, outside of flow collections. */
export interface ScalarSpot {
  /** Keys and list indexes. */
  readonly path: readonly (string | number)[]
  readonly value: unknown
  /** Index of its first character; of a literal one, of its first line. */
  readonly start: number
  /** Index behind the last character of its line, or of a literal one's last line. */
  readonly end: number
  /** Of a literal scalar. */
  readonly literal?: LiteralForm
}

/** What the text around a literal scalar says of it. */
export interface LiteralForm {
  /** Column of the collection it stands in; its lines stand deeper. */
  readonly column: number
  readonly endsWithNewline: boolean
}

/** A scalar, and the index behind it. */
export interface ScalarRead {
  readonly value: unknown
  readonly end: number
}

/**
 * JSON of a text, exactly as the complete reader gives it; undefined where that must be asked. Its scalars are added
 * to `spots`, in their order.
 */
export function readSimpleYaml(text: string, spots?: ScalarSpot[]): unknown {
  return unlessUnusual(() => {
    if (!isPrintable(text)) giveUp()
    return new Reader(text, spots).document()
  })
}

/** A scalar that may stand at a spot in place of the one there; undefined where the complete reader must be asked. */
export function readScalarAt(text: string, start: number, literal?: LiteralForm): ScalarRead | undefined {
  return unlessUnusual(() => {
    const read =
      literal === undefined ? inlineScalar(text, start, lineEnd(text, start)) : literalScalar(text, start, literal)
    return isPrintable(text.slice(start, read.end)) ? read : giveUp()
  })
}

function unlessUnusual<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (thrown) {
    if (thrown === UNUSUAL) return undefined
    throw thrown
  }
}

const isPrintable = (text: string): boolean => /^[\n\x20-\x7e]*$/.test(text)

function giveUp(): never {
  throw UNUSUAL
}

const LF = 0x0a
const SPACE = 0x20
const QUOTE = 0x22
const HASH = 0x23
const APOSTROPHE = 0x27
const COMMA = 0x2c
const DASH = 0x2d
const DOT = 0x2e
const COLON = 0x3a
const LIST_START = 0x5b
const LIST_END = 0x5d
const MAP_START = 0x7b
const BAR = 0x7c
const MAP_END = 0x7d

/** Longer keys, and flow collections that may hold such, are the complete reader's. */
const MAX_LENGTH = 1000
const MAX_DEPTH = 64

const isAlphanumeric = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39)

/** Letters, digits and `_.-/`: keys of nothing else, not even a blank. */
const isKeyCode = (code: number): boolean =>
  isAlphanumeric(code) || code === 0x5f || code === DOT || code === DASH || code === 0x2f

/** What a plain scalar may begin with, a dash aside: letters, digits and `_./$(^+~`. */
const startsPlain = (code: number): boolean =>
  isAlphanumeric(code) || (code !== DASH && isKeyCode(code)) || [0x24, 0x28, 0x5e, 0x2b, 0x7e].includes(code)

/** Stands on the first character of a line that is neither empty nor a comment, or behind the end. */
class Reader {
  readonly #text: string
  readonly #spots: ScalarSpot[] | undefined
  readonly #path: (string | number)[] = []
  #at = 0
  /** Column of `#at` when that is a line's first character; -1 behind the end. */
  #column = 0
  /** Index of the end of the line. */
  #end = 0
  #depth = 0

  constructor(text: string, spots: ScalarSpot[] | undefined) {
    this.#text = text
    this.#spots = spots
    this.#enterLine(0)
  }

  document(): unknown {
    if (this.#column < 0 || this.#keyEnd() < 0) giveUp()
    const value = this.#map(this.#column)
    return this.#column < 0 ? value : giveUp()
  }

  /** Finds the next line with content, from the beginning of a line on. */
  #enterLine(start: number): void {
    const text = this.#text
    let at = start
    for (;;) {
      let begin = at
      while (text.charCodeAt(begin) === SPACE) begin++
      const code = text.charCodeAt(begin)
      if (Number.isNaN(code)) {
        this.#column = -1
        return
      }
      const found = text.indexOf('\n', begin)
      const end = found < 0 ? text.length : found
      if (code !== LF && code !== HASH) {
        this.#at = begin
        this.#column = begin - at
        this.#end = end
        if (begin === at && this.#isMarker(code)) giveUp()
        return
      }
      at = end + 1
    }
  }

  #isMarker(code: number): boolean {
    if (code !== DASH && code !== DOT) return false
    return this.#text.startsWith('---', this.#at) || this.#text.startsWith('...', this.#at)
  }

  #nextLine(): void {
    this.#enterLine(this.#end + 1)
  }

  /** Index of the colon behind the key that begins here, -1 where none does. */
  #keyEnd(): number {
    const text = this.#text
    let at = this.#at
    while (isKeyCode(text.charCodeAt(at))) at++
    if (at === this.#at || text.charCodeAt(at) !== COLON || at - this.#at > MAX_LENGTH) return -1
    const behind = at + 1
    return behind >= this.#end || text.charCodeAt(behind) === SPACE ? at : -1
  }

  /** The map whose first key begins here, in that column. */
  #map(column: number): JsonObject {
    const object: JsonObject = {}
    if (++this.#depth > MAX_DEPTH) giveUp()
    do {
      const colon = this.#keyEnd()
      if (colon < 0) giveUp()
      const key = keyText(this.#text.slice(this.#at, colon))
      this.#at = colon + 1
      this.#skipSpaces()
      this.#path.push(key)
      setMember(object, key, this.#at < this.#end ? this.#inline(column) : this.#below(column))
      this.#path.pop()
    } while (this.#column === column)
    this.#depth--
    if (this.#column > column) giveUp()
    return object
  }

  #skipSpaces(): void {
    while (this.#text.charCodeAt(this.#at) === SPACE) this.#at++
  }

  /** The value on the lines below its key. */
  #below(column: number): unknown {
    this.#nextLine()
    if (this.#column > column) return this.#isEntry() ? this.#list(this.#column) : this.#map(this.#column)
    return this.#column === column && this.#isEntry() ? this.#list(column) : null
  }

  /** Whether a dash with something behind it stands here. */
  #isEntry(): boolean {
    return this.#text.charCodeAt(this.#at) === DASH && this.#text.charCodeAt(this.#at + 1) === SPACE
  }

  #list(column: number): unknown[] {
    const list: unknown[] = []
    if (++this.#depth > MAX_DEPTH) giveUp()
    do {
      this.#path.push(list.length)
      list.push(this.#entry(column))
      this.#path.pop()
    } while (this.#column === column && this.#isEntry())
    this.#depth--
    if (this.#column > column) giveUp()
    return list
  }

  #entry(column: number): unknown {
    const dash = this.#at
    this.#at++
    this.#skipSpaces()
    if (this.#at >= this.#end || this.#isEntry()) giveUp()
    return this.#keyEnd() < 0 ? this.#inline(column) : this.#map(column + this.#at - dash)
  }

  /** A value on the rest of the line, and that line's end; `column` is that of the collection it stands in. */
  #inline(column: number): unknown {
    const code = this.#text.charCodeAt(this.#at)
    if (code === BAR) return this.#literal(column)
    const isFlow = code === MAP_START || code === LIST_START
    const value = isFlow ? this.#flowLine(code) : this.#scalarLine()
    this.#skipSpaces()
    if (this.#at < this.#end) giveUp()
    this.#nextLine()
    // what stands deeper would belong to the scalar
    if (this.#column > column) giveUp()
    return value
  }

  #scalarLine(): unknown {
    const start = this.#at
    const { value, end } = inlineScalar(this.#text, start, this.#end)
    this.#note({ value, start, end })
    this.#at = end
    return value
  }

  #note(spot: Omit<ScalarSpot, 'path'>): void {
    this.#spots?.push({ ...spot, path: [...this.#path] })
  }

  /** A `|` or `|-` and its lines. */
  #literal(column: number): string {
    const header = this.#text.slice(this.#at, this.#end)
    if (header !== '|' && header !== '|-') giveUp()
    const start = this.#end + 1
    const literal = { column, endsWithNewline: header === '|' }
    const { value, end } = literalScalar(this.#text, start, literal)
    this.#note({ value, start, end, literal })
    this.#enterLine(end)
    const isNext = this.#column < 0 ? end >= this.#text.length : this.#at - this.#column === end
    if (!isNext || this.#column > column) giveUp()
    return value
  }

  #flowLine(first: number): unknown {
    if (this.#end - this.#at > MAX_LENGTH) giveUp()
    return this.#flow(first)
  }

  #flow(first: number): unknown {
    if (first === QUOTE || first === APOSTROPHE) return this.#quoted()
    if (first !== MAP_START && first !== LIST_START) return plainJson(this.#flowWord())
    if (++this.#depth > MAX_DEPTH) giveUp()
    this.#at++
    this.#skipSpaces()
    const value = first === MAP_START ? this.#flowMap() : this.#flowList()
    this.#depth--
    return value
  }

  #quoted(): string {
    const end = closingQuote(this.#text, this.#at, this.#end)
    const value = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return value
  }

  #flowMap(): JsonObject {
    const object: JsonObject = {}
    if (this.#ends(MAP_END)) return object
    do {
      const key = this.#flowKey()
      this.#skipSpaces()
      setMember(object, key, this.#flow(this.#text.charCodeAt(this.#at)))
      this.#skipSpaces()
    } while (this.#continues())
    return this.#ends(MAP_END) ? object : giveUp()
  }

  #flowList(): unknown[] {
    const list: unknown[] = []
    if (this.#ends(LIST_END)) return list
    do {
      list.push(this.#flow(this.#text.charCodeAt(this.#at)))
      this.#skipSpaces()
    } while (this.#continues())
    return this.#ends(LIST_END) ? list : giveUp()
  }

  #flowKey(): string {
    const code = this.#text.charCodeAt(this.#at)
    const isQuoted = code === QUOTE || code === APOSTROPHE
    const key = isQuoted ? this.#quoted() : keyText(this.#flowWord())
    const isKey = this.#text.charCodeAt(this.#at) === COLON
    // without quotes, a colon belongs to the word unless a blank follows
    if (!isKey || (!isQuoted && this.#text.charCodeAt(this.#at + 1) !== SPACE)) giveUp()
    this.#at++
    return key
  }

  #flowWord(): string {
    const start = this.#at
    const first = this.#text.charCodeAt(start)
    if (first === DASH || !isKeyCode(first)) giveUp()
    while (isKeyCode(this.#text.charCodeAt(this.#at))) this.#at++
    return this.#text.slice(start, this.#at)
  }

  #continues(): boolean {
    if (this.#text.charCodeAt(this.#at) !== COMMA) return false
    this.#at++
    this.#skipSpaces()
    return true
  }

  #ends(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false
    this.#at++
    return true
  }
}

function lineEnd(text: string, from: number): number {
  const found = text.indexOf('\n', from)
  return found < 0 ? text.length : found
}

/** A plain or quoted scalar that takes the rest of its line, which ends at `end`. */
function inlineScalar(text: string, start: number, end: number): ScalarRead {
  let last = end
  while (last > start && text.charCodeAt(last - 1) === SPACE) last--
  const first = text.charCodeAt(start)
  if (first !== QUOTE && first !== APOSTROPHE) return { value: plainScalar(text, start, last), end }
  const closing = closingQuote(text, start, end)
  return closing + 1 === last ? { value: text.slice(start + 1, closing), end } : giveUp()
}

/** Index of the quote that ends a scalar without escapes but those of quotes and backslashes. */
function closingQuote(text: string, start: number, end: number): number {
  const quote = text.charCodeAt(start)
  const found = text.indexOf(quote === QUOTE ? '"' : "'", start + 1)
  if (found < 0 || found > end) giveUp()
  const isEscaped =
    quote === APOSTROPHE ? text.charCodeAt(found + 1) === APOSTROPHE : text.slice(start, found).includes('\\')
  return isEscaped ? giveUp() : found
}

function plainScalar(text: string, start: number, end: number): unknown {
  const first = text.charCodeAt(start)
  const second = text.charCodeAt(start + 1)
  if (first === DASH ? !isAlphanumeric(second) && second !== DASH : !startsPlain(first)) giveUp()
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code === COLON && (at + 1 === end || text.charCodeAt(at + 1) === SPACE)) giveUp()
    if (code === HASH && text.charCodeAt(at - 1) === SPACE) giveUp()
  }
  return plainJson(text.slice(start, end))
}

/** The lines of a literal scalar, which begin at `start`. */
function literalScalar(
  text: string,
  start: number,
  { column, endsWithNewline }: LiteralForm,
): ScalarRead & { value: string } {
  let indent = start
  while (text.charCodeAt(indent) === SPACE) indent++
  indent -= start
  if (indent <= column) giveUp()
  const begin = ' '.repeat(indent)
  let at = start
  let value = ''
  while (at < text.length && text.startsWith(begin, at)) {
    const end = text.indexOf('\n', at)
    // an empty line, or none at the end of the text: the complete reader knows what these mean
    if (end < 0 || end === at + indent) giveUp()
    value += (value === '' ? '' : '\n') + text.slice(at + indent, end)
    at = end + 1
  }
  if (value === '' || text.charCodeAt(at) === LF || value.trim() === '') giveUp()
  return { value: endsWithNewline ? `${value}\n` : value, end: at }
}

/** A key that is text as it stands. */
function keyText(text: string): string {
  return resolvePlain(text).kind === 'str' ? text : giveUp()
}

function plainJson(text: string): unknown {
  const { kind, value } = resolvePlain(text)
  if (kind === 'int') return Number(value)
  return kind === 'float' && !Number.isFinite(value) ? giveUp() : value
}
