/** Checks of the value lists of an AuthorizationPolicy. Each yields what is wrong with a list. */
import type { FieldPath } from '../field-path.ts'
import { isIpAddress, isIpPrefix } from '../ip-address.ts'
import type { Report } from '../report.ts'
import { byteLength } from './values.ts'

export type ValuesCheck = (name: string, values: readonly string[]) => Iterable<string>

export function checkEach(
  values: readonly string[] | undefined,
  { at, name, check, report }: { at: FieldPath; name: string; check: ValuesCheck; report: Report },
): void {
  if (values !== undefined) for (const wrong of check(name, values)) report.error('POLICY_VALUE', at, wrong)
}

/** Stops at the first empty one. */
export const wrongEmpty: ValuesCheck = function* (name, values) {
  if (values.includes('')) yield `empty value not allowed, found in ${name}`
}

/** Addresses, and prefixes when there is a slash; one finding per bad value. */
export const wrongIps: ValuesCheck = function* (_name, values) {
  for (const value of values) {
    if (value.includes('/')) {
      if (!isIpPrefix(value)) yield `bad CIDR range (${value}): not a prefix of an IP address`
    } else if (!isIpAddress(value)) yield `bad IP address (${value})`
  }
}

/** istiod: 0 and leading zeros pass, ranges and names do not. */
export const wrongPorts: ValuesCheck = function* (_name, values) {
  for (const value of values) {
    if (!/^\d+$/.test(value)) yield `bad port (${value}): not a decimal number`
    else if (Number(value) > 65535) yield `bad port (${value}): <nil>`
  }
}

export const wrongWildcards: ValuesCheck = function* (name, values) {
  for (const empty of wrongEmpty(name, values)) {
    yield empty
    return
  }
  for (const value of values) {
    const first = value.indexOf('*')
    if (first === -1) continue
    if (first !== value.lastIndexOf('*')) yield `at most one wildcard is allowed, found in ${name}: "${value}"`
    else if (first !== 0 && first !== value.length - 1)
      yield `wildcard is only allowed at the start or end, found in ${name}: "${value}"`
    else continue
    return
  }
}

export const wrongTrustDomains: ValuesCheck = function* (name, values) {
  for (const wrong of wrongWildcards(name, values)) {
    yield wrong
    return
  }
  const slashed = values.find((value) => value.includes('/'))
  if (slashed !== undefined) yield `trust domain must not contain '/', found in ${name}: "${slashed}"`
}

const MAX_ACCOUNTS = 16
const MAX_ACCOUNT_BYTES = 320

export const wrongAccounts: ValuesCheck = function* (name, values) {
  if (values.length > MAX_ACCOUNTS) {
    yield `${name} may not have more than ${MAX_ACCOUNTS} values`
    return
  }
  for (const value of values) {
    const wrong = wrongAccount(name, value)
    if (wrong === undefined) continue
    yield wrong
    return
  }
}

function wrongAccount(name: string, value: string): string | undefined {
  if (value === '') return `empty value not allowed, found in ${name}`
  if (value.includes('*')) return `wildcard not allowed, found in ${name}: "${value}"`
  const parts = value.split('/')
  if (parts.length > 2) return `expected 'serviceAccount' or 'namespace/serviceAccount', found in ${name}: "${value}"`
  if (byteLength(value) > MAX_ACCOUNT_BYTES)
    return `service account cannot exceed ${MAX_ACCOUNT_BYTES} characters, found in ${name}`
  if (parts.length === 1) return undefined
  const [namespace = '', account = ''] = parts
  if (namespace === '') return `expected namespace in 'namespace/serviceAccount', found in ${name}: "${value}"`
  return account === ''
    ? `expected service account in 'namespace/serviceAccount', found in ${name}: "${value}"`
    : undefined
}

const LITERAL = /^[a-zA-Z0-9-._~%!$&'()+,;:@=]+$/

/** Path templates: `{*}` one segment, `{**}` any number; stops at the first bad path. */
export const wrongPaths: ValuesCheck = function* (name, values) {
  for (const path of values) {
    const wrong = wrongPath(name, path)
    if (wrong === undefined) continue
    yield wrong
    return
  }
}

/** Cut by hand: a regular expression anchored at the end would take quadratic time on many slashes. */
function withoutOuterSlashes(path: string): string {
  let start = 0
  let end = path.length
  while (start < end && path[start] === '/') start += 1
  while (end > start && path[end - 1] === '/') end -= 1
  return path.slice(start, end)
}

function wrongPath(name: string, path: string): string | undefined {
  const isTemplate = path.includes('{*}') || path.includes('{**}')
  const bare = withoutOuterSlashes(path)
  const where = `invalid or unsupported path ${bare}, found in ${name}`
  let anyDepth = false
  for (const segment of bare.split('/')) {
    if (segment === '{*}' || segment === '{**}') {
      if (anyDepth) return `${where}: {**} is not the last operator`
      anyDepth = segment === '{**}'
    } else if (/[{}]/.test(segment)) return `${where}: contains '{' or '}' beyond a supported path template`
    else if (isTemplate && !LITERAL.test(segment)) return `${where}: segment ${segment} with invalid string literal`
  }
  return undefined
}
