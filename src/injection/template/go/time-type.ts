/** Go's time.Time as a type of templates. */
import { BOOL, INT, INT64, STRING, type GoType, type Method, type ScalarType, type StructType } from '../types.ts'
import { civilTime, dayName, formatTime, monthName, timeText, utc, ZERO_TIME, type Instant } from './time.ts'

const MONTH: ScalarType = { kind: 'int', name: 'time.Month', toText: (self) => monthName(Number(self)) }
const WEEKDAY: ScalarType = { kind: 'int', name: 'time.Weekday', toText: (self) => dayName(Number(self)) }

/** Methods of time.Time for a type that holds a time in its own way; `read` makes an instant of it. */
export function timeMethods(read: (self: unknown) => Instant): Readonly<Record<string, Method>> {
  const getter = (result: GoType, get: (time: Instant) => unknown): Method => ({
    params: [],
    result,
    nilSafe: false,
    call: (self) => get(read(self)),
  })
  return {
    Year: getter(INT, (time) => civilTime(time).year),
    Month: getter(MONTH, (time) => civilTime(time).month),
    Day: getter(INT, (time) => civilTime(time).day),
    Hour: getter(INT, (time) => civilTime(time).hour),
    Minute: getter(INT, (time) => civilTime(time).minute),
    Second: getter(INT, (time) => civilTime(time).second),
    Nanosecond: getter(INT, (time) => time.nanos),
    Weekday: getter(WEEKDAY, (time) => civilTime(time).weekday),
    YearDay: getter(INT, (time) => civilTime(time).yearDay),
    Unix: getter(INT64, (time) => time.seconds),
    UnixMilli: getter(INT64, (time) => time.seconds * 1000 + Math.floor(time.nanos / 1e6)),
    IsZero: getter(BOOL, isZero),
    String: getter(STRING, timeText),
    UTC: getter(TIME, ({ seconds, nanos }) => utc(seconds, nanos)),
    Local: getter(TIME, ({ seconds, nanos }) => utc(seconds, nanos)),
    Format: {
      params: [STRING],
      result: STRING,
      nilSafe: false,
      call: (self, [layout]) => formatTime(read(self), String(layout)),
    },
  }
}

const isZero = ({ seconds, nanos }: Instant): boolean => seconds === ZERO_TIME.seconds && nanos === 0

/** In-memory form of a time.Time; absent is the zero time. */
export const asInstant = (self: unknown): Instant => (self ?? ZERO_TIME) as Instant

/** Go's time.Time, in memory an Instant. */
export const TIME: StructType = {
  kind: 'struct',
  name: 'time.Time',
  fields: [],
  toText: (self) => timeText(asInstant(self)),
  toJson: (self) => `"${formatTime(asInstant(self), '2006-01-02T15:04:05.999999999Z07:00')}"`,
  // A getter, since its methods return it.
  get methods() {
    return TIME_METHODS
  },
}

const TIME_METHODS = timeMethods(asInstant)
