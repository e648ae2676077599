/** Load balancing of a DestinationRule. */
import { field, index } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { LoadBalancer } from '../schema/kinds/destination-rule.ts'
import { checkLocality, checkZoneAware } from './locality.ts'
import { checkDuration } from './values.ts'

const MAX_TABLE_SIZE = 5000011

/** `hasOutlierDetection`: of the same block; failover needs it. */
export function checkLoadBalancer(
  balancer: LoadBalancer | undefined,
  { at, hasOutlierDetection, report }: { at: FieldPath; hasOutlierDetection: boolean; report: Report },
): void {
  if (balancer === undefined) return
  checkConsistentHash(balancer.consistentHash, field(at, 'consistentHash'), report)
  if (balancer.localityLbSetting !== undefined && balancer.zoneAwareLbSetting !== undefined) {
    report.error('LOCALITY_CONFLICT', at, 'only one of locality or zone aware load balancing can be set')
  }
  checkLocality(balancer.localityLbSetting, { at: field(at, 'localityLbSetting'), hasOutlierDetection, report })
  checkZoneAware(balancer.zoneAwareLbSetting, { at: field(at, 'zoneAwareLbSetting'), hasOutlierDetection, report })
  checkWarmup(balancer.warmup, field(at, 'warmup'), report)
}

function checkConsistentHash(hash: LoadBalancer['consistentHash'], at: FieldPath, report: Report): void {
  if (hash === undefined) return
  if (hash.httpCookie !== undefined) checkCookie(hash.httpCookie, field(at, 'httpCookie'), report)
  if ((hash.minimumRingSize ?? 0) !== 0) {
    const here = field(at, 'minimumRingSize')
    report.warn(
      'RING_SIZE_DEPRECATED',
      here,
      'consistent hash MinimumRingSize is deprecated, use ConsistentHashLB RingHash configuration instead',
    )
    if (hash.ringHash !== undefined || hash.maglev !== undefined) {
      report.error('RING_SIZE_CONFLICT', here, 'only one of MinimumRingSize, Maglev or RingHash can be specified')
    }
  }
  if (hash.maglev !== undefined)
    checkTableSize(hash.maglev.tableSize ?? 0, field(field(at, 'maglev'), 'tableSize'), report)
}

function checkCookie(
  cookie: NonNullable<NonNullable<LoadBalancer['consistentHash']>['httpCookie']>,
  at: FieldPath,
  report: Report,
): void {
  if ((cookie.name ?? '') === '') report.error('COOKIE_INVALID', field(at, 'name'), 'name required for HttpCookie')
  const seen = new Set<string>()
  for (const [i, { name = '' }] of (cookie.attributes ?? []).entries()) {
    const here = field(index(field(at, 'attributes'), i), 'name')
    if (name === '') report.error('COOKIE_INVALID', here, 'cookie attribute name cannot be empty')
    else if (seen.has(name)) report.error('COOKIE_INVALID', here, `duplicate cookie attribute name ${name}`)
    seen.add(name)
  }
}

function checkTableSize(size: number, at: FieldPath, report: Report): void {
  if (size === 0) report.error('MAGLEV_TABLE_SIZE', at, 'tableSize must be set for maglev')
  if (size >= MAX_TABLE_SIZE)
    report.error('MAGLEV_TABLE_SIZE', at, `tableSize must be less than ${MAX_TABLE_SIZE} for maglev`)
  else if (!isPrime(size)) report.error('MAGLEV_TABLE_SIZE', at, 'tableSize must be a prime number for maglev')
}

/** istiod: 1 counts as prime. */
function isPrime(n: number): boolean {
  if (n <= 3) return n >= 1
  if (n % 2 === 0 || n % 3 === 0) return false
  for (let i = 5; i * i <= n; i += 6) if (n % i === 0 || n % (i + 2) === 0) return false
  return true
}

function checkWarmup(warmup: LoadBalancer['warmup'], at: FieldPath, report: Report): void {
  if (warmup === undefined) return
  if (warmup.duration === undefined)
    report.error('WARMUP_INVALID', field(at, 'duration'), 'warmup duration is required')
  checkDuration(warmup.duration, field(at, 'duration'), report)
  if ((warmup.minimumPercent ?? 0) > 100) {
    report.error(
      'WARMUP_INVALID',
      field(at, 'minimumPercent'),
      'warmup minimumPercent should be less than or equal to 100',
    )
  }
  if (warmup.aggression !== undefined && warmup.aggression <= 0) {
    report.error('WARMUP_INVALID', field(at, 'aggression'), 'warmup aggression should be greater than 0')
  }
}
