/** Sprig's functions on words: case styles (huandu/xstrings), wrapping and abbreviating (Masterminds/goutils). */
import { fn, integer, tableOf, text, type FunctionTable } from '../template/function-table.ts'
import {
  byteLength,
  fromByteValues,
  normalizeBytes,
  replaceRawBytes,
  sliceBytes,
  toBytes,
} from '../template/go/byte-text.ts'
import {
  isLetter,
  isLower,
  isSpace,
  isTitle,
  isUpper,
  lowerChar,
  titleChar,
  upperChar,
} from '../template/go/unicode.ts'
import { checkTextLength } from '../template/limits.ts'

export const WORD_FUNCTIONS: FunctionTable = tableOf({
  untitle: fn([text], untitle),
  swapcase: fn([text], swapCase),
  snakecase: fn([text], (given) => joinWords(given, '_')),
  kebabcase: fn([text], (given) => joinWords(given, '-')),
  camelcase: fn([text], pascalCase),
  nospace: fn([text], withoutSpace),
  initials: fn([text], initials),
  abbrev: fn([integer, text], (width, given) => (width < 4 ? given : abbreviate(given, 0, width))),
  abbrevboth: fn([integer, integer, text], (left, right, given) =>
    right < 4 || (left > 0 && right < 7) ? given : abbreviate(given, left, right),
  ),
  wrap: fn([integer, text], (width, given) => wrapText(given, { width, separator: '\n', cutsWords: false })),
  wrapWith: fn([integer, text, text], (width, separator, given) =>
    wrapText(given, { width, separator: separator === '' ? '\n' : separator, cutsWords: true }),
  ),
})

/** The first letter of each word in lower case. */
function untitle(given: string): string {
  let starts = true
  return Array.from(replaceRawBytes(given), (char) => {
    const changed = starts && !isSpace(char) ? lowerChar(char) : char
    starts = isSpace(char)
    return changed
  }).join('')
}

/** Upper becomes lower; lower becomes upper, or title case at the start of a word. */
function swapCase(given: string): string {
  let afterSpace = true
  return Array.from(replaceRawBytes(given), (char) => {
    if (isUpper(char) || isTitle(char)) {
      afterSpace = false
      return lowerChar(char)
    }
    if (isLower(char)) {
      const changed = afterSpace ? titleChar(char) : upperChar(char)
      afterSpace = false
      return changed
    }
    afterSpace = isSpace(char)
    return char
  }).join('')
}

const isConnector = (char: string): boolean => char === '-' || char === '_' || isSpace(char)
const isNumber = (char: string): boolean => /^\p{N}/u.test(char)
const isPunctuation = (char: string): boolean => /^\p{P}/u.test(char)
/** Chinese characters are no letters of words. */
const isAlphabet = (char: string): boolean =>
  isLetter(char) && !/[\u4e00-\u9fcc\u3400-\u4d85\u{20000}-\u{2b81d}]/u.test(char)

/** `http_server` and `http-server` to `HttpServer`; connectors at the ends and beyond the first stay. */
function pascalCase(given: string): string {
  const chars = [...replaceRawBytes(given)]
  if (chars.length === 0) return ''
  const first = chars.findIndex((char) => !isConnector(char))
  if (first === -1) return chars.join('') + (chars.at(-1) ?? '')
  let out = chars.slice(0, first).join('')
  let current = upperChar(chars[first] ?? '')
  let lowersNext = isUpper(chars[first] ?? '')
  for (const char of chars.slice(first + 1)) {
    const previous = current
    current = char
    if (isConnector(current) && isConnector(previous)) {
      out += previous
      continue
    }
    if (isConnector(previous)) {
      lowersNext = isUpper(current)
      current = upperChar(current)
      continue
    }
    if (lowersNext && isUpper(current)) current = lowerChar(current)
    else lowersNext = false
    out += previous
  }
  return out + current
}

type WordKind = 'none' | 'number' | 'upper' | 'alphabet' | 'connector' | 'punctuation' | 'other'

interface Word {
  readonly kind: WordKind
  readonly text: string
}

/** `HTTPServer` to `http_server`; numbers stick to letters before or after them. */
function joinWords(given: string, connector: string): string {
  return normalizeBytes(new WordJoiner(splitWords(splitUnits(given)), connector).run())
}

/** istiod: bytes that are no characters belong to the character behind them, at the end to the one before. */
function splitUnits(given: string): string[] {
  return (
    given.match(
      /[\ud800-\udfff\ufffd]*[^\ud800-\udfff\ufffd](?:[\ud800-\udfff\ufffd]+$)?|^[\ud800-\udfff\ufffd]+$/gu,
    ) ?? []
  )
}

/** What a unit counts as. */
const charOf = (unit: string): string => replaceRawBytes(unit).replaceAll('\ufffd', '')

/** Walks words with a look ahead of two; lives for one call. */
class WordJoiner {
  private out = ''
  private at = 0
  private readonly words: readonly Word[]
  private readonly connector: string

  constructor(words: readonly Word[], connector: string) {
    this.words = words
    this.connector = connector
  }

  run(): string {
    while (this.at < this.words.length - 1) {
      const word = this.current()
      if (word.kind !== 'connector') this.write(word)
      this.at++
      this.between(word)
    }
    if (this.at < this.words.length) this.write(this.current())
    return this.out
  }

  private current = (): Word => this.words[this.at] ?? { kind: 'none', text: '' }

  private between(previous: Word): void {
    if (previous.kind === 'connector') return this.write(previous)
    if (previous.kind === 'punctuation') return
    if (previous.kind === 'number') return this.afterNumber()
    const word = this.current()
    if (word.kind !== 'number') return this.connect()
    if (this.at === this.words.length - 1) return
    this.at++
    if (this.current().kind !== 'alphabet') {
      this.write(word)
      return this.connect()
    }
    this.out += this.connector
    this.write(word)
    this.afterNumber()
  }

  private afterNumber(): void {
    while (this.current().kind === 'alphabet' || this.current().kind === 'number') {
      this.write(this.current())
      this.at++
    }
    if (this.current().kind !== 'none') this.connect()
  }

  private connect(): void {
    const { kind } = this.current()
    if (kind !== 'connector' && kind !== 'punctuation') this.out += this.connector
  }

  private write({ kind, text: word }: Word): void {
    if (kind !== 'upper' && kind !== 'connector') this.out += word
    else
      for (const char of word) this.out += isConnector(char) ? this.connector : isUpper(char) ? lowerChar(char) : char
  }
}

function splitWords(units: readonly string[]): Word[] {
  const words: Word[] = []
  const chars = units.map(charOf)
  for (let at = 0; at < units.length;) {
    const kind = wordKind(chars[at] ?? '')
    const end = kind === 'upper' ? upperEnd(chars, at) : runEnd(chars, at + 1, (char) => continues(kind, char))
    words.push({ kind, text: units.slice(at, end).join('') })
    at = end
  }
  return words
}

function wordKind(char: string): WordKind {
  if (char === '') return 'none'
  if (isConnector(char)) return 'connector'
  if (isPunctuation(char)) return 'punctuation'
  if (isUpper(char)) return 'upper'
  if (isAlphabet(char)) return 'alphabet'
  return isNumber(char) ? 'number' : 'other'
}

/** Punctuation takes connectors along, what is none of all stops at everything that is something. */
function continues(kind: WordKind, char: string): boolean {
  switch (kind) {
    case 'connector':
      return isConnector(char)
    case 'punctuation':
      return isPunctuation(char)
    case 'number':
      return isNumber(char)
    case 'alphabet':
    case 'upper':
      return isAlphabet(char) && !isUpper(char)
    case 'other':
      return !(isConnector(char) || isAlphabet(char) || isNumber(char) || isPunctuation(char))
    case 'none':
      return false
  }
}

/** Capitals, then small letters; of several capitals the last one begins the next word. */
function upperEnd(chars: readonly string[], at: number): number {
  const capitals = runEnd(chars, at + 1, isUpper)
  const next = chars[capitals]
  if (next === undefined || !isAlphabet(next)) return capitals
  if (capitals > at + 1) return capitals - 1
  return runEnd(chars, capitals, (char) => isAlphabet(char) && !isUpper(char))
}

function runEnd(chars: readonly string[], from: number, belongs: (char: string) => boolean): number {
  let end = from
  while (end < chars.length && belongs(chars[end] ?? '')) end++
  return end
}

const SPACE_BYTES: ReadonlySet<number> = new Set([9, 10, 11, 12, 13, 32, 0x85, 0xa0])

/** istiod: reads bytes as characters, so that removing anything garbles text beyond ASCII. */
function withoutSpace(given: string): string {
  const bytes = toBytes(given)
  const kept = bytes.filter((byte) => !SPACE_BYTES.has(byte))
  return kept.length === bytes.length ? given : latinText(kept)
}

/** istiod: the first byte of each word, as a character. */
function initials(given: string): string {
  let afterSpace = true
  const kept = toBytes(given).filter((byte) => {
    const isGap = SPACE_BYTES.has(byte)
    const starts = afterSpace && !isGap
    afterSpace = isGap
    return starts
  })
  return latinText(kept)
}

const latinText = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')

/** At most `width` bytes with `...` where text is missing; from `offset` on if that is far enough. */
function abbreviate(given: string, offset: number, width: number): string {
  const length = byteLength(given)
  if (length <= width) return given
  let start = Math.min(offset, length)
  if (length - start < width - 3) start = length - (width - 3)
  if (start <= 4) return sliceBytes(given, 0, width - 3) + '...'
  if (width < 7) return ''
  if (start + width - 3 < length) return '...' + abbreviateFrom(sliceBytes(given, start, length), width - 3)
  return '...' + sliceBytes(given, length - (width - 3), length)
}

const abbreviateFrom = (given: string, width: number): string => (width < 4 ? '' : abbreviate(given, 0, width))

/** Lines of at most `width` bytes, broken at spaces; longer words are cut or left whole. */
function wrapText(given: string, options: { width: number; separator: string; cutsWords: boolean }): string {
  const { separator, cutsWords } = options
  const width = Math.max(1, options.width)
  const bytes = toBytes(given)
  const pieces: string[] = []
  let at = 0
  while (bytes.length - at > width) {
    if (bytes[at] === SPACE) {
      at++
      continue
    }
    const space = lastSpace(bytes, at, at + width + 1)
    const end = space >= 0 ? space : cutsWords ? at + width : nextSpace(bytes, at + width)
    pieces.push(bytesText(bytes, at, end))
    if (space < 0 && !cutsWords && end === bytes.length) return pieces.join(separator)
    at = space < 0 && cutsWords ? end : end + 1
    checkTextLength(pieces.length * separator.length)
  }
  return normalizeBytes([...pieces, bytesText(bytes, at, bytes.length)].join(separator))
}

const SPACE = 0x20

function lastSpace(bytes: Uint8Array, from: number, to: number): number {
  for (let i = to - 1; i >= from; i--) if (bytes[i] === SPACE) return i
  return -1
}

function nextSpace(bytes: Uint8Array, from: number): number {
  const found = bytes.indexOf(SPACE, from)
  return found === -1 ? bytes.length : found
}

const bytesText = (bytes: Uint8Array, from: number, to: number): string => fromByteValues([...bytes.subarray(from, to)])
