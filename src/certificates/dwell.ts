/** For how long something has held without a break, as far as looks now and then can tell. */

/** The looks so far; undefined: the last one failed, or there was none. */
export interface Dwell {
  /** What was looked for. */
  readonly of: string
  readonly sinceMs: number
  readonly lastMs: number
}

export interface DwellLook {
  readonly of: string
  readonly holds: boolean
  readonly nowMs: number
  /** Two looks further apart than this say nothing about the time between them: a process that slept begins anew. */
  readonly maxGapMs: number
}

/** The looks with one more. */
export function dwellAfter(before: Dwell | undefined, { of, holds, nowMs, maxGapMs }: DwellLook): Dwell | undefined {
  if (!holds) return undefined
  const goesOn = before?.of === of && nowMs >= before.lastMs && nowMs - before.lastMs <= maxGapMs
  return { of, sinceMs: goesOn ? before.sinceMs : nowMs, lastMs: nowMs }
}
