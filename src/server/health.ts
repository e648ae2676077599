/** What probes ask: is the process alive, is it started, may it get requests. */

/** A named condition; the probe answers with its name when it does not hold. */
export interface Check {
  readonly name: string
  /** Undefined: holds. Otherwise why not, in a few words. */
  readonly problem: () => string | undefined
}

export interface CheckResult {
  readonly name: string
  readonly problem: string | undefined
}

export type Probe = 'livez' | 'readyz' | 'startupz'

/** The server's own view of its state, shared by its listeners. */
export interface Health {
  /** True from the first SIGTERM on: unready, but still serving. */
  draining: boolean
  /** What must hold before requests are wanted. */
  readonly checks: readonly Check[]
  /** Set once every check held; from then on start-up is over, whatever happens. */
  started: boolean
}

export function createHealth(checks: readonly Check[]): Health {
  return { draining: false, checks, started: false }
}

/** Results of one probe, in order. Liveness asks nothing: a process that answers is alive. */
export function probe(health: Health, which: Probe): CheckResult[] {
  if (which === 'livez') return [{ name: 'ping', problem: undefined }]
  const results = health.checks.map(({ name, problem }) => ({ name, problem: problem() }))
  if (results.every(({ problem }) => problem === undefined)) health.started = true
  if (which === 'startupz') return health.started ? [{ name: 'started', problem: undefined }] : results
  return [...results, { name: 'drain', problem: health.draining ? 'shutting down' : undefined }]
}
