/** What the API server does with an object of ours before any webhook is asked. */
import { dottedPathText, field, METADATA, ROOT, SPEC } from './field-path.ts'
import { parseApiVersion } from './gvk.ts'
import type { Kind } from './registry.ts'
import { findKind } from './registry.ts'
import { checkCel } from './schema/cel.ts'
import type { CelFinding } from './schema/cel.ts'
import type { KindSchema } from './schema/dsl.ts'
import { PLAIN } from './schema/generated/plain.ts'
import { checkObjectMeta, META_FIELD_NAMES, readObjectMeta } from './schema/object-meta.ts'
import type { MetaResult, ObjectMeta } from './schema/object-meta.ts'
import { prune } from './schema/prune.ts'
import type { UnknownField } from './schema/prune.ts'
import { unknownInStatus } from './schema/status.ts'
import type { SchemaError, SchemaErrorType } from './schema/structure.ts'
import { BLOCKING, checkStructure } from './schema/structure.ts'

export type MeshObject = Readonly<Record<string, unknown>>

export interface Admission {
  readonly errors: readonly SchemaError[]
  /** Undeclared fields: dropped, or refused under strict field validation. Sorted by path. */
  readonly unknown: readonly UnknownField[]
  readonly cel: readonly CelFinding[]
  /** A blocking schema error kept the CEL rules from being asked. */
  readonly celSkipped: boolean
  /** What is left for the webhook; the object itself when nothing was dropped. */
  readonly object: MeshObject
  /** Set for an object without anything odd, so that the webhook's rules need not look for it again. */
  readonly plain?: PlainObject
}
/** An object whose envelope and metadata are sound, and whose spec neither pruning nor decoding would change. */
export interface PlainObject {
  readonly kind: Kind
  readonly meta: ObjectMeta
  readonly spec: unknown
}

const TOP_LEVEL: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status'])
const PLAIN_KEYS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'spec'])

/** Pruning, metadata, schema and CEL, as on a create with all CRDs installed. */
export function admit(object: MeshObject): Admission {
  const { apiVersion, kind } = object
  const { group, version } = parseApiVersion(typeof apiVersion === 'string' ? apiVersion : '')
  const found = findKind(group, typeof kind === 'string' ? kind : '')
  if (found?.schema.versions.includes(version) !== true) {
    const message = `no matches for kind ${JSON.stringify(kind ?? '')} in version ${JSON.stringify(apiVersion ?? '')}`
    return refused(object, failure('NoMatch', message, ''))
  }
  const { decodeError, ...metadata } = readObjectMeta(object['metadata'])
  if (decodeError !== undefined) return refused(object, failure('Decode', decodeError, 'metadata'))
  return metadata.unknown.length === 0 && isPlain(object, found.schema)
    ? admitPlain(object, { kind: found, meta: metadata.meta, spec: object['spec'] })
    : admitAny(object, found.schema, metadata)
}

/** Nothing to drop, no structural error, nothing that reads otherwise once decoded: what most objects are. */
function isPlain(object: MeshObject, { kind }: KindSchema): boolean {
  for (const key in object) if (!PLAIN_KEYS.has(key)) return false
  return PLAIN[kind]?.(object['spec']) === true
}

function admitPlain(object: MeshObject, plain: PlainObject): Admission {
  const errors = checkObjectMeta(plain.meta)
  const celSkipped = errors.some(({ type }) => BLOCKING.has(type))
  const cel = celSkipped ? [] : checkCel(plain.kind.schema.spec, plain.spec, SPEC)
  return { object, plain, unknown: [], errors, cel, celSkipped }
}

function admitAny(
  object: MeshObject,
  schema: KindSchema,
  { meta, unknown }: Omit<MetaResult, 'decodeError'>,
): Admission {
  const kept = withoutUndeclared(object, schema, unknown)
  const errors = [...checkObjectMeta(meta), ...checkSpec(kept.object, schema)]
  const celSkipped = errors.some(({ type }) => BLOCKING.has(type))
  const cel = celSkipped ? [] : checkCel(schema.spec, kept.object['spec'], SPEC)
  return { ...kept, errors, cel, celSkipped }
}

const failure = (type: SchemaErrorType, message: string, path: string): SchemaError => ({
  at: path === 'metadata' ? METADATA : ROOT,
  path,
  message,
  type,
})
const refused = (object: MeshObject, error: SchemaError): Admission => ({
  errors: [error],
  unknown: [],
  cel: [],
  celSkipped: false,
  object,
})

function checkSpec(object: MeshObject, { spec, specRequired }: KindSchema): readonly SchemaError[] {
  if (object['spec'] !== undefined) return checkStructure(spec, object['spec'], SPEC)
  return specRequired ? [{ at: SPEC, path: 'spec', message: 'Required value', type: 'FieldValueRequired' }] : []
}

/** Kubernetes: status is dropped on a create, whatever it holds. */
function withoutUndeclared(
  object: MeshObject,
  schema: KindSchema,
  unknownMeta: readonly string[],
): Pick<Admission, 'object' | 'unknown'> {
  const unknown: UnknownField[] = []
  const spec = prune(schema.spec, object['spec'], { at: SPEC, unknown })
  for (const key of unknownMeta) unknown.push({ at: field(METADATA, key), declared: META_FIELD_NAMES })
  const foreign = Object.keys(object).filter((key) => !TOP_LEVEL.has(key))
  for (const key of foreign) unknown.push({ at: field(ROOT, key), declared: [...TOP_LEVEL] })
  unknown.push(...unknownInStatus(object['status']))
  const untouched = spec === object['spec'] && foreign.length === 0 && unknownMeta.length === 0
  if (untouched && spec !== null && !Object.hasOwn(object, 'status')) return { object, unknown: byPath(unknown) }
  const { apiVersion, kind, metadata } = object
  const kept = { apiVersion, kind, metadata: withoutKeys(metadata, unknownMeta) }
  return { object: spec === null || spec === undefined ? kept : { ...kept, spec }, unknown: byPath(unknown) }
}

const byPath = (unknown: readonly UnknownField[]): readonly UnknownField[] =>
  unknown
    .map((one) => ({ one, path: dottedPathText(one.at) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ one }) => one)

function withoutKeys(metadata: unknown, keys: readonly string[]): unknown {
  if (keys.length === 0 || typeof metadata !== 'object' || metadata === null) return metadata
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !keys.includes(key)))
}
