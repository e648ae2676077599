/** Opens and closes listeners; the way out loses no request. */
import type { FastifyInstance } from 'fastify'
import { Server as HttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { messageOf, ProjectError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import { watchHandshakes, type HandshakeDeps } from './handshakes.ts'
import type { Health } from './health.ts'
import type { Metrics } from './metrics.ts'
import { keepCertificateFresh, type SwapDeps } from './tls.ts'

export interface ListenOptions {
  /** 0 picks a free one. */
  readonly port: number
  /** Local address; absent: all of them. */
  readonly host?: string | undefined
  /** What is listened for, in error messages. */
  readonly name: string
}

/** Where no IPv6 is, the address of all interfaces is IPv4's. */
const NO_IPV6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])

/** Resolves with the port that is open. @throws ProjectError LISTEN_FAILED */
export async function listen(app: FastifyInstance, { port, host, name }: ListenOptions): Promise<number> {
  try {
    await app.listen({ port, host: host ?? '::' })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (host === undefined && NO_IPV6.has(code ?? '')) return listen(app, { port, host: '0.0.0.0', name })
    throw new ProjectError('LISTEN_FAILED', `${name} port ${port}: ${messageOf(cause)}`, { cause })
  }
  return (app.server.address() as AddressInfo).port
}

/** A webhook that is looked after. */
export interface Supervision {
  /** Open connections, those included that are still shaking hands: Node's closeAllConnections does not know them. */
  readonly connections: ReadonlySet<Socket>
  /** Leaves the certificate as it is from now on. */
  end(): void
}

/** Keeps the webhook's certificate current, knows and counts its connections, and tells of those that fail. */
export function superviseWebhook(app: FastifyInstance, deps: SwapDeps & HandshakeDeps): Supervision {
  const { metrics } = deps
  const connections = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    connections.add(socket)
    metrics.openConnections.set(connections.size)
    socket.once('close', () => {
      connections.delete(socket)
      metrics.openConnections.set(connections.size)
    })
  })
  watchHandshakes(app.server, deps)
  const end =
    app.server instanceof HttpsServer ? keepCertificateFresh(app.server as HttpsServer, deps) : () => undefined
  return { connections, end }
}

export interface DrainOptions {
  readonly connections: ReadonlySet<Socket>
  readonly health: Health
  readonly metrics: Metrics
  readonly clock: Clock
  /** How long to serve on while the news of our end travels; at least what endpoints take. */
  readonly delayMs: number
  /** How long requests in flight may take after that. */
  readonly timeoutMs: number
  /** Aborted: end at once. */
  readonly hurry: AbortSignal
}

const SWEEP_MS = 250

/**
 * Unready, but serving, with `Connection: close` on every answer; then no new connections, and the last ones end.
 * Closing at once instead loses requests: clients learn of our end later than we do, and one sweep of idle
 * connections misses those that were busy.
 */
export async function drain(app: FastifyInstance, options: DrainOptions): Promise<void> {
  const { connections, health, metrics, clock, delayMs, timeoutMs, hurry } = options
  health.draining = true
  metrics.draining.set(1)
  await clock.wait(delayMs, hurry)
  const closed = new AbortController()
  const closing = app.close().finally(() => closed.abort())
  const deadlineMs = clock.nowMs() + timeoutMs
  const stop = AbortSignal.any([hurry, closed.signal])
  while (!stop.aborted && clock.nowMs() < deadlineMs) {
    app.server.closeIdleConnections()
    await clock.wait(SWEEP_MS, stop)
  }
  for (const connection of connections) connection.destroy()
  await closing
}
