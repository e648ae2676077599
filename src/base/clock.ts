/** Time as something handed in, so that tests decide what hour it is. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Clock {
  /** Wall clock, epoch milliseconds. */
  nowMs(): number
  /** Resolves after `delayMs`, or at once when `signal` aborts; never rejects. */
  wait(delayMs: number, signal: AbortSignal): Promise<void>
}

/** setTimeout turns any longer delay (24.8 days) into one millisecond. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  wait: async (delayMs, signal) => {
    if (signal.aborted) return
    // Only an abort can reject here, and an aborted wait is a finished wait.
    await sleep(Math.min(delayMs, LONGEST_DELAY_MS), undefined, { signal, ref: false }).catch(() => undefined)
  },
}
