/** AuthorizationPolicy: what an action may use, sources, operations and conditions. */
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type {
  AuthorizationPolicy,
  Condition,
  Operation,
  PolicyRule,
  Source,
} from '../schema/kinds/authorization-policy.ts'
import { wrongAttribute } from './authorization-attributes.ts'
import {
  checkEach,
  wrongAccounts,
  wrongEmpty,
  wrongIps,
  wrongPaths,
  wrongPorts,
  wrongTrustDomains,
} from './authorization-values.ts'
import type { ValuesCheck } from './authorization-values.ts'
import { checkTargeting } from './labels.ts'
import type { KindRules } from './rule-context.ts'

const SOURCE_LISTS = [
  'principals',
  'requestPrincipals',
  'namespaces',
  'serviceAccounts',
  'trustDomains',
  'ipBlocks',
  'remoteIpBlocks',
  'notPrincipals',
  'notRequestPrincipals',
  'notNamespaces',
  'notServiceAccounts',
  'notTrustDomains',
  'notIpBlocks',
  'notRemoteIpBlocks',
] as const
const OPERATION_LISTS = [
  'ports',
  'methods',
  'paths',
  'hosts',
  'notPorts',
  'notMethods',
  'notPaths',
  'notHosts',
] as const
const CUSTOM_FORBIDDEN = [
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'trustDomains',
  'notTrustDomains',
  'principals',
  'notPrincipals',
  'requestPrincipals',
  'notRequestPrincipals',
] as const
const CUSTOM_FORBIDDEN_KEYS: ReadonlySet<string> = new Set([
  'source.namespace',
  'source.serviceAccount',
  'source.trustDomain',
  'source.principal',
])

export const checkAuthorizationPolicy: KindRules<AuthorizationPolicy> = (spec, { meta, report: plain }) => {
  const report = withPrefix(plain, `invalid policy ${meta.name}.${meta.namespace}: `)
  checkTargeting(spec, SPEC, report)
  checkAction(spec, report)
  for (const [i, rule] of (spec.rules ?? []).entries()) {
    const at = index(field(SPEC, 'rules'), i)
    checkFrom(rule, { at, position: i, report })
    checkTo(rule, { at, position: i, report })
    for (const [j, condition] of (rule.when ?? []).entries())
      checkCondition(condition, index(field(at, 'when'), j), report)
    if (spec.action === 'DENY') warnOfHttpOnlyDeny(rule, at, report)
  }
}

const withPrefix = (report: Report, prefix: string): Report => ({
  ...report,
  error: (code, at, text) => {
    report.error(code, at, `${prefix}${text}`)
  },
})

function checkAction(spec: AuthorizationPolicy, report: Report): void {
  const { action = 'ALLOW', provider, rules = [] } = spec
  const never = (): void =>
    report.error(
      'POLICY_NEVER_TRIGGERED',
      field(SPEC, 'rules'),
      `${action} action without \`rules\` is meaningless as it will never be triggered, use an empty rule \`{}\` if you want it be triggered on every request`,
    )
  if (action === 'CUSTOM') {
    if (rules.length === 0) {
      never()
      return
    }
    if ((provider?.name ?? '') === '')
      report.error('POLICY_PROVIDER', field(SPEC, 'provider'), '`provider.name` must not be empty')
    for (const [i, rule] of rules.entries()) checkCustomRule(rule, index(field(SPEC, 'rules'), i), report)
    return
  }
  if (provider !== undefined)
    report.error(
      'POLICY_PROVIDER',
      field(SPEC, 'provider'),
      `\`provider\` must not be with non CUSTOM action, found ${action}`,
    )
  if (action === 'DENY' && rules.length === 0) never()
}

function checkCustomRule({ from = [], when = [] }: PolicyRule, at: FieldPath, report: Report): void {
  for (const [i, { source }] of from.entries()) {
    for (const name of CUSTOM_FORBIDDEN) {
      if (source?.[name] === undefined) continue
      const here = field(field(index(field(at, 'from'), i), 'source'), name)
      report.error('POLICY_CUSTOM', here, `From.${capital(name)} is currently not supported with CUSTOM action`)
    }
  }
  for (const [i, { key = '' }] of when.entries()) {
    if (!CUSTOM_FORBIDDEN_KEYS.has(key) && !key.startsWith('request.auth.')) continue
    report.error(
      'POLICY_CUSTOM',
      field(index(field(at, 'when'), i), 'key'),
      `${key} is currently not supported with CUSTOM action`,
    )
  }
}

/** Names as istiod's texts have them, made once. */
const CAPITALS: ReadonlyMap<string, string> = new Map(
  [...SOURCE_LISTS, ...OPERATION_LISTS].map((name) => [name, name.charAt(0).toUpperCase() + name.slice(1)]),
)
const capital = (name: string): string => CAPITALS.get(name) ?? name

interface RulePlace {
  readonly at: FieldPath
  readonly position: number
  readonly report: Report
}

const SOURCE_CHECKS: Readonly<Partial<Record<keyof Source, ValuesCheck>>> = {
  serviceAccounts: wrongAccounts,
  notServiceAccounts: wrongAccounts,
  trustDomains: wrongTrustDomains,
  notTrustDomains: wrongTrustDomains,
}
const IP_LISTS = ['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'] as const

function checkFrom({ from = [] }: PolicyRule, { at, position, report }: RulePlace): void {
  for (const [i, { source }] of from.entries()) {
    const here = field(index(field(at, 'from'), i), 'source')
    if (source === undefined) {
      report.error('POLICY_SOURCE', here, `\`from.source\` must not be nil, found at rule ${position}`)
      continue
    }
    checkSource(source, { at: here, position, report })
  }
}

const NAMED_SOURCES: ReadonlySet<string> = new Set(['principals', 'notPrincipals', 'namespaces', 'notNamespaces'])
const ACCOUNT_SOURCES: ReadonlySet<string> = new Set(['serviceAccounts', 'notServiceAccounts'])

function checkSource(source: Source, { at, position, report }: RulePlace): void {
  const present = SOURCE_LISTS.filter((name) => source[name] !== undefined)
  const fail = (text: string): void => report.error('POLICY_SOURCE', at, `${text}, found at rule ${position}`)
  if (present.some((name) => ACCOUNT_SOURCES.has(name)) && present.some((name) => NAMED_SOURCES.has(name)))
    fail('cannot set serviceAccounts with namespaces or principals')
  if (present.length === 0) fail('`from.source` must not be empty')
  const ask = (name: (typeof SOURCE_LISTS)[number], check: ValuesCheck): void =>
    checkEach(source[name], { at: field(at, name), name: capital(name), check, report })
  for (const name of IP_LISTS) if (source[name] !== undefined) ask(name, wrongIps)
  for (const name of present) ask(name, SOURCE_CHECKS[name] ?? wrongEmpty)
}

function checkTo({ to = [] }: PolicyRule, { at, position, report }: RulePlace): void {
  for (const [i, { operation }] of to.entries()) {
    const here = field(index(field(at, 'to'), i), 'operation')
    if (operation === undefined) {
      report.error('POLICY_OPERATION', here, `\`to.operation\` must not be nil, found at rule ${position}`)
      continue
    }
    if (OPERATION_LISTS.every((name) => operation[name] === undefined)) {
      report.error('POLICY_OPERATION', here, `\`to.operation\` must not be empty, found at rule ${position}`)
    }
    checkOperation(operation, here, report)
  }
}

function checkOperation(operation: Operation, at: FieldPath, report: Report): void {
  const ask = (names: readonly (keyof Operation)[], check: ValuesCheck): void => {
    for (const name of names) {
      const values = operation[name]
      if (values !== undefined) checkEach(values, { at: field(at, name), name: capital(name), check, report })
    }
  }
  ask(['ports', 'notPorts'], wrongPorts)
  ask(OPERATION_LISTS, wrongEmpty)
  ask(['paths', 'notPaths'], wrongPaths)
}

/** istiod: both lists are looked at even when empty, so a bad key is reported twice. */
function checkCondition({ key = '', values = [], notValues = [] }: Condition, at: FieldPath, report: Report): void {
  if (key === '') {
    report.error('POLICY_CONDITION', field(at, 'key'), '`key` must not be empty')
    return
  }
  if (values.length === 0 && notValues.length === 0) {
    report.error('POLICY_CONDITION', at, `at least one of \`values\` or \`notValues\` must be set for key ${key}`)
  }
  for (const [name, list, word] of [
    ['values', values, 'value'],
    ['notValues', notValues, 'notValue'],
  ] as const) {
    const wrong = wrongAttribute(key, list)
    if (wrong === undefined) continue
    const here = field(at, wrong.part === 'key' ? 'key' : name)
    report.error('POLICY_CONDITION', here, `invalid \`${word}\` for \`key\` ${key}: ${wrong.text}`)
  }
}

const TCP_SOURCES = [
  'principals',
  'notPrincipals',
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'ipBlocks',
  'notIpBlocks',
  'remoteIpBlocks',
  'notRemoteIpBlocks',
] as const

/** istiod: trustDomains are not counted although they work on TCP, and conditions are ignored. */
function warnOfHttpOnlyDeny({ from = [], to = [] }: PolicyRule, at: FieldPath, report: Report): void {
  const sources = from.flatMap(({ source }) => (source === undefined ? [] : [source]))
  const operations = to.flatMap(({ operation }) => (operation === undefined ? [] : [operation]))
  const tcpSource = sources.some((source) => TCP_SOURCES.some((name) => source[name] !== undefined))
  const tcpOperation = operations.some(({ ports, notPorts }) => ports !== undefined || notPorts !== undefined)
  const onlyHttp = operations.length > 0 ? !tcpOperation : sources.length > 0 && !tcpSource
  if (!onlyHttp) return
  const text =
    'configured AuthorizationPolicy will deny all traffic to TCP ports under its scope due to the use of only HTTP attributes in a DENY rule; it is recommended to explicitly specify the port'
  report.warn('POLICY_DENIES_TCP', at, text)
}
