/** Durations as Go writes them (`1m30s`, `500ms`, `-1.5h`) to milliseconds. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  // U+00B5 (micro sign) and U+03BC (mu), as Go accepts both.
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

const TERM = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y

/** Milliseconds of a Go duration, or undefined when the text is none. Source: Go, `time.ParseDuration`. */
export function parseDurationMs(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1
  const start = text.startsWith('-') || text.startsWith('+') ? 1 : 0
  if (text.slice(start) === '0') return 0
  let totalMs = 0
  TERM.lastIndex = start
  while (TERM.lastIndex < text.length) {
    const term = TERM.exec(text)
    if (term === null) return undefined
    totalMs += Number(term[1]) * (UNIT_MS[term[2] ?? ''] ?? 0)
  }
  return text.length === start ? undefined : sign * totalMs
}
