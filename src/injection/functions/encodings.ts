/** Sprig's base64 and base32. */
import { fn, tableOf, text, type FunctionTable } from '../template/function-table.ts'
import { fromBytes, toBytes } from '../template/go/byte-text.ts'
import { checkTextLength } from '../template/limits.ts'

interface BaseEncoding {
  readonly alphabet: string
  readonly bitsPerChar: number
  /** Characters of a full group. */
  readonly group: number
}

const BASE64: BaseEncoding = {
  alphabet: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  bitsPerChar: 6,
  group: 4,
}
const BASE32: BaseEncoding = { alphabet: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', bitsPerChar: 5, group: 8 }

/** istiod: decoding garbage gives the error's text instead of failing. CR and LF are skipped. */
export const ENCODING_FUNCTIONS: FunctionTable = tableOf({
  b64enc: fn([text], (given) => encode(toBytes(given), BASE64)),
  b64dec: fn([text], decode64),
  b32enc: fn([text], (given) => encode(toBytes(given), BASE32)),
  b32dec: fn([text], decode32),
})

function encode(bytes: Uint8Array, { alphabet, bitsPerChar, group }: BaseEncoding): string {
  checkTextLength(bytes.length * 2)
  let out = ''
  let buffer = 0
  let bits = 0
  const mask = (1 << bitsPerChar) - 1
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff
    for (bits += 8; bits >= bitsPerChar; bits -= bitsPerChar)
      out += alphabet.charAt((buffer >> (bits - bitsPerChar)) & mask)
  }
  if (bits > 0) out += alphabet.charAt((buffer << (bitsPerChar - bits)) & mask)
  return out.padEnd(Math.ceil(out.length / group) * group, '=')
}

function decode64(given: string): string {
  const bytes = toBytes(given)
  const places = Array.from(bytes.keys()).filter((at) => bytes[at] !== 10 && bytes[at] !== 13)
  const chars = places.map((at) => String.fromCharCode(bytes[at] ?? 0))
  const problem = problem64({ chars, places, length: bytes.length })
  return problem === undefined ? fromBytes(unpack(chars, BASE64)) : `illegal base64 data at input byte ${problem}`
}

interface Input64 {
  readonly chars: readonly string[]
  /** Of the characters, among all bytes. */
  readonly places: readonly number[]
  readonly length: number
}

/** The byte Go complains about. Rules: Go, encoding/base64, decodeQuantum. */
function problem64({ chars, places, length }: Input64): number | undefined {
  const end = chars.findIndex((char) => !BASE64.alphabet.includes(char))
  const inGroup = (end === -1 ? chars.length : end) % 4
  if (end === -1) return inGroup === 0 ? undefined : length - inGroup
  const place = places[end] ?? length
  if (chars[end] !== '=' || inGroup < 2) return place
  if (inGroup === 2) {
    const second = places[end + 1]
    if (second === undefined) return length
    if (chars[end + 1] !== '=') return second - 1
  }
  return places[end + 4 - inGroup]
}

function decode32(given: string): string {
  const chars = Array.from(toBytes(given), (byte) => String.fromCharCode(byte)).filter(
    (char) => char !== '\n' && char !== '\r',
  )
  const problem = problem32(chars)
  return problem === undefined ? fromBytes(unpack(chars, BASE32)) : `illegal base32 data at input byte ${problem}`
}

/** As above, among the characters without line ends. Rules: Go, encoding/base32, decode. */
function problem32(chars: readonly string[]): number | undefined {
  const end = chars.findIndex((char) => !BASE32.alphabet.includes(char))
  const inGroup = (end === -1 ? chars.length : end) % 8
  if (end === -1) return inGroup === 0 ? undefined : chars.length - inGroup
  const left = chars.length - end - 1
  if (chars[end] !== '=' || inGroup < 2 || left >= 8) return end
  if (left + inGroup < 7) return chars.length
  for (let k = 0; k < 7 - inGroup; k++) if (chars[end + 1 + k] !== '=') return end + k
  return inGroup === 3 || inGroup === 6 ? end : undefined
}

function unpack(chars: readonly string[], { alphabet, bitsPerChar }: BaseEncoding): Uint8Array {
  const bytes: number[] = []
  let buffer = 0
  let bits = 0
  for (const char of chars) {
    if (char === '=') break
    buffer = ((buffer << bitsPerChar) | alphabet.indexOf(char)) & 0xffff
    bits += bitsPerChar
    if (bits < 8) continue
    bits -= 8
    bytes.push((buffer >> bits) & 0xff)
  }
  return Uint8Array.from(bytes)
}
