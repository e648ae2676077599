/** Sprig's checksums, as hexadecimal text. */
import forge from 'node-forge'
import { fn, tableOf, text, type FunctionTable } from '../template/function-table.ts'
import { toBytes } from '../template/go/byte-text.ts'

type Digest = () => forge.md.MessageDigest

const hashOf = (create: Digest) =>
  fn([text], (given) =>
    create()
      .update(latinText(toBytes(given)))
      .digest()
      .toHex(),
  )

export const HASH_FUNCTIONS: FunctionTable = tableOf({
  sha1sum: hashOf(() => forge.md.sha1.create()),
  sha256sum: hashOf(() => forge.md.sha256.create()),
  sha512sum: hashOf(() => forge.md.sha512.create()),
  adler32sum: fn([text], (given) => String(adler32(toBytes(given)))),
})

/** One character a byte, as forge takes its input. */
function latinText(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += String.fromCharCode(byte)
  return out
}

/** RFC 1950. */
function adler32(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  return b * 65536 + a
}
