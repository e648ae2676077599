/** A certificate source of files that somebody else writes: cert-manager, a mounted Secret, an administrator. */
import { watch } from 'node:fs'
import { dirname } from 'node:path'

import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'
import { ProjectError, messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Dwell } from './dwell.ts'
import { dwellAfter } from './dwell.ts'
import type { Handover } from './handover.ts'
import { bundleOf, settled, startHandover, withPair } from './handover.ts'
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
  /** Whether every configuration trusts all of these authorities now. @default nobody publishes it, and nobody is waited for */
  readonly isTrusted?: ((authoritiesPem: string, signal: AbortSignal) => Promise<boolean>) | undefined
  /** Authorities that were published before, and until when they stay. @default none */
  readonly former?: Handover['former']
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
  /**
   * What callers must trust: `ca.crt` of the certificate's folder, or a self-signed end of its chain, and for a day what
   * stood there before; undefined when neither is there.
   */
  bundle(): string | undefined
  /** `listener` hears of every later bundle, until the returned function is called. */
  onBundleChange(listener: () => void): () => void
  /** Whether the certificate is within its dates: the server's readiness asks. */
  isUsable(): boolean
}

/** Watches get lost (a mount, a network file system): the files are read again after this time whatever happened. */
const POLL_MS = 10_000
/** One change of a mounted volume makes several events. */
const DEBOUNCE_MS = 100
/** How often callers' trust is looked at while a pair waits for it. */
const TRUST_POLL_MS = 1000
const HOUR_MS = 3_600_000

/**
 * Waits for a pair that can be served, and follows its files until `signal` aborts. A bad pair is reported and read again
 * every ten seconds, as its time may come; the last good one stays.
 * @throws the abort reason on abort
 */
export async function startFileSource(options: FileSourceOptions): Promise<FileSource> {
  const { clock, signal } = options
  const alarm = new Alarm(clock, signal)
  watchFolders(options, () => alarm.ring())
  const reading: Reading = { options, alarm, problem: '', saidMs: -Infinity }
  const first = await firstPair(reading)
  await tellOfPinned(options)
  const handover = startHandover(first, options.former)
  const following: Following = {
    reading,
    handover,
    digest: first.digest,
    dwell: undefined,
    pair: new Observed(first),
    bundle: new Observed(bundleOf(handover, clock.nowMs())),
  }
  void follow(following)
  const { pair, bundle } = following
  return {
    current: () => pair.current(),
    onChange: (listener) => pair.onChange(listener),
    bundle: () => bundle.current(),
    onBundleChange: (listener) => bundle.onChange(listener),
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
  /** When it was last said that there is no authority. */
  saidMs: number
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

interface Following {
  readonly reading: Reading
  handover: Handover
  /** Of the last pair that could be served. */
  digest: string
  /** For how long every configuration has trusted the pair that waits. */
  dwell: Dwell | undefined
  readonly pair: Observed<FilePair>
  readonly bundle: Observed<string | undefined>
}

async function follow(following: Following): Promise<void> {
  const { alarm, options } = following.reading
  const { clock, signal } = options
  for (;;) {
    await alarm.sleep(following.handover.waiting === undefined ? POLL_MS : TRUST_POLL_MS)
    await clock.wait(DEBOUNCE_MS, signal)
    if (signal.aborted) return
    await takeIn(following)
    // Published before it is asked for.
    publish(following)
    await settle(following)
    publish(following)
    complainOfNoAuthority(following)
  }
}

async function takeIn(following: Following): Promise<void> {
  const { reading, handover, digest } = following
  const { certFile, clock, log } = reading.options
  const next = await readOrComplain(reading)
  if (next === undefined || next.digest === digest) return
  following.digest = next.digest
  following.handover = withPair(handover, next, clock.nowMs())
  const isWaiting = following.handover.waiting !== undefined
  const notAfter = new Date(next.notAfterMs).toISOString()
  log.info(
    { certFile, notAfter },
    isWaiting ? 'serving certificate of another authority' : 'serving certificate read anew',
  )
}

/** Asks whether callers trust what waits. */
async function settle(following: Following): Promise<void> {
  const { reading, handover, dwell } = following
  const { clock, log, signal, isTrusted } = reading.options
  if (handover.waiting === undefined) return
  const of = handover.waiting.pair.bundlePem ?? ''
  const holds = isTrusted === undefined || (await isTrusted(of, signal).catch(() => false))
  const nowMs = clock.nowMs()
  following.dwell = dwellAfter(dwell, { of, holds, nowMs, maxGapMs: POLL_MS })
  const trustedSinceMs = isTrusted === undefined ? -Infinity : following.dwell?.sinceMs
  following.handover = settled(handover, { nowMs, trustedSinceMs })
  if (following.handover.waiting !== undefined) return
  log[holds ? 'info' : 'warn']({ trusted: holds }, 'serving certificate of another authority takes over')
}

function publish({ reading, handover, pair, bundle }: Following): void {
  const published = bundleOf(handover, reading.options.clock.nowMs())
  if (published !== bundle.current()) bundle.set(published)
  if (handover.served !== pair.current()) pair.set(handover.served)
}

/** TLS works without, but nobody can be told whom to trust. */
function complainOfNoAuthority({ reading, bundle }: Following): void {
  const { certFile, clock, log, isTrusted } = reading.options
  const nowMs = clock.nowMs()
  if (bundle.current() !== undefined || isTrusted === undefined || Math.abs(nowMs - reading.saidMs) < HOUR_MS) return
  reading.saidMs = nowMs
  log.warn({ certFile }, 'no ca.crt beside the serving certificate: caBundle is left as it is')
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
