/** A serving certificate for the echo server, made as ours is. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newAuthorityState } from '../../src/certificates/authority.ts'
import { issueLeaf } from '../../src/certificates/leaf.ts'

export interface BenchCertificate {
  readonly certFile: string
  readonly keyFile: string
  readonly ca: string
}

/** Writes certificate and key into `folder`. */
export async function certificateIn(folder: string): Promise<BenchCertificate> {
  const nowMs = Date.now()
  const { signer, bundlePem } = newAuthorityState({ installation: 'bench', generation: 1, nowMs })
  const { certPem, keyPem } = issueLeaf({ authority: signer, names: ['localhost', '127.0.0.1'], nowMs })
  const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')]
  await Promise.all([writeFile(certFile, certPem), writeFile(keyFile, keyPem, { mode: 0o600 })])
  return { certFile, keyFile, ca: bundlePem }
}
