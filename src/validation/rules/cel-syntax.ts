/** Is a text an expression of the Common Expression Language? Names and types are not looked at. */
import { celTokens } from './cel-lexer.ts'
import type { CelToken } from './cel-lexer.ts'

const MAX_CODE_POINTS = 100000
/** cel-go: deeper nesting is refused as well. */
const MAX_DEPTH = 250
const RESERVED: ReadonlySet<string> = new Set([
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
])
/** Macros on a list or map; the first argument names the loop variable. */
const LOOPS: Readonly<Record<string, readonly number[]>> = {
  all: [2],
  exists: [2],
  exists_one: [2],
  filter: [2],
  map: [2, 3],
}

/** What the parser dislikes, or undefined. */
export function wrongCelSyntax(source: string): string | undefined {
  if (source.length > MAX_CODE_POINTS && [...source].length > MAX_CODE_POINTS)
    return 'ERROR: expression code point size exceeds limit'
  const tokens = celTokens(source)
  return typeof tokens === 'string' ? tokens : parse(tokens)
}

/** What an expression turned out to be, as far as a macro asks. */
type Shape = 'name' | 'select' | 'other'

interface Parser {
  readonly tokens: readonly CelToken[]
  position: number
  depth: number
}
class SyntaxFault extends Error {}

function parse(tokens: readonly CelToken[]): string | undefined {
  const parser: Parser = { tokens, position: 0, depth: 0 }
  try {
    expression(parser)
    if (peek(parser).kind !== 'end') fault(parser)
    return undefined
  } catch (thrown) {
    if (thrown instanceof SyntaxFault) return thrown.message
    throw thrown
  }
}

const peek = ({ tokens, position }: Parser): CelToken =>
  tokens[Math.min(position, tokens.length - 1)] ?? { kind: 'end', text: '', offset: 0 }

function fault(parser: Parser, why?: string): never {
  const { text, offset } = peek(parser)
  throw new SyntaxFault(`ERROR at offset ${offset}: ${why ?? `Syntax error: unexpected ${JSON.stringify(text)}`}`)
}

const isSymbol = (parser: Parser, ...texts: readonly string[]): boolean => {
  const { kind, text } = peek(parser)
  return kind === 'symbol' && texts.includes(text)
}
const isWord = (parser: Parser, word: string): boolean => peek(parser).kind === 'name' && peek(parser).text === word

function take(parser: Parser, ...texts: readonly string[]): boolean {
  const found = isSymbol(parser, ...texts)
  if (found) parser.position += 1
  return found
}
function expect(parser: Parser, text: string): void {
  if (!take(parser, text)) fault(parser)
}

function expression(parser: Parser): Shape {
  parser.depth += 1
  if (parser.depth > MAX_DEPTH) fault(parser, 'expression recursion limit exceeded')
  let shape = binary(parser, 0)
  if (take(parser, '?')) {
    binary(parser, 0)
    expect(parser, ':')
    expression(parser)
    shape = 'other'
  }
  parser.depth -= 1
  return shape
}

/** Operators from the loosest binding to the tightest. */
const LEVELS = [['||'], ['&&'], ['==', '!=', '<', '<=', '>', '>='], ['+', '-'], ['*', '/', '%']] as const
const RELATIONS = 2

function binary(parser: Parser, level: number): Shape {
  const operators = LEVELS[level]
  if (operators === undefined) return unary(parser)
  let shape = binary(parser, level + 1)
  for (;;) {
    const isIn = level === RELATIONS && isWord(parser, 'in')
    if (isIn) parser.position += 1
    else if (!take(parser, ...operators)) return shape
    binary(parser, level + 1)
    shape = 'other'
  }
}

function unary(parser: Parser): Shape {
  const sign = isSymbol(parser, '!') ? '!' : isSymbol(parser, '-') ? '-' : undefined
  if (sign === undefined) return member(parser)
  while (take(parser, sign));
  member(parser)
  return 'other'
}

function member(parser: Parser): Shape {
  let shape = primary(parser)
  for (;;) {
    if (take(parser, '.')) shape = selected(parser)
    else if (take(parser, '[')) {
      expression(parser)
      expect(parser, ']')
      shape = 'other'
    } else if (shape !== 'other' && take(parser, '{')) {
      pairs(parser, (p) => takeName(p))
      shape = 'other'
    } else return shape
  }
}

function takeName(parser: Parser): string {
  const { kind, text } = peek(parser)
  if (kind !== 'name' || text === 'in' || text === 'true' || text === 'false' || text === 'null') fault(parser)
  parser.position += 1
  return text
}

/** A field, or a call on what is before the dot. */
function selected(parser: Parser): Shape {
  const name = takeName(parser)
  if (!take(parser, '(')) return 'select'
  const shapes = call(parser)
  if (LOOPS[name]?.includes(shapes.length) === true && shapes[0] !== 'name')
    fault(parser, 'argument must be a simple name')
  return 'other'
}

function call(parser: Parser): readonly Shape[] {
  const shapes: Shape[] = []
  if (take(parser, ')')) return shapes
  do shapes.push(expression(parser))
  while (take(parser, ','))
  expect(parser, ')')
  return shapes
}

function primary(parser: Parser): Shape {
  const { kind, text } = peek(parser)
  if (kind === 'literal' || (kind === 'name' && (text === 'true' || text === 'false' || text === 'null'))) {
    parser.position += 1
    return 'other'
  }
  if (take(parser, '(')) {
    const shape = expression(parser)
    expect(parser, ')')
    return shape
  }
  if (take(parser, '[')) return list(parser)
  if (take(parser, '{')) {
    pairs(parser, expression)
    return 'other'
  }
  take(parser, '.')
  return named(parser)
}

function named(parser: Parser): Shape {
  const name = takeName(parser)
  if (RESERVED.has(name)) fault(parser, `reserved identifier: ${name}`)
  if (!take(parser, '(')) return 'name'
  const shapes = call(parser)
  if (name === 'has' && shapes.length === 1 && shapes[0] !== 'select') fault(parser, 'invalid argument to has() macro')
  return 'other'
}

function list(parser: Parser): Shape {
  while (!isSymbol(parser, ']')) {
    if (take(parser, ',')) break
    expression(parser)
    if (!take(parser, ',')) break
  }
  expect(parser, ']')
  return 'other'
}

/** `key: value, …}` of a map or a message. */
function pairs(parser: Parser, key: (parser: Parser) => unknown): void {
  while (!isSymbol(parser, '}')) {
    if (take(parser, ',')) break
    key(parser)
    expect(parser, ':')
    expression(parser)
    if (!take(parser, ',')) break
  }
  expect(parser, '}')
}
