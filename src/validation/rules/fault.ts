/** Fault injection of an http route. */
import { field } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { HttpRoute } from '../schema/kinds/virtual-service.ts'
import { checkDuration, isHttpStatus } from './values.ts'

type Fault = NonNullable<HttpRoute['fault']>
const GRPC_STATUSES: ReadonlySet<string> = new Set([
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
])

export function checkFault(fault: Fault | undefined, at: FieldPath, report: Report): void {
  if (fault === undefined) return
  if (fault.abort === undefined && fault.delay === undefined) {
    report.error('FAULT_INVALID', at, 'HTTP fault injection must have an abort and/or a delay')
  }
  checkAbort(fault.abort, field(at, 'abort'), report)
  checkDelay(fault.delay, field(at, 'delay'), report)
}

/** istiod: an abort without any error type passes without a word. */
function checkAbort(abort: Fault['abort'], at: FieldPath, report: Report): void {
  if (abort === undefined) return
  checkFraction(abort.percentage?.value, field(at, 'percentage'), report)
  if (abort.grpcStatus !== undefined && !GRPC_STATUSES.has(abort.grpcStatus)) {
    report.error('GRPC_STATUS', field(at, 'grpcStatus'), `gRPC status "${abort.grpcStatus}" is not supported`)
  }
  if (abort.httpStatus !== undefined && !isHttpStatus(abort.httpStatus)) {
    report.error('HTTP_STATUS', field(at, 'httpStatus'), `HTTP status ${abort.httpStatus} is not in range 200..599`)
  }
  if (abort.http2Error !== undefined) {
    report.error('FAULT_INVALID', field(at, 'http2Error'), 'HTTP/2 abort fault injection not supported yet')
  }
}

function checkDelay(delay: Fault['delay'], at: FieldPath, report: Report): void {
  if (delay === undefined) return
  checkDuration(delay.fixedDelay, field(at, 'fixedDelay'), report)
  if (delay.exponentialDelay !== undefined) {
    const here = field(at, 'exponentialDelay')
    checkDuration(delay.exponentialDelay, here, report)
    report.error('FAULT_INVALID', here, 'exponentialDelay not supported yet')
  }
  checkFraction(delay.percentage?.value, field(at, 'percentage'), report)
}

/** Envoy counts in millionths of a percent times hundred; what is finer would round to nothing. */
function checkFraction(percent: number | undefined, at: FieldPath, report: Report): void {
  if (percent === undefined || percent === 0 || (percent >= 0.0001 && percent <= 100)) return
  report.error('PERCENT_RANGE', at, `percentage ${percent} is neither 0.0, nor in range 0.0001..100.0`)
}
