/** What the API server drops while decoding: fields the CRD does not declare, and nulls that are not allowed. */
import { entry, field, index } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { ObjectSchema, Schema } from './dsl.ts'
import { keysOf } from './keys.ts'

/** Nobody writes lists of lists of lists by hand; deeper ones are hostile, and their unknown fields stay unreported. */
const MAX_LIST_DEPTH = 32

/** Whoever has this many undeclared fields knows enough; further ones are dropped without a word. */
const MAX_UNKNOWN = 1000

/** A field the CRD does not declare. */
export interface UnknownField {
  readonly at: FieldPath
  /** What could have been meant: the fields that are declared in its place. */
  readonly declared: readonly string[]
}
type Bag = Readonly<Record<string, unknown>>
const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The value without undeclared fields and illegal nulls; the very same value when there was nothing to drop.
 * The undeclared fields are appended to `unknown`; nulls go silently, as they do in the API server.
 */
export function prune(
  schema: Schema,
  value: unknown,
  { at, unknown }: { at: FieldPath; unknown: UnknownField[] },
): unknown {
  return pruneValue(schema, value, { at, unknown, depth: 0 })
}

interface Context {
  readonly at: FieldPath
  readonly unknown: UnknownField[]
  readonly depth: number
}

function pruneValue(schema: Schema | undefined, value: unknown, context: Context): unknown {
  if (schema?.kind === 'free') return value
  if (Array.isArray(value)) return pruneList(schema, value as readonly unknown[], context)
  if (!isBag(value)) return value
  if (schema?.kind === 'object') return pruneObject(schema, value, context)
  if (schema?.kind === 'map') return pruneMap(schema.values, value, context)
  const keys = keysOf(value)
  for (const key of keys) reportUnknown(key, [], context)
  return keys.length === 0 ? value : {}
}

function pruneList(schema: Schema | undefined, values: readonly unknown[], context: Context): readonly unknown[] {
  if (context.depth > MAX_LIST_DEPTH) return values
  const items = schema?.kind === 'list' ? schema.items : undefined
  let changed: unknown[] | undefined
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value !== 'object' || value === null) continue
    const kept = pruneValue(items, value, {
      at: index(context.at, i),
      unknown: context.unknown,
      depth: context.depth + 1,
    })
    if (kept === value) continue
    changed ??= [...values]
    changed[i] = kept
  }
  return changed ?? values
}

function reportUnknown(key: string, declared: readonly string[], { at, unknown }: Context): void {
  if (unknown.length < MAX_UNKNOWN) unknown.push({ at: field(at, key), declared })
}

function pruneObject(schema: ObjectSchema, value: Bag, context: Context): Bag {
  let changed: Record<string, unknown> | undefined
  for (const key of keysOf(value)) {
    const child = value[key]
    const declared = schema.declared.get(key)
    if (declared === undefined) reportUnknown(key, schema.names, context)
    if (declared === undefined || (child === null && declared.nullable !== true)) {
      changed ??= membersBefore(value, key)
      continue
    }
    const kept =
      typeof child === 'object' ? pruneValue(declared, child, { ...context, at: field(context.at, key) }) : child
    if (kept !== child) changed ??= membersBefore(value, key)
    if (changed !== undefined) changed[key] = kept
  }
  return changed ?? value
}

/** A copy that ends before the key `end`. */
export function membersBefore(value: Bag, end: string): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  for (const key of keysOf(value)) {
    if (key === end) break
    setMember(members, key, value[key])
  }
  return members
}

function pruneMap(values: Schema, value: Bag, context: Context): Bag {
  let changed: Record<string, unknown> | undefined
  for (const key of keysOf(value)) {
    const child = value[key]
    if (typeof child !== 'object' && changed === undefined) continue
    const isDropped = child === null && values.nullable !== true
    const isLeaf = isDropped || typeof child !== 'object'
    const kept = isLeaf ? child : pruneValue(values, child, { ...context, at: entry(context.at, key) })
    if (isDropped || kept !== child) changed ??= membersBefore(value, key)
    if (!isDropped && changed !== undefined) setMember(changed, key, kept)
  }
  return changed ?? value
}

/** An assignment would set the prototype where the key is `__proto__`. */
export function setMember(members: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(members, key, { value, enumerable: true, writable: true, configurable: true })
  else members[key] = value
}
