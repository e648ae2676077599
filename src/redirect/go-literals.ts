/** Go's text forms of booleans, integers and durations, as flags, variables and annotations spell them. */

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly value: T; readonly reason: string }

const TRUE_WORDS: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE_WORDS: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False'])

/** A boolean. istiod: strconv.ParseBool; the value of a failure is false, which a swallowed error leaves behind. */
export function parseGoBool(text: string): Parsed<boolean> {
  if (TRUE_WORDS.has(text)) return { ok: true, value: true }
  if (FALSE_WORDS.has(text)) return { ok: true, value: false }
  return { ok: false, value: false, reason: `strconv.ParseBool: parsing ${quoteGo(text)}: invalid syntax` }
}

/** A signed decimal without a base prefix. istiod: strconv.Atoi. */
export function parseGoInt(text: string): Parsed<bigint> {
  const fail = (why: string): Parsed<bigint> => ({
    ok: false,
    value: 0n,
    reason: `strconv.Atoi: parsing ${quoteGo(text)}: ${why}`,
  })
  if (!/^[+-]?[0-9]+$/.test(text)) return fail('invalid syntax')
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  if (value > 0x7fff_ffff_ffff_ffffn || value < -0x8000_0000_0000_0000n) return fail('value out of range')
  return { ok: true, value }
}

const RADIX_PREFIXES: ReadonlyMap<string, number> = new Map([
  ['0x', 16],
  ['0o', 8],
  ['0b', 2],
])

/** The radix that a number's prefix names, and what stands behind the prefix. */
function splitRadix(text: string): { radix: number; digits: string } {
  const named = text.length > 2 ? RADIX_PREFIXES.get(text.slice(0, 2).toLowerCase()) : undefined
  if (named !== undefined) return { radix: named, digits: text.slice(2) }
  return text.startsWith('0') ? { radix: 8, digits: text.slice(1) } : { radix: 10, digits: text }
}

/**
 * A 16-bit port in any of Go's bases. Digits are read until the value is out of range, whatever comes behind it; that
 * fails with 65535, which a swallowed error leaves behind.
 */
export function parseGoUint16(text: string): Parsed<number> {
  const fail = (value: number, why: string): Parsed<number> => ({
    ok: false,
    value,
    reason: `strconv.ParseUint: parsing ${quoteGo(text)}: ${why}`,
  })
  const { radix, digits } = splitRadix(text)
  let value = 0
  for (const letter of digits.replaceAll('_', '')) {
    const digit = Number.parseInt(letter, 36)
    if (Number.isNaN(digit) || digit >= radix) return fail(0, 'invalid syntax')
    value = value * radix + digit
    if (value > 0xffff) return fail(0xffff, 'value out of range')
  }
  return text === '' || /^_|__|_$/.test(text) ? fail(0, 'invalid syntax') : { ok: true, value }
}

/** Whether `text` is a decimal port 0..65535 without sign, base prefix or underscore; undefined when it is. */
export function whyNotPort(text: string): string | undefined {
  if (!/^[0-9]+$/.test(text)) return `strconv.ParseUint: parsing ${quoteGo(text)}: invalid syntax`
  return BigInt(text) <= 0xffffn ? undefined : `strconv.ParseUint: parsing ${quoteGo(text)}: value out of range`
}

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const DURATION_PART = /([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)/y

/** A duration in nanoseconds. istiod: time.ParseDuration; the value of a failure is 0. */
export function parseGoDuration(text: string): Parsed<number> {
  const fail = (why: string): Parsed<number> => ({ ok: false, value: 0, reason: `time: ${why}` })
  const unsigned = text.replace(/^[+-]/, '')
  if (unsigned === '0') return { ok: true, value: 0 }
  if (/^[0-9]+(\.[0-9]*)?$/.test(unsigned)) return fail(`missing unit in duration ${quoteGo(text)}`)
  const total = sumDuration(unsigned)
  if (total === undefined || total > 0x7fff_ffff_ffff_ffffn) return fail(`invalid duration ${quoteGo(text)}`)
  return { ok: true, value: Number(text.startsWith('-') ? -total : total) }
}

function sumDuration(text: string): bigint | undefined {
  if (text === '') return undefined
  let total = 0n
  DURATION_PART.lastIndex = 0
  while (DURATION_PART.lastIndex < text.length) {
    const part = DURATION_PART.exec(text)
    if (part === null) return undefined
    const [, whole = '', fraction = '', unit = 's'] = part
    if (whole === '' && fraction === '') return undefined
    const scale = NANOSECONDS[unit] ?? 0n
    total += BigInt(whole === '' ? '0' : whole) * scale
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length)
  }
  return total
}

/** Text in double quotes, as Go's %q prints it for the characters that occur in flags. */
export function quoteGo(text: string): string {
  return JSON.stringify(text)
}
