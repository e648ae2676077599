/** Sprig's base64 and base32. */
import { fn, tableOf, text, type FunctionTable } from '../template/function-table.ts'
import { fromBytes, toBytes } from '../template/go/byte-text.ts'
import { checkTextLength } from '../template/limits.ts'

interface BaseEncoding {
  readonly name: 'base64' | 'base32'
  readonly alphabet: string
  readonly bitsPerChar: number
  /** Characters of a full group. */
  readonly group: number
}

const BASE64: BaseEncoding = {
  name: 'base64',
  alphabet: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  bitsPerChar: 6,
  group: 4,
}
const BASE32: BaseEncoding = { name: 'base32', alphabet: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', bitsPerChar: 5, group: 8 }

export const ENCODING_FUNCTIONS: FunctionTable = tableOf({
  b64enc: fn([text], (given) => encode(toBytes(given), BASE64)),
  b64dec: fn([text], (given) => decode(given, BASE64)),
  b32enc: fn([text], (given) => encode(toBytes(given), BASE32)),
  b32dec: fn([text], (given) => decode(given, BASE32)),
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

/** istiod: garbage gives the error's text instead of failing. CR and LF are skipped. */
function decode(given: string, encoding: BaseEncoding): string {
  const bytes = toBytes(given)
  const kept: number[] = []
  for (const [at, byte] of bytes.entries()) if (byte !== 10 && byte !== 13) kept.push(at)
  const chars = kept.map((at) => String.fromCharCode(bytes[at] ?? 0))
  const problem = findProblem(chars, encoding)
  if (problem !== undefined) return `illegal ${encoding.name} data at input byte ${kept[problem] ?? bytes.length}`
  return fromBytes(
    unpack(
      chars.filter((char) => char !== '='),
      encoding,
    ),
  )
}

/** Index of the first character that is wrong; one behind the last for a text that ends too early. */
function findProblem(chars: readonly string[], { alphabet, bitsPerChar, group }: BaseEncoding): number | undefined {
  const data = chars.findIndex((char) => char === '' || !alphabet.includes(char))
  const dataEnd = data === -1 ? chars.length : data
  const inGroup = dataEnd % group
  if (dataEnd === chars.length)
    return inGroup === 0 ? undefined : chars.length - (bitsPerChar === 6 ? inGroup : inGroup)
  if (chars[dataEnd] !== '=') return dataEnd
  const unused = (inGroup * bitsPerChar) % 8
  if (inGroup === 0 || unused >= bitsPerChar) return dataEnd
  for (let at = dataEnd; at < dataEnd + group - inGroup; at++) if (chars[at] !== '=') return Math.min(at, chars.length)
  return chars.length > dataEnd + group - inGroup ? dataEnd + group - inGroup : undefined
}

function unpack(chars: readonly string[], { alphabet, bitsPerChar }: BaseEncoding): Uint8Array {
  const bytes: number[] = []
  let buffer = 0
  let bits = 0
  for (const char of chars) {
    buffer = ((buffer << bitsPerChar) | alphabet.indexOf(char)) & 0xffff
    bits += bitsPerChar
    if (bits < 8) continue
    bits -= 8
    bytes.push((buffer >> bits) & 0xff)
  }
  return Uint8Array.from(bytes)
}
