/** Go's `time.Time` in UTC: layouts, reading and writing. */
import { quote } from './quote.ts'

/** An instant: whole seconds since 1970 and nanoseconds, with the offset it is shown in. */
export interface Instant {
  readonly seconds: number
  readonly nanos: number
  /** East of UTC. */
  readonly offsetSeconds: number
  /** Abbreviation of the zone, e.g. `UTC`; empty where only the offset is known. */
  readonly zone: string
}

/** Year 1, Go's zero time. */
export const ZERO_TIME: Instant = { seconds: -62135596800, nanos: 0, offsetSeconds: 0, zone: 'UTC' }

export const utc = (seconds: number, nanos = 0): Instant => ({ seconds, nanos, offsetSeconds: 0, zone: 'UTC' })

export interface CivilTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** 0 is Sunday. */
  readonly weekday: number
  readonly yearDay: number
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
export const monthName = (month: number): string => MONTHS[month - 1] ?? `%!Month(${month})`
export const dayName = (weekday: number): string => DAYS[weekday] ?? `%!Weekday(${weekday})`

const DAY_SECONDS = 86400

/** Days since 1970 of a date; months outside of 1..12 carry over. Howard Hinnant, chrono-compatible date algorithms. */
export function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146097 + dayOfEra - 719468
}

/** Calendar fields of an instant in its zone. */
export function civilTime({ seconds, offsetSeconds }: Instant): CivilTime {
  const local = seconds + offsetSeconds
  const days = Math.floor(local / DAY_SECONDS)
  const rest = local - days * DAY_SECONDS
  const shifted = days + 719468
  const era = Math.floor(shifted / 146097)
  const dayOfEra = shifted - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153)
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return {
    year,
    month,
    day: dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1,
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    second: rest % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearDay: days - daysOf(year, 1, 1) + 1,
  }
}

/** Elements of layouts, longest first where one begins another. */
const ELEMENT =
  /January|Jan|Monday|Mon|MST|2006|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|__2|_2(?!006)|002|01|02|03|04|05|06|15|PM|pm|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5/g

/** Splits a layout into text (even indexes) and elements (odd ones). */
function splitLayout(layout: string): string[] {
  const parts: string[] = []
  let from = 0
  ELEMENT.lastIndex = 0
  for (let found = ELEMENT.exec(layout); found !== null; found = ELEMENT.exec(layout)) {
    // `Jan` and `Mon` within a longer word of small letters are text.
    const next = layout.charAt(found.index + found[0].length)
    if ((found[0] === 'Jan' || found[0] === 'Mon') && /[a-z]/.test(next)) continue
    parts.push(layout.slice(from, found.index), found[0])
    from = found.index + found[0].length
  }
  return [...parts, layout.slice(from)]
}

/** Go's `Time.Format`. */
export function formatTime(time: Instant, layout: string): string {
  const civil = civilTime(time)
  return splitLayout(layout)
    .map((part, i) => (i % 2 === 0 ? part : formatElement(part, time, civil)))
    .join('')
}

const pad = (value: number, width: number, fill = '0'): string => String(value).padStart(width, fill)

function formatElement(element: string, time: Instant, civil: CivilTime): string {
  const twelve = civil.hour % 12 === 0 ? 12 : civil.hour % 12
  switch (element) {
    case 'January':
      return monthName(civil.month)
    case 'Jan':
      return monthName(civil.month).slice(0, 3)
    case 'Monday':
      return dayName(civil.weekday)
    case 'Mon':
      return dayName(civil.weekday).slice(0, 3)
    case '2006':
      return civil.year < 0 ? '-' + pad(-civil.year, 4) : pad(civil.year, 4)
    case '06':
      return pad(((civil.year % 100) + 100) % 100, 2)
    case '01':
      return pad(civil.month, 2)
    case '1':
      return String(civil.month)
    case '02':
      return pad(civil.day, 2)
    case '_2':
      return pad(civil.day, 2, ' ')
    case '2':
      return String(civil.day)
    case '002':
      return pad(civil.yearDay, 3)
    case '__2':
      return pad(civil.yearDay, 3, ' ')
    case '15':
      return pad(civil.hour, 2)
    case '03':
      return pad(twelve, 2)
    case '3':
      return String(twelve)
    case '04':
      return pad(civil.minute, 2)
    case '4':
      return String(civil.minute)
    case '05':
      return pad(civil.second, 2)
    case '5':
      return String(civil.second)
    case 'PM':
      return civil.hour >= 12 ? 'PM' : 'AM'
    case 'pm':
      return civil.hour >= 12 ? 'pm' : 'am'
    case 'MST':
      return time.zone === '' ? offsetText(time.offsetSeconds, '-0700') : time.zone
    default:
      return /^[.,]/.test(element) ? fractionText(time.nanos, element) : zoneElement(time, element)
  }
}

const zoneElement = (time: Instant, element: string): string =>
  element.startsWith('Z') && time.offsetSeconds === 0 ? 'Z' : offsetText(time.offsetSeconds, element)

function offsetText(offset: number, element: string): string {
  const size = Math.abs(offset)
  const separator = element.includes(':') ? ':' : ''
  const digits = element.replace(/[^0-9]/g, '').length
  const parts = [Math.floor(size / 3600), Math.floor((size % 3600) / 60), size % 60].slice(0, digits / 2)
  return (offset < 0 ? '-' : '+') + parts.map((one) => pad(one, 2)).join(separator)
}

function fractionText(nanos: number, element: string): string {
  const digits = pad(nanos, 9).slice(0, element.length - 1)
  if (element.charAt(1) === '0') return element.charAt(0) + digits.padEnd(element.length - 1, '0')
  const trimmed = digits.replace(/0+$/, '')
  return trimmed === '' ? '' : element.charAt(0) + trimmed
}

/** Go's `Time.String`. */
export const timeText = (time: Instant): string => formatTime(time, '2006-01-02 15:04:05.999999999 -0700 MST')

export type ParsedTime = { readonly time: Instant } | { readonly error: string }

interface Fields {
  year: number
  month: number
  day: number
  yearDay: number
  hour: number
  minute: number
  second: number
  nanos: number
  isPm: boolean | undefined
  offsetSeconds: number | undefined
  zone: string
}

/** Go's `time.ParseInLocation(layout, text, UTC)`; the error is Go's text. */
export function parseTime(layout: string, text: string): ParsedTime {
  const fields: Fields = {
    year: 0,
    month: -1,
    day: -1,
    yearDay: -1,
    hour: 0,
    minute: 0,
    second: 0,
    nanos: 0,
    isPm: undefined,
    offsetSeconds: undefined,
    zone: '',
  }
  let rest = text
  const fail = (element: string, at: string): ParsedTime => ({
    error: `parsing time ${quote(text)} as ${quote(layout)}: cannot parse ${quote(at)} as ${quote(element)}`,
  })
  const parts = splitLayout(layout)
  for (const [i, part] of parts.entries()) {
    const next = i % 2 === 0 ? skipText(part, rest) : readElement(part, rest, { fields, next: parts[i + 2] ?? '' })
    if (next === undefined) return fail(part, rest)
    if (next === 'range') return { error: `parsing time ${quote(text)}: ${RANGE_NAMES[part] ?? 'value'} out of range` }
    rest = next.rest
  }
  if (rest !== '') return { error: `parsing time ${quote(text)}: extra text: ${quote(rest)}` }
  return assemble(fields, text)
}

const RANGE_NAMES: Readonly<Record<string, string>> = {
  '01': 'month',
  '1': 'month',
  '02': 'day',
  '2': 'day',
  _2: 'day',
  '15': 'hour',
  '03': 'hour',
  '3': 'hour',
  '04': 'minute',
  '4': 'minute',
  '05': 'second',
  '5': 'second',
}

type Read = { readonly rest: string } | 'range' | undefined

/** Runs of spaces match runs of spaces. */
function skipText(part: string, given: string): Read {
  let rest = given
  for (let i = 0; i < part.length; i++) {
    if (part.charAt(i) === ' ') {
      if (rest !== '' && !rest.startsWith(' ')) return undefined
      rest = rest.replace(/^ +/, '')
      while (part.charAt(i + 1) === ' ') i++
    } else if (rest.charAt(0) === part.charAt(i)) rest = rest.slice(1)
    else return undefined
  }
  return { rest }
}

function take(pattern: RegExp, rest: string, use: (match: string) => boolean | undefined): Read {
  const match = pattern.exec(rest)?.[0]
  if (match === undefined) return undefined
  return use(match) === false ? 'range' : { rest: rest.slice(match.length) }
}

const within = (value: number, from: number, to: number): boolean => value >= from && value <= to

function readElement(element: string, rest: string, { fields, next }: { fields: Fields; next: string }): Read {
  switch (element) {
    case '2006':
      return take(/^\d{4}/, rest, (match) => void (fields.year = Number(match)))
    case '06':
      return take(/^\d{2}/, rest, (match) => void (fields.year = Number(match) + (Number(match) >= 69 ? 1900 : 2000)))
    case 'January':
      return readName(MONTHS, rest, (index) => (fields.month = index + 1))
    case 'Jan':
      return readName(shortened(MONTHS), rest, (index) => (fields.month = index + 1))
    case 'Monday':
      return readName(DAYS, rest, () => undefined)
    case 'Mon':
      return readName(shortened(DAYS), rest, () => undefined)
    case '01':
    case '1':
      return take(element === '01' ? /^\d{2}/ : /^\d\d?/, rest, (match) =>
        within((fields.month = Number(match)), 1, 12),
      )
    case '02':
      return take(/^\d{2}/, rest, (match) => void (fields.day = Number(match)))
    case '2':
      return take(/^\d\d?/, rest, (match) => void (fields.day = Number(match)))
    case '_2':
      return take(/^ ?\d\d?/, rest, (match) => void (fields.day = Number(match)))
    case '002':
    case '__2':
      return take(
        element === '002' ? /^\d{3}/ : /^ {0,2}\d{1,3}/,
        rest,
        (match) => void (fields.yearDay = Number(match)),
      )
    case '15':
      return take(/^\d\d?/, rest, (match) => within((fields.hour = Number(match)), 0, 23))
    case '03':
    case '3':
      return take(element === '03' ? /^\d{2}/ : /^\d\d?/, rest, (match) => within((fields.hour = Number(match)), 0, 12))
    case '04':
    case '4':
      return take(element === '04' ? /^\d{2}/ : /^\d\d?/, rest, (match) =>
        within((fields.minute = Number(match)), 0, 59),
      )
    case '05':
    case '5':
      return readSecond(element, rest, { fields, next })
    case 'PM':
    case 'pm':
      return take(
        element === 'PM' ? /^[AP]M/ : /^[ap]m/,
        rest,
        (match) => void (fields.isPm = match.toUpperCase() === 'PM'),
      )
    case 'MST':
      return take(/^(?:UTC|[A-Z]{3,5}|[+-]\d{2}(?:\d{2})?)/, rest, (match) => void (fields.zone = match))
    default:
      return /^[.,]/.test(element) ? readFraction(element, rest, fields) : readOffset(element, rest, fields)
  }
}

const shortened = (names: readonly string[]): string[] => names.map((name) => name.slice(0, 3))

function readName(names: readonly string[], rest: string, use: (index: number) => void): Read {
  const index = names.findIndex((name) => rest.slice(0, name.length).toLowerCase() === name.toLowerCase())
  if (index < 0) return undefined
  use(index)
  return { rest: rest.slice((names[index] ?? '').length) }
}

/** A fraction may follow seconds although the layout has none. */
function readSecond(element: string, rest: string, { fields, next }: { fields: Fields; next: string }): Read {
  const read = take(element === '05' ? /^\d{2}/ : /^\d\d?/, rest, (match) =>
    within((fields.second = Number(match)), 0, 59),
  )
  if (read === undefined || read === 'range' || /^[.,]/.test(next)) return read
  const fraction = /^[.,](\d+)/.exec(read.rest)
  if (fraction === null) return read
  fields.nanos = Number((fraction[1] ?? '').slice(0, 9).padEnd(9, '0'))
  return { rest: read.rest.slice(fraction[0].length) }
}

function readFraction(element: string, rest: string, fields: Fields): Read {
  const isExact = element.charAt(1) === '0'
  const pattern = isExact ? new RegExp(`^[.,]\\d{${element.length - 1}}`) : /^[.,]\d{1,9}/
  if (!isExact && !/^[.,]\d/.test(rest)) return { rest }
  return take(pattern, rest, (match) => void (fields.nanos = Number(match.slice(1).padEnd(9, '0'))))
}

function readOffset(element: string, rest: string, fields: Fields): Read {
  if (element.startsWith('Z') && rest.startsWith('Z')) {
    fields.offsetSeconds = 0
    fields.zone = 'UTC'
    return { rest: rest.slice(1) }
  }
  const pattern = element.replace(/^[-Z]/, '').replace(/\d\d/g, '(\\d\\d)')
  const match = new RegExp(`^([+-])${pattern}`).exec(rest)
  if (match === null) return undefined
  const [matched, sign, hours = '0', minutes = '0', seconds = '0'] = match
  if (Number(hours) > 24 || Number(minutes) > 60 || Number(seconds) > 60) return 'range'
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  fields.offsetSeconds = sign === '-' ? -size : size
  return { rest: rest.slice(matched.length) }
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

function assemble(fields: Fields, text: string): ParsedTime {
  const { year } = fields
  const outOfRange = { error: `parsing time ${quote(text)}: day out of range` }
  if (fields.yearDay >= 0 && (fields.yearDay < 1 || fields.yearDay > (isLeap(year) ? 366 : 365))) {
    return { error: `parsing time ${quote(text)}: day-of-year out of range` }
  }
  const month = fields.month < 0 ? 1 : fields.month
  const day = fields.day < 0 ? 1 : fields.day
  if (day < 1 || day > daysIn(year, month)) return outOfRange
  const days =
    fields.yearDay >= 1 && fields.month < 0 ? daysOf(year, 1, 1) + fields.yearDay - 1 : daysOf(year, month, day)
  const hour =
    fields.isPm === true && fields.hour < 12
      ? fields.hour + 12
      : fields.isPm === false && fields.hour === 12
        ? 0
        : fields.hour
  const offset = fields.offsetSeconds ?? 0
  const seconds = days * DAY_SECONDS + hour * 3600 + fields.minute * 60 + fields.second - offset
  const zone = offset === 0 && (fields.zone === '' || fields.offsetSeconds !== undefined) ? 'UTC' : fields.zone
  return { time: { seconds, nanos: fields.nanos, offsetSeconds: offset, zone } }
}
