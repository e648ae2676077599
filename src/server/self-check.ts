/** Asks our own listener as the API server would: whether a caller that trusts the current bundle accepts us. */
import { once } from 'node:events'
import { connect } from 'node:tls'

import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'

export interface SelfCheckOptions {
  readonly host: string
  readonly port: number
  /** Name that callers ask for. */
  readonly serverName: string
  /** What callers trust, PEM; undefined: not known, and then only the handshake counts. */
  readonly bundle: () => string | undefined
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

export interface SelfCheck {
  /** Why the server should get no requests, or undefined. */
  problem(): string | undefined
  /** Checks now: there is another certificate. */
  soon(): void
}

const EVERY_MS = 300_000
const RETRY_MS = 2000
/** One failure may be a busy moment. */
const FAILURES = 3
const TIMEOUT_MS = 10_000
/** Judged by the API server's time elsewhere, not by ours. */
const DATE_ERRORS = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']

/** Checks at once, every five minutes and when told to, until `signal` aborts. */
export function runSelfCheck(options: SelfCheckOptions): SelfCheck {
  const { clock, signal } = options
  const alarm = new Alarm(clock, signal)
  const state: State = { failures: 0, problem: '' }
  void keepChecking(state, alarm, options)
  return {
    problem: () => (state.failures >= FAILURES ? state.problem : undefined),
    soon: () => alarm.ring(),
  }
}

interface State {
  /** In a row. */
  failures: number
  problem: string
}

async function keepChecking(state: State, alarm: Alarm, options: SelfCheckOptions): Promise<void> {
  const { log, signal } = options
  while (!signal.aborted) {
    const problem = await problemOf(options)
    if (problem === undefined) {
      if (state.failures >= FAILURES) log.info({}, 'callers accept the serving certificate again')
      state.failures = 0
    } else {
      state.problem = problem
      if (++state.failures === FAILURES) log.error({ problem }, 'a caller would not accept the serving certificate')
    }
    await alarm.sleep(problem === undefined ? EVERY_MS : RETRY_MS)
  }
}

async function problemOf({ host, port, serverName, bundle, signal }: SelfCheckOptions): Promise<string | undefined> {
  const ca = bundle()
  const end = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
  // Judged below: a wrong date alone is no reason to break off.
  const trust = ca === undefined ? {} : { ca }
  const socket = connect({ host, port, servername: serverName, ...trust, rejectUnauthorized: false })
  try {
    await once(socket, 'secureConnect', { signal: end })
    const code = String(socket.authorizationError ?? '')
    return ca === undefined || socket.authorized || DATE_ERRORS.includes(code) ? undefined : code
  } catch (err) {
    return messageOf(err)
  } finally {
    socket.destroy()
  }
}
