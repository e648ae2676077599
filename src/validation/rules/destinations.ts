/** Destinations of routes, their weights, and names of gateways: what VirtualService and Sidecar share. */
import { isDnsLabel } from '../../base/host-names.ts'
import { portProblem } from '../../base/host-port.ts'
import { field, index } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { Destination } from '../schema/kinds/virtual-service.ts'
import { wrongFqdn, wrongSubsetName, wrongWildcardDomain } from './hosts.ts'

/** istiod: `*.a.b` passes as a destination; a port selector without number is port 0 and fails. */
export function checkDestination(destination: Destination | undefined, at: FieldPath, report: Report): void {
  if (destination === undefined) return
  const { host = '', subset = '', port } = destination
  const badHost = host === '*' ? 'invalid destination host *' : wrongWildcardDomain(host)
  if (badHost !== undefined) report.error('DESTINATION_HOST', field(at, 'host'), badHost)
  const badSubset = subset === '' ? undefined : wrongSubsetName(subset)
  if (badSubset !== undefined) report.error('SUBSET_NAME', field(at, 'subset'), badSubset)
  const badPort = port === undefined ? undefined : portProblem(port.number ?? 0)
  if (badPort !== undefined) report.error('PORT_RANGE', field(field(at, 'port'), 'number'), badPort)
}

interface Weighted {
  readonly weight?: number | undefined
}

/** istiod: the sum wraps at 32 bits and needs not be 100; a lone destination may weigh nothing. */
export function checkWeights(routes: readonly Weighted[], at: FieldPath, report: Report): void {
  let total = 0
  for (const [i, { weight = 0 }] of routes.entries()) {
    if (weight < 0) report.error('WEIGHT_INVALID', field(index(at, i), 'weight'), `weight ${weight} < 0`)
    total = (total + weight) | 0
  }
  if (routes.length > 1 && total === 0) report.error('WEIGHT_INVALID', at, 'total destination weight = 0')
}

/**
 * istiod: a name without slash ends the loop, so later names are not looked at. `namesMayBeGenerated` switches the
 * check of the second half off.
 */
export function checkGatewayNames(
  names: readonly string[] | undefined,
  { at, namesMayBeGenerated, report }: { at: FieldPath; namesMayBeGenerated: boolean; report: Report },
): void {
  for (const [i, name] of (names ?? []).entries()) {
    const here = index(at, i)
    const slash = name.indexOf('/')
    if (slash === -1) {
      checkPlainGatewayName(name, here, report)
      return
    }
    checkQualifiedGatewayName(name, slash, { here, namesMayBeGenerated, report })
  }
}

function checkPlainGatewayName(name: string, at: FieldPath, report: Report): void {
  const [first = '', second = ''] = name.split('.')
  if (name.includes('.')) {
    report.warn('GATEWAY_NAME_LEGACY', at, `using legacy gateway name format ${name}; prefer ${second}/${first}`)
  }
  const wrong = wrongFqdn(name)
  if (wrong !== undefined) report.error('GATEWAY_NAME', at, wrong)
}

function checkQualifiedGatewayName(
  name: string,
  slash: number,
  { here, namesMayBeGenerated, report }: { here: FieldPath; namesMayBeGenerated: boolean; report: Report },
): void {
  const namespace = name.slice(0, slash)
  const gateway = name.slice(slash + 1)
  if (namespace === '' || gateway === '') {
    report.error('GATEWAY_NAME', here, 'config namespace and gateway name cannot be empty')
  }
  if (!isDnsLabel(namespace)) report.error('GATEWAY_NAME', here, `invalid value for namespace: "${namespace}"`)
  if (!namesMayBeGenerated && !isDnsLabel(gateway))
    report.error('GATEWAY_NAME', here, `invalid value for gateway name: "${gateway}"`)
}
