/** A certificate source of our own: leaves minted in memory from an authority that a store keeps. */
import { Alarm } from '../base/alarm.ts'
import type { AuthorityState } from './authority.ts'
import { authorityNeed } from './authority.ts'
import type { Keeper, KeeperOptions } from './keeper.ts'
import { keepAuthority } from './keeper.ts'
import type { Leaf } from './leaf.ts'
import { issueLeaf, leafNeed } from './leaf.ts'
import type { CertificateSource } from './source.ts'
import { Observed } from './source.ts'

export interface IssuedSourceOptions extends KeeperOptions {
  /** Result of `servingNames`. */
  readonly names: readonly string[]
}

/** A source that also tells which authority callers must trust. */
export interface IssuedSource extends CertificateSource {
  /** The authority in force; its `bundlePem` is what every caBundle must hold. */
  authority(): AuthorityState
  /** `listener` hears of every later authority, until the returned function is called. */
  onAuthorityChange(listener: (state: AuthorityState) => void): () => void
  /** Whether the leaf is within its dates: the server's readiness asks. */
  isUsable(): boolean
}

/** Between two looks at the clock and the store: a timer set for days stands still while the machine sleeps. */
const POLL_MS = 30_000
/** Up to this share of its lifetime a leaf is renewed earlier, so that replicas do not renew in the same second. */
const JITTER_SHARE = 0.05
const DAY_MS = 86_400_000

/**
 * Waits until there is an authority, made or read, mints a leaf of it, and keeps both good until `signal` aborts.
 * @throws ProjectError CERT_STORE_FOREIGN when somebody else's content stands in the place; the abort reason on abort
 */
export async function startIssuedSource(options: IssuedSourceOptions): Promise<IssuedSource> {
  const keeper = await keepAuthority(options)
  const { clock, names } = options
  const leaf = new Observed(issueLeaf({ authority: keeper.current().signer, names, nowMs: clock.nowMs() }))
  void keepLeaf({ keeper, leaf, options })
  return {
    current: () => leaf.current(),
    onChange: (listener) => leaf.onChange(listener),
    authority: () => keeper.current(),
    onAuthorityChange: (listener) => keeper.onChange(listener),
    isUsable: () => clock.nowMs() < leaf.current().notAfterMs,
  }
}

interface KeepLeaf {
  readonly keeper: Keeper
  readonly leaf: Observed<Leaf>
  readonly options: IssuedSourceOptions
}

async function keepLeaf({ keeper, leaf, options }: KeepLeaf): Promise<void> {
  const { store, clock, signal } = options
  const alarm = new Alarm(clock, signal)
  const earlierShare = Math.random() * JITTER_SHARE
  let warnAgainMs = 0
  store.watch(() => alarm.ring(), signal)
  for (;;) {
    await alarm.sleep(POLL_MS)
    if (signal.aborted) return
    await keeper.evaluate()
    renew({ keeper, leaf, options }, earlierShare)
    if (clock.nowMs() < warnAgainMs) continue
    warnAgainMs = clock.nowMs() + DAY_MS
    warnOfExpiry(keeper.current(), options)
  }
}

function renew({ keeper, leaf, options }: KeepLeaf, earlierShare: number): void {
  const { clock, names, log } = options
  const { signer } = keeper.current()
  const { notBeforeMs, notAfterMs } = leaf.current()
  const nowMs = clock.nowMs()
  const askMs = nowMs + (notAfterMs - notBeforeMs) * earlierShare
  const need = leafNeed(leaf.current(), { authorityId: signer.certificate.fingerprint, names, nowMs: askMs })
  if (need.do === 'wait') return
  leaf.set(issueLeaf({ authority: signer, names, nowMs }))
  log.info({ reason: need.reason }, 'serving certificate renewed')
}

function warnOfExpiry({ signer }: AuthorityState, { clock, log, store }: IssuedSourceOptions): void {
  if (authorityNeed(signer, clock.nowMs()).do !== 'rotate') return
  const notAfter = new Date(signer.certificate.notAfterMs).toISOString()
  log.warn({ store: store.place, notAfter }, 'certificate authority expires; a new one is made when it has')
}
