/** Distribution and failover between localities (region/zone/subzone). */
import { entry, field, index } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { entriesOf, keysOf } from '../schema/keys.ts'
import type { LocalityLbSetting, ZoneAwareLbSetting } from '../schema/kinds/destination-rule.ts'

interface Place {
  readonly at: FieldPath
  readonly hasOutlierDetection: boolean
  readonly report: Report
}
const TOPOLOGY_LABELS: ReadonlySet<string> = new Set([
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
])

/** istiod: the first contradiction ends the check. */
export function checkLocality(setting: LocalityLbSetting | undefined, place: Place): void {
  if (setting === undefined) return
  const { distribute = [], failover = [], failoverPriority = [] } = setting
  const { at, report } = place
  if (distribute.length > 0 && failover.length > 0) {
    report.error('LOCALITY_CONFLICT', at, 'can not simultaneously specify distribute and failover')
    return
  }
  const label = failoverPriority.find((name) => TOPOLOGY_LABELS.has(name))
  if (failover.length > 0 && label !== undefined) {
    report.error(
      'FAILOVER_PRIORITY',
      field(at, 'failoverPriority'),
      `can not simultaneously set failover and topology label ${label} in failover_priority`,
    )
    return
  }
  if (!checkDistribute(distribute, field(at, 'distribute'), report)) return
  warnOfMissingOutlierDetection(setting, place)
  checkFailover(failover, field(at, 'failover'), report)
}

export function checkZoneAware(setting: ZoneAwareLbSetting | undefined, place: Place): void {
  if (setting === undefined) return
  const { failover = [], failoverPriority = [] } = setting
  const { at, report } = place
  for (const [i, label] of failoverPriority.entries()) {
    if (!TOPOLOGY_LABELS.has(label)) continue
    report.error(
      'FAILOVER_PRIORITY',
      index(field(at, 'failoverPriority'), i),
      `topology label ${label} can not be set in failover_priority of zone aware load balancing`,
    )
  }
  warnOfMissingOutlierDetection(setting, place)
  checkFailover(failover, field(at, 'failover'), report)
}

function warnOfMissingOutlierDetection(
  { failover = [], failoverPriority = [] }: ZoneAwareLbSetting,
  { at, hasOutlierDetection, report }: Place,
): void {
  if (hasOutlierDetection || (failover.length === 0 && failoverPriority.length === 0)) return
  report.warn('FAILOVER_WITHOUT_OUTLIER', at, 'outlier detection policy must be provided for failover')
}

function checkDistribute(
  distribute: NonNullable<LocalityLbSetting['distribute']>,
  at: FieldPath,
  report: Report,
): boolean {
  for (const [i, { to = {} }] of distribute.entries()) {
    const here = field(index(at, i), 'to')
    let total = 0
    for (const [locality, weight] of entriesOf(to)) {
      if (weight === 0 || weight > 100) {
        report.error(
          'LOCALITY_WEIGHT',
          entry(here, locality),
          `locality weight must be in range [1, 100], got ${weight}`,
        )
        return false
      }
      total += weight
    }
    if (total !== 100) {
      report.error('LOCALITY_WEIGHT', here, `total locality weight ${total} != 100`)
      return false
    }
    // istiod walks the keys in random order; here it is the order of the document.
    const overlap = wrongLocalities(keysOf(to))
    if (overlap !== undefined) {
      report.error('LOCALITY_OVERLAP', here, overlap)
      return false
    }
  }
  const overlap = wrongLocalities(distribute.map(({ from = '' }) => from))
  if (overlap === undefined) return true
  report.error('LOCALITY_OVERLAP', at, overlap)
  return false
}

function checkFailover(failover: NonNullable<LocalityLbSetting['failover']>, at: FieldPath, report: Report): void {
  for (const [i, { from = '', to = '' }] of failover.entries()) {
    const here = index(at, i)
    if (from === to)
      report.error(
        'FAILOVER_REGION',
        here,
        `locality lb failover settings must specify different regions, got ${from} twice`,
      )
    if (from.includes('/') || to.includes('/'))
      report.error('FAILOVER_REGION', here, 'locality lb failover only specify region')
    if (from.includes('*') || to.includes('*'))
      report.error('FAILOVER_REGION', here, 'locality lb failover region should not contain "*" wildcard')
  }
}

/** What was seen of a region: its zones, each with its subzones. */
type Seen = Map<string, Map<string, Set<string>>>

/** istiod: goes by the order of the list, so `us/z1` before `us/*` passes and the reverse does not. */
function wrongLocalities(localities: readonly string[]): string | undefined {
  const seen: Seen = new Map()
  for (const locality of localities) {
    const star = locality.indexOf('*')
    if (star !== -1 && star !== locality.length - 1)
      return `locality ${locality} wildcard '*' number can not exceed 1 and must be in the end`
    if (seen.has('*')) return `locality ${locality} overlap with previous specified ones`
    const [region = '', zone, ...rest] = locality.split('/')
    const parts = zone === undefined ? [region] : rest.length === 0 ? [region, zone] : [region, zone, rest.join('/')]
    if (parts.includes('')) return `locality ${locality} must not contain empty region/zone/subzone`
    if (overlaps(parts, seen)) return `locality ${locality} overlap with previous specified ones`
    remember(parts, seen)
  }
  return undefined
}

function overlaps([region = '', zone, subzone]: readonly string[], seen: Seen): boolean {
  const zones = seen.get(region)
  if (zones === undefined) return false
  if (zone === undefined || zones.has('*')) return true
  const subzones = zones.get(zone)
  if (subzones === undefined) return false
  return subzone === undefined || subzones.has('*') || subzones.has(subzone)
}

function remember([region = '', zone = '*', subzone = '*']: readonly string[], seen: Seen): void {
  const zones = seen.get(region) ?? new Map<string, Set<string>>()
  const subzones = zones.get(zone) ?? new Set<string>()
  subzones.add(subzone)
  zones.set(zone, subzones)
  seen.set(region, zones)
}
