/** Checks of the value lists of an AuthorizationPolicy. Each yields what is wrong with a list. */
import { isIpAddress, isIpPrefix } from '../../base/ip-address.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { byteLength } from './values.ts'

export type ValuesCheck = (name: string, values: readonly string[]) => readonly string[]

export function checkEach(
  values: readonly string[] | undefined,
  { at, name, check, report }: { at: FieldPath; name: string; check: ValuesCheck; report: Report },
): void {
  if (values !== undefined) for (const wrong of check(name, values)) report.error('POLICY_VALUE', at, wrong)
}

/** Nearly always the answer; not a new list each time. */
const NOTHING_WRONG: readonly string[] = []

/** Stops at the first empty one. */
export const wrongEmpty: ValuesCheck = (name, values) =>
  values.includes('') ? [`empty value not allowed, found in ${name}`] : NOTHING_WRONG

/** Addresses, and prefixes when there is a slash; one finding per bad value. */
export const wrongIps: ValuesCheck = (_name, values) => eachWrong(values, wrongIp)

/** istiod: 0 and leading zeros pass, ranges and names do not. */
export const wrongPorts: ValuesCheck = (_name, values) => eachWrong(values, wrongPort)

function eachWrong(values: readonly string[], wrong: (value: string) => string | undefined): readonly string[] {
  const found = values.map(wrong).filter((text) => text !== undefined)
  return found.length === 0 ? NOTHING_WRONG : found
}

function wrongIp(value: string): string | undefined {
  if (!value.includes('/')) return isIpAddress(value) ? undefined : `bad IP address (${value})`
  return isIpPrefix(value) ? undefined : `bad CIDR range (${value}): not a prefix of an IP address`
}

function wrongPort(value: string): string | undefined {
  if (!/^\d+$/.test(value)) return `bad port (${value}): not a decimal number`
  return Number(value) > 65535 ? `bad port (${value}): <nil>` : undefined
}

/** What is wrong with the first value that is wrong. */
function firstWrong(values: readonly string[], wrong: (value: string) => string | undefined): readonly string[] {
  for (const value of values) {
    const text = wrong(value)
    if (text !== undefined) return [text]
  }
  return NOTHING_WRONG
}

export const wrongWildcards: ValuesCheck = (name, values) => {
  const empty = wrongEmpty(name, values)
  return empty.length > 0 ? empty : firstWrong(values, (value) => wrongWildcard(name, value))
}

function wrongWildcard(name: string, value: string): string | undefined {
  const first = value.indexOf('*')
  if (first === -1) return undefined
  if (first !== value.lastIndexOf('*')) return `at most one wildcard is allowed, found in ${name}: "${value}"`
  return first === 0 || first === value.length - 1
    ? undefined
    : `wildcard is only allowed at the start or end, found in ${name}: "${value}"`
}

export const wrongTrustDomains: ValuesCheck = (name, values) => {
  const wrong = wrongWildcards(name, values)
  if (wrong.length > 0) return wrong
  return firstWrong(values, (value) =>
    value.includes('/') ? `trust domain must not contain '/', found in ${name}: "${value}"` : undefined,
  )
}

const MAX_ACCOUNTS = 16
const MAX_ACCOUNT_BYTES = 320

export const wrongAccounts: ValuesCheck = (name, values) =>
  values.length > MAX_ACCOUNTS
    ? [`${name} may not have more than ${MAX_ACCOUNTS} values`]
    : firstWrong(values, (value) => wrongAccount(name, value))

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
export const wrongPaths: ValuesCheck = (name, values) => firstWrong(values, (path) => wrongPath(name, path))

/** Cut by hand: a regular expression anchored at the end would take quadratic time on many slashes. */
function withoutOuterSlashes(path: string): string {
  let start = 0
  let end = path.length
  while (start < end && path[start] === '/') start += 1
  while (end > start && path[end - 1] === '/') end -= 1
  return path.slice(start, end)
}

function wrongPath(name: string, path: string): string | undefined {
  if (!path.includes('{') && !path.includes('}')) return undefined
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
