/** Retry policies. */
import { field } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { HttpRoute } from '../schema/kinds/virtual-service.ts'
import { checkDuration } from './values.ts'

const POLICIES: ReadonlySet<string> = new Set([
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'envoy-ratelimited',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
])
const STATUS_RANGES = [
  [100, 103],
  [200, 208],
  [226, 226],
  [300, 305],
  [307, 308],
  [400, 418],
  [421, 426],
  [428, 429],
  [431, 431],
  [451, 451],
  [500, 508],
  [510, 511],
] as const

export function checkRetries(retries: HttpRoute['retries'], at: FieldPath, report: Report): void {
  if (retries === undefined) return
  const { attempts = 0, perTryTimeout, retryOn = '', retryRemoteLocalities, backoff } = retries
  if (attempts < 0) report.error('RETRY_ATTEMPTS', field(at, 'attempts'), 'attempts cannot be negative')
  if (attempts === 0 && (perTryTimeout !== undefined || retryOn !== '' || retryRemoteLocalities !== undefined)) {
    report.error('RETRY_ATTEMPTS', at, 'http retry policy configured when attempts are set to 0 (disabled)')
  }
  checkDuration(perTryTimeout, field(at, 'perTryTimeout'), report)
  checkDuration(backoff, field(at, 'backoff'), report)
  for (const policy of retryOn === '' ? [] : retryOn.split(',')) {
    if (!isRetryPolicy(policy))
      report.error('RETRY_ON', field(at, 'retryOn'), `"${policy}" is not a valid retryOn policy`)
  }
}

/** istiod: pieces are not trimmed, so a space behind the comma spoils the piece. */
function isRetryPolicy(policy: string): boolean {
  if (POLICIES.has(policy)) return true
  const status = /^\+?\d+$/.test(policy) ? Number(policy) : 0
  return STATUS_RANGES.some(([least, most]) => status >= least && status <= most)
}
