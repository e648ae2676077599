/** Routes of a VirtualService that can never be reached, and matches that an earlier one swallows. Warnings only. */
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { ObjectSchema, Schema } from '../schema/dsl.ts'
import type { HttpMatch, StringMatch, VirtualService } from '../schema/kinds/virtual-service.ts'
import { virtualService } from '../schema/kinds/virtual-service.ts'

/** What matches of the three lists have in common, as far as it is looked at here. */
type Match = HttpMatch & {
  readonly sniHosts?: readonly string[] | undefined
  readonly destinationSubnets?: readonly string[] | undefined
}
interface Route {
  readonly name?: string | undefined
  readonly match?: readonly Match[] | undefined
}
interface Place {
  readonly at: FieldPath
  readonly report: Report
  readonly matchSchema: Schema
}
/** A prefix match that the first pass found reachable. */
interface PrefixMatch {
  readonly prefix: string
  readonly match: HttpMatch
  readonly matchName: string
  readonly route: string
  readonly at: FieldPath
}

/** The schema of a list's match entries. */
function matchSchemaOf(list: 'http' | 'tcp' | 'tls'): Schema {
  const step = (schema: Schema | undefined, name: string): Schema | undefined =>
    schema?.kind === 'object' ? itemsOf(schema.fields[name]) : undefined
  return step(step(virtualService.spec, list), 'match') ?? virtualService.spec
}
const itemsOf = (schema: Schema | undefined): Schema | undefined => (schema?.kind === 'list' ? schema.items : undefined)

/** Names of matches do not make them different. */
function withoutName(schema: Schema): Schema {
  if (schema.kind !== 'object') return schema
  const declared = new Map(schema.declared)
  declared.delete('name')
  return { ...schema, declared }
}
const HTTP_MATCH = withoutName(matchSchemaOf('http'))
const TCP_MATCH = matchSchemaOf('tcp')
const TLS_MATCH = matchSchemaOf('tls')

export function warnOfUnusedRules({ http = [], tcp = [], tls = [] }: VirtualService, report: Report): void {
  const prefixes: PrefixMatch[] = []
  warnInList(http, { at: field(SPEC, 'http'), report, matchSchema: HTTP_MATCH }, prefixes)
  warnOfShadowedPrefixes(prefixes, report)
  warnInList(tcp, { at: field(SPEC, 'tcp'), report, matchSchema: TCP_MATCH })
  warnInList(tls, { at: field(SPEC, 'tls'), report, matchSchema: TLS_MATCH })
}

const nameOf = (name: string | undefined, position: number): string =>
  name === undefined || name === '' ? `#${position}` : JSON.stringify(name)

function warnInList(routes: readonly Route[], place: Place, prefixes?: PrefixMatch[]): void {
  const seen: SeenMatches = new Map()
  let catchAll = false
  for (let i = 0; i < routes.length; i++) {
    const { name: given, match = [] } = routes[i] ?? {}
    const route = { ...place, at: index(place.at, i), name: prefixes === undefined ? undefined : given, position: i }
    if (match.length === 0) {
      if (catchAll) warnOfUnused(route, 'only the last rule can have no matches')
      catchAll = true
    } else if (catchAll) for (const _ of match) warnOfUnused(route, 'route without matches defined before')
    else if (warnOfDuplicates(match, { ...route, seen, prefixes }) === match.length) {
      warnOfUnused(route, 'all matches used by prior rules')
    }
  }
}

interface RoutePlace extends Place {
  readonly name: string | undefined
  readonly position: number
}

const warnOfUnused = ({ name, position, at, report }: RoutePlace, reason: string): void =>
  report.warn('ROUTE_UNREACHABLE', at, `virtualService rule ${nameOf(name, position)} not used (${reason})`)

/** How many of the entries an earlier entry of this list, or of this route, already has. */
function warnOfDuplicates(
  matches: readonly Match[],
  { seen, prefixes, ...route }: RoutePlace & { seen: SeenMatches; prefixes: PrefixMatch[] | undefined },
): number {
  const { at, report, matchSchema } = route
  const routeName = nameOf(route.name, route.position)
  let duplicates = 0
  for (let i = 0; i < matches.length; i++) {
    const match = matches[i] ?? {}
    const matchName = nameOf(prefixes === undefined ? undefined : match.name, i)
    const here = index(field(at, 'match'), i)
    const earlier = firstEqual(seen, { match, route: routeName }, matchSchema)
    if (earlier === undefined) {
      const prefix = match.uri?.prefix ?? ''
      if (prefix !== '') prefixes?.push({ prefix, match, matchName, route: routeName, at: here })
      continue
    }
    duplicates += 1
    report.warn('MATCH_INEFFECTIVE', here, ineffective(routeName, matchName, `rule ${earlier.route}`))
  }
  return duplicates
}

interface SeenMatch {
  readonly match: Match
  readonly route: string
}
/** By a part that tells most matches apart: few need to be spelled out in full. */
type SeenMatches = Map<string, SeenMatch | Map<string, SeenMatch>>

/** The earlier match that says the same; without one, this match is remembered. */
function firstEqual(seen: SeenMatches, mine: SeenMatch, schema: Schema): SeenMatch | undefined {
  const key = tellingPart(mine.match)
  const known = seen.get(key)
  if (known === undefined) {
    seen.set(key, mine)
    return undefined
  }
  const same = known instanceof Map ? known : new Map([[canonical(schema, known.match), known]])
  if (same !== known) seen.set(key, same)
  const text = canonical(schema, mine.match)
  const earlier = same.get(text)
  if (earlier === undefined) same.set(text, mine)
  return earlier
}

/** The same for equal matches, mostly different for others. */
const tellingPart = ({ uri, sniHosts, destinationSubnets, port = 0 }: Match): string =>
  uri?.exact ?? uri?.prefix ?? uri?.regex ?? sniHosts?.[0] ?? destinationSubnets?.[0] ?? `:${port}`

const ineffective = (route: string, match: string, where: string): string =>
  `virtualService rule ${route} match ${match} is not used (duplicate/overlapping match in ${where})`

/** One text for equal matches: keys sorted, default values left out, chosen oneof members kept. */
function canonical(schema: Schema, value: unknown): string {
  if (schema.kind === 'list')
    return `[${(value as readonly unknown[]).map((item) => canonical(schema.items, item)).join()}]`
  if (schema.kind === 'map') {
    const entries = Object.entries(value as Readonly<Record<string, unknown>>).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(schema.values, item)}`).join()}}`
  }
  if (schema.kind !== 'object') return JSON.stringify(value)
  const members: string[] = []
  const bag = value as Readonly<Record<string, unknown>>
  for (const name in bag) {
    const child = schema.declared.get(name)
    const item = bag[name]
    if (child === undefined || item === undefined || (isDefault(item) && !isOneOfMember(schema, name))) continue
    members.push(`${name}:${canonical(child, item)}`)
  }
  return members.length > 1 ? `{${members.sort().join()}}` : `{${members[0] ?? ''}}`
}

const isDefault = (value: unknown): boolean => value === '' || value === 0 || value === false
const isOneOfMember = (schema: ObjectSchema, name: string): boolean =>
  schema.oneOf?.some((group) => group.includes(name)) === true

/** Far beyond any list that people write; keeps hostile ones from costing their square. */
const MAX_COMPARISONS = 100_000

/**
 * A longer prefix behind a shorter one. Looked up by length of prefix, so that a long list costs its own length.
 * istiod: whether the rest of the earlier match is wider is tested the wrong way round; the false alarms are its own.
 */
function warnOfShadowedPrefixes(prefixes: readonly PrefixMatch[], report: Report): void {
  const earlier = new Map<string, PrefixMatch[]>()
  const lengths = new Set<number>()
  let comparisons = 0
  for (const later of prefixes) {
    for (const length of lengths) {
      if (length >= later.prefix.length) continue
      for (const first of earlier.get(later.prefix.slice(0, length)) ?? []) {
        comparisons += 1
        if (comparisons > MAX_COMPARISONS) return
        if (!shadows(first.match, later.match)) continue
        const where = `${first.matchName} of prefix ${first.prefix} on ${first.route}`
        report.warn(
          'MATCH_INEFFECTIVE',
          later.at,
          ineffective(later.route, `${later.matchName} of prefix ${later.prefix}`, where),
        )
      }
    }
    const same = earlier.get(later.prefix)
    if (same === undefined) earlier.set(later.prefix, [later])
    else same.push(later)
    lengths.add(later.prefix.length)
  }
}

function shadows(a: HttpMatch, b: HttpMatch): boolean {
  if ((a.port ?? 0) !== (b.port ?? 0)) return false
  const methodOf = ({ method }: HttpMatch): string => matchText(method) || 'exact:GET'
  if (!methodOf(a).startsWith(methodOf(b)) || !matchText(a.authority).startsWith(matchText(b.authority))) return false
  return (['headers', 'queryParams', 'withoutHeaders'] as const).every((name) =>
    mapShadows(a[name] ?? {}, b[name] ?? {}),
  )
}

function mapShadows(a: Readonly<Record<string, StringMatch>>, b: Readonly<Record<string, StringMatch>>): boolean {
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && matchText(a[key]).startsWith(matchText(b[key])))
}

/** An empty `exact` is no match, as far as this is concerned. */
function matchText({ exact = '', prefix = '' }: StringMatch = {}): string {
  if (exact !== '') return `exact:${exact}`
  return prefix === '' ? '' : `prefix:${prefix}`
}
