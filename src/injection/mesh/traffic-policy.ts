/** Rules on connection pools and outlier detection of a mesh. */
import { durationProblem, nanosecondsOf, precisionProblem } from './durations.ts'
import type { DurationValue, Message } from './message-type.ts'

/** What is wrong with `defaultTrafficPolicy`. */
export function trafficPolicyProblems(policy: Message | undefined): string[] {
  if (policy === undefined) return []
  const pool = policy['connectionPool'] as Message | undefined
  const outliers = policy['outlierDetection'] as Message | undefined
  return [
    ...(pool === undefined ? [] : connectionPoolProblems(pool)),
    ...(outliers === undefined ? [] : outlierProblems(outliers)),
  ]
}

function connectionPoolProblems(pool: Message): string[] {
  const http = pool['http'] as Message | undefined
  const tcp = pool['tcp'] as Message | undefined
  if (http === undefined && tcp === undefined) return ['connection pool must have at least one field']
  return [...(http === undefined ? [] : httpProblems(http)), ...(tcp === undefined ? [] : tcpProblems(tcp))]
}

const HTTP_COUNTS = [
  ['http1MaxPendingRequests', 'max pending requests'],
  ['http2MaxRequests', 'max requests'],
  ['maxRequestsPerConnection', 'max requests per connection'],
  ['maxRetries', 'max retries'],
  ['maxConcurrentStreams', 'max concurrent streams'],
] as const

const UPGRADE = 2

function httpProblems(http: Message): string[] {
  const problems = HTTP_COUNTS.filter(([name]) => isNegative(http[name])).map(
    ([, text]) => `${text} must be non-negative`,
  )
  problems.push(...whereSet(http['idleTimeout'], durationProblem))
  if (http['h2UpgradePolicy'] === UPGRADE && http['useClientProtocol'] === true) {
    problems.push('use client protocol must not be true when H2UpgradePolicy is UPGRADE')
  }
  return problems
}

function tcpProblems(tcp: Message): string[] {
  const keepalive = (tcp['tcpKeepalive'] as Message | undefined) ?? {}
  return [
    ...(isNegative(tcp['maxConnections']) ? ['max connections must be non-negative'] : []),
    ...whereSet(tcp['connectTimeout'], durationProblem),
    ...whereSet(tcp['maxConnectionDuration'], durationProblem),
    ...whereSet(tcp['idleTimeout'], idleProblem),
    ...whereSet(keepalive['time'], durationProblem),
    ...whereSet(keepalive['interval'], durationProblem),
  ]
}

/** istiod: an idle timeout of less than a millisecond switches the timeout off. */
const idleProblem = (duration: DurationValue): string | undefined =>
  nanosecondsOf(duration) / 1_000_000n === 0n ? undefined : durationProblem(duration)

function outlierProblems(outliers: Message): string[] {
  const failures = outliers['consecutiveLocalOriginFailures'] as { value: number } | undefined
  const problems = [
    ...whereSet(outliers['baseEjectionTime'], durationProblem),
    ...whereSet(outliers['interval'], durationProblem),
  ]
  if (failures !== undefined && failures.value > 0 && outliers['splitExternalLocalOriginErrors'] !== true) {
    problems.push(
      'outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false',
    )
  }
  for (const name of ['maxEjectionPercent', 'minHealthPercent']) {
    const percent = (outliers[name] as number | undefined) ?? 0
    if (percent < 0 || percent > 100) problems.push(`percentage ${percent} is not in range 0..100`)
  }
  return problems
}

const isNegative = (value: unknown): boolean => ((value as number | undefined) ?? 0) < 0

function whereSet(value: unknown, check: (duration: DurationValue) => string | undefined): string[] {
  const problem = value === undefined ? undefined : check(value as DurationValue)
  return problem === undefined ? [] : [problem]
}

/** What is wrong with the timeout of protocol detection. istiod: a negative one is fine. */
export const detectionTimeoutProblem = (timeout: DurationValue | undefined): string | undefined =>
  nanosecondsOf(timeout) === 0n ? undefined : precisionProblem(timeout)
