/** RequestAuthentication: where tokens come from and how they are checked. */
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import { parseUrl } from '../go-url.ts'
import type { Report } from '../report.ts'
import type { JwtRule, RequestAuthentication } from '../schema/kinds/request-authentication.ts'
import { readKeySet } from './jwks.ts'
import { checkTargeting } from './labels.ts'
import type { KindRules } from './rule-context.ts'
import { checkDuration } from './values.ts'

const HEADER_NAME = /^[-_A-Za-z0-9]+$/

export const checkRequestAuthentication: KindRules<RequestAuthentication> = (spec, { report }) => {
  checkTargeting(spec, SPEC, report)
  for (const [i, rule] of (spec.jwtRules ?? []).entries()) checkJwtRule(rule, index(field(SPEC, 'jwtRules'), i), report)
}

function checkJwtRule(rule: JwtRule, at: FieldPath, report: Report): void {
  const { issuer = '', jwksUri = '', jwks = '' } = rule
  checkFilled(rule.audiences, { at: field(at, 'audiences'), text: 'audience must be non-empty string', report })
  if (issuer === '' && jwksUri === '') report.error('JWT_ISSUER', at, 'issuer or jwksUri must be non-empty string')
  if (jwksUri !== '') checkJwksUri(jwksUri, field(at, 'jwksUri'), report)
  if (jwks !== '') checkKeySet(jwks, field(at, 'jwks'), report)
  for (const [i, { name = '' }] of (rule.fromHeaders ?? []).entries()) {
    if (name === '')
      report.error(
        'JWT_LOCATION',
        field(index(field(at, 'fromHeaders'), i), 'name'),
        'location header name must be non-empty string',
      )
  }
  checkFilled(rule.fromParams, { at: field(at, 'fromParams'), text: 'location query must be non-empty string', report })
  checkFilled(rule.fromCookies, { at: field(at, 'fromCookies'), text: 'cookie name must be non-empty string', report })
  checkClaimHeaders(rule.outputClaimToHeaders ?? [], field(at, 'outputClaimToHeaders'), report)
  checkDuration(rule.timeout, field(at, 'timeout'), report)
}

function checkFilled(
  texts: readonly string[] | undefined,
  { at, text, report }: { at: FieldPath; text: string; report: Report },
): void {
  for (const [i, item] of (texts ?? []).entries()) if (item === '') report.error('JWT_LOCATION', index(at, i), text)
}

/** istiod: the port must be a number of any size, and the host may be missing. */
function checkJwksUri(uri: string, at: FieldPath, report: Report): void {
  const url = parseUrl(uri)
  if (typeof url === 'string') report.error('JWKS_URI', at, `parse "${uri}": ${url}`)
  else if (url.scheme !== 'http' && url.scheme !== 'https')
    report.error('JWKS_URI', at, `URI scheme "${url.scheme}" is not supported`)
}

function checkKeySet(jwks: string, at: FieldPath, report: Report): void {
  const keys = readKeySet(jwks)
  if ('error' in keys) {
    report.error('JWKS_INVALID', at, `jwks parse error: ${keys.error}`)
    return
  }
  for (const position of keys.privateKeys) {
    report.warn(
      'JWKS_PRIVATE',
      at,
      `jwks key at index ${position} contains private key material; only public keys are used for verification`,
    )
  }
}

function checkClaimHeaders(claims: NonNullable<JwtRule['outputClaimToHeaders']>, at: FieldPath, report: Report): void {
  for (const [i, { header = '', claim = '' }] of claims.entries()) {
    const here = index(at, i)
    if (header === '' || claim === '')
      report.error('JWT_CLAIM_HEADER', here, 'outputClaimToHeaders header and claim value must be non-empty string')
    else if (!HEADER_NAME.test(header))
      report.error('HEADER_NAME', field(here, 'header'), `header name ${header} is not a valid header name`)
  }
}
