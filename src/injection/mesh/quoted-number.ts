/** Numbers in quotes: what Go's JSON decoder says to the text between the quotes. */
import { goQuote } from './go-text.ts'

/** How the reader words its two kinds of refusal. */
export interface Refusals {
  /** The text is no JSON. */
  readonly refuse: (message: string) => Error
  /** The text is JSON, but no number; `kind` is Go's word for it. */
  readonly wrongKind: (kind: string) => Error
}

/**
 * The number literal a text spells, undefined for `null`.
 * @throws what `refusals` makes of the problem
 */
export function readQuotedNumber(raw: string, refusals: Refusals): string | undefined {
  const text = raw.replace(/^ +/, '')
  const syntax = syntaxError(text)
  if (syntax !== undefined) throw refusals.refuse(syntax)
  const literal = text.trimEnd()
  if (literal === 'null') return undefined
  if (literal === 'true' || literal === 'false') throw refusals.wrongKind('bool')
  if (literal.startsWith('[')) throw refusals.wrongKind('array')
  if (literal.startsWith('{')) throw refusals.wrongKind('object')
  return literal
}

interface State {
  /** What may come next. */
  readonly next: RegExp
  readonly complaint: string
  /** Whether the number may end here. */
  readonly final: boolean
  readonly go: (char: string) => string
}

const STATES: Readonly<Record<string, State>> = {
  minus: { next: /[0-9]/, complaint: 'in numeric literal', final: false, go: (c) => (c === '0' ? 'zero' : 'digits') },
  zero: { next: /[.eE]/, complaint: 'after top-level value', final: true, go: (c) => (c === '.' ? 'point' : 'exp') },
  digits: {
    next: /[0-9.eE]/,
    complaint: 'after top-level value',
    final: true,
    go: (c) => (c === '.' ? 'point' : /[eE]/.test(c) ? 'exp' : 'digits'),
  },
  point: { next: /[0-9]/, complaint: 'after decimal point in numeric literal', final: false, go: () => 'fraction' },
  fraction: {
    next: /[0-9eE]/,
    complaint: 'after top-level value',
    final: true,
    go: (c) => (/[eE]/.test(c) ? 'exp' : 'fraction'),
  },
  exp: {
    next: /[-+0-9]/,
    complaint: 'in exponent of numeric literal',
    final: false,
    go: (c) => (/[0-9]/.test(c) ? 'expDigits' : 'expSign'),
  },
  expSign: { next: /[0-9]/, complaint: 'in exponent of numeric literal', final: false, go: () => 'expDigits' },
  expDigits: { next: /[0-9]/, complaint: 'after top-level value', final: true, go: () => 'expDigits' },
}

const END = 'unexpected end of JSON input'
/** Go's scanner ends a text by feeding itself a space, and complains about that where the text breaks off. */
const AT_END = ' '

/** What Go's scanner says about a text without quotes; undefined where it is valid JSON. */
function syntaxError(text: string): string | undefined {
  const first = text.charAt(0)
  if (first === '') return END
  if (/[tfn]/.test(first)) return literalError(text)
  if (/[[{]/.test(first)) return containerError(text)
  if (!/[-0-9]/.test(first)) return invalid(first, 'looking for beginning of value')
  return numberError(text)
}

function numberError(text: string): string | undefined {
  const first = text.charAt(0)
  let state = first === '-' ? 'minus' : first === '0' ? 'zero' : 'digits'
  for (let at = 1; at < text.length; at++) {
    const char = text.charAt(at)
    const { next, complaint, final, go } = STATES[state] as State
    if (next.test(char)) state = go(char)
    else if (final && char === ' ') return trailing(text.slice(at))
    else return invalid(char, complaint)
  }
  const { final, complaint } = STATES[state] as State
  return final ? undefined : invalid(AT_END, complaint)
}

function literalError(text: string): string | undefined {
  const word = { t: 'true', f: 'false', n: 'null' }[text.charAt(0)] ?? ''
  for (let at = 1; at < word.length; at++) {
    const char = text.charAt(at) || AT_END
    const expected = word.charAt(at)
    if (char !== expected) return invalid(char, `in literal ${word} (expecting '${expected}')`)
  }
  return trailing(text.slice(word.length))
}

/** Strings cannot occur in the text, so only a few containers are valid at all; the rest is worded roughly. */
function containerError(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch {
    return END
  }
}

function trailing(rest: string): string | undefined {
  const char = rest.trimStart().charAt(0)
  return char === '' ? undefined : invalid(char, 'after top-level value')
}

function invalid(char: string, where: string): string {
  // Go looks at bytes, so a character beyond ASCII shows as its first byte.
  const byte = new TextEncoder().encode(char)[0] ?? 0
  const shown = char === "'" ? "\\'" : char === '"' ? '"' : goQuote(String.fromCharCode(byte)).slice(1, -1)
  return `invalid character '${shown}' ${where}`
}
