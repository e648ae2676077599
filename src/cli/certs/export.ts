/** `certs export`: what a caller must trust, as PEM; the signing key only where it was asked for by name. */
import { open } from 'node:fs/promises'

import { ProjectError, messageOf } from '../../base/errors.ts'
import type { AuthorityState } from '../../certificates/authority.ts'
import { encodeKey } from '../../certificates/x509.ts'

const KEY_MODE = 0o600

/** The authorities of the bundle, with or without the signer's certificate and key behind them. */
export function exportText({ bundlePem, signer }: AuthorityState, withKey: boolean): string {
  return withKey ? `${bundlePem}${signer.certificate.pem}${encodeKey(signer.key)}` : bundlePem
}

/**
 * Writes the export. One that holds the key is a new file that only its owner reads, from its first byte on.
 * @throws ProjectError OUTPUT_UNWRITABLE
 */
export async function writeExport(path: string, text: string, withKey: boolean): Promise<void> {
  try {
    const file = await (withKey ? open(path, 'wx', KEY_MODE) : open(path, 'w'))
    try {
      await file.writeFile(text)
    } finally {
      await file.close()
    }
  } catch (err) {
    throw new ProjectError('OUTPUT_UNWRITABLE', `${path}: ${messageOf(err)}`, { cause: err })
  }
}
