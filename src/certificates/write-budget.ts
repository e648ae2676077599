/** How often one object may be written: two programs that disagree about it must not load the API server. */
import type { Clock } from '../base/clock.ts'

/** Writes at ever longer distance, then one a minute. */
const FAST_WRITES = 5
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
  /** Tries to write `content` within ten minutes. */
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
      const before = recent(tries, content)
      const last = before.at(-1)
      if (last === undefined) return 0
      const distanceMs = before.length < FAST_WRITES ? FIRST_PAUSE_MS * 2 ** (before.length - 1) : SLOW_PAUSE_MS
      return Math.min(distanceMs, Math.max(0, last.atMs + distanceMs - clock.nowMs()))
    },
    // Other contents are history: what must be written has changed since.
    spend: (content) => (tries = [...recent(tries, content), { content, atMs: clock.nowMs() }]),
    succeed: (content) => (successes = [...recent(successes, content), { content, atMs: clock.nowMs() }]),
    tries: (content) => recent(tries, content).length,
    successes: (content) => recent(successes, content).length,
  }
}

/** Undone more often than this, another program must be at it. */
export const FIGHT_REPEATS = FAST_WRITES
