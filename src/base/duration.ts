/** Durations as Go writes them: `1h30m`, `1.5s`, `-5ms`, `0`. Exact ones with Go's complaints: injection/template/go/duration.ts. */

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}
const GROUP = /(\d*)(?:(\.)(\d*))?([a-zµμ]+)/y
/** Go keeps durations in a signed 64-bit number of nanoseconds. */
const MAX_NS = 2 ** 63

/**
 * Nanoseconds of a Go duration text, or undefined when it is none. istiod: time.ParseDuration; exact up to 2^53 ns
 * (104 days), which is far beyond where the rules ask for more than the order of magnitude.
 */
export function parseDurationNs(text: string): number | undefined {
  return parseWholeNs(text) ?? parseAnyNs(text)
}

const PLAIN_UNITS: Readonly<Record<string, number>> = { s: 1e9, m: 60e9, h: 3600e9, ms: 1e6 }
/** Far from where precision or range could matter. */
const MAX_PLAIN_DIGITS = 6

/** The form nearly all durations have: `5s`, `250ms`. Undefined for any other. */
function parseWholeNs(text: string): number | undefined {
  let value = 0
  let end = 0
  for (; end < text.length; end++) {
    const digit = text.charCodeAt(end) - 48
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  if (end === 0 || end > MAX_PLAIN_DIGITS) return undefined
  const unitNs = PLAIN_UNITS[text.slice(end)]
  return unitNs === undefined ? undefined : value * unitNs
}

function parseAnyNs(text: string): number | undefined {
  const negative = text.startsWith('-')
  const body = negative || text.startsWith('+') ? text.slice(1) : text
  if (body === '0') return 0
  if (body === '') return undefined
  let totalNs = 0
  GROUP.lastIndex = 0
  while (GROUP.lastIndex < body.length) {
    const match = GROUP.exec(body)
    if (match === null) return undefined
    const [, whole = '', , fraction = '', unit = ''] = match
    const unitNs = Object.hasOwn(UNIT_NS, unit) ? UNIT_NS[unit] : undefined
    if (unitNs === undefined || (whole === '' && fraction === '')) return undefined
    totalNs += (whole === '' ? 0 : Number(whole)) * unitNs
    if (fraction !== '') totalNs += Math.trunc(Number(`0.${fraction}`) * unitNs + 1e-6)
  }
  if (totalNs >= MAX_NS) return undefined
  return negative ? -totalNs : totalNs
}

/** Milliseconds of a Go duration, or undefined when the text is none. Source: Go, `time.ParseDuration`. */
export function parseDurationMs(text: string): number | undefined {
  const ns = parseDurationNs(text)
  return ns === undefined ? undefined : ns / 1e6
}
