/** A certificate source of files that somebody else writes: cert-manager, a mounted Secret, an administrator. */
import { watch } from 'node:fs'
import { dirname } from 'node:path'

import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'
import { ProjectError, messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { PairFault } from './leaf.ts'
import type { FilePair, PairPlaces } from './pair-files.ts'
import { readPairFiles } from './pair-files.ts'
import { pinnedFiles } from './pinned-files.ts'
import type { CertificateSource } from './source.ts'
import { Observed } from './source.ts'

export interface FileSourceOptions extends PairPlaces {
  readonly tell?: (news: FileNews) => void
  /** Which of the files stay as they are for ever. @default as the mount table of this process says */
  readonly pinned?: (files: readonly string[]) => Promise<readonly string[]>
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

export type FileNews =
  /** A pair was read and cannot be served. */
  | { readonly news: 'refused'; readonly reason: PairFault['reason'] }
  /** These files will never change: whoever renews the certificate does not reach this process. None: all may change. */
  | { readonly news: 'pinned'; readonly files: readonly string[] }

/** A pair of files, and the authority that stands beside them, as far as it can be told. */
export interface FileSource extends CertificateSource {
  /** `ca.crt` of the certificate's folder, or a self-signed end of its chain; undefined when neither is there. */
  bundle(): string | undefined
  /** Whether the certificate is within its dates: the server's readiness asks. */
  isUsable(): boolean
}

/** Watches get lost (a mount, a network file system): the files are read again after this time whatever happened. */
const POLL_MS = 10_000
/** One change of a mounted volume makes several events. */
const DEBOUNCE_MS = 100

/**
 * Waits for a pair that can be served, and follows its files until `signal` aborts. A bad pair is reported and read again
 * every ten seconds, as its time may come; the last good one stays.
 * @throws the abort reason on abort
 */
export async function startFileSource(options: FileSourceOptions): Promise<FileSource> {
  const { clock, signal } = options
  const alarm = new Alarm(clock, signal)
  watchFolders(options, () => alarm.ring())
  const reading: Reading = { options, alarm, problem: '' }
  const pair = new Observed(await firstPair(reading))
  await tellOfPinned(options)
  void follow(pair, reading)
  return {
    current: () => pair.current(),
    onChange: (listener) => pair.onChange(listener),
    bundle: () => pair.current().bundlePem,
    isUsable: () => clock.nowMs() < pair.current().notAfterMs,
  }
}

/** Said once: a mount stays what it is as long as the process lives. */
async function tellOfPinned(options: FileSourceOptions): Promise<void> {
  const { certFile, keyFile, caFile, pinned = pinnedFiles, log, tell } = options
  const files = await pinned([certFile, keyFile, ...(caFile === undefined ? [] : [caFile])])
  tell?.({ news: 'pinned', files })
  if (files.length > 0) log.warn({ files }, 'mounted by subPath: renewed certificates will not arrive before a restart')
}

interface Reading {
  readonly options: FileSourceOptions
  readonly alarm: Alarm
  /** What was wrong with the last pair; empty: nothing. */
  problem: string
}

async function firstPair(reading: Reading): Promise<FilePair> {
  const { alarm, options } = reading
  for (;;) {
    options.signal.throwIfAborted()
    const pair = await readOrComplain(reading)
    if (pair !== undefined) return pair
    await alarm.sleep(POLL_MS)
  }
}

async function follow(pair: Observed<FilePair>, reading: Reading): Promise<void> {
  const { clock, log, signal, certFile } = reading.options
  for (;;) {
    await reading.alarm.sleep(POLL_MS)
    await clock.wait(DEBOUNCE_MS, signal)
    if (signal.aborted) return
    const next = await readOrComplain(reading)
    if (next === undefined || next.digest === pair.current().digest) continue
    pair.set(next)
    log.info({ certFile, notAfter: new Date(next.notAfterMs).toISOString() }, 'serving certificate read anew')
  }
}

/** The pair, or undefined for a bad one, which is counted every time and complained about once. */
async function readOrComplain(reading: Reading): Promise<FilePair | undefined> {
  const { options, problem } = reading
  try {
    const pair = await readPairFiles(options, options.clock.nowMs())
    reading.problem = ''
    return pair
  } catch (err) {
    reading.problem = messageOf(err)
    options.tell?.({ news: 'refused', reason: reasonOf(err) })
    if (reading.problem !== problem)
      options.log.error({ err, certFile: options.certFile }, 'serving certificate refused, trying again')
    return undefined
  }
}

function reasonOf(err: unknown): PairFault['reason'] {
  // Only readPairFiles throws here, and it says the reason.
  return err instanceof ProjectError ? (err.details.reason as PairFault['reason']) : 'parse'
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
