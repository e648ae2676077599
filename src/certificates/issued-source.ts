/** A certificate source of our own: leaves minted in memory from an authority that a store keeps. */
import { Alarm } from '../base/alarm.ts'
import type { AuthorityState } from './authority.ts'
import { BACKDATE_MS, authorityNeed } from './authority.ts'
import type { Keeper, KeeperOptions } from './keeper.ts'
import { keepAuthority, tickMs } from './keeper.ts'
import type { Leaf } from './leaf.ts'
import { LEAF_LIFETIME_MS, issueLeaf, leafNeed } from './leaf.ts'
import { DEFAULT_ROTATION } from './rotation.ts'
import type { CertificateSource } from './source.ts'
import { Observed } from './source.ts'
import { generateKeyOf } from './x509.ts'

export interface IssuedSourceOptions extends KeeperOptions {
  /** Result of `servingNames`. */
  readonly names: readonly string[]
  /** @default 30 days */
  readonly leafLifetimeMs?: number
}

/** A source that also tells which authority callers must trust. */
export interface IssuedSource extends CertificateSource {
  /** The authority in force; its `bundlePem` is what every caBundle must hold. */
  authority(): AuthorityState
  /** `listener` hears of every later authority, until the returned function is called. */
  onAuthorityChange(listener: (state: AuthorityState) => void): () => void
  /** Whether the leaf is within its dates: the server's readiness asks. */
  isUsable(): boolean
  /** Has everything looked at anew, now: something happened that may concern the authority or the leaf. */
  evaluateSoon(): void
}

/** Up to this share of its lifetime a leaf is renewed earlier, so that replicas do not renew in the same second. */
const JITTER_SHARE = 0.05
const DAY_MS = 86_400_000
/** So long a look at the store may hold up a leaf that is due. */
const PATIENCE_MS = 10_000

/**
 * Waits until there is an authority, made or read, mints a leaf of it, and keeps both good until `signal` aborts.
 * @throws ProjectError CERT_STORE_FOREIGN when somebody else's content stands in the place and nobody waits for it to
 * go; the abort reason on abort
 */
export async function startIssuedSource(options: IssuedSourceOptions): Promise<IssuedSource> {
  const keeper = await keepAuthority(options)
  const { clock, signal } = options
  const leaf = new Observed(await mint(keeper.current(), options))
  const alarm = new Alarm(clock, signal)
  void keepLeaf({ keeper, leaf, alarm, options })
  return {
    current: () => leaf.current(),
    onChange: (listener) => leaf.onChange(listener),
    authority: () => keeper.current(),
    onAuthorityChange: (listener) => keeper.onChange(listener),
    isUsable: () => clock.nowMs() < leaf.current().notAfterMs,
    evaluateSoon: () => alarm.ring(),
  }
}

interface KeepLeaf {
  readonly keeper: Keeper
  readonly leaf: Observed<Leaf>
  readonly alarm: Alarm
  readonly options: IssuedSourceOptions
}

async function mint({ signer }: AuthorityState, options: IssuedSourceOptions): Promise<Leaf> {
  const { clock, names, settings = DEFAULT_ROTATION, leafLifetimeMs: lifetimeMs = LEAF_LIFETIME_MS } = options
  const key = await generateKeyOf(settings.keyAlgorithm)
  return issueLeaf({ authority: signer, names, nowMs: clock.nowMs(), lifetimeMs, key })
}

async function keepLeaf({ keeper, leaf, alarm, options }: KeepLeaf): Promise<void> {
  const { store, clock, signal, settings = DEFAULT_ROTATION, leafLifetimeMs } = options
  const earlierShare = Math.random() * JITTER_SHARE
  const pauseMs = tickMs(settings, leafLifetimeMs)
  let warnAgainMs = 0
  store.watch(() => alarm.ring(), signal)
  for (;;) {
    await alarm.sleep(pauseMs)
    if (signal.aborted) return
    const looking = keeper.evaluate()
    await inTime(looking, options)
    // A leaf needs no store to be renewed. But an answer tells the time: before it, our clock may have jumped.
    await renew({ keeper, leaf, alarm, options }, earlierShare)
    await looking
    await renew({ keeper, leaf, alarm, options }, earlierShare)
    if (clock.nowMs() < warnAgainMs) continue
    warnAgainMs = clock.nowMs() + DAY_MS
    warnOfExpiry(keeper.current(), options)
  }
}

/** Resolves with `looking`, or without it when it takes too long. */
async function inTime(looking: Promise<void>, { clock, signal }: IssuedSourceOptions): Promise<void> {
  const over = new AbortController()
  await Promise.race([looking, clock.wait(PATIENCE_MS, AbortSignal.any([signal, over.signal]))])
  over.abort()
}

/** Trouble leaves the leaf that is served as it is; the next tick tries again. */
async function renew({ keeper, leaf, options }: KeepLeaf, earlierShare: number): Promise<void> {
  const { clock, names, log } = options
  const state = keeper.current()
  if (hasEnded(state, clock.nowMs())) return
  const { notBeforeMs, notAfterMs } = leaf.current()
  const askMs = clock.nowMs() + Math.max(0, notAfterMs - notBeforeMs - BACKDATE_MS) * earlierShare
  const need = leafNeed(leaf.current(), {
    authorityId: state.signer.certificate.fingerprint,
    names,
    nowMs: askMs,
  })
  if (need.do === 'wait' || (need.reason === 'nearExpiry' && !canOutlive(leaf.current(), state))) return
  try {
    leaf.set(await mint(state, options))
    log.info({ reason: need.reason, generation: state.generation }, 'serving certificate renewed')
  } catch (err) {
    log.error({ err, reason: need.reason }, 'serving certificate not renewed, the old one stays')
  }
}

/** Whether a new leaf would last longer: one that ends with its authority cannot be bettered by the same authority. */
const canOutlive = ({ notAfterMs }: Leaf, { signer }: AuthorityState): boolean =>
  notAfterMs < signer.certificate.notAfterMs

/** Nobody accepts a leaf of an authority that has ended. */
const hasEnded = ({ signer }: AuthorityState, nowMs: number): boolean => nowMs >= signer.certificate.notAfterMs

function warnOfExpiry({ signer, phase }: AuthorityState, { clock, log, store }: IssuedSourceOptions): void {
  if (phase !== 'stable' || authorityNeed(signer, clock.nowMs()).do !== 'rotate') return
  const notAfter = new Date(signer.certificate.notAfterMs).toISOString()
  log.warn({ store: store.place, notAfter }, 'certificate authority is due for a change that does not come about')
}
