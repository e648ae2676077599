/** WorkloadGroup: labels and the readiness probe. istiod: the template itself is not examined. */
import { portProblem } from '../../base/host-port.ts'
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { Probe, WorkloadGroup } from '../schema/kinds/workload-group.ts'
import { checkLabels } from './labels.ts'
import type { KindRules } from './rule-context.ts'

const COUNTS = [
  'periodSeconds',
  'initialDelaySeconds',
  'timeoutSeconds',
  'successThreshold',
  'failureThreshold',
] as const
const HEADER_NAME = /^[-A-Za-z0-9]+$/

export const checkWorkloadGroup: KindRules<WorkloadGroup> = ({ metadata, template, probe }, { report }) => {
  if (template === undefined) {
    report.error('TEMPLATE_REQUIRED', field(SPEC, 'template'), 'template is required')
    return
  }
  const before = report.errorCount()
  checkLabels(metadata?.labels, field(field(SPEC, 'metadata'), 'labels'), report)
  if (report.errorCount() === before && probe !== undefined) checkProbe(probe, field(SPEC, 'probe'), report)
}

function checkProbe(probe: Probe, at: FieldPath, report: Report): void {
  for (const name of COUNTS) {
    if ((probe[name] ?? 0) < 0) report.error('NUMBER_NEGATIVE', field(at, name), `${name} must be non-negative`)
  }
  if (probe.httpGet !== undefined) checkHttpGet(probe.httpGet, field(at, 'httpGet'), report)
  else if (probe.tcpSocket !== undefined) checkProbePort(probe.tcpSocket.port, field(at, 'tcpSocket'), report)
  else if (probe.exec !== undefined) {
    if (probe.exec.command === undefined)
      report.error('PROBE_INVALID', field(field(at, 'exec'), 'command'), 'exec.command is required')
  } else {
    // istiod: grpc probes are legal in the schema and refused here.
    report.error('PROBE_INVALID', at, `unknown health check method ${probe.grpc === undefined ? '<nil>' : 'grpc'}`)
  }
}

function checkProbePort(port: number | undefined, at: FieldPath, report: Report): void {
  const wrong = portProblem(port ?? 0)
  if (wrong !== undefined) report.error('PORT_RANGE', field(at, 'port'), wrong)
}

function checkHttpGet(
  { port, scheme = '', httpHeaders = [] }: NonNullable<Probe['httpGet']>,
  at: FieldPath,
  report: Report,
): void {
  checkProbePort(port, at, report)
  if (scheme !== '' && scheme !== 'HTTP' && scheme !== 'HTTPS') {
    report.error('PROBE_INVALID', field(at, 'scheme'), 'httpGet.scheme must be one of "HTTPS", "HTTP"')
  }
  for (const [i, { name = '' }] of httpHeaders.entries()) {
    const here = field(index(field(at, 'httpHeaders'), i), 'name')
    if (name === '') report.error('HEADER_NAME', here, 'header name cannot be empty')
    else if (!HEADER_NAME.test(name))
      report.error('HEADER_NAME', here, `header name ${name} is not a valid header name`)
  }
}
