/** What a template may use up; Go itself has no such limits and dies instead. */

export interface Limits {
  /** Longest output, in UTF-16 units. @default 1 MiB */
  readonly outputLength: number
  /**
   * Work: one step per function call, round of a range and template call, plus one per 64 characters or 16 elements
   * of a function's result. @default 2 million, which takes well below a second
   */
  readonly steps: number
}

export const DEFAULT_LIMITS: Limits = { outputLength: 1024 * 1024, steps: 2_000_000 }

/** Longest text a function may make, in UTF-16 units. */
export const MAX_TEXT_LENGTH = 4 * 1024 * 1024
/** Longest list a function may make. */
export const MAX_LIST_LENGTH = 1_000_000
/** Deepest value that is printed, written as JSON, copied or compared: a bound for recursion, far below the stack's. */
export const MAX_VALUE_DEPTH = 1000
/** Deepest nesting of parentheses, and of blocks; parsing or compiling deeper texts is refused. */
export const MAX_NESTING = 1000
/** Go's own limit of nested `template` calls. */
export const MAX_TEMPLATE_DEPTH = 100_000

/** A limit was reached, or a refused function called. Never swallowed by functions that swallow errors. */
export class LimitReached extends Error {}

/** @throws LimitReached when a text of this length must not be made. */
export function checkTextLength(length: number): void {
  if (length > MAX_TEXT_LENGTH) throw new LimitReached(`text longer than ${MAX_TEXT_LENGTH} characters`)
}

/** @throws LimitReached when a list of this length must not be made. */
export function checkListLength(length: number): void {
  if (length > MAX_LIST_LENGTH) throw new LimitReached(`list longer than ${MAX_LIST_LENGTH} elements`)
}

/** @throws LimitReached when a value is nested deeper than can be walked. */
export function checkDepth(depth: number): void {
  if (depth > MAX_VALUE_DEPTH) throw new LimitReached(`value nested deeper than ${MAX_VALUE_DEPTH}, or within itself`)
}
