/** Hosts of the form namespace/dnsName, as Gateway servers and Sidecar egress listeners write them. */
import { isDnsLabel } from '../../base/host-names.ts'
import { isIpAddress } from '../../base/ip-address.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { wrongPartialWildcard, wrongWildcardDomain } from './hosts.ts'

export interface HostFlavour {
  readonly kind: 'gateway' | 'sidecar'
  /** istiod: gateway-semantics admits `~` as the namespace of a Gateway's host. */
  readonly mayHide: boolean
}

/** istiod: an IPv6 literal has no dot, so it is refused as a short name. */
export function checkNamespacedHost(
  host: string,
  { at, flavour, report }: { at: FieldPath; flavour: HostFlavour; report: Report },
): void {
  const fail = (text: string): void => report.error('NAMESPACED_HOST', at, text)
  const slash = host.indexOf('/')
  if (slash === -1) {
    if (flavour.kind === 'sidecar') fail('host must be of form namespace/dnsName')
    else checkDnsName(host, fail)
    return
  }
  const namespace = host.slice(0, slash)
  const dnsName = host.slice(slash + 1)
  if (namespace === '' || dnsName === '') fail('config namespace and dnsName in host entry cannot be empty')
  if (!isNamespace(namespace, flavour)) fail(`invalid namespace value "${namespace}"`)
  checkDnsName(dnsName, fail)
}

function isNamespace(namespace: string, { kind, mayHide }: HostFlavour): boolean {
  if (kind === 'gateway')
    return namespace === '*' || namespace === '.' || isDnsLabel(namespace) || (mayHide && namespace === '~')
  const named = namespace.startsWith('~') ? namespace.slice(1) : namespace
  return named === '' || named === '*' || named === '.' || isDnsLabel(named)
}

/** Without its own prefix: what is wrong with the part behind the slash. */
function checkDnsName(dnsName: string, fail: (text: string) => void): void {
  if (dnsName !== '*' && !dnsName.includes('.')) fail('short names (non FQDN) are not allowed')
  const wrong = isIpAddress(dnsName) ? undefined : wrongWildcardDomain(dnsName)
  if (wrong !== undefined) fail(wrong)
  const partial = wrongPartialWildcard(dnsName)
  if (partial !== undefined) fail(partial)
}
