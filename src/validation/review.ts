/** What the validating webhook answers to one admission request. */
import { allFindings } from './all-findings.ts'
import type { MeshObject } from './api-server.ts'
import type { Finding } from './finding.ts'
import { findingText } from './finding.ts'
import type { Cause } from './refusal.ts'
import { refusalOf } from './refusal.ts'
import { validate } from './validate.ts'
import { judge } from './webhook.ts'
import type { WebhookVerdict } from './webhook.ts'

export interface ReviewRequest {
  readonly operation: string
  readonly object: unknown
  /** On an update: the object as it is stored. */
  readonly oldObject?: unknown
}
export interface ReviewOptions {
  /** `istiod`: its texts, no causes, no allowance for old objects that were always invalid. */
  readonly compat: 'off' | 'istiod'
}
export type ReviewAnswer =
  | { readonly allowed: true; readonly warnings: readonly string[]; readonly looked: boolean }
  | {
      readonly allowed: false
      readonly message: string
      readonly causes: readonly Cause[]
      readonly reason: RefusalReason
    }
/** Labels of istiod's metric galley_validation_failed. */
export type RefusalReason = 'yaml_decode_error' | 'unknown_type' | 'crd_conversion_error' | 'invalid_resource'

/** Kubernetes cuts longer warnings once they are many. */
const MAX_WARNING = 256
const MAX_WARNINGS = 20

/** Anything but a create or an update is allowed without a look. istiod: the same. */
export function reviewObject({ operation, object, oldObject }: ReviewRequest, { compat }: ReviewOptions): ReviewAnswer {
  if (operation !== 'CREATE' && operation !== 'UPDATE') return { allowed: true, warnings: [], looked: false }
  const given = isObject(object) ? object : {}
  if (compat === 'istiod') return istiodAnswer(judge(given))
  const validation = validate(given)
  const findings = allFindings(validation, { strict: false })
  const errors = findings.filter(({ severity }) => severity === 'error')
  const warnings = warningTexts(findings)
  if (errors.length === 0) return { allowed: true, warnings, looked: true }
  if (operation === 'UPDATE' && isObject(oldObject) && sameSpec(given, oldObject)) {
    const first = shortened(
      `invalid as it was before, let through because spec has not changed: ${errors.map(findingText)[0] ?? ''}`,
    )
    return { allowed: true, warnings: [first, ...warnings].slice(0, MAX_WARNINGS), looked: true }
  }
  return { allowed: false, ...refusalOf(findings), reason: reasonOf(errors) }
}

const isObject = (value: unknown): value is MeshObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const warningTexts = (findings: readonly Finding[]): readonly string[] =>
  findings
    .filter(({ severity }) => severity === 'warning')
    .slice(0, MAX_WARNINGS)
    .map((finding) => shortened(findingText(finding)))

const shortened = (text: string): string => (text.length > MAX_WARNING ? `${text.slice(0, MAX_WARNING - 1)}…` : text)

/** Both come from one API server, which writes the keys of equal objects in one order. */
const sameSpec = (object: MeshObject, oldObject: MeshObject): boolean =>
  object['apiVersion'] === oldObject['apiVersion'] &&
  JSON.stringify(object['spec']) === JSON.stringify(oldObject['spec'])

function reasonOf(errors: readonly Finding[]): RefusalReason {
  const [first] = errors
  if (first?.code === 'KIND_UNKNOWN' || first?.code === 'KIND_LEGACY') return 'unknown_type'
  if (first?.code !== 'DECODE') return 'invalid_resource'
  return first.text.startsWith('cannot decode') ? 'yaml_decode_error' : 'crd_conversion_error'
}

/** These are texts of their own; everything else stands behind istiod's prefix. */
const OWN_TEXTS: ReadonlySet<string> = new Set(['DECODE', 'KIND_UNKNOWN', 'KIND_LEGACY', 'TOP_LEVEL_FIELD'])

function istiodAnswer({ accepted, findings }: WebhookVerdict): ReviewAnswer {
  if (accepted) return { allowed: true, warnings: findings.map(({ text }) => text), looked: true }
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [first] = errors
  const list = errors.map(({ text }) => `\t* ${text}`).join('\n')
  const text = errors.length === 1 ? (first?.text ?? '') : `${errors.length} errors occurred:\n${list}\n\n`
  const message = first !== undefined && OWN_TEXTS.has(first.code) ? first.text : `configuration is invalid: ${text}`
  return { allowed: false, message, causes: [], reason: reasonOf(errors) }
}
