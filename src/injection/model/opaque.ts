/** JSON readers of the structs that have their own: quantities, times, int-or-string, raw JSON. */
import type { GoType, StructType } from '../template/types.ts'
import { INT32, STRING } from '../template/types.ts'
import { canonicalQuantity } from './quantity.ts'
import { canonicalTime } from './scalars.ts'

/** Reports that the value is of another kind than the reader wants. */
export type WrongKind = (wanted: GoType) => never

export interface OpaqueReader {
  /** JSON of the zero value. */
  readonly zero: unknown
  /** The canonical JSON of a value that is not null. @throws ModelError with the Go reader's text */
  readonly read: (value: unknown, wrongKind: WrongKind) => unknown
}

/** The reader of a struct's own JSON form. */
export const decodeOpaque = (form: NonNullable<StructType['opaque']>): OpaqueReader => READERS[form]

/** A number has no text of its own here; Kubernetes reads the digits as they were written. */
function readQuantity(value: unknown): unknown {
  return canonicalQuantity(typeof value === 'string' ? value.trim() : JSON.stringify(value))
}

function readTime(value: unknown, wrongKind: WrongKind): unknown {
  return typeof value === 'string' ? canonicalTime(value) : wrongKind(STRING)
}

function readIntOrString(value: unknown, wrongKind: WrongKind): unknown {
  if (typeof value === 'string') return value
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31
  return fits ? value : wrongKind(INT32)
}

const READERS: Readonly<Record<NonNullable<StructType['opaque']>, OpaqueReader>> = {
  quantity: { zero: '0', read: readQuantity },
  time: { zero: null, read: readTime },
  microTime: { zero: null, read: readTime },
  intOrString: { zero: 0, read: readIntOrString },
  duration: { zero: '0s', read: (value, wrongKind) => (typeof value === 'string' ? value : wrongKind(STRING)) },
  rawJson: { zero: null, read: (value) => value },
}
