/** A clock that stands still until a test moves it. */
import type { Clock } from '../../src/base/clock.ts'

export interface FakeClock extends Clock {
  /** Moves the time on and ends every wait that is due. */
  advance(byMs: number): void
  /** How many are waiting. */
  waiting(): number
  /** Resolves as soon as `count` are waiting. */
  untilWaiting(count?: number): Promise<void>
}

interface Waiter {
  readonly dueMs: number
  readonly end: () => void
}

export function createFakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs
  const waiters = new Set<Waiter>()
  return {
    nowMs: () => nowMs,
    wait: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const waiter: Waiter = {
          dueMs: nowMs + delayMs,
          end: () => {
            waiters.delete(waiter)
            resolve()
          },
        }
        waiters.add(waiter)
        signal.addEventListener('abort', waiter.end, { once: true })
      }),
    advance: (byMs) => {
      nowMs += byMs
      for (const waiter of [...waiters]) if (waiter.dueMs <= nowMs) waiter.end()
    },
    waiting: () => waiters.size,
    untilWaiting: async (count = 1) => {
      while (waiters.size < count) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
