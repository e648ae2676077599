/** Certificate, key and authority as files: read together, from one state of a mounted volume, and judged together. */
import { createHash } from 'node:crypto'
import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { ProjectError, messageOf } from '../base/errors.ts'
import type { CertificatePair, PairFault } from './leaf.ts'
import { pairFault } from './leaf.ts'
import { isIssuedBy, readCertificate, splitCertificates } from './x509.ts'

export interface PairPlaces {
  /** PEM: leaf, then intermediates. */
  readonly certFile: string
  readonly keyFile: string
  /** Whom callers must trust. @default ca.crt beside the certificate, or a self-signed end of its chain */
  readonly caFile?: string | undefined
}

/** A pair that can be served, and the authority that belongs to it, as far as it can be told. */
export interface FilePair extends CertificatePair {
  readonly bundlePem: string | undefined
  readonly notAfterMs: number
  readonly digest: string
}

/** Link that Kubernetes swaps when a mounted volume changes; all files of one read come from where it points. */
const VOLUME_LINK = '..data'

/** @throws ProjectError CERT_INVALID; `details.reason` is that of a `PairFault` */
export async function readPairFiles(places: PairPlaces, nowMs: number): Promise<FilePair> {
  const texts = await readTexts(places).catch((err: unknown) => {
    // The volume was swapped between two reads: what the link points to now is whole.
    if (isGone(err)) return readTexts(places)
    throw err
  })
  const { certPem, keyPem, caPem } = texts
  const fault = faultOf(texts, nowMs)
  if (fault !== undefined) throw refused(`${places.certFile}, ${places.keyFile}: ${fault.what}`, fault.reason)
  return {
    certPem,
    keyPem,
    bundlePem: bundleOf(caPem, certPem),
    notAfterMs: readCertificate(certPem).notAfterMs,
    digest: createHash('sha256')
      .update(JSON.stringify([certPem, keyPem, caPem]))
      .digest('hex'),
  }
}

interface Texts extends CertificatePair {
  /** Empty: there is none. */
  readonly caPem: string
}

async function readTexts({ certFile, keyFile, caFile }: PairPlaces): Promise<Texts> {
  const certFolder = await resolvedFolder(dirname(certFile))
  // Resolved once: the volume may be swapped between two looks, and then certificate and key would not belong together.
  const keyFolder = dirname(keyFile) === dirname(certFile) ? certFolder : await resolvedFolder(dirname(keyFile))
  const beside = join(certFolder, 'ca.crt')
  return {
    certPem: await readText(join(certFolder, basename(certFile)), certFile),
    keyPem: await readText(join(keyFolder, basename(keyFile)), keyFile),
    caPem: caFile === undefined ? await readFile(beside, 'utf8').catch(() => '') : await readText(caFile, caFile),
  }
}

async function resolvedFolder(folder: string): Promise<string> {
  return realpath(join(folder, VOLUME_LINK)).catch(() => folder)
}

async function readText(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (err) {
    throw refused(`${name}: ${messageOf(err)}`, 'io', err)
  }
}

const isGone = (err: unknown): boolean =>
  err instanceof ProjectError && (err.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'

const refused = (message: string, reason: PairFault['reason'], cause?: unknown): ProjectError =>
  new ProjectError('CERT_INVALID', message, { cause, details: { reason } })

function faultOf({ caPem, ...pair }: Texts, nowMs: number): PairFault | undefined {
  try {
    const fault = pairFault(pair, nowMs)
    if (fault !== undefined || isChained(pair.certPem, splitCertificates(caPem))) return fault
    return { reason: 'chain', what: 'no certificate of ca.crt stands behind the certificate' }
  } catch (err) {
    return { reason: 'parse', what: messageOf(err) }
  }
}

/** Whether the leaf leads to one of the authorities, over the other certificates of its file. */
function isChained(chainPem: string, authorities: readonly string[]): boolean {
  if (authorities.length === 0) return true
  let [at, ...intermediates] = splitCertificates(chainPem)
  while (at !== undefined) {
    const subject = at
    if (authorities.some((one) => one === subject || isIssuedBy(subject, one))) return true
    at = intermediates.find((one) => isIssuedBy(subject, one))
    intermediates = intermediates.filter((one) => one !== at)
  }
  return false
}

function bundleOf(caPem: string, chainPem: string): string | undefined {
  const authorities = splitCertificates(caPem)
  if (authorities.length > 0) return authorities.join('')
  const last = splitCertificates(chainPem).at(-1)
  return last !== undefined && isIssuedBy(last, last) ? last : undefined
}
