/** Go's comparisons in templates: `eq` and its kin, and deep equality. Rules: Go, text/template/funcs.go. */
import { FunctionError } from './errors.ts'
import { compareText } from './go/byte-text.ts'
import { checkDepth } from './limits.ts'
import { isInteger, sameType, typeName } from './type-names.ts'
import type { GoType } from './types.ts'
import { COMPLEX128, isNil, isPlainMap, rawOf, typeOf, wrap, type PlainMap } from './value.ts'

type BasicKind = 'bool' | 'complex' | 'int' | 'uint' | 'float' | 'string'

function basicKind(value: unknown): BasicKind | undefined {
  const type = typeOf(value)
  if (type === undefined) return undefined
  if (type === COMPLEX128) return 'complex'
  if (isInteger(type)) return type.kind.startsWith('u') ? 'uint' : 'int'
  if (type.kind === 'float32' || type.kind === 'float64') return 'float'
  return type.kind === 'bool' || type.kind === 'string' ? type.kind : undefined
}

/** Whether `first` equals any of `others`. @throws FunctionError for types that cannot be compared */
export function equalsAny(first: unknown, others: readonly unknown[]): boolean {
  if (others.length === 0) throw new FunctionError('missing argument for comparison')
  return others.some((other) => equals(first, other))
}

export function equals(a: unknown, b: unknown): boolean {
  const kind = basicKind(a)
  const other = basicKind(b)
  if (kind !== other) {
    const areIntegers = (kind === 'int' && other === 'uint') || (kind === 'uint' && other === 'int')
    if (areIntegers) return rawOf(a) === rawOf(b)
    if (a === undefined || b === undefined) return false
    throw new FunctionError(`incompatible types for comparison: ${nameOf(a)} and ${nameOf(b)}`)
  }
  return kind === undefined ? equalReferences(a, b) : rawOf(a) === rawOf(b)
}

const nameOf = (value: unknown): string => {
  const type = typeOf(value)
  return type === undefined ? '<nil>' : typeName(type)
}

/** Neither side is a scalar: lists and maps compare with nil only, pointers by identity, structs by their fields. */
function equalReferences(a: unknown, b: unknown): boolean {
  const type = typeOf(a)
  const other = typeOf(b)
  if (type !== undefined && other !== undefined && type.kind !== other.kind) {
    throw new FunctionError(`non-comparable types ${nameOf(a)}, ${nameOf(b)}`)
  }
  if (isNil(a) || isNil(b)) return isNil(a) === isNil(b)
  if (other !== undefined && !isComparable(other)) throw new FunctionError(`non-comparable type ${nameOf(b)}`)
  if (type === undefined || other === undefined || !sameType(type, other)) return false
  return type.kind === 'pointer' ? rawOf(a) === rawOf(b) : deepEqual(a, b)
}

function isComparable(type: GoType): boolean {
  if (type.kind === 'slice' || type.kind === 'map') return false
  return type.kind !== 'struct' || type.fields.every((field) => isComparable(field.type))
}

/** Go's `<`. @throws FunctionError unless both are numbers or strings of one kind */
export function isLess(a: unknown, b: unknown): boolean {
  const kind = basicKind(a)
  const other = basicKind(b)
  if (kind === undefined || other === undefined) throw new FunctionError('invalid type for comparison')
  if (kind !== other && !(isIntegral(kind) && isIntegral(other))) {
    throw new FunctionError(`incompatible types for comparison: ${nameOf(a)} and ${nameOf(b)}`)
  }
  if (kind === 'bool' || kind === 'complex') throw new FunctionError('invalid type for comparison')
  if (kind === 'string') return compareText(rawOf(a) as string, rawOf(b) as string) < 0
  return (rawOf(a) as number) < (rawOf(b) as number) // numbers, or bigint beside number
}

const isIntegral = (kind: BasicKind): boolean => kind === 'int' || kind === 'uint'

/** Go's `reflect.DeepEqual`: same types, same contents; a nil list differs from an empty one. */
export function deepEqual(a: unknown, b: unknown): boolean {
  return deepEqualWithin(a, b, { depth: 0, seen: new Map() })
}

interface Progress {
  readonly depth: number
  /** Pairs under comparison, so that values within themselves end. */
  readonly seen: Map<object, Set<object>>
}

function deepEqualWithin(a: unknown, b: unknown, progress: Progress): boolean {
  if (a === b) return !Number.isNaN(a)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return isNothing(a) && isNothing(b)
  const type = typeOf(a)
  const other = typeOf(b)
  if (type === undefined || other === undefined || !sameType(type, other)) return false
  const x = rawOf(a)
  const y = rawOf(b)
  if (x === y) return true
  if (typeof x !== 'object' || typeof y !== 'object' || x === null || y === null) return isNothing(x) && isNothing(y)
  if (wasSeen(x, y, progress.seen)) return true
  checkDepth(progress.depth)
  const next = { depth: progress.depth + 1, seen: progress.seen }
  return equalContents({ type, x, y }, next)
}

const isNothing = (value: unknown): boolean => value === undefined || value === null

function wasSeen(x: object, y: object, seen: Map<object, Set<object>>): boolean {
  const partners = seen.get(x) ?? new Set<object>()
  if (partners.has(y)) return true
  seen.set(x, partners.add(y))
  return false
}

function equalContents({ type, x, y }: { type: GoType; x: object; y: object }, progress: Progress): boolean {
  if (type.kind === 'pointer') return deepEqualWithin(wrap(type.elem, x), wrap(type.elem, y), progress)
  if (Array.isArray(x) && Array.isArray(y)) {
    const elem = type.kind === 'slice' ? type.elem : undefined
    const at = (list: readonly unknown[], i: number): unknown => (elem === undefined ? list[i] : wrap(elem, list[i]))
    return x.length === y.length && x.every((_, i) => deepEqualWithin(at(x, i), at(y, i), progress))
  }
  return equalMaps({ type, x: x as PlainMap, y: y as PlainMap }, progress)
}

function equalMaps({ type, x, y }: { type: GoType; x: PlainMap; y: PlainMap }, progress: Progress): boolean {
  const keys = Object.keys(x)
  if (keys.length !== Object.keys(y).length) return false
  const elem = type.kind === 'map' ? type.elem : undefined
  const box = (value: unknown): unknown => (elem === undefined || isPlainMap(value) ? value : wrap(elem, value))
  return keys.every((key) => Object.hasOwn(y, key) && deepEqualWithin(box(x[key]), box(y[key]), progress))
}
