/** Rules on locality and zone-aware load balancing of a mesh. */
import { goQuote } from './go-text.ts'
import { compareBytes } from './proto-json-write.ts'
import type { Message } from './message-type.ts'

const TOPOLOGY_LABELS = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone']

/** What is wrong with `localityLbSetting`; outlier detection counts as present for a mesh. */
export function localityProblems(setting: Message | undefined): string[] {
  if (setting === undefined) return []
  const distribute = listAt(setting, 'distribute')
  const failover = listAt(setting, 'failover')
  if (distribute.length > 0 && failover.length > 0) {
    return ["can not simultaneously specify 'distribute' and 'failover'"]
  }
  const label = priorities(setting).find((one) => TOPOLOGY_LABELS.includes(one))
  if (failover.length > 0 && label !== undefined) {
    return [`can not simultaneously set 'failover' and topology label '${label}' in 'failover_priority'`]
  }
  const broken = distributionProblem(distribute)
  if (broken !== undefined) return [broken]
  return failover.flatMap((one) => failoverProblems('locality lb failover', one))
}

/** What is wrong with `zoneAwareLbSetting`. */
export function zoneAwareProblems(setting: Message | undefined): string[] {
  if (setting === undefined) return []
  const labels = priorities(setting).filter((one) => TOPOLOGY_LABELS.includes(one))
  return [
    ...labels.map((label) => `topology label '${label}' can not be part of 'failover_priority' of zone aware settings`),
    ...listAt(setting, 'failover').flatMap((one) => failoverProblems('zone aware lb failover', one)),
  ]
}

const listAt = (message: Message, name: string): readonly Message[] =>
  (message[name] as readonly Message[] | undefined) ?? []

/** Labels of `failoverPriority`; an entry may carry a value behind `=`. */
const priorities = (setting: Message): string[] =>
  ((setting['failoverPriority'] as string[] | undefined) ?? []).map((entry) => entry.split('=')[0] ?? '')

/** The first problem ends the check. istiod: keys of `to` are visited in random order; here they are sorted. */
function distributionProblem(distribute: readonly Message[]): string | undefined {
  const sources: string[] = []
  for (const entry of distribute) {
    sources.push((entry['from'] as string | undefined) ?? '')
    const weights = (entry['to'] as Readonly<Record<string, number>> | undefined) ?? {}
    let total = 0
    for (const [locality, weight] of Object.entries(weights)) {
      if (weight < 1 || weight > 100) return `locality weight must be in range [1, 100] (${locality}: ${weight})`
      total += weight
    }
    if (total !== 100) return `total locality weight ${total} != 100`
    const overlap = overlapProblem(Object.keys(weights).sort(compareBytes))
    if (overlap !== undefined) return overlap
  }
  return overlapProblem(sources)
}

/** Whether localities overlap, each looked at with those before it only. */
function overlapProblem(localities: readonly string[]): string | undefined {
  const seen = new Map<string, Map<string, Set<string>>>()
  let everything = false
  for (const locality of localities) {
    const star = locality.indexOf('*')
    if (star >= 0 && star !== locality.length - 1) {
      return `locality ${goQuote(locality)} wildcard '*' number can not exceed 1 and must be in the end`
    }
    if (everything || !recordLocality(seen, locality))
      return `locality ${goQuote(locality)} overlaps with a previous one`
    everything = locality === '*'
  }
  return undefined
}

/** Records a locality; false where it overlaps with an earlier one or has empty or too many parts. */
function recordLocality(seen: Map<string, Map<string, Set<string>>>, locality: string): boolean {
  if (locality === '*') return true
  const parts = locality.split('/')
  const [region = '', zone, subzone] = parts
  if (parts.includes('') || parts.length > 3) return false
  const zones = seen.get(region)
  if (zone === undefined) {
    if (zones !== undefined) return false
    seen.set(region, new Map([['*', new Set(['*'])]]))
    return true
  }
  const known = zones ?? new Map<string, Set<string>>()
  seen.set(region, known)
  return known.has('*') ? false : recordZone(known, zone, subzone)
}

function recordZone(zones: Map<string, Set<string>>, zone: string, subzone: string | undefined): boolean {
  const subzones = zones.get(zone)
  if (subzone === undefined) {
    if (subzones !== undefined) return false
    zones.set(zone, new Set(['*']))
    return true
  }
  if (subzones?.has('*') === true || subzones?.has(subzone) === true) return false
  zones.set(zone, (subzones ?? new Set<string>()).add(subzone))
  return true
}

function failoverProblems(what: string, failover: Message): string[] {
  const from = (failover['from'] as string | undefined) ?? ''
  const to = (failover['to'] as string | undefined) ?? ''
  const both = [from, to]
  return [
    ...(from === to ? [`${what} settings must specify different regions`] : []),
    ...(both.some((one) => one.includes('/')) ? [`${what} settings only specify region`] : []),
    ...(both.some((one) => one.includes('*')) ? [`${what} region should not contain '*' wildcard`] : []),
  ]
}
