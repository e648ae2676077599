/** Files for the installer: fields it refuses, and gateways that it would not install. */
import { isDnsLabel } from '../base/host-names.ts'
import { unknownField } from './all-findings.ts'
import type { MeshObject } from './api-server.ts'
import { field, index, pathText, ROOT, SPEC } from './field-path.ts'
import type { FieldPath } from './field-path.ts'
import type { Finding } from './finding.ts'
import { createReport } from './report.ts'
import type { Report } from './report.ts'
import { decode } from './schema/decode.ts'
import { istioOperatorSpec } from './schema/kinds/istio-operator.ts'
import type { GatewayComponent, IstioOperatorSpec } from './schema/kinds/istio-operator.ts'
import { prune } from './schema/prune.ts'
import type { UnknownField } from './schema/prune.ts'
import { checkStructure } from './schema/structure.ts'

const TOP_LEVEL: readonly string[] = ['apiVersion', 'kind', 'metadata', 'spec']
const GATEWAY_NAME = /^[a-z0-9.-]{1,254}$/
const UNPRIVILEGED = 1024

/**
 * All that is wrong with an IstioOperator document. Unknown fields are errors.
 * istiod: the installer takes keys in any letter case, so that a field which differs in case alone is left as it is.
 */
export function checkIstioOperator(object: MeshObject): readonly Finding[] {
  const unknown: UnknownField[] = []
  for (const key of Object.keys(object)) {
    if (!TOP_LEVEL.includes(key)) unknown.push({ at: field(ROOT, key), declared: TOP_LEVEL })
  }
  const spec = prune(istioOperatorSpec, object['spec'] ?? {}, { at: SPEC, unknown })
  const structure = checkStructure(istioOperatorSpec, spec, SPEC).map(({ at, message }): Finding => ({
    code: 'SCHEMA',
    severity: 'error',
    at,
    path: pathText(at),
    text: message,
  }))
  const fields = unknown.filter((one) => !differsInCaseAlone(one)).map((one) => unknownField(one, true))
  const report = createReport()
  const decoded = structure.length > 0 ? undefined : decode(istioOperatorSpec, spec, SPEC)
  // Decoded by the schema that the type is of.
  if (decoded !== undefined && 'spec' in decoded) checkOperatorSpec(decoded.spec as IstioOperatorSpec, report)
  return [...fields, ...structure, ...report.findings]
}

const differsInCaseAlone = ({ at, declared }: UnknownField): boolean =>
  declared.some((name) => name.toLowerCase() === String(at.step).toLowerCase())

function checkOperatorSpec({ revision = '', components = {}, values }: IstioOperatorSpec, report: Report): void {
  if (revision !== '' && !isDnsLabel(revision)) {
    report.error('REVISION_INVALID', field(SPEC, 'revision'), `invalid revision specified: ${revision}`)
  }
  for (const kind of ['ingress', 'egress'] as const) {
    const isRoot = readPath(values?.gateways, [`istio-${kind}gateway`, 'runAsRoot']) === true
    const list = `${kind}Gateways` as const
    for (const [i, gateway] of (components[list] ?? []).entries()) {
      const at = index(field(field(SPEC, 'components'), list), i)
      checkGatewayName(gateway, at, report)
      if (!isRoot) checkGatewayPorts(gateway, at, report)
    }
  }
}

function checkGatewayName({ name = '' }: GatewayComponent, at: FieldPath, report: Report): void {
  if (name === '' || GATEWAY_NAME.test(name)) return
  report.error('GATEWAY_COMPONENT_NAME', field(at, 'name'), `invalid gateway name "${name}"`)
}

/** A proxy that is not root cannot listen below 1024. Named target ports are the pod's business. */
function checkGatewayPorts({ k8s }: GatewayComponent, at: FieldPath, report: Report): void {
  const ports = readPath(k8s?.service, ['ports'])
  if (!Array.isArray(ports)) return
  for (const [i, one] of (ports as readonly unknown[]).entries()) {
    const port = readPath(one, ['port'])
    const targetPort = readPath(one, ['targetPort'])
    const isLow =
      targetPort === undefined || targetPort === null
        ? typeof port === 'number' && port <= UNPRIVILEGED
        : typeof targetPort === 'number' && targetPort < UNPRIVILEGED
    if (!isLow) continue
    const here = index(field(field(field(at, 'k8s'), 'service'), 'ports'), i)
    report.error('GATEWAY_COMPONENT_PORT', here, 'targetPort is below 1024, which a proxy without root cannot open')
  }
}

function readPath(value: unknown, keys: readonly string[]): unknown {
  let found = value
  for (const key of keys) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Readonly<Record<string, unknown>>)[key]
  }
  return found
}
