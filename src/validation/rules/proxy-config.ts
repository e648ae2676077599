/** ProxyConfig. istiod: variables and image are not checked. */
import { field, SPEC } from '../field-path.ts'
import type { ProxyConfig } from '../schema/kinds/proxy-config.ts'
import { checkMatchLabels } from './labels.ts'
import type { KindRules } from './rule-context.ts'

export const checkProxyConfig: KindRules<ProxyConfig> = ({ selector, concurrency }, { report }) => {
  checkMatchLabels(selector, field(SPEC, 'selector'), report)
  if ((concurrency ?? 0) < 0)
    report.error('NUMBER_NEGATIVE', field(SPEC, 'concurrency'), 'concurrency must be greater than or equal to 0')
}
