/** Answers one recorded set of objects in the form of the real analyzers' answers. */
import { analyze, originOf } from '../../src/validation/analysis/analyze.ts'
import type { Level, MessageCode } from '../../src/validation/analysis/messages.ts'
import type { MeshObject } from '../../src/validation/index.ts'

export interface AnalysisCase {
  readonly id: string
  readonly objects: readonly unknown[]
  readonly meshConfig?: MeshObject
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

/** Objects come parsed, so there are no lines to give. */
export function answerAnalysisCase({ id, objects, meshConfig = {}, runtime = true }: AnalysisCase): AnalysisAnswer {
  const messages = analyze(objects.filter(isObject), { mesh: meshConfig, runtime }).map((message) => {
    const { code, level, path } = message
    return { code, level, origin: originOf(message), ...(path !== undefined && { path }) }
  })
  return { id, messages }
}
