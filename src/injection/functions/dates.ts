/** Sprig's date functions. The zone is UTC; what would ask the clock is refused. */
import { FunctionError } from '../template/errors.ts'
import { any, fn, tableOf, text, unsteady, type FunctionTable, type Param } from '../template/function-table.ts'
import { durationText, parseDuration } from '../template/go/duration.ts'
import { formatTime, parseTime, utc, ZERO_TIME, type Instant } from '../template/go/time.ts'
import { asInstant, TIME } from '../template/go/time-type.ts'
import { TypedValue } from '../template/value.ts'
import { toInt64 } from './convert.ts'
import { refuse } from './refused.ts'

const time: Param<Instant> = { type: TIME }
const boxed = (value: Instant): TypedValue => new TypedValue(TIME, value)

/** Tells the time, in milliseconds since 1970. */
export type Clock = () => number

/** Functions that may ask the clock; without one they refuse to. */
export function clockFunctions(nowMs: Clock | undefined): FunctionTable {
  const now = (): Instant => (nowMs === undefined ? refuse('now') : instantAt(nowMs()))
  const inZone = (layout: string, given: unknown, zone: string): string =>
    formatTime(shownIn(instantOf(given) ?? now(), zone), layout)
  const asked = tableOf({
    now: fn([], () => boxed(now())),
    ago: fn([any], (given) => durationText(wholeSeconds(since(instantOf(given) ?? now(), now())))),
    date: fn([text, any], (layout, given) => inZone(layout, given, 'UTC')),
    dateInZone: fn([text, any, text], inZone),
    date_in_zone: fn([text, any, text], inZone),
    htmlDate: fn([any], (given) => inZone('2006-01-02', given, 'UTC')),
    htmlDateInZone: fn([any, text], (given, zone) => inZone('2006-01-02', given, zone)),
    durationRound: fn([any], (given) =>
      roundDuration(isTime(given) ? since(asInstant(given.value), now()) : nanosOf(given)),
    ),
  })
  return new Map([...asked].map(([name, declared]) => [name, unsteady(declared)]))
}

const instantAt = (ms: number): Instant => utc(Math.floor(ms / 1000), (ms - Math.floor(ms / 1000) * 1000) * 1e6)

const nanosSince1970 = ({ seconds, nanos }: Instant): bigint => BigInt(seconds) * 1_000_000_000n + BigInt(nanos)

/** Go's `Time.Sub`, which ends at the limits of a duration. */
function since(then: Instant, now: Instant): bigint {
  const ns = nanosSince1970(now) - nanosSince1970(then)
  return BigInt.asIntN(64, ns) === ns ? ns : ns < 0n ? -(2n ** 63n) : 2n ** 63n - 1n
}

/** Rounded half away from zero. */
function wholeSeconds(ns: bigint): bigint {
  const half = ns < 0n ? -500_000_000n : 500_000_000n
  return ((ns + half) / 1_000_000_000n) * 1_000_000_000n
}

/** Functions that need no clock. */
export const DATE_FUNCTIONS: FunctionTable = tableOf({
  dateModify: fn([text, time], (change, given) => modify(change, given) ?? boxed(given)),
  date_modify: fn([text, time], (change, given) => modify(change, given) ?? boxed(given)),
  mustDateModify: fn([text, time], mustModify),
  must_date_modify: fn([text, time], mustModify),
  toDate: fn([text, text], (layout, given) => {
    const parsed = parseTime(layout, given)
    return boxed('time' in parsed ? parsed.time : ZERO_TIME)
  }),
  mustToDate: fn([text, text], (layout, given) => {
    const parsed = parseTime(layout, given)
    if ('error' in parsed) throw new FunctionError(parsed.error)
    return boxed(parsed.time)
  }),
  unixEpoch: fn([time], (given) => String(given.seconds)),
  duration: fn([any], (given) => durationText(BigInt.asIntN(64, secondsOf(given) * 1_000_000_000n))),
})

/** Times as they are, integers as seconds since 1970; undefined stands for the time of the clock. */
function instantOf(given: unknown): Instant | undefined {
  if (!(given instanceof TypedValue)) return undefined
  const { type, value } = given
  if (isTime(given)) return asInstant(value)
  const isSeconds = (type.kind === 'int' || type.kind === 'int32' || type.kind === 'int64') && type.name === undefined
  return isSeconds ? utc(Number(value)) : undefined
}

/** A time.Time or a pointer to one. */
function isTime(given: unknown): given is TypedValue {
  if (!(given instanceof TypedValue)) return false
  const type = given.type.kind === 'pointer' ? given.type.elem : given.type
  return type.kind === 'struct' && type.name === TIME.name && given.value !== null
}

/** Only UTC is known; an unknown zone means UTC in Go, too. */
function shownIn(instant: Instant, zone: string): Instant {
  if (isForeignZone(zone)) refuse(`dateInZone with zone ${zone}`)
  return utc(instant.seconds, instant.nanos)
}

/** Names of Go's zone database look like `Europe/Berlin`; rules of such zones are not at hand. */
const isForeignZone = (zone: string): boolean =>
  /^(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|US|Etc)\//.test(zone)

function modify(change: string, given: Instant): TypedValue | undefined {
  const parsed = parseDuration(change)
  if ('error' in parsed) return undefined
  const total = nanosSince1970(given) + parsed.ns
  const nanos = ((total % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  return boxed({ ...given, seconds: Number((total - nanos) / 1_000_000_000n), nanos: Number(nanos) })
}

function mustModify(change: string, given: Instant): TypedValue {
  const parsed = parseDuration(change)
  if ('error' in parsed) throw new FunctionError(parsed.error)
  return modify(change, given) ?? boxed(given)
}

/** istiod: seconds in a text or an int64; any other type is 0. */
function secondsOf(given: unknown): bigint {
  if (typeof given === 'string') return /^[+-]?\d+$/.test(given) ? toInt64(given.replace(/^([+-]?)0+(?=\d)/, '$1')) : 0n
  return isInt64(given) ? toInt64(given) : 0n
}

const isInt64 = (given: unknown): given is TypedValue =>
  given instanceof TypedValue && given.type.kind === 'int64' && given.type.name === undefined

function nanosOf(given: unknown): bigint {
  if (isInt64(given)) return toInt64(given)
  const parsed = typeof given === 'string' ? parseDuration(given) : { ns: 0n }
  return 'ns' in parsed ? parsed.ns : 0n
}

const HOUR = 3_600_000_000_000n
const UNITS: readonly (readonly [bigint, string])[] = [
  [HOUR * 24n * 365n, 'y'],
  [HOUR * 24n * 30n, 'mo'],
  [HOUR * 24n, 'd'],
  [HOUR, 'h'],
  [60_000_000_000n, 'm'],
  [1_000_000_000n, 's'],
]

/** The largest unit that is exceeded. */
function roundDuration(ns: bigint): string {
  const size = ns < 0n ? -ns : ns
  for (const [unit, letter] of UNITS) if (size > unit) return `${size / unit}${letter}`
  return '0s'
}
