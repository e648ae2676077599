/** A certificate source over files that somebody else renews: a mounted Secret, or what an operator copies there. */
import { createHash } from 'node:crypto'
import { watch } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'
import { ProjectError, messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { CertificatePair } from './leaf.ts'
import { pairProblem } from './leaf.ts'
import type { CertificateSource } from './source.ts'
import { Observed } from './source.ts'
import { isIssuedBy, readCertificate, splitCertificates } from './x509.ts'

export interface FileSourceOptions {
  /** PEM: leaf, then intermediates. */
  readonly certFile: string
  readonly keyFile: string
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** A pair of files, and the authority that stands beside them, as far as it can be told. */
export interface FileSource extends CertificateSource {
  /** `ca.crt` of the certificate's folder, or a self-signed end of its chain; undefined when neither is there. */
  bundle(): string | undefined
  /** Whether the certificate is within its dates: the server's readiness asks. */
  isUsable(): boolean
}

interface FilePair extends CertificatePair {
  readonly bundlePem: string | undefined
  readonly notAfterMs: number
  readonly digest: string
}

/** Watches get lost (a mount, a network file system): the files are read again after this time whatever happened. */
const POLL_MS = 10_000
/** One change of a mounted volume makes several events. */
const DEBOUNCE_MS = 100
/** Link that Kubernetes swaps when a mounted volume changes; all files of one read come from where it points. */
const VOLUME_LINK = '..data'

/**
 * Loads the pair and follows its files until `signal` aborts. A bad pair is reported, and the last good one stays.
 * @throws ProjectError CERT_INVALID when the first pair cannot be served
 */
export async function startFileSource(options: FileSourceOptions): Promise<FileSource> {
  const pair = new Observed(await readPair(options))
  void follow(pair, options)
  return {
    current: () => pair.current(),
    onChange: (listener) => pair.onChange(listener),
    bundle: () => pair.current().bundlePem,
    isUsable: () => options.clock.nowMs() < pair.current().notAfterMs,
  }
}

async function follow(pair: Observed<FilePair>, options: FileSourceOptions): Promise<void> {
  const { clock, log, signal, certFile } = options
  const alarm = new Alarm(clock, signal)
  watchFolders(options, () => alarm.ring())
  let lastProblem = ''
  for (;;) {
    await alarm.sleep(POLL_MS)
    await clock.wait(DEBOUNCE_MS, signal)
    if (signal.aborted) return
    try {
      const next = await readPair(options)
      lastProblem = ''
      if (next.digest === pair.current().digest) continue
      pair.set(next)
      log.info({ certFile, notAfter: new Date(next.notAfterMs).toISOString() }, 'serving certificate replaced')
    } catch (err) {
      if (messageOf(err) !== lastProblem)
        log.error({ err, certFile }, 'serving certificate refused, the last one stays')
      lastProblem = messageOf(err)
    }
  }
}

/** The folders, not the files: a watch on a file is dead once the file was replaced by renaming. */
function watchFolders({ certFile, keyFile, signal, log }: FileSourceOptions, changed: () => void): void {
  for (const folder of new Set([dirname(certFile), dirname(keyFile)])) {
    try {
      const watcher = watch(folder, { signal, persistent: false }, changed)
      watcher.on('error', () => watcher.close())
    } catch (err) {
      log.warn({ err, folder }, 'folder of the serving certificate cannot be watched, reading it from time to time')
    }
  }
}

async function readPair({ certFile, keyFile, clock }: FileSourceOptions): Promise<FilePair> {
  const certFolder = await resolvedFolder(dirname(certFile))
  // Resolved once: the volume may be swapped between two looks, and then certificate and key would not belong together.
  const keyFolder = dirname(keyFile) === dirname(certFile) ? certFolder : await resolvedFolder(dirname(keyFile))
  const certPem = await readText(join(certFolder, basename(certFile)), certFile)
  const keyPem = await readText(join(keyFolder, basename(keyFile)), keyFile)
  const caPem = await readFile(join(certFolder, 'ca.crt'), 'utf8').catch(() => '')
  const problem = problemOf({ certPem, keyPem }, clock.nowMs())
  if (problem !== undefined) throw new ProjectError('CERT_INVALID', `${certFile}, ${keyFile}: ${problem}`)
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

function problemOf(pair: CertificatePair, nowMs: number): string | undefined {
  try {
    return pairProblem(pair, nowMs)
  } catch (err) {
    return messageOf(err)
  }
}

async function resolvedFolder(folder: string): Promise<string> {
  return realpath(join(folder, VOLUME_LINK)).catch(() => folder)
}

async function readText(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (err) {
    throw new ProjectError('CERT_INVALID', `${name}: ${messageOf(err)}`, { cause: err })
  }
}

function bundleOf(caPem: string, chainPem: string): string | undefined {
  const authorities = splitCertificates(caPem)
  if (authorities.length > 0) return authorities.join('')
  const last = splitCertificates(chainPem).at(-1)
  return last !== undefined && isIssuedBy(last, last) ? last : undefined
}
