/** Where rules put what they find, in the order in which they find it. */
import { pathText } from './field-path.ts'
import type { FieldPath } from './field-path.ts'
import type { FindingCode } from './finding-codes.ts'
import type { Finding } from './finding.ts'

export interface Report {
  readonly findings: readonly Finding[]
  /** How many errors there are so far; the difference tells whether a block was clean. */
  errorCount(): number
  /** There is no room left: whoever walks a long map may stop. */
  isFull(): boolean
  error(code: FindingCode, at: FieldPath, text: string): void
  /** An error that knows what to write instead. */
  errorWith(instead: string, finding: Pick<Finding, 'code' | 'at' | 'text'>): void
  warn(code: FindingCode, at: FieldPath, text: string): void
}

/** Hostile objects can break a rule per byte; whoever has this many findings knows enough. */
const MAX_FINDINGS = 1000

export function createReport(): Report {
  const findings: Finding[] = []
  let errors = 0
  const add = (severity: Finding['severity'], code: FindingCode, at: FieldPath, text: string): void => {
    if (findings.length < MAX_FINDINGS || (severity === 'error' && errors === 1)) {
      findings.push({ code, severity, path: pathText(at), at, text })
    }
  }
  return {
    findings,
    errorCount: () => errors,
    isFull: () => errors >= MAX_FINDINGS,
    error(code, at, text) {
      errors += 1
      add('error', code, at, text)
    },
    errorWith(instead, { code, at, text }) {
      errors += 1
      findings.push({ code, severity: 'error', path: pathText(at), at, text, instead })
    },
    warn(code, at, text) {
      add('warning', code, at, text)
    },
  }
}

/** istiod: some sub-results are folded into the whole as plain errors, and their warnings are lost on the way. */
export const withoutWarnings = (report: Report): Report => ({ ...report, warn: () => undefined })
