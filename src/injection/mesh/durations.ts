/** Checks on durations of messages. */
import type { DurationValue } from './message-type.ts'

export const nanosecondsOf = (duration: DurationValue | undefined): bigint =>
  duration === undefined ? 0n : BigInt(duration.seconds) * 1_000_000_000n + BigInt(duration.nanos)

/** What is wrong with a duration that must be whole milliseconds, at least one; an absent one is zero. */
export function durationProblem(duration: DurationValue | undefined): string | undefined {
  const total = nanosecondsOf(duration)
  if (total < 1_000_000n) return 'duration must be greater than 1ms'
  return precisionProblem(duration)
}

/** What is wrong with a duration that must be whole milliseconds. */
export const precisionProblem = (duration: DurationValue | undefined): string | undefined =>
  nanosecondsOf(duration) % 1_000_000n === 0n ? undefined : 'only durations to ms precision are supported'
