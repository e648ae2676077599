/** Growing, jittered pauses between tries. */
import type { Clock } from './clock.ts'

export interface BackoffOptions {
  readonly clock: Clock
  /** First pause, milliseconds. @default 1000 */
  readonly firstMs?: number
  /** Longest pause, milliseconds. @default 30000 */
  readonly longestMs?: number
  /** A number in [0, 1). @default Math.random */
  readonly random?: () => number
}

export interface Backoff {
  /** Pauses twice as long as the last time, give or take a fifth; ends early when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void>
  /** The next pause is the first again. */
  reset(): void
}

const JITTER = 0.2

export function createBackoff(options: BackoffOptions): Backoff {
  const { clock, firstMs = 1000, longestMs = 30_000, random = Math.random } = options
  let nextMs = firstMs
  return {
    wait: async (signal) => {
      const delayMs = nextMs * (1 - JITTER + 2 * JITTER * random())
      nextMs = Math.min(nextMs * 2, longestMs)
      await clock.wait(delayMs, signal)
    },
    reset: () => {
      nextMs = firstMs
    },
  }
}
