/** Tokens of the Common Expression Language. Knows no grammar. */

export interface CelToken {
  readonly kind: 'name' | 'literal' | 'symbol' | 'end'
  readonly text: string
  readonly offset: number
}

const SPACE = /(?:[\t\n\f\r ]+|\/\/[^\n]*)+/y
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const NUMBER = /0[xX][0-9a-fA-F]+[uU]?|(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|\d+[uU]?/y
const SYMBOL = /==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()[\]{}]/y
const STRING_START = /(?:[bB][rR]?|[rR])?(?:"""|'''|"|')/y
/** As the specification lists them; octal ones end at \377. */
const ESCAPE = /\\(?:[abfnrtv\\?"'`]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})/y

const MAX_INT = 2n ** 63n
const MAX_UINT = 2n ** 64n

/** All tokens, an end mark behind them; text is what is wrong. */
export function celTokens(source: string): readonly CelToken[] | string {
  const tokens: CelToken[] = []
  let offset = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset
    return pattern.exec(source)?.[0]
  }
  while (offset < source.length) {
    const space = match(SPACE)
    if (space !== undefined) {
      offset += space.length
      continue
    }
    const token = nextToken(source, offset, match)
    if (typeof token === 'string') return token
    tokens.push(token)
    offset += token.text.length
  }
  return [...tokens, { kind: 'end', text: '<EOF>', offset }]
}

function nextToken(source: string, offset: number, match: (pattern: RegExp) => string | undefined): CelToken | string {
  const start = match(STRING_START)
  if (start !== undefined) return readString(source, offset, start)
  const number = match(NUMBER)
  if (number !== undefined) {
    return isInRange(number)
      ? { kind: 'literal', text: number, offset }
      : `ERROR at offset ${offset}: invalid number literal`
  }
  const name = match(NAME)
  if (name !== undefined) return { kind: 'name', text: name, offset }
  const symbol = match(SYMBOL)
  if (symbol !== undefined) return { kind: 'symbol', text: symbol, offset }
  return `ERROR at offset ${offset}: Syntax error: token recognition error at ${JSON.stringify(source.charAt(offset))}`
}

/** istiod: 9223372036854775808 alone is too large; its sign belongs to the expression around it. */
function isInRange(number: string): boolean {
  if (/[.]|^\d+[eE]/.test(number)) return Number.isFinite(Number(number))
  const unsigned = /[uU]$/.test(number)
  return BigInt(unsigned ? number.slice(0, -1) : number) < (unsigned ? MAX_UINT : MAX_INT + 1n)
}

/** Bytes know no Unicode escapes; elsewhere these must name a character, of which a surrogate is none. */
function isCharacter(escape: string, isBytes: boolean): boolean {
  if (!/^\\[uU]/.test(escape)) return true
  const code = Number.parseInt(escape.slice(2), 16)
  return !isBytes && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
}

function readString(source: string, offset: number, start: string): CelToken | string {
  const quote = start.replace(/^[rRbB]+/, '')
  const raw = /^[rR]|^[bB][rR]/.test(start)
  const isBytes = /^[bB]/.test(start)
  let at = offset + start.length
  while (at < source.length) {
    if (source.startsWith(quote, at)) {
      const end = at + quote.length
      return { kind: 'literal', text: source.slice(offset, end), offset }
    }
    if (quote.length === 1 && (source[at] === '\n' || source[at] === '\r')) break
    if (source[at] === '\\' && !raw) {
      ESCAPE.lastIndex = at
      const escape = ESCAPE.exec(source)?.[0]
      if (escape === undefined || !isCharacter(escape, isBytes)) break
      at += escape.length
    } else at += 1
  }
  return `ERROR at offset ${offset}: Syntax error: unterminated string, or a broken escape in it`
}
