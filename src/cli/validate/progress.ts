/** One line on a terminal that says how far a long run is; nothing anywhere else, and nothing for short runs. */
import type { CommandContext } from '../output.ts'

export interface Progress {
  /** `done` of all files have been looked at. */
  step(done: number): void
  /** Takes the line away, so that something else can be written. */
  clear(): void
}

/** Before that, nobody wonders. */
const SHOWN_AFTER_MS = 1000
const REDRAWN_EVERY_MS = 100

/** `nowMs`: any clock that only goes forward. */
export function createProgress(
  { overwrite }: Pick<CommandContext, 'overwrite'>,
  { total, nowMs }: { total: number; nowMs: () => number },
): Progress {
  if (overwrite === undefined) return { step: () => undefined, clear: () => undefined }
  let dueMs = nowMs() + SHOWN_AFTER_MS
  let isShown = false
  return {
    step(done) {
      if (nowMs() < dueMs) return
      dueMs = nowMs() + REDRAWN_EVERY_MS
      isShown = true
      overwrite(`${done} of ${total} files`)
    },
    clear() {
      if (isShown) overwrite('')
      isShown = false
    },
  }
}
