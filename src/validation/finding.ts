/** What validation says about one place of an object. */
import type { FieldPath } from './field-path.ts'
import type { FindingCode } from './finding-codes.ts'
import { FINDING_CODES } from './finding-codes.ts'

export interface Finding {
  readonly code: FindingCode
  /** An error refuses the object; a warning travels with an accepted one. */
  readonly severity: 'error' | 'warning'
  /** `spec.http[0].timeout`; empty for the object as a whole. */
  readonly path: string
  readonly at: FieldPath
  /** What is wrong, near to istiod's words. */
  readonly text: string
  /** What to write instead, where the object tells more than the code does. */
  readonly instead?: string
}

/** `path: what is wrong: what to write instead`, in one line: the API server drops warnings that hold a newline. */
export function findingText({ path, text, code, instead }: Finding): string {
  const place = path === '' ? '' : `${path}: `
  return `${place}${text}: ${instead ?? FINDING_CODES[code]}`.replaceAll(/\s+/g, ' ')
}
