/** exportTo: who may see an object. */
import { isDnsLabel } from '../../base/host-names.ts'
import { field, index, SPEC } from '../field-path.ts'
import type { Report } from '../report.ts'

export interface ExportToRules {
  readonly namespace: string
  /** `~` hides the object from everybody; only a ServiceEntry may. */
  readonly mayHide?: boolean
  /** A DestinationRule for chosen workloads stays in its namespace. */
  readonly ownNamespaceOnly?: boolean
}

/** istiod: validated as a set in which `.` stands for the object's own namespace. */
export function checkExportTo(exportTo: readonly string[] | undefined, rules: ExportToRules, report: Report): void {
  if (exportTo === undefined || exportTo.length === 0) return
  const at = field(SPEC, 'exportTo')
  const seen = new Set<string>()
  for (const [i, wanted] of exportTo.entries()) {
    const scope = wanted === '.' ? rules.namespace : wanted
    const wrong = wrongScope(scope, wanted, { seen, rules })
    if (wrong === undefined) seen.add(scope)
    else report.error('EXPORT_TO_INVALID', index(at, i), wrong)
  }
  const fail = (text: string): void => report.error('EXPORT_TO_INVALID', at, text)
  if (rules.ownNamespaceOnly === true && seen.size > 0) {
    if (!seen.has(rules.namespace))
      fail('destination rule with workload selector cannot be exported beyond current namespace')
    else if (seen.size > 1) fail('destination rule with workload selector cannot have multiple entries in exportTo')
  }
  if (seen.has('*') && exportTo.length > 1) fail('cannot have both public (*) and other values in exportTo')
  if (seen.has('~') && exportTo.length > 1) fail('cannot export service entry to no one (~) and someone')
}

function wrongScope(
  scope: string,
  wanted: string,
  { seen, rules }: { seen: ReadonlySet<string>; rules: ExportToRules },
): string | undefined {
  if (seen.has(scope)) {
    return wanted === '.'
      ? `duplicate entries in exportTo: . and current namespace ${rules.namespace}`
      : `duplicate entries in exportTo: ${wanted}`
  }
  if (scope === '~')
    return rules.mayHide === true ? undefined : 'exportTo ~ is not allowed for Istio configuration objects'
  if (scope === '*' || isDnsLabel(scope)) return undefined
  return `only ., * or a valid DNS 1123 label is allowed as exportTo entry, got ${JSON.stringify(wanted)}`
}
