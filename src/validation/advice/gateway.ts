/** Gateway: which proxies it means. */
import { SPEC } from '../field-path.ts'
import type { KindRules } from '../rules/rule-context.ts'
import type { Gateway } from '../schema/kinds/gateway.ts'

export const adviseGateway: KindRules<Gateway> = ({ selector = {} }, { report }) => {
  if (Object.keys(selector).length > 0) return
  report.warn('ADVICE_SELECTOR', SPEC, 'without selector it applies to every gateway pod')
}
