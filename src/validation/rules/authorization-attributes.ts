/** Keys of AuthorizationPolicy conditions, and what their values must be. */
import { wrongAccounts, wrongEmpty, wrongIps, wrongPorts, wrongWildcards } from './authorization-values.ts'
import type { ValuesCheck } from './authorization-values.ts'

const NOTHING: ValuesCheck = () => []
const EXACT: Readonly<Record<string, ValuesCheck>> = {
  'source.ip': wrongIps,
  'remote.ip': wrongIps,
  'destination.ip': wrongIps,
  'destination.port': wrongPorts,
  'source.namespace': NOTHING,
  'source.serviceAccount': wrongAccounts,
  'source.principal': NOTHING,
  // istiod: a slash passes here, though the source's list refuses it.
  'source.trustDomain': wrongWildcards,
  'request.auth.principal': NOTHING,
  'request.auth.audiences': NOTHING,
  'request.auth.presenter': NOTHING,
  'connection.sni': NOTHING,
}
/** istiod: loose prefixes, `request.headersX[a]` is taken as well. */
const KEYED_PREFIXES = ['request.headers', 'request.auth.claims', 'experimental.envoy.filters.']

/** What is wrong with one of a condition's lists, or with its key, and which of them it is. */
export function wrongAttribute(
  key: string,
  values: readonly string[],
): { readonly part: 'key' | 'values'; readonly text: string } | undefined {
  const [empty] = wrongEmpty(key, values)
  if (empty !== undefined) return { part: 'values', text: empty }
  const badKey = wrongKey(key)
  if (badKey !== undefined) return { part: 'key', text: badKey }
  const text = Object.hasOwn(EXACT, key) ? EXACT[key]?.(key, values).join('; ') : undefined
  return text === undefined || text === '' ? undefined : { part: 'values', text }
}

function wrongKey(key: string): string | undefined {
  if (KEYED_PREFIXES.some((prefix) => key.startsWith(prefix))) {
    // The exact names of claims-free request.auth keys do not begin like any of these.
    return isBracketed(key) ? undefined : `bad key (${key}): should have format a[b]`
  }
  if (Object.hasOwn(EXACT, key)) return undefined
  if (key === 'destination.namespace') return `attribute ${key} is replaced by metadata.namespace`
  if (key.startsWith('destination.labels')) return `attribute ${key} is replaced by the workload selector`
  if (key === 'destination.name' || key === 'destination.user')
    return `deprecated attribute ${key}: only supported in v1alpha1`
  return `unknown attribute: ${key}`
}

function isBracketed(key: string): boolean {
  const open = key.indexOf('[')
  return open > 0 && key.endsWith(']') && key.length > open + 2
}
