/** Go's time.Duration as a type of templates; in memory its nanoseconds. */
import { FLOAT64, INT64, STRING, type GoType, type Method, type ScalarType } from '../types.ts'
import { durationText } from './duration.ts'
import { normalizeInteger } from './parse-number.ts'

const nanosOf = (self: unknown): bigint => BigInt((self as number | bigint | undefined) ?? 0)

const getter = (result: GoType, read: (ns: bigint) => unknown): Method => ({
  params: [],
  result,
  nilSafe: false,
  call: (self) => read(nanosOf(self)),
})

const inUnits = (unit: number): Method => getter(FLOAT64, (ns) => Number(ns) / unit)
const wholeUnits = (unit: bigint): Method => getter(INT64, (ns) => normalizeInteger(ns / unit))

export const DURATION: ScalarType = {
  kind: 'int64',
  name: 'time.Duration',
  toText: (self) => durationText(nanosOf(self)),
  methods: {
    String: getter(STRING, durationText),
    Hours: inUnits(3.6e12),
    Minutes: inUnits(6e10),
    Seconds: inUnits(1e9),
    Milliseconds: wholeUnits(1_000_000n),
    Microseconds: wholeUnits(1_000n),
    Nanoseconds: wholeUnits(1n),
  },
}
