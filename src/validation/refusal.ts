/** What a refused user reads: one text, and the causes a client can show one by one. Bounded in size. */
import type { Finding } from './finding.ts'
import { findingText } from './finding.ts'

/** Kubernetes: an element of `Status.details.causes`. */
export interface Cause {
  readonly type: 'FieldValueInvalid'
  readonly message: string
  readonly field: string
}
export interface Refusal {
  readonly message: string
  readonly causes: readonly Cause[]
}

/** Both halves together stay below 32 KiB, with room for the rest of the answer. */
const MAX_CHARACTERS = 12 * 1024
const MAX_TEXT = 1024

/** All errors of `findings`, in their order; what does not fit is counted. */
export function refusalOf(findings: readonly Finding[]): Refusal {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const causes: Cause[] = []
  const lines: string[] = []
  let characters = 0
  for (const error of errors) {
    const line = shortened(findingText(error))
    if (characters + line.length > MAX_CHARACTERS && lines.length > 0) break
    characters += line.length
    lines.push(line)
    causes.push({ type: 'FieldValueInvalid', message: line, field: shortened(error.path) })
  }
  const left = errors.length - lines.length
  if (left > 0) lines.push(`and ${left} more`)
  return {
    message:
      lines.length === 1
        ? (lines[0] ?? '')
        : `${errors.length} errors:\n${lines.map((line) => `* ${line}`).join('\n')}`,
    causes,
  }
}

const shortened = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text)
