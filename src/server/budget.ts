/** How long a request may take: what its caller says, less what the way back needs. */
import { parseDurationMs } from '../base/duration.ts'

/** What is kept back for the answer's way to the caller; a short timeout keeps half. */
const MARGIN_MS = 500
/** The API server's longest `timeoutSeconds`, and ours where the caller names none. */
const LONGEST_MS = 30_000

/** Milliseconds this request may take from now on. The API server writes its deadline as `?timeout=9.8s`. */
export function budgetMs(url: string): number {
  const query = url.indexOf('?')
  const given = query < 0 ? null : new URLSearchParams(url.slice(query + 1)).get('timeout')
  const parsedMs = given === null ? undefined : parseDurationMs(given)
  const timeoutMs = parsedMs === undefined || parsedMs <= 0 ? LONGEST_MS : Math.min(parsedMs, LONGEST_MS)
  return timeoutMs - Math.min(MARGIN_MS, timeoutMs / 2)
}
