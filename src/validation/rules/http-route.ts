/** One http route of a VirtualService. */
import { parseDurationNs } from '../../base/duration.ts'
import { isDnsLabel } from '../../base/host-names.ts'
import { portProblem } from '../../base/host-port.ts'
import { entry, field, index } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { withoutWarnings } from '../report.ts'
import { entriesOf } from '../schema/keys.ts'
import type { HttpMatch, HttpRoute } from '../schema/kinds/virtual-service.ts'
import { checkDestination, checkGatewayNames, checkWeights } from './destinations.ts'
import { checkFault } from './fault.ts'
import { checkHeaderOperations, wrongCorsHeader, wrongMatchedHeader } from './http-headers.ts'
import { checkLabels } from './labels.ts'
import { checkRetries } from './retries.ts'
import { byteLength, checkDuration, checkRegex, checkStringMatch, isHttpStatus, wrongRegex } from './values.ts'

export interface RoutePlace {
  readonly at: FieldPath
  readonly report: Report
  /** The VirtualService has no hosts: others delegate to it. */
  readonly inDelegate: boolean
  /** istiod: route-semantics switches the check of destinations off. */
  readonly destinationsUnchecked: boolean
}

export function checkHttpRoute(route: HttpRoute, place: RoutePlace): void {
  const { at, report } = place
  checkAction(route, place)
  checkMatches(route.match, field(at, 'match'), report)
  checkHeaderOperations(route.headers, field(at, 'headers'), report)
  checkCors(route.corsPolicy, field(at, 'corsPolicy'), report)
  checkFault(route.fault, field(at, 'fault'), report)
  checkMirrors(route, place)
  checkRedirect(route, field(at, 'redirect'), report)
  checkDirectResponse(route.directResponse, field(at, 'directResponse'), report)
  checkRetries(route.retries, field(at, 'retries'), report)
  checkRewrite(route.rewrite, field(at, 'rewrite'), report)
  checkAuthorityWrittenOnce(route, at, report)
  checkRouteDestinations(route.route, place)
  checkDuration(route.timeout, field(at, 'timeout'), report)
}

/** What a route does with a request: exactly one of route, redirect, directResponse, or handing it on. */
function checkAction(route: HttpRoute, place: RoutePlace): void {
  const { at, report } = place
  if (!place.inDelegate && route.delegate !== undefined) {
    checkRootRoute(route, at, report)
    return
  }
  if (place.inDelegate && route.delegate !== undefined) {
    report.error('ROUTE_DELEGATE', field(at, 'delegate'), 'delegate HTTP route cannot contain delegate')
  }
  const routed = route.route !== undefined && route.route.length > 0
  const answer =
    route.redirect !== undefined ? 'redirect' : route.directResponse !== undefined ? 'directResponse' : undefined
  if (answer !== undefined) checkAloneWith(answer, route, { at, report, routed })
  else if (!routed) report.error('ROUTE_ACTION', at, 'HTTP route, redirect or direct_response is required')
  if (route.mirror !== undefined && route.mirrors !== undefined) {
    report.error('MIRROR_INVALID', at, 'HTTP route cannot contain both mirror and mirrors')
  }
}

/** istiod: nothing else is refused beside `delegate`, though it makes no sense. */
function checkRootRoute(route: HttpRoute, at: FieldPath, report: Report): void {
  const name = route.name ?? ''
  if (route.redirect !== undefined) {
    report.error('ROUTE_DELEGATE', field(at, 'redirect'), `root HTTP route ${name} must not specify redirect`)
  }
  if (route.route !== undefined)
    report.error('ROUTE_DELEGATE', field(at, 'route'), `root HTTP route ${name} must not specify route`)
}

function checkAloneWith(
  answer: 'redirect' | 'directResponse',
  route: HttpRoute,
  { at, report, routed }: { at: FieldPath; report: Report; routed: boolean },
): void {
  const refuse = (other: string): void =>
    report.error('ROUTE_ACTION', field(at, other), `HTTP route cannot contain both ${other} and ${answer}`)
  if (routed) refuse('route')
  if (route.fault !== undefined) refuse('fault')
  if (route.rewrite !== undefined) refuse('rewrite')
  if (answer === 'redirect' && route.directResponse !== undefined) refuse('directResponse')
}

function checkMatches(matches: readonly HttpMatch[] | undefined, at: FieldPath, report: Report): void {
  const quiet = withoutWarnings(report)
  for (const [i, match] of (matches ?? []).entries()) checkMatch(match, index(at, i), quiet)
}

function checkMatch(match: HttpMatch, at: FieldPath, report: Report): void {
  for (const [name, value] of entriesOf(match.headers ?? {})) {
    const here = entry(field(at, 'headers'), name)
    checkMatchedHeader(name, here, report)
    checkStringMatch(value, here, report)
  }
  for (const [name, value] of entriesOf(match.withoutHeaders ?? {})) {
    const here = entry(field(at, 'withoutHeaders'), name)
    checkMatchedHeader(name, here, report)
    // istiod: the regex `*` means "present" here, and only here.
    if (value.regex !== '*') checkStringMatch(value, here, report)
  }
  // istiod: an empty prefix is legal for the uri, and only there.
  if (match.uri?.regex !== undefined) checkStringMatch({ regex: match.uri.regex }, field(at, 'uri'), report)
  checkStringMatch(match.scheme, field(at, 'scheme'), report)
  checkStringMatch(match.method, field(at, 'method'), report)
  checkStringMatch(match.authority, field(at, 'authority'), report)
  for (const [name, value] of entriesOf(match.queryParams ?? {})) {
    checkStringMatch(value, entry(field(at, 'queryParams'), name), report)
  }
  checkMatchOrigin(match, at, report)
}

function checkMatchedHeader(name: string, at: FieldPath, report: Report): void {
  const wrong = wrongMatchedHeader(name)
  if (wrong !== undefined) report.error('HEADER_NAME', at, wrong)
}

function checkMatchOrigin(match: HttpMatch, at: FieldPath, report: Report): void {
  const { port = 0, sourceLabels, gateways, sourceNamespace = '' } = match
  const badPort = port === 0 ? undefined : portProblem(port)
  if (badPort !== undefined) report.error('PORT_RANGE', field(at, 'port'), badPort)
  checkLabels(sourceLabels, field(at, 'sourceLabels'), report)
  checkGatewayNames(gateways, { at: field(at, 'gateways'), namesMayBeGenerated: false, report })
  if (sourceNamespace !== '' && !isDnsLabel(sourceNamespace)) {
    report.error('NAMESPACE_NAME', field(at, 'sourceNamespace'), `sourceNamespace match ${sourceNamespace} is invalid`)
  }
}

const CORS_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  '*',
])

function checkCors(cors: HttpRoute['corsPolicy'], at: FieldPath, report: Report): void {
  if (cors === undefined) return
  for (const [i, origin] of (cors.allowOrigins ?? []).entries()) {
    const here = index(field(at, 'allowOrigins'), i)
    const { exact = '', prefix = '', regex = '' } = origin
    if (exact === '' && prefix === '' && regex === '') {
      report.error('CORS_ORIGIN', here, "'' is not a valid match type for CORS allow origins")
    }
    if (regex !== '') checkRegex(regex, field(here, 'regex'), report)
  }
  for (const [i, method] of (cors.allowMethods ?? []).entries()) {
    if (!CORS_METHODS.has(method))
      report.error('CORS_METHOD', index(field(at, 'allowMethods'), i), `"${method}" is not a supported HTTP method`)
  }
  for (const list of ['allowHeaders', 'exposeHeaders'] as const) {
    for (const [i, name] of (cors[list] ?? []).entries()) {
      const wrong = wrongCorsHeader(name)
      if (wrong !== undefined) report.error('HEADER_NAME', index(field(at, list), i), wrong)
    }
  }
  checkDuration(cors.maxAge, field(at, 'maxAge'), report)
  if (cors.maxAge !== undefined && (parseDurationNs(cors.maxAge) ?? 0) % 1e9 !== 0) {
    report.error('CORS_MAX_AGE', field(at, 'maxAge'), 'max_age duration is accurate only to seconds precision')
  }
}

function checkMirrors(route: HttpRoute, { at, report, destinationsUnchecked }: RoutePlace): void {
  const { mirrorPercent, mirrorPercentage, mirror, mirrors = [] } = route
  const old = field(at, 'mirrorPercent')
  if (mirrorPercent !== undefined) {
    if (mirrorPercent > 100)
      report.error('PERCENT_RANGE', old, `mirror_percent must have a max value of 100 (it has ${mirrorPercent})`)
    report.warn(
      'MIRROR_PERCENT_DEPRECATED',
      old,
      'using deprecated setting "mirrorPercent", use "mirrorPercentage" instead',
    )
  }
  checkMirrorPercentage(mirrorPercentage?.value, field(at, 'mirrorPercentage'), report)
  if (!destinationsUnchecked) checkDestination(mirror, field(at, 'mirror'), report)
  for (const [i, { destination, percentage }] of mirrors.entries()) {
    const here = index(field(at, 'mirrors'), i)
    if (destination === undefined) {
      report.error('DESTINATION_REQUIRED', here, 'destination is required for mirrors')
      continue
    }
    checkMirrorPercentage(percentage?.value, field(here, 'percentage'), report)
    if (!destinationsUnchecked) checkDestination(destination, field(here, 'destination'), report)
  }
}

function checkMirrorPercentage(value: number | undefined, at: FieldPath, report: Report): void {
  if (value === undefined) return
  if (value > 100)
    report.error('PERCENT_RANGE', at, `mirror percentage must have a max value of 100 (it has ${value.toFixed(6)})`)
  if (value < 0)
    report.error('PERCENT_RANGE', at, `mirror percentage must have a min value of 0 (it has ${value.toFixed(6)})`)
}

function checkRedirect(route: HttpRoute, at: FieldPath, report: Report): void {
  const wrong = route.redirect === undefined ? undefined : wrongRedirect(route.redirect, route.match ?? [])
  if (wrong !== undefined) report.error('REDIRECT_INVALID', at, wrong)
}

/** istiod: the first hit only; port 0 passes. */
function wrongRedirect(
  redirect: NonNullable<HttpRoute['redirect']>,
  matches: readonly HttpMatch[],
): string | undefined {
  const { uri = '', prefixRewrite = '', authority = '', scheme = '', port, derivePort, redirectCode = 0 } = redirect
  if (uri !== '' && prefixRewrite !== '') return 'HTTP redirect cannot contain both uri and prefix_rewrite'
  if (prefixRewrite !== '' && matches.some((match) => match.uri !== undefined && match.uri.prefix === undefined)) {
    return 'prefix rewrite can only be used with prefix match'
  }
  const texts = uri + prefixRewrite + authority + scheme
  if (texts === '' && port === undefined && derivePort === undefined) {
    return 'redirect must specify URI, authority, scheme, prefix rewrite, or port'
  }
  if (redirectCode !== 0 && (redirectCode < 300 || redirectCode > 399))
    return `${redirectCode} is not a valid redirect code`
  if (scheme !== '' && scheme !== 'http' && scheme !== 'https')
    return 'invalid redirect scheme, must be "http" or "https"'
  return port === undefined || port === 0 ? undefined : portProblem(port)
}

const MAX_BODY_BYTES = 1024 * 1024
const LARGE_BODY_BYTES = 100 * 1024

function checkDirectResponse(response: HttpRoute['directResponse'], at: FieldPath, report: Report): void {
  if (response === undefined) return
  const size = bodyBytes(response.body)
  const body = field(at, 'body')
  if (size > MAX_BODY_BYTES)
    report.error(
      'DIRECT_RESPONSE_LARGE',
      body,
      `large direct response bodies are not supported (${size} bytes), must be less than 1MB`,
    )
  else if (size > LARGE_BODY_BYTES) {
    report.warn(
      'DIRECT_RESPONSE_LARGE',
      body,
      `large direct_responses may impact control plane performance (${size} bytes)`,
    )
  }
  const status = response.status ?? 0
  if (!isHttpStatus(status))
    report.error('HTTP_STATUS', field(at, 'status'), `HTTP status ${status} is not in range 200..599`)
}

function bodyBytes(body: NonNullable<HttpRoute['directResponse']>['body']): number {
  if (body?.string !== undefined) return byteLength(body.string)
  const base64 = (body?.bytes ?? '').replaceAll(/[\r\n=]/g, '')
  return Math.floor((base64.length * 3) / 4)
}

function checkRewrite(rewrite: HttpRoute['rewrite'], at: FieldPath, report: Report): void {
  const wrong = rewrite === undefined ? undefined : wrongRewrite(rewrite)
  if (wrong !== undefined) report.error('REWRITE_INVALID', at, wrong)
}

function wrongRewrite({
  uri = '',
  authority = '',
  uriRegexRewrite,
}: NonNullable<HttpRoute['rewrite']>): string | undefined {
  if (uri !== '' && uriRegexRewrite !== undefined) return 'rewrite may only contain one of uri or uriRegexRewrite'
  if (uri === '' && authority === '' && uriRegexRewrite === undefined)
    return 'rewrite must specify at least one of uri, authority or uriRegexRewrite'
  if (uriRegexRewrite === undefined) return undefined
  const { match = '', rewrite = '' } = uriRegexRewrite
  if (match === '' || rewrite === '') return 'UriRegexRewrite has errors: match and rewrite must both be set'
  const wrong = wrongRegex(match)
  return wrong === undefined ? undefined : `UriRegexRewrite has errors: ${wrong}`
}

/** istiod: headers of a single destination are not counted. */
function checkAuthorityWrittenOnce(route: HttpRoute, at: FieldPath, report: Report): void {
  let authority = route.rewrite?.authority ?? ''
  const { set = {}, add = {} } = route.headers?.request ?? {}
  for (const [name, value] of [...entriesOf(set), ...entriesOf(add)]) {
    if (value === '' || (name.toLowerCase() !== ':authority' && name.toLowerCase() !== 'host')) continue
    if (authority !== '') {
      const text = `authority header cannot be set multiple times: have ${authority}, attempting to set ${value}`
      report.error('AUTHORITY_TWICE', at, text)
      return
    }
    authority = value
  }
}

function checkRouteDestinations(routes: HttpRoute['route'], { at, report, destinationsUnchecked }: RoutePlace): void {
  if (routes === undefined) return
  const list = field(at, 'route')
  for (const [i, { destination, headers }] of routes.entries()) {
    const here = index(list, i)
    if (destination === undefined)
      report.error('DESTINATION_REQUIRED', field(here, 'destination'), 'destination is required')
    checkHeaderOperations(headers, field(here, 'headers'), report)
    if (!destinationsUnchecked) checkDestination(destination, field(here, 'destination'), report)
  }
  checkWeights(routes, list, report)
}
