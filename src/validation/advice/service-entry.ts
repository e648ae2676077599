/** ServiceEntry: defaults that are seldom meant. */
import { SPEC } from '../field-path.ts'
import type { KindRules } from '../rules/rule-context.ts'
import type { ServiceEntry } from '../schema/kinds/service-entry.ts'

export const adviseServiceEntry: KindRules<ServiceEntry> = ({ resolution, location }, { report }) => {
  if (resolution !== undefined || location !== undefined) return
  const text = 'neither resolution nor location is set: connections go to the address that the client asked for'
  report.warn('ADVICE_RESOLUTION', SPEC, text)
}
