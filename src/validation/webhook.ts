/** What istiod's validating webhook says to an object that is sent to it as it stands. */
import type { MeshObject, PlainObject } from './api-server.ts'
import { entry, METADATA, ROOT, SPEC } from './field-path.ts'
import type { Finding } from './finding.ts'
import { parseApiVersion } from './gvk.ts'
import { replacementFor } from './legacy-kinds.ts'
import type { Judged } from './registry.ts'
import { findKind } from './registry.ts'
import type { Report } from './report.ts'
import { createReport } from './report.ts'
import { checkMetadata } from './rules/metadata.ts'
import { rememberingKeys } from './schema/keys.ts'
import type { ObjectMeta } from './schema/object-meta.ts'
import { META_FIELD_NAMES, readObjectMeta } from './schema/object-meta.ts'

export interface WebhookVerdict {
  readonly accepted: boolean
  /** In the order in which istiod looks; errors and warnings mixed. */
  readonly findings: readonly Finding[]
  /** Our own warnings on an accepted object; istiod has none of them. */
  readonly advice: readonly Finding[]
}

const TOP_LEVEL: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status'])

/** Decoding, metadata rules, the kind's rules, top-level keys. istiod: each of these steps needs the one before it. */
export const judge = (object: MeshObject): WebhookVerdict => rememberingKeys(() => judgeOnce(object))

function judgeOnce(object: MeshObject): WebhookVerdict {
  const report = createReport()
  const subject = readSubject(object, report)
  return subject === undefined ? { accepted: false, findings: report.findings, advice: [] } : ask(subject, report)
}

/** As `judge`, for an object that the API server's part has found to be plain: there is nothing to decode. */
export function judgePlain({ kind, meta, spec }: PlainObject): WebhookVerdict {
  return ask({ kind: kind.schema.kind, meta: withNamespace(meta), decoded: kind.take(spec) }, createReport())
}

interface Subject {
  readonly kind: string
  readonly meta: ObjectMeta
  readonly decoded: Judged
  /** A key beside the known ones. */
  readonly extraKey?: string | undefined
}

/** Undefined when there is nothing that rules could look at; the report says why. */
function readSubject(object: MeshObject, report: Report): Subject | undefined {
  const envelope = readEnvelope(object)
  const { meta, decodeError } = readObjectMeta(inProperCase(envelope.metadata))
  const wrongEnvelope = wrongEnvelopeType(envelope) ?? decodeError
  if (wrongEnvelope !== undefined) {
    report.error('DECODE', METADATA, `cannot decode configuration: ${wrongEnvelope}`)
    return undefined
  }
  const { group, version } = parseApiVersion(textOf(envelope.apiVersion))
  const kindName = textOf(envelope.kind)
  const kind = findKind(group, kindName)
  if (kind === undefined) {
    reportUnknownKind({ group, version, kind: kindName }, report)
    return undefined
  }
  const decoded = kind.decode(envelope.spec, SPEC)
  if ('error' in decoded) {
    report.error('DECODE', decoded.error.at, `error decoding configuration: ${decoded.error.text}`)
    return undefined
  }
  const extraKey = Object.keys(object).find((name) => !TOP_LEVEL.has(name))
  return { kind: kindName, meta: withNamespace(meta), decoded, extraKey }
}

const withNamespace = (meta: ObjectMeta): ObjectMeta =>
  meta.namespace === '' ? { ...meta, namespace: 'default' } : meta

function ask({ kind, meta, decoded, extraKey }: Subject, report: Report): WebhookVerdict {
  const advice = createReport()
  if (checkMetadata(meta, { action: policyAction(kind, decoded.spec), report })) decoded.check({ meta, report })
  if (report.errorCount() === 0 && extraKey !== undefined) {
    const text = `unknown field "${extraKey}" on ${kind} resource ${meta.namespace}/${meta.name}`
    report.error('TOP_LEVEL_FIELD', entry(ROOT, extraKey), text)
  }
  const accepted = report.errorCount() === 0
  if (accepted) decoded.advise({ meta, report: advice })
  return { accepted, findings: report.findings, advice: advice.findings }
}

interface Envelope {
  readonly apiVersion: unknown
  readonly kind: unknown
  readonly metadata: unknown
  readonly spec: unknown
}

/** Go matches the names of these fields without regard to case, the last one counts. */
function readEnvelope(object: MeshObject): Envelope {
  const found: Record<string, unknown> = {}
  for (const key of Object.keys(object)) {
    const name = key.toLowerCase()
    if (name === 'apiversion' || name === 'kind' || name === 'metadata' || name === 'spec') found[name] = object[key]
  }
  return { apiVersion: found['apiversion'], kind: found['kind'], metadata: found['metadata'], spec: found['spec'] }
}

const META_FIELDS: ReadonlyMap<string, string> = new Map(META_FIELD_NAMES.map((name) => [name.toLowerCase(), name]))

/** Metadata as Go reads it: here, too, the case of names does not matter. */
function inProperCase(metadata: unknown): unknown {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return metadata
  const isOdd = (key: string): boolean => (META_FIELDS.get(key.toLowerCase()) ?? key) !== key
  if (!Object.keys(metadata).some(isOdd)) return metadata
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [META_FIELDS.get(key.toLowerCase()) ?? key, value as unknown]),
  )
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const isText = (value: unknown): boolean => value === undefined || value === null || typeof value === 'string'

function wrongEnvelopeType({ apiVersion, kind }: Envelope): string | undefined {
  return isText(apiVersion) && isText(kind) ? undefined : 'json: apiVersion and kind must be texts'
}

function reportUnknownKind(
  { group, version, kind }: { group: string; version: string; kind: string },
  report: Report,
): void {
  const replacement = replacementFor(group, kind)
  const text = `unrecognized type ${group}/${version}, Kind=${kind}`
  if (replacement === undefined) report.error('KIND_UNKNOWN', ROOT, text)
  else report.errorWith(`removed from Istio, ${replacement}`, { code: 'KIND_LEGACY', at: ROOT, text })
}

/** Only an AuthorizationPolicy may carry the dry-run annotation. */
function policyAction(kind: string, spec: unknown): string | undefined {
  return kind === 'AuthorizationPolicy' ? ((spec as { action?: string }).action ?? 'ALLOW') : undefined
}
