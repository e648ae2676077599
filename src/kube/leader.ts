/** One replica writes and the others wait: a Lease that saves futile writes. Nothing becomes wrong with two leaders. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { KubeClient } from './client.ts'
import { hasStatus } from './client.ts'
import type { KubeObject } from './resource.ts'
import { LEASES } from './resource.ts'

export interface LeaderOptions {
  readonly client: KubeClient
  readonly namespace: string
  /** Name of the Lease. */
  readonly name: string
  /** Unlike that of every other replica. */
  readonly identity: string
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

export interface Leader {
  /** Whether this replica is the one that writes. */
  isHolder(): boolean
  /** The holder may; everybody may where no valid Lease was seen for a minute, or none may be had. */
  mayWrite(): boolean
  /** `listener` hears when this replica begins or ceases to hold the Lease. */
  onChange(listener: () => void): () => void
  /** Resolves when the first try is over, whatever came of it. */
  readonly tried: Promise<void>
  /** Gives the Lease up, so that another replica need not wait for its end; call it before `signal` aborts. */
  release(): Promise<void>
}

export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

/** When a Lease with this content was first seen: its holder's clock need not agree with ours. */
export interface Sighting {
  readonly content: string
  readonly atMs: number
}

const DURATION_SECONDS = 30
const RENEW_MS = 10_000
const RETRY_MS = 2000
/** Without a renewal for so long a holder does not count itself as one, before others cease to. */
const GIVE_UP_MS = 20_000
const RELEASE_MS = 2000
const ANYBODY_MS = 60_000
/** By so much a holder's clock may be behind before its Lease counts as ended at first sight. */
const CLOCK_MARGIN_MS = 10_000
const [FORBIDDEN, NOT_FOUND, CONFLICT] = [403, 404, 409]

/** Whether somebody holds the Lease. */
export function isHeld({ spec = {} }: Lease, seenAtMs: number, nowMs: number): boolean {
  const { holderIdentity = '', leaseDurationSeconds = 0, renewTime = '' } = spec
  if (holderIdentity === '') return false
  const durationMs = leaseDurationSeconds * 1000
  const isLongOver = nowMs > (Date.parse(renewTime) || 0) + durationMs + CLOCK_MARGIN_MS
  return !isLongOver && nowMs < seenAtMs + durationMs
}

/** Tries to become the holder, and to stay it, until `signal` aborts. */
export function runLeader(options: LeaderOptions): Leader {
  const { clock } = options
  const listeners = new Set<() => void>()
  const state: State = {
    sighting: undefined,
    renewedMs: undefined,
    heldSeenMs: clock.nowMs(),
    isForbidden: false,
    isTrouble: false,
    isOver: false,
  }
  const isHolder = (): boolean => state.renewedMs !== undefined && within(clock, state.renewedMs, GIVE_UP_MS)
  const attempt = async (): Promise<void> => {
    if (state.isOver) return
    const before = isHolder()
    await tryOnce(state, options)
    if (isHolder() !== before) for (const listener of [...listeners]) listener()
  }
  const tried = attempt()
  void keepTrying(options, { tried, attempt, isHolder })
  return {
    isHolder,
    mayWrite: () => isHolder() || state.isForbidden || !within(clock, state.heldSeenMs, ANYBODY_MS),
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    tried,
    release: async () => {
      const wasHolder = isHolder()
      state.isOver = true
      state.renewedMs = undefined
      if (wasHolder) await release(options)
    },
  }
}

interface State {
  sighting: Sighting | undefined
  /** When we last wrote the Lease as ours. */
  renewedMs: number | undefined
  /** When somebody was last seen to hold it. */
  heldSeenMs: number
  isForbidden: boolean
  isTrouble: boolean
  /** Given up for good. */
  isOver: boolean
}

/** A clock that was set back must not make the past last for ever. */
const within = (clock: Clock, sinceMs: number, forMs: number): boolean => Math.abs(clock.nowMs() - sinceMs) <= forMs

interface Trying {
  readonly tried: Promise<void>
  readonly attempt: () => Promise<void>
  readonly isHolder: () => boolean
}

async function keepTrying({ clock, signal }: LeaderOptions, { tried, attempt, isHolder }: Trying): Promise<void> {
  await tried
  for (;;) {
    await clock.wait(isHolder() ? RENEW_MS : RETRY_MS, signal)
    if (signal.aborted) return
    await attempt()
  }
}

async function tryOnce(state: State, options: LeaderOptions): Promise<void> {
  const { log, name, signal } = options
  try {
    await acquireOrRenew(state, options)
    state.isForbidden = false
    state.isTrouble = false
  } catch (err) {
    if (signal.aborted || hasStatus(err, CONFLICT)) return
    state.isForbidden = hasStatus(err, FORBIDDEN)
    if (!state.isTrouble) log.warn({ err, lease: name }, 'Lease not usable, trying again')
    state.isTrouble = true
  }
}

async function acquireOrRenew(state: State, options: LeaderOptions): Promise<void> {
  const { client, clock, identity, log, name, namespace, signal } = options
  const place = { resource: LEASES, namespace, name }
  const lease = await existing(options)
  const nowMs = clock.nowMs()
  if (lease === undefined) {
    await client.create<Lease>({ resource: LEASES, namespace }, leaseOf(options, undefined), { signal })
  } else {
    const content = JSON.stringify(lease.spec)
    if (state.sighting?.content !== content) state.sighting = { content, atMs: nowMs }
    const isOurs = lease.spec?.holderIdentity === identity
    if (isHeld(lease, state.sighting.atMs, nowMs)) {
      state.heldSeenMs = nowMs
      if (!isOurs) return void (state.renewedMs = undefined)
    }
    await client.replace<Lease>(place, leaseOf(options, lease), { signal })
  }
  if (state.renewedMs === undefined) log.info({ lease: name, identity }, 'this replica keeps the certificate authority')
  state.renewedMs = clock.nowMs()
  state.heldSeenMs = state.renewedMs
}

async function existing({ client, namespace, name, signal }: LeaderOptions): Promise<Lease | undefined> {
  try {
    return await client.get<Lease>({ resource: LEASES, namespace, name }, signal)
  } catch (err) {
    if (hasStatus(err, NOT_FOUND)) return undefined
    throw err
  }
}

function leaseOf({ clock, identity, name, namespace }: LeaderOptions, before: Lease | undefined): Lease {
  const now = microTime(clock.nowMs())
  const isOurs = before?.spec?.holderIdentity === identity
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: before?.metadata ?? { namespace, name },
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: DURATION_SECONDS,
      acquireTime: isOurs ? (before?.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.spec?.leaseTransitions ?? 0) + (isOurs || before === undefined ? 0 : 1),
    },
  }
}

/** Only if it is still ours; a replica that is too late has nothing to give up. */
async function release(options: LeaderOptions): Promise<void> {
  const { client, clock, identity, log, name, namespace } = options
  // Nobody waits long for a courtesy.
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(RELEASE_MS)])
  try {
    const lease = await existing({ ...options, signal })
    if (lease?.spec?.holderIdentity !== identity) return
    // As client-go does it: nobody's, and over in a second.
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(clock.nowMs()) }
    await client.replace<Lease>({ resource: LEASES, namespace, name }, { ...lease, spec }, { signal })
  } catch (err) {
    log.debug({ err, lease: name }, 'Lease not given up, it ends by itself')
  }
}

/** Kubernetes' MicroTime: exactly six digits of a second. */
const microTime = (epochMs: number): string => new Date(epochMs).toISOString().replace('Z', '000Z')
