/** Keeps one certificate authority in memory and in a store, in step with other processes that do the same. */
import { createBackoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { ProjectError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { AuthorityState } from './authority.ts'
import { authorityNeed, newAuthorityState } from './authority.ts'
import { Observed } from './source.ts'
import type { AuthorityStore, StoredAuthority } from './store.ts'

export interface KeeperOptions {
  readonly store: AuthorityStore
  /** Name of the installation: part of the authority's subject. */
  readonly installation: string
  /** What to do while there is no usable store at the start: wait for it, or go on in memory alone. */
  readonly withoutStore: 'wait' | 'memory'
  /** Highest generation of ours that callers were told to trust; a new authority comes after it. @default none */
  readonly trustedGeneration?: (signal: AbortSignal) => Promise<number>
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

/** What to do about the authority. `over` names the stored version that a write replaces. */
export type AuthorityStep =
  | { readonly do: 'keep' }
  | { readonly do: 'adopt'; readonly state: AuthorityState }
  | { readonly do: 'restore'; readonly reason: 'missing' | 'broken' | 'older'; readonly over: string | undefined }
  | {
      readonly do: 'create'
      readonly reason: 'missing' | 'broken' | 'expired'
      readonly over: string | undefined
      /** The new generation is above this one. */
      readonly above: number
    }

const WRITE_TRIES = 5

/** The one place that decides, from what the store holds, what this process knows, and the time. */
export function authorityStep(
  stored: StoredAuthority,
  memory: AuthorityState | undefined,
  nowMs: number,
): AuthorityStep {
  if (stored.holds === 'state' && stored.state.isReadOnly) return adoptOrKeep(stored.state, memory)
  const over = stored.holds === 'nothing' ? undefined : stored.version
  const newest = newestOf(stored, memory)
  if (authorityNeed(newest?.signer, nowMs).do === 'replace') {
    const reason = newest !== undefined ? 'expired' : stored.holds === 'broken' ? 'broken' : 'missing'
    return { do: 'create', reason, over, above: newest?.generation ?? 0 }
  }
  if (stored.holds !== 'state') return { do: 'restore', reason: stored.holds === 'broken' ? 'broken' : 'missing', over }
  if (memory !== undefined && stored.state.generation < memory.generation)
    return { do: 'restore', reason: 'older', over }
  return adoptOrKeep(stored.state, memory)
}

/**
 * Reads the authority from the store, or makes the first one.
 * @throws ProjectError CERT_STORE_FOREIGN when somebody else's content stands in the place; the abort reason on abort
 */
export async function keepAuthority(options: KeeperOptions): Promise<Keeper> {
  const kept = new Observed(await firstAuthority(options))
  const { log, store, signal } = options
  return {
    current: () => kept.current(),
    onChange: (listener) => kept.onChange(listener),
    evaluate: async () => {
      try {
        const state = await settle(options, kept.current())
        if (state !== kept.current()) kept.set(state)
      } catch (err) {
        if (!signal.aborted) log.warn({ err, store: store.place }, 'certificate store not usable, going on from memory')
      }
    },
  }
}

async function firstAuthority(options: KeeperOptions): Promise<AuthorityState> {
  const { clock, log, signal, store, installation } = options
  const backoff = createBackoff({ clock })
  for (;;) {
    signal.throwIfAborted()
    try {
      return await settle(options, undefined)
    } catch (err) {
      if (err instanceof ProjectError && err.code === 'CERT_STORE_FOREIGN') throw err
      if (options.withoutStore === 'memory') {
        log.warn({ err, store: store.place }, 'certificate store not usable: this authority ends with the process')
        return newAuthorityState({ installation, generation: 1, nowMs: clock.nowMs() })
      }
      log.warn({ err, store: store.place }, 'waiting for the certificate store')
      await backoff.wait(signal)
    }
  }
}

/** Repeats the decision until it holds: whoever loses a race reads again and decides anew. */
async function settle(options: KeeperOptions, memory: AuthorityState | undefined): Promise<AuthorityState> {
  const { store, signal, clock } = options
  for (let tries = 0; tries < WRITE_TRIES; tries++) {
    const step = authorityStep(await store.read(signal), memory, clock.nowMs())
    const state = await stateAfter(step, memory, options)
    if (step.do === 'keep' || step.do === 'adopt') return state
    if (await store.write(state, step.over, signal)) {
      report(step, state, options)
      return state
    }
  }
  throw new ProjectError('CERT_STORE_UNREADABLE', `${store.place}: other writers were faster ${WRITE_TRIES} times`)
}

async function stateAfter(
  step: AuthorityStep,
  memory: AuthorityState | undefined,
  options: KeeperOptions,
): Promise<AuthorityState> {
  if (step.do === 'adopt') return step.state
  if (step.do !== 'create' && memory !== undefined) return memory
  const { clock, signal, installation, trustedGeneration = () => Promise.resolve(0) } = options
  const above = Math.max(step.do === 'create' ? step.above : 0, await trustedGeneration(signal))
  return newAuthorityState({ installation, generation: above + 1, nowMs: clock.nowMs() })
}

function report(step: AuthorityStep, { generation }: AuthorityState, { log, store }: KeeperOptions): void {
  if (step.do === 'create')
    log.info({ store: store.place, reason: step.reason, generation }, 'certificate authority made')
  if (step.do === 'restore') {
    log.warn({ store: store.place, reason: step.reason, generation }, 'certificate authority written again from memory')
  }
}

function newestOf(stored: StoredAuthority, memory: AuthorityState | undefined): AuthorityState | undefined {
  if (stored.holds !== 'state') return memory
  return memory !== undefined && memory.generation > stored.state.generation ? memory : stored.state
}

function adoptOrKeep(stored: AuthorityState, memory: AuthorityState | undefined): AuthorityStep {
  return isSame(stored, memory) ? { do: 'keep' } : { do: 'adopt', state: stored }
}

function isSame(stored: AuthorityState, memory: AuthorityState | undefined): boolean {
  return (
    memory !== undefined &&
    stored.signer.certificate.fingerprint === memory.signer.certificate.fingerprint &&
    stored.bundlePem === memory.bundlePem &&
    stored.phase === memory.phase
  )
}
