/** TLS handshakes that fail: all are counted, and callers that reject our certificate are told of. */
import type { EventEmitter } from 'node:events'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Metrics } from './metrics.ts'

export interface HandshakeDeps {
  readonly metrics: Pick<Metrics, 'handshakeErrors'>
  readonly clock: Clock
  readonly log: Log
  /** Called when a caller rejects our certificate, at most once in five seconds: what it trusts may need repair. */
  readonly onRejected?: (() => void) | undefined
}

/** Alerts about our certificate: bundles that lack its signer, names it does not hold, dates that are over all look so. */
const REJECTION = /_ALERT_(?:BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN)$/
const TELL_MS = 10_000
const REACT_MS = 5_000

/** Any other failure is ordinary: probes of ports and scanners end handshakes, too. */
export function watchHandshakes(server: EventEmitter, { metrics, clock, log, onRejected }: HandshakeDeps): void {
  const isTimeToTell = every(TELL_MS, clock)
  const isTimeToReact = every(REACT_MS, clock)
  let rejections = 0
  server.on('tlsClientError', ({ code = 'unknown' }: NodeJS.ErrnoException) => {
    metrics.handshakeErrors.inc({ code })
    if (!REJECTION.test(code)) return
    rejections++
    if (isTimeToReact()) onRejected?.()
    if (!isTimeToTell()) return
    log.warn({ code, rejections }, 'a caller rejects the serving certificate')
    rejections = 0
  })
}

/** Holds at most once in `intervalMs`; a clock that was set back does not silence it. */
function every(intervalMs: number, clock: Clock): () => boolean {
  let lastMs = -Infinity
  return () => {
    if (Math.abs(clock.nowMs() - lastMs) < intervalMs) return false
    lastMs = clock.nowMs()
    return true
  }
}
