/** Keeps one certificate authority in memory and in a store, in step with other processes that do the same. */
import { createBackoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { ProjectError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { AuthorityState } from './authority.ts'
import { newAuthorityState } from './authority.ts'
import type { Dwell } from './dwell.ts'
import { dwellAfter } from './dwell.ts'
import type { AuthorityNews } from './news.ts'
import type { LiveTrust, RotationSettings, RotationStep, RotationView, WriteStep } from './rotation.ts'
import { DEFAULT_ROTATION, makesAuthority, nextStep, stateAfter } from './rotation.ts'
import { Observed } from './source.ts'
import type { AuthorityStore, StoredAuthority } from './store.ts'
import { generateKeyOf } from './x509.ts'

/** One look at all webhook configurations. */
export interface TrustLook {
  /** False: one of them could not be read. */
  readonly isReadable: boolean
  /** Highest generation of ours that any of them trusts; 0: none. */
  readonly generation: number
  /** Whether every entry of ours holds exactly the bundle that was asked for. */
  readonly isConfirmed: boolean
  /** Whether every entry of ours holds at least what was asked for. */
  readonly isIncluded: boolean
  /** Another text after every write of a bundle: two looks do not see what was undone between them. */
  readonly mark: string
}

export interface KeeperOptions {
  readonly store: AuthorityStore
  /** Name of the installation: part of the authority's subject. */
  readonly installation: string
  /** What to do while there is no usable store at the start: wait for it, or go on in memory alone. */
  readonly withoutStore: 'wait' | 'memory'
  /** @default DEFAULT_ROTATION */
  readonly settings?: RotationSettings
  /** Looks at the live configurations, not at a cache. @default there are none */
  readonly look?: (bundlePem: string, signal: AbortSignal) => Promise<TrustLook>
  /** Whether steps of a change are this process's to make. @default yes */
  readonly mayRotate?: () => boolean
  /** Whether the clock agrees well enough with the API server's to begin a change without need. @default yes */
  readonly isClockSane?: () => boolean
  readonly tell?: (news: AuthorityNews) => void
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** The authority in force. */
export interface Keeper {
  current(): AuthorityState
  onChange(listener: (state: AuthorityState) => void): () => void
  /** Compares memory, store and clock, and acts; trouble with the store is logged and left for the next time. */
  evaluate(): Promise<void>
}

/** Longest time between two evaluations: a timer set for days stands still while the machine sleeps. */
const LONGEST_TICK_MS = 30_000
const SHORTEST_TICK_MS = 50
/** Steps and lost races in one evaluation. */
const MAX_ROUNDS = 12
const WRITE_TRIES = 5
const FIRST_PAUSE_MS = 50
/** How long another replica may take to write what only it knows. */
const HESITATION_MS = 2000
/** Looks at the configurations that are further apart than this many ticks do not add up. */
const GAP_TICKS = 3

/** How often to evaluate: often enough for the shortest of the times that matter. */
export function tickMs(
  { trustDwellMs, retireDwellMs, authorityLifetimeMs }: RotationSettings,
  leafMs = Infinity,
): number {
  const wanted = Math.min(trustDwellMs / 4, retireDwellMs / 4, authorityLifetimeMs / 20, leafMs / 20)
  return Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, wanted))
}

/**
 * Reads the authority from the store, or makes the first one.
 * @throws ProjectError CERT_STORE_FOREIGN when somebody else's content stands in the place and nobody waits for it to
 * go; the abort reason on abort
 */
export async function keepAuthority(given: KeeperOptions): Promise<Keeper> {
  const options: ResolvedOptions = { settings: DEFAULT_ROTATION, ...given }
  const keeping: Keeping = { options, dwell: undefined }
  const kept = new Observed(await firstAuthority(keeping))
  const { log, store, signal, tell } = options
  return {
    current: () => kept.current(),
    onChange: (listener) => kept.onChange(listener),
    evaluate: async () => {
      try {
        const state = await settle(keeping, kept.current(), (next) => kept.set(next))
        if (state !== kept.current()) kept.set(state)
      } catch (err) {
        if (signal.aborted) return
        if (isForeign(err)) tell?.({ news: 'foreign', failure: err })
        log.warn({ err, store: store.place }, 'certificate store not usable, going on from memory')
      }
    },
  }
}

type ResolvedOptions = KeeperOptions & { readonly settings: RotationSettings }

/** One process's share in keeping the authority. */
interface Keeping {
  readonly options: ResolvedOptions
  /** For how long every configuration has held the stored bundle. */
  dwell: Dwell | undefined
}

async function firstAuthority(keeping: Keeping): Promise<AuthorityState> {
  const { clock, log, signal, store, installation, settings, withoutStore, tell } = keeping.options
  const backoff = createBackoff({ clock })
  for (;;) {
    signal.throwIfAborted()
    try {
      return await settle(keeping, undefined)
    } catch (err) {
      if (isForeign(err)) {
        if (withoutStore === 'memory') throw err
        tell?.({ news: 'foreign', failure: err })
      }
      if (withoutStore === 'memory') {
        log.warn({ err, store: store.place }, 'certificate store not usable: this authority ends with the process')
        const key = await generateKeyOf(settings.keyAlgorithm)
        const lifetimeMs = settings.authorityLifetimeMs
        return newAuthorityState({ installation, generation: 1, nowMs: clock.nowMs(), lifetimeMs, key })
      }
      log.warn({ err, store: store.place }, 'waiting for the certificate store')
      await backoff.wait(signal)
    }
  }
}

const isForeign = (err: unknown): err is ProjectError =>
  err instanceof ProjectError && err.code === 'CERT_STORE_FOREIGN'

/**
 * Repeats the decision until there is nothing left to do: whoever loses a race reads again and decides anew. `onState`
 * hears of states on the way.
 */
async function settle(
  keeping: Keeping,
  memory: AuthorityState | undefined,
  onState?: (state: AuthorityState) => void,
): Promise<AuthorityState> {
  const { options } = keeping
  let [state, hesitatedOver, lost]: [AuthorityState | undefined, string | undefined, number] = [memory, undefined, 0]
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { step, stored } = await decide(keeping, state, hesitatedOver)
    if (step.do === 'keep' && state !== undefined) return state
    if (step.do === 'adopt') state = step.state
    else if (step.do === 'hesitate') {
      await options.clock.wait(HESITATION_MS, options.signal)
      options.signal.throwIfAborted()
      hesitatedOver = versionOf(stored)
    } else if (isWrite(step)) {
      const written = await write(step, { options, stored, memory: state })
      if (written === undefined) {
        if (++lost === WRITE_TRIES) break
        await pauseAfterLoss(lost, options)
      } else state = written
    }
    if (state !== undefined && state !== memory) onState?.(state)
  }
  throw new ProjectError('CERT_STORE_UNREADABLE', `${options.store.place}: other writers were faster, again and again`)
}

const isWrite = (step: RotationStep): step is WriteStep =>
  step.do !== 'keep' && step.do !== 'adopt' && step.do !== 'look' && step.do !== 'hesitate'

/** Losers come back at different times. */
async function pauseAfterLoss(lost: number, { clock, signal }: KeeperOptions): Promise<void> {
  if (lost > 1) await clock.wait(Math.random() * FIRST_PAUSE_MS * 2 ** lost, signal)
}

interface Decision {
  readonly step: RotationStep
  readonly stored: StoredAuthority
}

/** Reads the store, and the configurations if the decision depends on them. */
async function decide(
  keeping: Keeping,
  memory: AuthorityState | undefined,
  hesitatedOver: string | undefined,
): Promise<Decision> {
  const { store, clock, settings, signal, tell, mayRotate = always, isClockSane = always } = keeping.options
  const stored = await store.read(signal)
  tell?.({ news: 'read', generation: stored.holds === 'state' ? stored.state.generation : undefined })
  const view: RotationView = {
    stored,
    memory,
    live: undefined,
    mayRotate: mayRotate(),
    isClockSane: isClockSane(),
    // What was found after the pause may be another loss, and whoever can make it good deserves a pause again.
    hasHesitated: hesitatedOver === versionOf(stored),
  }
  const step = nextStep(view, clock.nowMs(), settings)
  if (step.do !== 'look') return { step, stored }
  const live = await look(keeping, stored)
  return { step: nextStep({ ...view, live }, clock.nowMs(), settings), stored }
}

const versionOf = (stored: StoredAuthority): string => (stored.holds === 'nothing' ? 'nothing' : stored.version)

const always = (): boolean => true
const NO_CONFIGURATIONS: TrustLook = { isReadable: true, generation: 0, isConfirmed: true, isIncluded: true, mark: '' }

async function look(keeping: Keeping, stored: StoredAuthority): Promise<LiveTrust> {
  const { clock, settings, signal, look: lookAt = () => Promise.resolve(NO_CONFIGURATIONS) } = keeping.options
  const bundlePem = stored.holds === 'state' ? stored.state.bundlePem : ''
  const { isReadable, generation, isConfirmed, mark } = await lookAt(bundlePem, signal)
  keeping.dwell = dwellAfter(keeping.dwell, {
    of: bundlePem + mark,
    holds: isReadable && isConfirmed,
    nowMs: clock.nowMs(),
    maxGapMs: GAP_TICKS * tickMs(settings),
  })
  return { isReadable, generation, confirmedSinceMs: keeping.dwell?.sinceMs }
}

interface Writing {
  readonly options: ResolvedOptions
  readonly stored: StoredAuthority
  readonly memory: AuthorityState | undefined
}

/** The state as written, or undefined when another was faster. */
async function write(step: WriteStep, { options, stored, memory }: Writing): Promise<AuthorityState | undefined> {
  const { store, signal, clock, settings, installation, tell } = options
  const isFromMemory = step.do === 'restore' || stored.holds !== 'state'
  const state = stateAfter(step, isFromMemory ? memory : stored.state, {
    newKey: makesAuthority(step) ? await generateKeyOf(settings.keyAlgorithm) : undefined,
    asked: stored.holds === 'nothing' ? undefined : stored.asked,
    installation,
    nowMs: clock.nowMs(),
    settings,
  })
  const hash = stored.holds === 'broken' ? stored.why : undefined
  try {
    const isWritten = await store.write(state, step.over, signal)
    tell?.(isWritten ? { news: 'written', step, state } : { news: 'notWritten', step, failure: undefined })
    if (isWritten) report(step, state, options, hash)
    return isWritten ? state : undefined
  } catch (err) {
    tell?.({ news: 'notWritten', step, failure: err })
    throw err
  }
}

function report(
  step: WriteStep,
  { generation, phase }: AuthorityState,
  { log, store }: KeeperOptions,
  why: string | undefined,
): void {
  const fields = { store: store.place, reason: step.reason, generation, phase, ...(why === undefined ? {} : { why }) }
  if (step.do === 'restore') log.warn(fields, 'certificate authority written again from memory')
  else log.info({ step: step.do, ...fields }, STEP_TEXTS[step.do])
}

const STEP_TEXTS: Readonly<Record<Exclude<WriteStep['do'], 'restore'>, string>> = {
  create: 'certificate authority made',
  begin: 'next certificate authority made, callers learn to trust it',
  promote: 'next certificate authority signs',
  retire: 'former certificate authority no longer trusted',
}
