/** Go's texts that readers of configuration need; what is wrong is thrown, in Go's words. */
import { replaceLoneSurrogates } from '../template/go/byte-text.ts'
import { exceeds, parseDuration } from '../template/go/duration.ts'
import { jsonString } from '../template/go/json-write.ts'
import { quote } from '../template/go/quote.ts'

/** Thrown by the readers of this file; the message is Go's text. */
export class GoTextError extends Error {}

/** A double-quoted Go string (`strconv.Quote`). */
export const goQuote = (text: string): string => quote(text)

/** A JSON string as Go's encoding/json writes one that it has read: broken surrogates were replaced by then. */
export const goJsonString = (text: string): string => jsonString(replaceLoneSurrogates(text))

const MAX_INT64 = (1n << 63n) - 1n
const MAX_UINT64 = (1n << 64n) - 1n

/**
 * Nanoseconds of a duration in Go's syntax.
 * @throws GoTextError with the text of Go's time.ParseDuration
 */
export function parseGoDuration(text: string): bigint {
  const parsed = parseDuration(text)
  if ('error' in parsed) throw new GoTextError(parsed.error)
  return parsed.ns
}

/**
 * An unsigned decimal number of at most `bits` bits.
 * @throws GoTextError with the text of strconv.ParseUint
 */
export function parseUint(text: string, bits: 16 | 32): number {
  const fail = (why: string): GoTextError => new GoTextError(`strconv.ParseUint: parsing ${goQuote(text)}: ${why}`)
  if (text === '') throw fail('invalid syntax')
  let value = 0
  for (const char of text) {
    if (char < '0' || char > '9') throw fail('invalid syntax')
    value = value * 10 + Number(char)
    if (value >= 2 ** bits) throw fail('value out of range')
  }
  return value
}

/**
 * A signed decimal number.
 * @throws GoTextError with the text of strconv.Atoi
 */
export function parseInteger(text: string): number {
  const fail = (why: string): GoTextError => new GoTextError(`strconv.Atoi: parsing ${goQuote(text)}: ${why}`)
  // Go reads digit by digit, so a number may be too large before the first bad character is seen.
  const digits = /^[+-]?([0-9]*)/.exec(text)?.[1] ?? ''
  if (exceeds(digits, MAX_UINT64)) throw fail('value out of range')
  if (!/^[+-]?[0-9]+$/.test(text)) throw fail('invalid syntax')
  const value = BigInt(text.replace(/^\+/, ''))
  if (value > MAX_INT64 || value < -MAX_INT64 - 1n) throw fail('value out of range')
  return Number(value)
}

/**
 * A bool in one of Go's spellings.
 * @throws GoTextError with the text of strconv.ParseBool
 */
export function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw new GoTextError(`strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`)
}
