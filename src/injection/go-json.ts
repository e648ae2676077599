/** JSON texts read as Go's encoding/json reads them; what matters here is what it says about broken ones. */
import { ProjectError } from '../base/errors.ts'

/** The value of a JSON text. @throws ProjectError INJECTION_FAILED with the text of Go's scanner */
export function parseGoJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ProjectError('INJECTION_FAILED', goSyntaxError(text), { cause })
  }
}

type Expecting = 'value' | 'first element' | 'first key' | 'key' | 'colon' | 'more'

const END = 'unexpected end of JSON input'
const SPACE = /[ \t\r\n]/y
const WORDS: ReadonlyMap<string, string> = new Map([
  ['t', 'true'],
  ['f', 'false'],
  ['n', 'null'],
])

/** The complaint about the first character that cannot stand where it stands. */
function goSyntaxError(text: string): string {
  const open: ('[' | '{')[] = []
  let expecting: Expecting = 'value'
  let at = 0
  while (at < text.length) {
    SPACE.lastIndex = at
    if (SPACE.test(text)) {
      at++
      continue
    }
    const token = readToken(text, at, expecting)
    if ('problem' in token) return token.problem
    at = token.end
    const step = next(token.kind, expecting, open)
    if (step === undefined) return invalid(text, token.start, place(expecting, open.at(-1)))
    expecting = step
  }
  return END
}

type Token = { readonly kind: string; readonly start: number; readonly end: number } | { readonly problem: string }

function readToken(text: string, at: number, expecting: Expecting): Token {
  const first = text.charAt(at)
  const punctuation: Token = { kind: first, start: at, end: at + 1 }
  if (expecting === 'colon' || expecting === 'more') return punctuation
  if (first === '"') return readString(text, at)
  if (expecting === 'key' || expecting === 'first key') return punctuation
  if (WORDS.has(first)) return readWord(text, at, WORDS.get(first) ?? '')
  return /[-0-9]/.test(first) ? readNumber(text, at) : punctuation
}

/** What may follow; undefined where the token may not stand here. `scalar` is any complete value but a list or map. */
function next(kind: string, expecting: Expecting, open: ('[' | '{')[]): Expecting | undefined {
  const closes = (bracket: '[' | '{'): Expecting | undefined => {
    if (open.at(-1) !== bracket) return undefined
    open.pop()
    return 'more'
  }
  switch (expecting) {
    case 'value':
    case 'first element':
      if (kind === 'scalar' || kind === 'string') return 'more'
      if (kind === ']' && expecting === 'first element') return closes('[')
      if (kind !== '[' && kind !== '{') return undefined
      open.push(kind)
      return kind === '[' ? 'first element' : 'first key'
    case 'first key':
      return kind === 'string' ? 'colon' : kind === '}' ? closes('{') : undefined
    case 'key':
      return kind === 'string' ? 'colon' : undefined
    case 'colon':
      return kind === ':' ? 'value' : undefined
    case 'more':
      if (kind === ']') return closes('[')
      if (kind === '}') return closes('{')
      return kind !== ',' || open.length === 0 ? undefined : open.at(-1) === '[' ? 'value' : 'key'
  }
}

function place(expecting: Expecting, inside: '[' | '{' | undefined): string {
  switch (expecting) {
    case 'value':
    case 'first element':
      return 'looking for beginning of value'
    case 'first key':
    case 'key':
      return 'looking for beginning of object key string'
    case 'colon':
      return 'after object key'
    case 'more':
      if (inside === undefined) return 'after top-level value'
      return inside === '[' ? 'after array element' : 'after object key:value pair'
  }
}

function readString(text: string, start: number): Token {
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '"') return { kind: 'string', start, end: at + 1 }
    if (char < ' ') return { problem: invalid(text, at, 'in string literal') }
    if (char !== '\\') continue
    at++
    if (at >= text.length) break
    if (text.charAt(at) === 'u') {
      const hex = /[0-9a-fA-F]{0,4}/y
      hex.lastIndex = at + 1
      at += hex.exec(text)?.[0].length ?? 0
      if (text.slice(at - 4, at - 3) === 'u') continue
      if (at + 1 >= text.length) break
      return { problem: invalid(text, at + 1, 'in \\u hexadecimal character escape') }
    }
    if (!'bfnrt\\/"'.includes(text.charAt(at))) return { problem: invalid(text, at, 'in string escape code') }
  }
  return { problem: END }
}

function readWord(text: string, start: number, word: string): Token {
  for (let i = 1; i < word.length; i++) {
    if (start + i >= text.length) return { problem: END }
    if (text.charAt(start + i) === word.charAt(i)) continue
    return { problem: invalid(text, start + i, `in literal ${word} (expecting '${word.charAt(i)}')`) }
  }
  return { kind: 'scalar', start, end: start + word.length }
}

function readNumber(text: string, start: number): Token {
  const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y
  number.lastIndex = start
  const end = start + (number.exec(text)?.[0].length ?? 1)
  const rest = text.slice(end, end + 2)
  const broken = (offset: number, where: string): Token =>
    end + offset >= text.length ? { problem: END } : { problem: invalid(text, end + offset, where) }
  if (end === start + 1 && text.charAt(start) === '-') return broken(0, 'in numeric literal')
  if (rest.startsWith('.') && !text.slice(start, end).includes('.'))
    return broken(1, 'after decimal point in numeric literal')
  if (/^[eE]/.test(rest) && !/[eE]/.test(text.slice(start, end))) {
    return broken(/^.[-+]/.test(rest) ? 2 : 1, 'in exponent of numeric literal')
  }
  return { kind: 'scalar', start, end }
}

/** Go looks at bytes, so a character beyond ASCII shows as its first byte. */
function invalid(text: string, at: number, where: string): string {
  const code = new TextEncoder().encode(text.slice(at, at + 2))[0] ?? 0
  const char = String.fromCharCode(code)
  return `invalid character ${quoteByte(char, code)} ${where}`
}

const ESCAPED: ReadonlyMap<string, string> = new Map([
  ["'", "'\\''"],
  ['\\', "'\\\\'"],
  ['\n', "'\\n'"],
  ['\r', "'\\r'"],
  ['\t', "'\\t'"],
])

function quoteByte(char: string, code: number): string {
  const known = ESCAPED.get(char)
  if (known !== undefined) return known
  if (code >= 0x20 && code !== 0x7f && (code < 0x80 || (code > 0xa0 && code !== 0xad))) return `'${char}'`
  return code < 0x80 ? `'\\x${code.toString(16).padStart(2, '0')}'` : `'\\u${code.toString(16).padStart(4, '0')}'`
}
