/** RequestAuthentication: key sets that anybody on the way could replace. */
import { field, index, SPEC } from '../field-path.ts'
import type { KindRules } from '../rules/rule-context.ts'
import type { RequestAuthentication } from '../schema/kinds/request-authentication.ts'
import { isPlaceholder } from './placeholder.ts'

export const adviseRequestAuthentication: KindRules<RequestAuthentication> = ({ jwtRules = [] }, { report }) => {
  for (const [i, { jwksUri = '' }] of jwtRules.entries()) {
    const at = field(index(field(SPEC, 'jwtRules'), i), 'jwksUri')
    if (/^http:/i.test(jwksUri)) report.warn('ADVICE_JWKS_HTTP', at, 'keys are fetched without encryption')
    if (isPlaceholder(jwksUri)) report.warn('ADVICE_PLACEHOLDER', at, `"${jwksUri}" holds a placeholder`)
  }
}
