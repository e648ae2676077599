/** Answers one recorded set of objects in the form of the real analyzers' answers. */
import { analyze, originOf } from '../../src/validation/analysis/analyze.ts'
import type { Level, MessageCode } from '../../src/validation/analysis/messages.ts'
import { validateAnnotations } from '../../src/injection/mesh/annotations.ts'
import { SPEC } from '../../src/validation/field-path.ts'
import { parseApiVersion } from '../../src/validation/gvk.ts'
import type { MeshObject } from '../../src/validation/index.ts'
import { findKind } from '../../src/validation/registry.ts'

export interface AnalysisCase {
  readonly id: string
  readonly objects: readonly unknown[]
  readonly meshConfig?: unknown
  /** False: what files alone give. */
  readonly runtime?: boolean
}
export interface AnalysisAnswer {
  readonly id: string
  readonly messages: readonly {
    readonly code: MessageCode
    readonly level: Level
    readonly origin: string
    readonly path?: string
  }[]
}

const isObject = (value: unknown): value is MeshObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** istiod: of a file, what does not decode is a parse error and no part of the analysis. */
function decodes({ apiVersion, kind, spec }: MeshObject): boolean {
  const { group } = parseApiVersion(typeof apiVersion === 'string' ? apiVersion : '')
  const found = findKind(group, typeof kind === 'string' ? kind : '')
  return found === undefined || !('error' in found.decode(spec, SPEC))
}

/** Objects come parsed, so there are no lines to give. */
export function answerAnalysisCase({ id, objects, meshConfig, runtime = true }: AnalysisCase): AnalysisAnswer {
  const messages = analyze(objects.filter(isObject).filter(decodes), {
    mesh: isObject(meshConfig) ? meshConfig : {},
    runtime,
    nowMs: Date.now(),
    wrongProxyConfig: (yaml) => validateAnnotations({ 'proxy.istio.io/config': yaml }),
  }).map((message) => {
    const { code, level, path } = message
    return { code, level, origin: originOf(message), ...(path !== undefined && { path }) }
  })
  return { id, messages }
}
