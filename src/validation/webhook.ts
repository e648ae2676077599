/** What istiod's validating webhook says to an object that is sent to it as it stands. */
import type { MeshObject } from './api-server.ts'
import { entry, METADATA, ROOT, SPEC } from './field-path.ts'
import type { FieldPath } from './field-path.ts'
import type { Finding } from './finding.ts'
import { parseApiVersion } from './gvk.ts'
import { replacementFor } from './legacy-kinds.ts'
import { findKind } from './registry.ts'
import type { Report } from './report.ts'
import { createReport } from './report.ts'
import { checkMetadata } from './rules/metadata.ts'
import type { ObjectMeta } from './schema/object-meta.ts'
import { readObjectMeta } from './schema/object-meta.ts'

export interface WebhookVerdict {
  readonly accepted: boolean
  /** In the order in which istiod looks; errors and warnings mixed. */
  readonly findings: readonly Finding[]
  /** Our own warnings on an accepted object; istiod has none of them. */
  readonly advice: readonly Finding[]
}

const TOP_LEVEL: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status'])

/** Decoding, metadata rules, the kind's rules, top-level keys. istiod: each of these steps needs the one before it. */
export function judge(object: MeshObject): WebhookVerdict {
  const report = createReport()
  const advice = createReport()
  judgeInto(object, report, advice)
  return { accepted: report.errorCount() === 0, findings: report.findings, advice: advice.findings }
}

function judgeInto(object: MeshObject, report: Report, advice: Report): void {
  const envelope = readEnvelope(object)
  const { meta, decodeError } = readObjectMeta(envelope.metadata)
  const wrongEnvelope = wrongEnvelopeType(envelope) ?? decodeError
  if (wrongEnvelope !== undefined) {
    report.error('DECODE', METADATA, `cannot decode configuration: ${wrongEnvelope}`)
    return
  }
  const { group, version } = parseApiVersion(textOf(envelope.apiVersion))
  const kindName = textOf(envelope.kind)
  const kind = findKind(group, kindName)
  if (kind === undefined) {
    reportUnknownKind({ group, version, kind: kindName }, report)
    return
  }
  const decoded = kind.decode(envelope.spec, SPEC)
  if ('error' in decoded) {
    report.error('DECODE', decoded.error.at, `error decoding configuration: ${decoded.error.text}`)
    return
  }
  const named = { ...meta, namespace: meta.namespace === '' ? 'default' : meta.namespace }
  if (!checkMetadata(named, { action: policyAction(kindName, decoded.spec), report })) return
  decoded.check({ meta: named, report })
  if (report.errorCount() > 0) return
  checkTopLevel(object, { kind: kindName, meta: named, report })
  decoded.advise({ meta: named, report: advice })
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

function checkTopLevel(
  object: MeshObject,
  { kind, meta, report }: { kind: string; meta: ObjectMeta; report: Report },
): void {
  const key = Object.keys(object).find((name) => !TOP_LEVEL.has(name))
  if (key === undefined) return
  const at: FieldPath = entry(ROOT, key)
  report.error('TOP_LEVEL_FIELD', at, `unknown field "${key}" on ${kind} resource ${meta.namespace}/${meta.name}`)
}
