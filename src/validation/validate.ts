/** The whole answer to one object: what the API server says with our CRDs, and what the webhook says. */
import type { MeshObject } from './api-server.ts'
import { admit } from './api-server.ts'
import { dottedPathText } from './field-path.ts'
import type { Finding } from './finding.ts'
import type { CelFinding } from './schema/cel.ts'
import { rememberingKeys } from './schema/keys.ts'
import type { UnknownField } from './schema/prune.ts'
import type { SchemaError } from './schema/structure.ts'
import { judge, judgePlain } from './webhook.ts'
import type { WebhookVerdict } from './webhook.ts'

export type Verdict = 'accept' | 'reject'
export type Layer = 'schema' | 'cel' | 'webhook'

export interface Validation {
  /** Of a cluster with CRDs and webhook. */
  readonly verdict: Verdict
  /** The same under strict field validation, kubectl's default: undeclared fields refuse. */
  readonly strict: Verdict
  readonly by: readonly Layer[]
  /** Undeclared fields: the API server drops them, or refuses the object under strict field validation. */
  readonly unknown: readonly UnknownField[]
  readonly schema: {
    readonly accepted: boolean
    readonly errors: readonly SchemaError[]
    readonly pruned: readonly string[]
  }
  readonly cel: readonly CelFinding[]
  /** For the object as it stands; asked for only where that differs from what would reach it. */
  readonly webhookUnpruned: () => WebhookVerdict
  /** For what the API server would leave of it; the same as `webhook` when it leaves everything. */
  readonly webhookAfterPruning: WebhookVerdict
  /** All that the webhook finds in what would reach it. */
  readonly findings: readonly Finding[]
}

/** Pure: no clock, no cluster, no memory of earlier objects. The object is not changed. */
export const validate = (object: MeshObject): Validation => rememberingKeys(() => validateOnce(object))

function validateOnce(object: MeshObject): Validation {
  const admission = admit(object)
  const webhookAfterPruning = admission.plain === undefined ? judge(admission.object) : judgePlain(admission.plain)
  const by: Layer[] = []
  if (admission.errors.length > 0) by.push('schema')
  if (admission.cel.length > 0) by.push('cel')
  if (!webhookAfterPruning.accepted) by.push('webhook')
  const verdict = by.length === 0 ? 'accept' : 'reject'
  return {
    verdict,
    strict: admission.unknown.length > 0 ? 'reject' : verdict,
    by,
    unknown: admission.unknown,
    schema: {
      accepted: admission.errors.length === 0,
      errors: admission.errors,
      pruned: admission.unknown.map(({ at }) => dottedPathText(at)),
    },
    cel: admission.cel,
    webhookUnpruned: () => (admission.object === object ? webhookAfterPruning : judge(object)),
    webhookAfterPruning,
    findings: webhookAfterPruning.findings,
  }
}
