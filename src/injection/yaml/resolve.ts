/** What a plain YAML 1.1 scalar means to go-yaml v2: null, bool, int, float or text. */

export type Resolved =
  | { readonly kind: 'null'; readonly value: null }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: number | bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'str'; readonly value: string }

/**
 * The value of a plain scalar. Dates and base-60 numbers stay text; underscores in numbers do not count; a number with a
 * leading zero is octal where its digits allow it.
 */
export function resolvePlain(text: string): Resolved {
  const word = WORDS.get(text)
  if (word !== undefined) return word
  const number = /^[-+.0-9]/.test(text) ? resolveNumber(text) : undefined
  return number ?? { kind: 'str', value: text }
}

const bool = (value: boolean): Resolved => ({ kind: 'bool', value })
const float = (value: number): Resolved => ({ kind: 'float', value })
const NULL: Resolved = { kind: 'null', value: null }

const WORDS: ReadonlyMap<string, Resolved> = new Map<string, Resolved>([
  ...['y', 'yes', 'true', 'on'].flatMap((word) => cases(word).map((one) => [one, bool(true)] as const)),
  ...['n', 'no', 'false', 'off'].flatMap((word) => cases(word).map((one) => [one, bool(false)] as const)),
  ...['', '~', ...cases('null')].map((one) => [one, NULL] as const),
  ...['.nan', '.NaN', '.NAN'].map((one) => [one, float(Number.NaN)] as const),
  ...['', '+'].flatMap((sign) => cases('.inf').map((one) => [sign + one, float(Infinity)] as const)),
  ...cases('.inf').map((one) => [`-${one}`, float(-Infinity)] as const),
])

/** lower, Capitalised and UPPER; a dot in front does not count as the first letter. */
function cases(word: string): string[] {
  const capitalised = word.replace(/[a-z]/, (letter) => letter.toUpperCase())
  return [word, capitalised, word.toUpperCase()]
}

/** What a number holds exactly. */
const SHORT_INTEGER = /^(?:[1-9][0-9]{0,14}|0)$/
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))$/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const MIN_INT64 = -(2n ** 63n)
const MAX_UINT64 = 2n ** 64n - 1n

function resolveNumber(text: string): Resolved | undefined {
  // Behind a leading dot Go takes underscores only between digits.
  if (text.startsWith('.') && /(?<![0-9])_|_(?![0-9])/.test(text)) return undefined
  if (SHORT_INTEGER.test(text)) return { kind: 'int', value: Number(text) }
  const digits = text.replaceAll('_', '')
  const integer = readInteger(digits)
  if (integer !== undefined && integer >= MIN_INT64 && integer <= MAX_UINT64) return { kind: 'int', value: integer }
  if (!FLOAT.test(digits)) return undefined
  const value = Number(digits)
  // What no 64-bit float holds stays text.
  return Number.isFinite(value) ? float(value) : undefined
}

function readInteger(text: string): bigint | undefined {
  const [, sign, hex, binary, octal, decimal] = INTEGER.exec(text) ?? []
  if (sign === undefined) return undefined
  const value = BigInt(
    hex !== undefined
      ? `0x${hex}`
      : binary !== undefined
        ? `0b${binary}`
        : octal !== undefined
          ? `0o${octal}`
          : (decimal ?? 0),
  )
  return sign === '-' ? -value : value
}
