/** AuthorizationPolicy: rules that let more or less through than their author will think. */
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { KindRules } from '../rules/rule-context.ts'
import type { AuthorizationPolicy, Operation, PolicyRule, Source } from '../schema/kinds/authorization-policy.ts'

export const adviseAuthorizationPolicy: KindRules<AuthorizationPolicy> = (
  { action = 'ALLOW', rules = [] },
  { report },
) => {
  if (action === 'ALLOW' && rules.length === 0) {
    report.warn('ADVICE_POLICY_SCOPE', SPEC, 'allows nothing: no rule means that no request matches')
  }
  for (const [i, rule] of rules.entries()) {
    const at = index(field(SPEC, 'rules'), i)
    if ((action === 'ALLOW' || action === 'DENY') && isOpen(rule)) {
      const what = action === 'ALLOW' ? 'allows' : 'denies'
      report.warn('ADVICE_POLICY_SCOPE', at, `${what} everything: an empty rule matches every request`)
    }
    adviseRule(rule, at, report)
  }
}

const isOpen = ({ from, to, when }: PolicyRule): boolean => from === undefined && to === undefined && when === undefined

function adviseRule({ from = [], to = [], when = [] }: PolicyRule, at: FieldPath, report: Report): void {
  for (const [i, { source = {} }] of from.entries()) {
    adviseSource(source, { at: field(index(field(at, 'from'), i), 'source'), siblings: from.length - 1, report })
  }
  for (const [i, { operation = {} }] of to.entries()) {
    adviseOperation(operation, field(index(field(at, 'to'), i), 'operation'), report)
  }
  for (const [i, { key, values = [], notValues = [] }] of when.entries()) {
    if (key !== 'source.trustDomain' || ![...values, ...notValues].some((value) => value.includes('/'))) continue
    report.warn('ADVICE_TRUST_DOMAIN', index(field(at, 'when'), i), 'a trust domain holds no slash')
  }
}

interface SourcePlace {
  readonly at: FieldPath
  /** How many other sources the same rule has. */
  readonly siblings: number
  readonly report: Report
}

function adviseSource(source: Source, { at, siblings, report }: SourcePlace): void {
  const names = Object.keys(source)
  if (names.length === 1 && names[0] === 'notNamespaces') {
    const effect = siblings === 0 ? '' : '; the other sources of the rule are alternatives and change nothing'
    report.warn('ADVICE_SOURCE_OPEN', at, `matches everybody outside of the namespaces${effect}`)
  }
  for (const name of ['principals', 'notPrincipals'] as const) {
    for (const [i, value] of (source[name] ?? []).entries()) {
      if (!value.startsWith('spiffe://')) continue
      report.warn('ADVICE_PRINCIPAL', index(field(at, name), i), 'never matches: principals are written without scheme')
    }
  }
}

function adviseOperation(operation: Operation, at: FieldPath, report: Report): void {
  for (const name of ['methods', 'notMethods'] as const) {
    for (const [i, value] of (operation[name] ?? []).entries()) {
      if (value === value.toUpperCase()) continue
      report.warn(
        'ADVICE_METHOD',
        index(field(at, name), i),
        `"${value}" never matches: methods are compared by letter`,
      )
    }
  }
  for (const name of ['paths', 'notPaths'] as const) {
    for (const [i, value] of (operation[name] ?? []).entries()) {
      if (/^[/*{]/.test(value)) continue
      report.warn('ADVICE_PATH', index(field(at, name), i), `"${value}" never matches: paths begin with a slash`)
    }
  }
}
