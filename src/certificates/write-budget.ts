/**
 * How often one object may be written: two programs that disagree about it must not load the API server, but while the
 * other one's content stands, pods are refused. One write a second loads nobody.
 */
import type { Clock } from '../base/clock.ts'

/** So many repairs may follow each other at once, and so many within this time. */
const FAST_WRITES = 5
const FAST_WRITES_MS = 5000
/** Tries that fail come at ever longer distance, then one a minute. */
const FIRST_PAUSE_MS = 100
const SLOW_PAUSE_MS = 60_000
const MEMORY_MS = 600_000

export interface WriteBudget {
  /** How long until `content` may be written, milliseconds. What was not written before may be written at once. */
  pauseMs(content: string): number
  /** Takes note of a try. */
  spend(content: string): void
  /** Takes note that the last try succeeded. */
  succeed(content: string): void
  /** Tries to write `content` within ten minutes that failed, since the last one that did not. */
  tries(content: string): number
  /** How often `content` was written within ten minutes; if it must be written again, somebody undid it so often. */
  successes(content: string): number
}

interface Write {
  readonly content: string
  readonly atMs: number
}

export function createWriteBudget(clock: Clock): WriteBudget {
  const recent = (writes: readonly Write[], content: string): Write[] =>
    // A clock that is set back must not hold up writes for hours.
    writes.filter((write) => write.content === content && Math.abs(clock.nowMs() - write.atMs) < MEMORY_MS)
  let [tries, successes]: [Write[], Write[]] = [[], []]
  return {
    pauseMs: (content) => {
      const failed = recent(tries, content)
      const distanceMs = failed.length < FAST_WRITES ? FIRST_PAUSE_MS * 2 ** (failed.length - 1) : SLOW_PAUSE_MS
      const last = { atMs: failed.at(-1)?.atMs, distanceMs }
      const earlier = { atMs: recent(successes, content).at(-FAST_WRITES)?.atMs, distanceMs: FAST_WRITES_MS }
      return Math.max(untilDue(last, clock), untilDue(earlier, clock))
    },
    // Other contents are history: what must be written has changed since.
    spend: (content) => (tries = [...recent(tries, content), { content, atMs: clock.nowMs() }]),
    succeed: (content) => {
      tries = []
      successes = [...recent(successes, content), { content, atMs: clock.nowMs() }]
    },
    tries: (content) => recent(tries, content).length,
    successes: (content) => recent(successes, content).length,
  }
}

function untilDue(
  { atMs, distanceMs }: { readonly atMs: number | undefined; readonly distanceMs: number },
  clock: Clock,
): number {
  if (atMs === undefined) return 0
  return Math.min(distanceMs, Math.max(0, atMs + distanceMs - clock.nowMs()))
}

/** Undone more often than this, another program must be at it. */
export const FIGHT_REPEATS = FAST_WRITES
