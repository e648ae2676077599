/** The change of authorities: what must be done now, and what the state is afterwards. Asks nobody and reads no clock. */
import { ProjectError } from '../base/errors.ts'
import type { Authority, AuthorityPhase, AuthorityState } from './authority.ts'
import { AUTHORITY_LIFETIME_MS, authorityNeed, newAuthority, newAuthorityState, renewalDueMs } from './authority.ts'
import type { StoredAuthority } from './store.ts'
import type { Certificate, KeyAlgorithm } from './x509.ts'
import { keyAlgorithmOf, readCertificate, splitCertificates } from './x509.ts'

export interface RotationSettings {
  readonly authorityLifetimeMs: number
  /** So much earlier than due a new authority is made: clusters built on one day need not rotate in one hour. */
  readonly earlierMs: number
  /** How long all callers must have trusted the next authority, without a break, before it signs. */
  readonly trustDwellMs: number
  /** How long the former authority stays trusted; longer than any replica may lag behind. */
  readonly retireDwellMs: number
  readonly keyAlgorithm: KeyAlgorithm
}

/** What the live webhook configurations say. */
export interface LiveTrust {
  /** Whether every configuration could be read. */
  readonly isReadable: boolean
  /** Highest generation of ours that any of them trusts; 0: none. */
  readonly generation: number
  /** Since when all of them have held exactly the stored bundle, epoch milliseconds; undefined: one does not. */
  readonly confirmedSinceMs: number | undefined
}

export interface RotationView {
  /** Just read, from the place itself. */
  readonly stored: StoredAuthority
  readonly memory: AuthorityState | undefined
  /** Undefined: nobody has looked. */
  readonly live: LiveTrust | undefined
  /** Whether steps of a change are this process's to make. */
  readonly mayRotate: boolean
  /** Whether our clock can be believed as far as to begin a change without need. */
  readonly isClockSane: boolean
  /** Others had time to write what only they may know. */
  readonly hasHesitated: boolean
}

/** What to do about the authority. `over` names the stored version that a write replaces. */
export type RotationStep =
  | { readonly do: 'keep' }
  | { readonly do: 'adopt'; readonly state: AuthorityState }
  /** The decision needs `live`. */
  | { readonly do: 'look' }
  /** Another replica may know more than the store does: wait a moment, read again. */
  | { readonly do: 'hesitate' }
  | WriteStep

export type WriteStep =
  | { readonly do: 'restore'; readonly reason: 'missing' | 'broken' | 'older'; readonly over: string | undefined }
  | {
      readonly do: 'create'
      readonly reason: 'missing' | 'broken' | 'expired' | 'behind'
      readonly over: string | undefined
      /** The new generation is above this one. */
      readonly above: number
    }
  | {
      readonly do: 'begin'
      readonly reason: 'nearExpiry' | 'asked' | 'emergency' | 'algorithm'
      readonly over: string
      readonly above: number
    }
  | { readonly do: 'promote'; readonly reason: 'confirmed' | 'signerEnds'; readonly over: string }
  | { readonly do: 'retire'; readonly reason: 'dwell' | 'expired'; readonly over: string }

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
export const DEFAULT_ROTATION: RotationSettings = {
  authorityLifetimeMs: AUTHORITY_LIFETIME_MS,
  earlierMs: 0,
  trustDwellMs: 10 * MINUTE_MS,
  retireDwellMs: DAY_MS,
  keyAlgorithm: 'ecdsa-p256',
}

const EMERGENCY = 'emergency-'
/** After a leaked key a short dwell is the smaller risk. */
const URGENT_TRUST_MS = MINUTE_MS
const URGENT_RETIRE_MS = 5 * MINUTE_MS
/** A signer that ends so soon is worth no waiting; a twentieth of its lifetime where that is less. */
const ENDING_MS = 10 * MINUTE_MS
const ENDING_SHARE = 1 / 20
const MAX_HISTORY = 10
/** Within one generation the phases have one direction, whatever a stale store says. */
const PHASE_ORDER: Readonly<Record<AuthorityPhase, number>> = { trusting: 0, switching: 1, stable: 2 }

/** The one place that decides, from what the store holds, what this process knows, what callers trust, and the time. */
export function nextStep(view: RotationView, nowMs: number, settings: RotationSettings): RotationStep {
  const { stored, memory } = view
  if (stored.holds !== 'state') return stepWithoutState(view, stored, nowMs)
  const { state, version } = stored
  // What a newer version wrote is not ours to change, and not ours to judge.
  if (state.isReadOnly) return adoptOrKeep(state, memory)
  if (memory === undefined ? state.generation < (view.live?.generation ?? 0) : isOlder(state, memory))
    return stepBehind(view, state, version)
  if (memory === undefined && view.live === undefined) return { do: 'look' }
  return phaseStep(view, { state, version, asked: stored.asked ?? '' }, { nowMs, settings })
}

function stepWithoutState(
  { memory, live, hasHesitated }: RotationView,
  stored: Exclude<StoredAuthority, { holds: 'state' }>,
  nowMs: number,
): RotationStep {
  const reason = stored.holds === 'broken' ? 'broken' : 'missing'
  const over = stored.holds === 'broken' ? stored.version : undefined
  if (live === undefined) return { do: 'look' }
  const known = memory?.generation ?? 0
  const isUsable = memory !== undefined && !memory.isReadOnly && nowMs < memory.signer.certificate.notAfterMs
  if (isUsable && known >= live.generation) return { do: 'restore', reason, over }
  // Somebody had a newer authority than we know of. If he lives, he writes it again within moments.
  const mayComeBack = live.generation > known || memory?.isReadOnly === true
  if (mayComeBack && !hasHesitated) return { do: 'hesitate' }
  return { do: 'create', reason, over, above: Math.max(known, live.generation) }
}

/** The store holds less than we, or the callers, have seen: a restored backup, or somebody's old copy. */
function stepBehind({ memory, live, hasHesitated }: RotationView, state: AuthorityState, over: string): RotationStep {
  if (memory === undefined) {
    // Callers trust what this state has never heard of, and what it signs would be refused.
    if (!hasHesitated) return { do: 'hesitate' }
    return { do: 'create', reason: 'behind', over, above: Math.max(state.generation, live?.generation ?? 0) }
  }
  if (memory.isReadOnly || state.generation === memory.generation) return { do: 'restore', reason: 'older', over }
  if (live === undefined) return { do: 'look' }
  // Everything went back in time, the callers too: going along is what they trust.
  const isRestored = live.isReadable && live.generation <= state.generation
  return isRestored ? { do: 'adopt', state } : { do: 'restore', reason: 'older', over }
}

interface Stored {
  readonly state: AuthorityState
  readonly version: string
  readonly asked: string
}

interface Moment {
  readonly nowMs: number
  readonly settings: RotationSettings
}

function phaseStep(view: RotationView, stored: Stored, moment: Moment): RotationStep {
  const { state, version } = stored
  const { phase, next, signer } = state
  const { nowMs } = moment
  const nextWorks = next !== undefined && nowMs < next.certificate.notAfterMs
  if (authorityNeed(signer, nowMs).do === 'replace' && !nextWorks)
    return {
      do: 'create',
      reason: 'expired',
      over: version,
      above: Math.max(state.generation, view.live?.generation ?? 0),
    }
  const settled = adoptOrKeep(state, view.memory)
  if (settled.do === 'adopt' || !view.mayRotate) return settled
  const reason = reasonToBegin(view, stored, moment)
  if (reason !== undefined) {
    if (view.live === undefined) return { do: 'look' }
    return { do: 'begin', reason, over: version, above: Math.max(state.generation, view.live.generation) }
  }
  switch (phase) {
    case 'stable':
      return settled
    case 'trusting':
      return promotion(view, stored, moment) ?? settled
    case 'switching':
      return retirement(stored, moment) ?? settled
  }
}

type BeginReason = Extract<RotationStep, { do: 'begin' }>['reason']

function reasonToBegin(
  { isClockSane }: RotationView,
  { state, asked }: Stored,
  { nowMs, settings }: Moment,
): BeginReason | undefined {
  const isAsked = asked !== '' && asked !== state.rotateToken
  if (isAsked && asked.startsWith(EMERGENCY)) return 'emergency'
  if (state.phase !== 'stable' || !isClockSane) return undefined
  if (isAsked) return 'asked'
  if (keyAlgorithmOf(state.signer.key) !== settings.keyAlgorithm) return 'algorithm'
  return nowMs >= renewalDueMs(state.signer.certificate) - settings.earlierMs ? 'nearExpiry' : undefined
}

function promotion({ live }: RotationView, { state, version }: Stored, moment: Moment): RotationStep | undefined {
  const { nowMs, settings } = moment
  if (nowMs >= state.signer.certificate.notAfterMs - endingMs(state.signer.certificate))
    return { do: 'promote', reason: 'signerEnds', over: version }
  if (live === undefined) return { do: 'look' }
  const dwellMs = state.isUrgent ? Math.min(URGENT_TRUST_MS, settings.trustDwellMs) : settings.trustDwellMs
  if (!live.isReadable || live.confirmedSinceMs === undefined || nowMs - live.confirmedSinceMs < dwellMs)
    return undefined
  return { do: 'promote', reason: 'confirmed', over: version }
}

const endingMs = (certificate: Certificate): number =>
  Math.min(ENDING_MS, (certificate.notAfterMs - certificate.notBeforeMs) * ENDING_SHARE)

function retirement({ state, version }: Stored, { nowMs, settings }: Moment): RotationStep | undefined {
  const dwellMs = state.isUrgent ? Math.min(URGENT_RETIRE_MS, settings.retireDwellMs) : settings.retireDwellMs
  if (nowMs - state.phaseSinceMs >= dwellMs) return { do: 'retire', reason: 'dwell', over: version }
  const areOver = formerOf(state).every(({ notAfterMs }) => nowMs >= notAfterMs)
  return areOver ? { do: 'retire', reason: 'expired', over: version } : undefined
}

/** Whether going from `memory` to `state` would go back. */
function isOlder(state: AuthorityState, memory: AuthorityState): boolean {
  if (state.generation !== memory.generation) return state.generation < memory.generation
  const isOfOneKind = newestOf(state).fingerprint === newestOf(memory).fingerprint
  return isOfOneKind && PHASE_ORDER[state.phase] < PHASE_ORDER[memory.phase]
}

const newestOf = ({ next, signer }: AuthorityState): Certificate => (next ?? signer).certificate

function adoptOrKeep(
  stored: AuthorityState,
  memory: AuthorityState | undefined,
): RotationStep & { do: 'adopt' | 'keep' } {
  return memory !== undefined && isSame(stored, memory) ? { do: 'keep' } : { do: 'adopt', state: stored }
}

function isSame(one: AuthorityState, other: AuthorityState): boolean {
  const marks = (state: AuthorityState): string =>
    JSON.stringify([
      state.generation,
      state.phase,
      state.phaseSinceMs,
      state.signer.certificate.fingerprint,
      state.next?.certificate.fingerprint,
      state.bundlePem,
      state.rotateToken,
      state.isUrgent,
    ])
  return marks(one) === marks(other)
}

export interface StepMaterial {
  /** For steps that make an authority. */
  readonly newKey: Authority['key'] | undefined
  /** Text of the operator's last request. */
  readonly asked: string | undefined
  readonly installation: string
  readonly nowMs: number
  readonly settings: RotationSettings
}

/** Whether a step makes an authority, and so wants a key. */
export const makesAuthority = (step: WriteStep): boolean => step.do === 'create' || step.do === 'begin'

/** What must be written for a step. `from` is what the store or, where it holds nothing usable, memory had. */
export function stateAfter(step: WriteStep, from: AuthorityState | undefined, material: StepMaterial): AuthorityState {
  const { nowMs } = material
  if (step.do === 'create') return created(step.above + 1, from, material)
  if (from === undefined) throw new ProjectError('CERT_STATE_INVALID', `certificate authority: nothing to ${step.do}`)
  switch (step.do) {
    case 'restore':
      return from
    case 'begin':
      return begun(step, from, material)
    case 'promote':
      return { ...from, phase: 'switching', phaseSinceMs: nowMs, signer: from.next ?? from.signer, next: undefined }
    case 'retire':
      return {
        ...from,
        phase: 'stable',
        phaseSinceMs: nowMs,
        bundlePem: from.signer.certificate.pem,
        history: historyWith(from.history, formerOf(from), nowMs),
        isUrgent: false,
      }
  }
}

function created(generation: number, from: AuthorityState | undefined, material: StepMaterial): AuthorityState {
  const { newKey: key, asked, installation, nowMs, settings } = material
  const lifetimeMs = settings.authorityLifetimeMs
  const fresh = newAuthorityState({
    installation,
    generation,
    nowMs,
    lifetimeMs,
    ...(key === undefined ? {} : { key }),
  })
  const former = from === undefined ? [] : certificatesOf(from)
  return {
    ...fresh,
    history: historyWith(from?.history ?? '[]', former, nowMs),
    // A request from before is answered by this one, too.
    rotateToken: asked ?? from?.rotateToken ?? '',
    rest: from?.rest ?? {},
  }
}

function begun(step: WriteStep & { do: 'begin' }, from: AuthorityState, material: StepMaterial): AuthorityState {
  const { newKey: key, asked, installation, nowMs, settings } = material
  const generation = step.above + 1
  const lifetimeMs = settings.authorityLifetimeMs
  const next = newAuthority({ installation, generation, nowMs, lifetimeMs, ...(key === undefined ? {} : { key }) })
  // All of them, also a next one: it may have begun to sign without a trace, where the store lost that step.
  const kept = certificatesOf(from)
  return {
    ...from,
    generation,
    phase: 'trusting',
    phaseSinceMs: nowMs,
    next,
    bundlePem: [next.certificate, ...kept].map(({ pem }) => pem).join(''),
    rotateToken: asked ?? from.rotateToken,
    isUrgent: step.reason === 'emergency',
  }
}

const certificatesOf = ({ bundlePem }: AuthorityState): Certificate[] =>
  splitCertificates(bundlePem).map(readCertificate)

/** Those in the bundle that sign no more. */
const formerOf = (state: AuthorityState): Certificate[] =>
  certificatesOf(state).filter(({ fingerprint }) => fingerprint !== state.signer.certificate.fingerprint)

function historyWith(history: string, former: readonly Certificate[], nowMs: number): string {
  const entries = former.map(({ commonName, fingerprint, notAfterMs }) => ({
    generation: Number(/-webhook-ca-g(\d{1,15})-/.exec(commonName)?.[1] ?? 0),
    fingerprint256: fingerprint,
    notAfter: new Date(notAfterMs).toISOString(),
    retiredAt: new Date(nowMs).toISOString(),
  }))
  return JSON.stringify([...entries, ...readHistory(history)].slice(0, MAX_HISTORY))
}

/** Of no use to the program, so whatever is wrong with it must not stop a change. */
function readHistory(text: string): unknown[] {
  try {
    const entries: unknown = JSON.parse(text)
    return Array.isArray(entries) ? entries : []
  } catch {
    return []
  }
}
