/** RequestAuthentication: security.istio.io v1, v1beta1. */
import { bool, list, object, text } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import {
  celRule,
  celUrlScheme,
  duration,
  matchLabelsSelector,
  ONE_TARGET,
  onlyOne,
  targetRef,
  targetRefs,
} from './shared.ts'

const URL_RULE = celRule<string>(
  "url(self).getScheme() in ['http', 'https']",
  'url must have scheme http:// or https://',
  (self) => {
    const url = celUrlScheme(self)
    return 'error' in url ? url.error : url.scheme === 'http' || url.scheme === 'https'
  },
)
const filled = text({ minLength: 1 })
const jwtRule = object(
  {
    issuer: filled,
    audiences: list(filled),
    jwksUri: text({ minLength: 1, maxLength: 2048, cel: [URL_RULE] }),
    jwks: text(),
    fromHeaders: list(object({ name: filled, prefix: text() }, { required: ['name'] })),
    fromParams: list(filled),
    fromCookies: list(filled),
    outputPayloadToHeader: text(),
    forwardOriginalToken: bool(),
    outputClaimToHeaders: list(
      object(
        { header: text({ minLength: 1, pattern: /^[-_A-Za-z0-9]+$/ }), claim: filled },
        { required: ['header', 'claim'] },
      ),
    ),
    timeout: duration(),
    spaceDelimitedClaims: list(filled, { maxItems: 64 }),
  },
  {
    alsoSpelled: { jwks_uri: 'jwksUri' },
    cel: [onlyOne(['jwksUri', 'jwks_uri', 'jwks'], 'only one of jwks or jwksUri can be set')],
  },
)
const spec = object(
  { selector: matchLabelsSelector, targetRef, targetRefs, jwtRules: list(jwtRule, { maxItems: 4096 }) },
  { cel: [ONE_TARGET] },
)

export const requestAuthentication: KindSchema<Decoded<typeof spec>> = {
  group: 'security.istio.io',
  kind: 'RequestAuthentication',
  plural: 'requestauthentications',
  shortNames: ['ra'],
  versions: ['v1', 'v1beta1'],
  specRequired: false,
  spec,
}
export type RequestAuthentication = Decoded<typeof spec>
export type JwtRule = Decoded<typeof jwtRule>
