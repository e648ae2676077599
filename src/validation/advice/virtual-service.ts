/** VirtualService: what istiod takes and what then does something else than it looks like. */
import { entry, field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { KindRules } from '../rules/rule-context.ts'
import type { HttpRoute, VirtualService } from '../schema/kinds/virtual-service.ts'

/** Fields of a match that tutorials indent once too often. */
const MATCH_FIELDS: ReadonlySet<string> = new Set(['uri', 'scheme', 'method', 'authority'])

export const adviseVirtualService: KindRules<VirtualService> = (spec, { report }) => {
  for (const [i, route] of (spec.http ?? []).entries()) adviseRoute(route, index(field(SPEC, 'http'), i), report)
  for (const [i, { match = [] }] of (spec.tcp ?? []).entries()) {
    for (const [j, { sourceSubnet = '' }] of match.entries()) {
      if (sourceSubnet === '') continue
      const tcp = index(field(SPEC, 'tcp'), i)
      const at = field(index(field(tcp, 'match'), j), 'sourceSubnet')
      report.warn('ADVICE_IGNORED', at, 'is never looked at, so that the match is wider than it reads')
    }
  }
}

function adviseRoute({ match = [], fault }: HttpRoute, at: FieldPath, report: Report): void {
  for (const [i, { headers = {} }] of match.entries()) {
    for (const name of Object.keys(headers)) {
      if (!MATCH_FIELDS.has(name)) continue
      const here = entry(field(index(field(at, 'match'), i), 'headers'), name)
      report.warn('ADVICE_HEADER_NAME', here, `matches a header that is called ${name}`)
    }
  }
  const delay = fault?.delay
  if (delay !== undefined && delay.fixedDelay === undefined && delay.exponentialDelay === undefined) {
    report.warn('ADVICE_DELAY', field(field(at, 'fault'), 'delay'), 'delays nothing without fixedDelay')
  }
}
