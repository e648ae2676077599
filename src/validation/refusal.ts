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

/** What an answer of 32 KiB has room for; a control character takes six bytes of it, one beyond ASCII up to four. */
const MAX_JSON_BYTES = 30 * 1024
const MAX_TEXT = 1024
const ENCODER = new TextEncoder()

/** All errors of `findings`, in their order; what does not fit is counted. */
export function refusalOf(findings: readonly Finding[]): Refusal {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const causes: Cause[] = []
  const lines: string[] = []
  let bytes = 0
  for (const error of errors) {
    const line = shortened(findingText(error))
    const cause: Cause = { type: 'FieldValueInvalid', message: line, field: shortened(error.path) }
    bytes += jsonBytes(line) + jsonBytes(cause)
    if (bytes > MAX_JSON_BYTES && lines.length > 0) break
    lines.push(line)
    causes.push(cause)
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

const jsonBytes = (value: unknown): number => ENCODER.encode(JSON.stringify(value)).length

const shortened = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text)
