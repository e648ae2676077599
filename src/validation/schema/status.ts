/** The status that all kinds share. The API server drops it on a create, but not before it has looked for unknown fields. */
import { ROOT, field } from '../field-path.ts'
import { list, object, text } from './dsl.ts'
import { prune } from './prune.ts'
import type { UnknownField } from './prune.ts'

const STATUS = field(ROOT, 'status')
const condition = object({
  type: text(),
  status: text(),
  lastProbeTime: text(),
  lastTransitionTime: text(),
  reason: text(),
  message: text(),
  observedGeneration: text(),
})
const validationMessage = object({
  documentationUrl: text(),
  level: text(),
  type: object({ code: text(), name: text() }),
})
const status = object({
  conditions: list(condition),
  validationMessages: list(validationMessage),
  observedGeneration: text(),
})

/** Fields no status has; at its top anything may stand. */
export function unknownInStatus(value: unknown): readonly UnknownField[] {
  const unknown: UnknownField[] = []
  prune(status, value, { at: STATUS, unknown })
  return unknown.filter(({ at }) => at.parent !== STATUS)
}
