/** Struct types of Kubernetes that read and write JSON their own way: times, int-or-string, raw JSON. */
import type { Method, ScalarType, StructType } from '../template/types.ts'
import { timeText, utc, ZERO_TIME, type Instant } from '../template/go/time.ts'
import { timeMethods } from '../template/go/time-type.ts'
import { BOOL, INT, INT32, STRING } from '../template/types.ts'
import { ModelError } from './model-error.ts'

/** The text Kubernetes writes for an RFC 3339 time: UTC, whole seconds. @throws ModelError with Go's text */
export function canonicalTime(text: string): string {
  if (CANONICAL_TIME.test(text) && isRealDay(text)) return text
  const parts = RFC3339.exec(text)
  if (parts === null) throw new ModelError(timeError(text))
  const [, date = '', clock = '', zone = ''] = parts
  if (!isRealDay(date)) throw new ModelError(`parsing time ${quoteTime(text)}: day out of range`)
  return new Date(`${date}T${clock}${zone}`).toISOString().replace(/\.[0-9]+Z$/, 'Z')
}

const call = (result: Method['result'], read: (self: unknown) => unknown): Method => ({
  params: [],
  result,
  nilSafe: true,
  onPointer: true,
  call: (self) => read(self),
})

const instantOf = (self: unknown): Instant =>
  typeof self === 'string' ? utc(Math.floor(Date.parse(self) / 1000)) : ZERO_TIME

/** metav1.Time; in memory its RFC 3339 text, absent or null for the zero time. */
export const TIME: StructType = {
  kind: 'struct',
  name: 'v1.Time',
  fields: [],
  opaque: 'time',
  toText: (self) => timeText(instantOf(self)),
  methods: { ...timeMethods(instantOf), IsZero: call(BOOL, (self) => typeof self !== 'string') },
}

/** A field of the Go struct, which needs no address. */
const field = (result: Method['result'], read: (self: unknown) => unknown): Method => ({
  params: [],
  result,
  nilSafe: true,
  call: read,
})

const portText = (self: unknown): string => String((self as string | number | null | undefined) ?? 0)

const INT_OR_STRING_KIND: ScalarType = { kind: 'int64', name: 'intstr.Type' }

/**
 * intstr.IntOrString; in memory the number or the text. Its Go fields are there for templates; JSON is the value
 * itself, so the fields' JSON names are empty.
 */
export const INT_OR_STRING: StructType = {
  kind: 'struct',
  name: 'intstr.IntOrString',
  fields: [],
  opaque: 'intOrString',
  toText: portText,
  textOnPointer: true,
  bareText: (self) => (typeof self === 'string' ? `{1 0 ${self}}` : `{0 ${portText(self)} }`),
  methods: {
    String: { ...call(STRING, (self) => (self === undefined || self === null ? '<nil>' : portText(self))) },
    Type: field(INT_OR_STRING_KIND, (self) => (typeof self === 'string' ? 1 : 0)),
    IntVal: field(INT32, (self) => (typeof self === 'number' ? self : 0)),
    StrVal: field(STRING, (self) => (typeof self === 'string' ? self : '')),
    IntValue: call(INT, (self) => (typeof self === 'string' ? Number.parseInt(self, 10) || 0 : (self ?? 0))),
  },
}

/** metav1.FieldsV1; any JSON. */
export const FIELDS_V1: StructType = { kind: 'struct', name: 'v1.FieldsV1', fields: [], opaque: 'rawJson' }

/** runtime.RawExtension; any JSON. */
export const RAW_EXTENSION: StructType = { kind: 'struct', name: 'runtime.RawExtension', fields: [], opaque: 'rawJson' }

const CANONICAL_TIME = /^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}Z$/
const RFC3339 =
  /^([0-9]{4}-(?:0[1-9]|1[0-2])-[0-9]{2})T((?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2})(?:[.,][0-9]+)?(Z|[+-](?:[01][0-9]|2[0-4]):[0-5][0-9])$/

function isRealDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number)
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  return day >= 1 && day <= (days[month - 1] ?? 0)
}

/** What Go's layout expects at each place, with how to read it. */
const LAYOUT: readonly {
  readonly part: string
  readonly reads: RegExp
  readonly range?: readonly [string, number, number]
}[] = [
  { part: '2006', reads: /^[0-9]{4}/ },
  { part: '-', reads: /^-/ },
  { part: '01', reads: /^[0-9]{2}/, range: ['month', 1, 12] },
  { part: '-', reads: /^-/ },
  { part: '02', reads: /^[0-9]{2}/ },
  { part: 'T', reads: /^T/ },
  { part: '15', reads: /^[0-9]{2}/, range: ['hour', 0, 23] },
  { part: ':', reads: /^:/ },
  { part: '04', reads: /^[0-9]{2}/, range: ['minute', 0, 59] },
  { part: ':', reads: /^:/ },
  { part: '05', reads: /^[0-9]{2}(?:[.,][0-9]+)?/, range: ['second', 0, 59] },
  { part: 'Z07:00', reads: /^(?:Z|[+-][0-9]{2}:[0-9]{2})/ },
]

/** Go's time package quotes in a way of its own: every byte that is not printable ASCII by its number. */
function quoteTime(text: string): string {
  const bytes = [...new TextEncoder().encode(text)].map((byte) => {
    const char = String.fromCharCode(byte)
    if (char === '"' || char === '\\') return `\\${char}`
    return byte < 0x20 || byte >= 0x80 ? `\\x${byte.toString(16).padStart(2, '0')}` : char
  })
  return `"${bytes.join('')}"`
}

function timeError(text: string): string {
  const quoted = quoteTime(text)
  let rest = text
  for (const { part, reads, range } of LAYOUT) {
    const found = reads.exec(rest)?.[0]
    if (found === undefined) {
      return `parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoteTime(rest)} as "${part}"`
    }
    const value = Number(found.slice(0, 2))
    if (range !== undefined && (value < range[1] || value > range[2])) {
      return `parsing time ${quoted}: ${range[0]} out of range`
    }
    rest = rest.slice(found.length)
  }
  return rest === ''
    ? `parsing time ${quoted}: day out of range`
    : `parsing time ${quoted}: extra text: ${quoteTime(rest)}`
}
