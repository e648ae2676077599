/** Answers one line of recorded validation cases in the form of the real system's answers. */
import { isMeshConfig, meshConfigFindings } from './mesh-config.ts'
import { answerAnalysisCase } from './analysis.ts'
import type { AnalysisAnswer, AnalysisCase } from './analysis.ts'
import { validate } from '../../src/validation/index.ts'
import type { Finding, Layer, MeshObject, Verdict } from '../../src/validation/index.ts'

export interface ValidationCase {
  readonly id: string
  readonly object: MeshObject
}
export interface ValidationAnswer {
  readonly id: string
  readonly verdict: Verdict
  readonly strict: Verdict
  readonly by: readonly Layer[]
  readonly schema: {
    readonly accepted: boolean
    readonly errors: readonly { readonly path: string; readonly message: string; readonly type: string }[]
    readonly pruned: readonly string[]
  }
  readonly cel: readonly { readonly path: string; readonly message: string }[]
  readonly webhook: {
    readonly accepted: boolean
    readonly errors: readonly string[]
    readonly warnings: readonly string[]
  }
}

/** One line of JSON, a resource or a set of them; what is no object is answered like an empty one. */
export function answerValidationLine(line: string): ValidationAnswer | AnalysisAnswer {
  const given = JSON.parse(line) as AnalysisCase & { readonly object?: unknown }
  if (Array.isArray(given.objects)) return answerAnalysisCase(given)
  const { id, object } = given
  const isObject = typeof object === 'object' && object !== null && !Array.isArray(object)
  return answerValidationCase({ id, object: isObject ? (object as MeshObject) : {} })
}

/** `webhook` is the answer for the object as it stands, warnings left out of a refusal as istiod does. */
export function answerValidationCase({ id, object }: ValidationCase): ValidationAnswer {
  if (isMeshConfig(object)) return answerMeshConfig(id, object)
  const { verdict, strict, by, schema, cel, webhookAfterPruning, webhookUnpruned } = validate(object)
  const webhook = webhookUnpruned()
  const shown = verdict === 'accept' ? webhookAfterPruning : webhook
  return {
    id,
    verdict,
    strict,
    by,
    schema: { ...schema, errors: schema.errors.map(({ path, message, type }) => ({ path, message, type })) },
    cel: cel.map(({ path, message }) => ({ path, message })),
    webhook: {
      accepted: webhook.accepted,
      errors: texts(webhook.findings, 'error'),
      warnings: shown.accepted ? texts(shown.findings, 'warning') : [],
    },
  }
}

const texts = (findings: readonly Finding[], severity: Finding['severity']): readonly string[] =>
  findings.filter((finding) => finding.severity === severity).map(({ text }) => text)

/** No resource: there is no schema, only istiod's own validation of the merged result. */
function answerMeshConfig(id: string, object: MeshObject): ValidationAnswer {
  const { errors, warnings } = meshConfigFindings(object['spec'])
  const accepted = errors.length === 0
  const verdict = accepted ? 'accept' : 'reject'
  const webhook = { accepted, errors, warnings: accepted ? warnings : [] }
  const by: readonly Layer[] = accepted ? [] : ['webhook']
  return { id, verdict, strict: verdict, by, schema: { accepted: true, errors: [], pruned: [] }, cel: [], webhook }
}
