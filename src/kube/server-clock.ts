/** The API server's time, told by the `Date` of its answers, and how long ago the last answer came. */
import type { Clock } from '../base/clock.ts'

/** Tells the API server's time as soon as it is known: the verifier of a certificate goes by its own clock, not by ours. */
export interface ServerClock extends Clock {
  /** Takes note of an answer. `serverMs` is cut to the second. */
  note(serverMs: number): void
  /** Local time minus the API server's, milliseconds; undefined while there was no answer. */
  skewMs(): number | undefined
  /** Since the last answer or, while there was none, since the start, milliseconds. */
  sinceAnswerMs(): number
}

/** Half of what the header leaves open. */
const HALF_SECOND_MS = 500
/** Less is the delay of an answer, and matters to nobody. */
const SMALLEST_SKEW_MS = 5000

export function createServerClock(local: Clock): ServerClock {
  let skewMs: number | undefined
  let answeredMs = local.nowMs()
  const correctionMs = (): number => (skewMs !== undefined && Math.abs(skewMs) >= SMALLEST_SKEW_MS ? skewMs : 0)
  return {
    nowMs: () => local.nowMs() - correctionMs(),
    wait: (delayMs, signal) => local.wait(delayMs, signal),
    note: (serverMs) => {
      answeredMs = local.nowMs()
      skewMs = answeredMs - serverMs - HALF_SECOND_MS
    },
    skewMs: () => skewMs,
    sinceAnswerMs: () => local.nowMs() - answeredMs,
  }
}
