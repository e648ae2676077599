/**
 * From one authority of others to the next, without a moment at which callers trust neither: the new one is published
 * beside the former one before its leaf is served. Asks nobody and reads no clock.
 */
import type { FilePair } from './pair-files.ts'
import { bundleIdentity, identitiesIn, readCertificate, splitCertificates } from './x509.ts'

export interface Handover {
  readonly served: FilePair
  /** Served as soon as callers trust it. */
  readonly waiting: { readonly pair: FilePair; readonly sinceMs: number } | undefined
  /** Authorities that stood beside earlier pairs: replicas get their files minutes apart. */
  readonly former: readonly { readonly pem: string; readonly untilMs: number }[]
}

export interface HandoverMoment {
  readonly nowMs: number
  /** Since when every configuration has trusted the pair that waits, epoch milliseconds; undefined: one does not. */
  readonly trustedSinceMs: number | undefined
}

const DAY_MS = 86_400_000
/** As long as our own former authorities stay trusted. */
export const FORMER_MS = DAY_MS
/** Longer a leaf waits for nobody: the kubelet delivers files to replicas within 60 to 100 s of each other. */
const PATIENCE_MS = 60_000
/** An API server learns of a bundle by its watch, a moment after it was written. */
const SETTLED_MS = 5000

/** `former`: what was published before this process was there. */
export function startHandover(served: FilePair, former: Handover['former'] = []): Handover {
  const stays = identitiesIn(served.bundlePem ?? '')
  return { served, waiting: undefined, former: former.filter(({ pem }) => !stays.has(bundleIdentity(pem))) }
}

/** Takes the next pair in; one of the same authorities is served at once. */
export function withPair(handover: Handover, pair: FilePair, nowMs: number): Handover {
  const { served, waiting } = handover
  const newest = waiting?.pair ?? served
  if (bundleIdentity(pair.bundlePem ?? '') === bundleIdentity(newest.bundlePem ?? ''))
    return waiting === undefined ? { ...handover, served: pair } : { ...handover, waiting: { ...waiting, pair } }
  const former = formerOf(handover, pair, nowMs)
  // Without an authority of its own nothing is published that could be waited for.
  if (pair.bundlePem === undefined) return { served: pair, waiting: undefined, former }
  return { served, waiting: { pair, sinceMs: nowMs }, former }
}

/** Serves the pair that waits once callers trust it, or when waiting longer would be worse. */
export function settled(handover: Handover, { nowMs, trustedSinceMs }: HandoverMoment): Handover {
  const { served, waiting } = handover
  if (waiting === undefined) return handover
  const isTrusted = trustedSinceMs !== undefined && nowMs - trustedSinceMs >= SETTLED_MS
  const isOverdue = Math.abs(nowMs - waiting.sinceMs) >= PATIENCE_MS
  const isEnding = nowMs >= served.notAfterMs - PATIENCE_MS
  if (!isTrusted && !isOverdue && !isEnding) return handover
  return { ...handover, served: waiting.pair, waiting: undefined }
}

/** What every caBundle must hold: the newest authorities, then the former ones whose time is not over. */
export function bundleOf({ served, waiting, former }: Handover, nowMs: number): string | undefined {
  const newest = (waiting?.pair ?? served).bundlePem
  if (newest === undefined) return undefined
  const lasting = former.filter(({ untilMs }) => nowMs < untilMs).map(({ pem }) => pem)
  return [newest, ...lasting].join('')
}

function formerOf({ served, waiting, former }: Handover, next: FilePair, nowMs: number): Handover['former'] {
  const stays = identitiesIn(next.bundlePem ?? '')
  const left = [waiting?.pair.bundlePem ?? '', served.bundlePem ?? '']
    .flatMap(splitCertificates)
    .map((pem) => ({ pem, untilMs: Math.min(nowMs + FORMER_MS, readCertificate(pem).notAfterMs) }))
  const byIdentity = new Map<string, Handover['former'][number]>()
  for (const one of [...left, ...former]) {
    const identity = bundleIdentity(one.pem)
    if (stays.has(identity) || nowMs >= one.untilMs || byIdentity.has(identity)) continue
    byIdentity.set(identity, one)
  }
  return [...byIdentity.values()]
}
