/** Sprig's checksums, as hexadecimal text. */
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { fn, tableOf, text, type FunctionTable } from '../template/function-table.ts'
import { toBytes } from '../template/go/byte-text.ts'

type Digest = (bytes: Uint8Array) => Uint8Array

const hashOf = (digest: Digest) => fn([text], (given) => bytesToHex(digest(toBytes(given))))

export const HASH_FUNCTIONS: FunctionTable = tableOf({
  sha1sum: hashOf(sha1),
  sha256sum: hashOf(sha256),
  sha512sum: hashOf(sha512),
  adler32sum: fn([text], (given) => String(adler32(toBytes(given)))),
})

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
