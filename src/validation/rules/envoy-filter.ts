/** EnvoyFilter: which match and patch fit together, and what Envoy makes of the patch's value. */
import type { EnvoyMessageCheck } from '../envoy/patch-value.ts'
import { checkPatchValue } from '../envoy/patch-value.ts'
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { ConfigPatch, EnvoyFilter, PatchMatch } from '../schema/kinds/envoy-filter.ts'
import { newFilterName } from './envoy-filter-names.ts'
import { checkLabelsSelector } from './labels.ts'
import type { KindRules } from './rule-context.ts'
import { byteLength, wrongRegex } from './values.ts'

type ApplyTo = NonNullable<ConfigPatch['applyTo']>
type Member = 'listener' | 'routeConfiguration' | 'cluster'

/** Which member of `match` each class of objects may use; the rest is not checked. */
const MEMBERS: Readonly<Partial<Record<ApplyTo, Member>>> = {
  LISTENER: 'listener',
  FILTER_CHAIN: 'listener',
  NETWORK_FILTER: 'listener',
  HTTP_FILTER: 'listener',
  ROUTE_CONFIGURATION: 'routeConfiguration',
  VIRTUAL_HOST: 'routeConfiguration',
  HTTP_ROUTE: 'routeConfiguration',
  CLUSTER: 'cluster',
}
const MEMBER_TEXTS: Readonly<Record<Member, string>> = {
  listener: 'applyTo for listener class objects cannot have non listener match',
  routeConfiguration: 'applyTo for http route class objects cannot have non route configuration match',
  cluster: 'applyTo for cluster class objects cannot have non cluster match',
}
const MAX_PROXY_VERSION_BYTES = 1024

export const checkEnvoyFilter: KindRules<EnvoyFilter> = ({ workloadSelector, configPatches = [] }, { report }) => {
  const text =
    'EnvoyFilter exposes internal implementation details that may change at any time. Prefer other APIs if possible, and exercise extreme caution, especially around upgrades.'
  report.warn('ENVOY_FILTER_INTERNAL', SPEC, text)
  const at = field(SPEC, 'workloadSelector')
  if (!checkLabelsSelector(workloadSelector, { at, subject: 'Envoy filter', report })) return
  for (const [i, patch] of configPatches.entries()) checkPatch(patch, index(field(SPEC, 'configPatches'), i), report)
}

/** istiod: what stops a patch from being looked at further ends the function; waypoint patches are not checked at all. */
function checkPatch(configPatch: ConfigPatch, at: FieldPath, report: Report): void {
  const { applyTo = 'INVALID', match, patch } = configPatch
  if (match?.context === 'WAYPOINT') return
  const missing = missingPart(configPatch)
  if (missing !== undefined) {
    report.error('ENVOY_PATCH_INCOMPLETE', field(at, missing.field), `Envoy filter: missing ${missing.what}`)
    return
  }
  if (!checkProxyVersion(match?.proxy?.proxyVersion ?? '', field(at, 'match'), report)) return
  const member = MEMBERS[applyTo]
  if (member !== undefined && !checkMember(member, match, { at: field(at, 'match'), report }) && member === 'listener')
    return
  if (member === 'listener' && !checkFilterMatch(applyTo, match, { at: field(at, 'match'), report })) return
  if (patch?.value !== undefined)
    reportValue(checkPatchValue(applyTo, patch.value), field(field(at, 'patch'), 'value'), report)
}

function missingPart({ applyTo = 'INVALID', patch }: ConfigPatch): { field: string; what: string } | undefined {
  if (applyTo === 'INVALID') return { field: 'applyTo', what: 'applyTo' }
  if (patch === undefined) return { field: 'patch', what: 'patch' }
  const { operation = 'INVALID', value } = patch
  if (operation === 'INVALID') return { field: 'patch', what: 'patch operation' }
  if (operation !== 'REMOVE' && value === undefined)
    return { field: 'patch', what: 'patch value for non-remove operation' }
  return undefined
}

function checkProxyVersion(version: string, at: FieldPath, report: Report): boolean {
  if (version === '') return true
  const here = field(field(at, 'proxy'), 'proxyVersion')
  const large = byteLength(version) > MAX_PROXY_VERSION_BYTES
  if (large)
    report.warn(
      'ENVOY_PROXY_VERSION',
      here,
      `Envoy filter: proxy version regex exceeds ${MAX_PROXY_VERSION_BYTES} characters and will be ignored`,
    )
  const wrong = large ? undefined : wrongRegex(version)
  if (wrong === undefined) return true
  report.error('REGEX_INVALID', here, `Envoy filter: invalid regex for proxy version, ${wrong}`)
  return false
}

interface MatchPlace {
  readonly at: FieldPath
  readonly report: Report
}

function checkMember(member: Member, match: PatchMatch | undefined, { at, report }: MatchPlace): boolean {
  const others = (['listener', 'routeConfiguration', 'cluster', 'waypoint'] as const).filter((name) => name !== member)
  const wrong = others.find((name) => match?.[name] !== undefined)
  if (wrong === undefined) return true
  report.error('ENVOY_MATCH_CLASS', field(at, wrong), `Envoy filter: ${MEMBER_TEXTS[member]}`)
  return false
}

const CONNECTION_MANAGERS: ReadonlySet<string> = new Set([
  'envoy.filters.network.http_connection_manager',
  'envoy.http_connection_manager',
])

function checkFilterMatch(applyTo: ApplyTo, match: PatchMatch | undefined, { at, report }: MatchPlace): boolean {
  const filter = match?.listener?.filterChain?.filter
  if (filter === undefined) return true
  const here = field(field(field(at, 'listener'), 'filterChain'), 'filter')
  if (applyTo === 'LISTENER' || applyTo === 'FILTER_CHAIN') {
    report.warn(
      'ENVOY_FILTER_MATCH_USELESS',
      here,
      `Envoy filter: filter match has no effect when used with ${applyTo}`,
    )
  }
  const wrong = wrongFilterMatch(applyTo, filter)
  if (wrong !== undefined) {
    report.error('ENVOY_FILTER_MATCH', here, `Envoy filter: ${wrong}`)
    return false
  }
  for (const name of [filter.name ?? '', filter.subFilter?.name ?? '']) {
    const better = newFilterName(name)
    if (better !== undefined)
      report.warn(
        'ENVOY_FILTER_NAME_OLD',
        here,
        `Envoy filter: using deprecated filter name "${name}"; use "${better}" instead`,
      )
  }
  return true
}

type FilterMatch = NonNullable<NonNullable<NonNullable<PatchMatch['listener']>['filterChain']>['filter']>

function wrongFilterMatch(applyTo: ApplyTo, { name = '', subFilter }: FilterMatch): string | undefined {
  if (name === '') return 'filter match has no name to match on'
  if (subFilter === undefined) return undefined
  if (applyTo !== 'HTTP_FILTER') return 'subfilter match can be used with applyTo HTTP_FILTER only'
  if (!CONNECTION_MANAGERS.has(name))
    return 'subfilter match requires filter match with envoy.filters.network.http_connection_manager'
  return (subFilter.name ?? '') === '' ? 'subfilter match has no name to match on' : undefined
}

function reportValue({ error, warnings }: EnvoyMessageCheck, at: FieldPath, report: Report): void {
  if (error !== undefined) report.error('ENVOY_VALUE', at, error)
  else for (const warning of warnings) report.warn('ENVOY_VALUE', at, warning)
}
