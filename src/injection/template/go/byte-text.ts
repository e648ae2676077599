/**
 * Go strings in JavaScript strings. A Go string is bytes; where they are valid UTF-8 it is held as the text they spell,
 * and each byte that is not part of valid UTF-8 (0x80..0xFF) as the lone low surrogate U+DC80..U+DCFF.
 */

const BYTE_BASE = 0xdc00
const encoder = new TextEncoder()
// The `u` flag makes this match only surrogates that are no half of a pair.
const HAS_RAW_BYTE = /[\ud800-\udfff]/u

/** ES2024, and much faster than a pattern where it exists. */
const isWellFormed = (String.prototype as { isWellFormed?: () => boolean }).isWellFormed

/** Whether the text holds bytes that are no valid UTF-8. */
export function hasRawBytes(text: string): boolean {
  return isWellFormed === undefined ? HAS_RAW_BYTE.test(text) : !isWellFormed.call(text)
}

/** The text as a JSON reader of Go would have made it: lone surrogates become U+FFFD. */
export function replaceLoneSurrogates(text: string): string {
  return hasRawBytes(text) ? text.replace(/[\ud800-\udfff]/gu, '\ufffd') : text
}

/** Length in bytes, Go's `len`. */
export function byteLength(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 2
    else if (unit < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 2 // four bytes for two units
      i++
    } else if (unit < 0xdc00) bytes += 2
  }
  return bytes
}

/** The bytes of the text. */
export function toBytes(text: string): Uint8Array {
  if (!hasRawBytes(text)) return encoder.encode(text)
  const bytes: number[] = []
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    if (code >= BYTE_BASE && code <= BYTE_BASE + 0xff) bytes.push(code - BYTE_BASE)
    else for (const byte of encoder.encode(char)) bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}

/** The text those bytes are. */
export function fromBytes(bytes: Uint8Array): string {
  let text = ''
  let plainFrom = 0
  let i = 0
  while (i < bytes.length) {
    const size = (bytes[i] ?? 0) < 0x80 ? 1 : runeSize(bytes, i)
    if (size > 0) {
      i += size
      continue
    }
    text += decodeValid(bytes, plainFrom, i) + String.fromCharCode(BYTE_BASE + (bytes[i] ?? 0))
    i++
    plainFrom = i
  }
  return text + decodeValid(bytes, plainFrom, i)
}

/** The text of one byte per character, 0..255. */
export function fromByteValues(values: readonly number[]): string {
  return fromBytes(Uint8Array.from(values))
}

/** Go's `text[from:to]`, in bytes; both ends must lie within the text. */
export function sliceBytes(text: string, from: number, to: number): string {
  return isAscii(text) ? text.slice(from, to) : fromBytes(toBytes(text).subarray(from, to))
}

/** Joins raw bytes that spell valid UTF-8 since texts were put together. */
export function normalizeBytes(text: string): string {
  return hasRawBytes(text) ? fromBytes(toBytes(text)) : text
}

/** Bytewise order, as Go compares strings: negative, zero, positive. */
export function compareText(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x < 0xd800 && y < 0xd800) return x - y
    return compareBytes(a.slice(Math.max(0, i - 1)), b.slice(Math.max(0, i - 1)))
  }
  return a.length - b.length
}

/** The text with every invalid byte replaced by U+FFFD, as Go does when it reads characters. */
export function replaceRawBytes(text: string): string {
  return replaceLoneSurrogates(text)
}

export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function decodeValid(bytes: Uint8Array, from: number, to: number): string {
  return from === to ? '' : decoder.decode(bytes.subarray(from, to))
}

/** Number of bytes of the valid character at `i`, 0 if there is none. Overlong forms and surrogates are invalid. */
function runeSize(bytes: Uint8Array, i: number): number {
  const lead = bytes[i] ?? 0
  const second = bytes[i + 1] ?? 0
  if (lead < 0xc2 || lead > 0xf4) return 0
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return 0
  const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  for (let k = 2; k < size; k++) if (((bytes[i + k] ?? 0) & 0xc0) !== 0x80) return 0
  return size
}

function compareBytes(a: string, b: string): number {
  const x = toBytes(a)
  const y = toBytes(b)
  const shared = Math.min(x.length, y.length)
  for (let i = 0; i < shared; i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0)
    if (difference !== 0) return difference
  }
  return x.length - y.length
}
