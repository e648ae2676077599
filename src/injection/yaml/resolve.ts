/** What a plain YAML 1.1 scalar means to go-yaml v2: null, bool, int, float or text. */

const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...['y', 'yes', 'true', 'on'].flatMap((word) => cases(word).map((one) => [one, true] as const)),
  ...['n', 'no', 'false', 'off'].flatMap((word) => cases(word).map((one) => [one, false] as const)),
  ...['', '~', ...cases('null')].map((one) => [one, null] as const),
  ...cases('.nan').map((one) => [one.replace('Nan', 'NaN'), Number.NaN] as const),
  ...['', '+'].flatMap((sign) => cases('.inf').map((one) => [sign + one, Infinity] as const)),
  ...cases('.inf').map((one) => [`-${one}`, -Infinity] as const),
])

/**
 * The value of a plain scalar. Dates and base-60 numbers stay text; underscores in numbers do not count; a number with a
 * leading zero is octal where its digits allow it.
 */
export function resolvePlain(text: string): unknown {
  const word = WORDS.get(text)
  if (word !== undefined) return word
  return /^[-+.0-9]/.test(text) ? (resolveNumber(text) ?? text) : text
}

/** lower, Capitalised and UPPER; a dot in front does not count as the first letter. */
function cases(word: string): string[] {
  const capitalised = word.replace(/[a-z]/, (letter) => letter.toUpperCase())
  return [word, capitalised, word.toUpperCase()]
}

const BASES: readonly { readonly form: RegExp; readonly base: number }[] = [
  { form: /^0[xX]([0-9a-fA-F]+)$/, base: 16 },
  { form: /^0[bB]([01]+)$/, base: 2 },
  { form: /^0[oO]?([0-7]+)$/, base: 8 },
  { form: /^([1-9][0-9]*|0)$/, base: 10 },
]
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/

function resolveNumber(text: string): number | undefined {
  const digits = text.replaceAll('_', '')
  const sign = digits.startsWith('-') ? -1 : 1
  const unsigned = digits.replace(/^[-+]/, '')
  for (const { form, base } of BASES) {
    const found = form.exec(unsigned)?.[1]
    if (found !== undefined) return resolveInteger(digits, { value: readDigits(found, base) * sign, base })
  }
  return FLOAT.test(digits) ? finite(Number(digits)) : undefined
}

const readDigits = (digits: string, base: number): number =>
  base === 10 ? Number(digits) : Number.parseInt(digits, base)

/** What no 64-bit integer holds is a float, if it is decimal at all, else text. */
function resolveInteger(digits: string, { value, base }: { value: number; base: number }): number | undefined {
  if (value >= -(2 ** 63) && value < 2 ** 64) return value
  return base === 10 || /^[-+]?0[0-7]+$/.test(digits) ? finite(Number(digits)) : undefined
}

/** A float no 64 bits can hold stays text. */
const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)
