/** Assembles the listeners' applications: routes, limits and what Fastify would answer by itself. Does not listen. */
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Socket } from 'node:net'
import { sendText } from './answer.ts'
import { createAgeLimit } from './connection-age.ts'
import type { Health } from './health.ts'
import type { Metrics } from './metrics.ts'
import { addHealthRoutes } from './routes/health.ts'
import { addReviewRoutes, type ReviewRoute } from './review-route.ts'
import { injectRoute, type InjectRouteDeps } from './routes/inject.ts'
import { validateRoute, type Validate } from './routes/validate.ts'
import { addMetricsRoutes } from './routes/metrics.ts'
import type { CertificatePair } from '../certificates/leaf.ts'
import { httpsOptions, type MinTlsVersion } from './tls.ts'

export interface AppDeps extends InjectRouteDeps {
  /** Certificate to start with. Absent: plain HTTP, for TLS terminated in front and for tests. */
  readonly pair?: CertificatePair
  /** @default TLSv1.2 */
  readonly minTlsVersion?: MinTlsVersion | undefined
  /** False: the paths of injection are not there at all (istiod: INJECT_ENABLED). @default true */
  readonly isInjectServed?: boolean
  /** The engine of validation. Absent: its paths are not there. */
  readonly validate?: Validate
  /** After about this time the answer to a request ends its connection; 0: never. @default 0 */
  readonly maxConnectionAgeMs?: number
}

/** API servers keep idle connections 90 s and never retry a POST on one that we closed: they must close first. */
const KEEP_ALIVE_MS = 120_000
/** Dripping bodies end here; Node's own default is 300 s, Fastify's is none. */
const REQUEST_TIMEOUT_MS = 30_000
/** Memory for about 110 MB of TLS connections; more are dropped as they come. */
const MAX_CONNECTIONS = 2000
/** Path parameters may be long; Node bounds them together with all headers. */
const MAX_PATH = 16 * 1024

const COMMON = {
  logger: false,
  exposeHeadRoutes: false,
  keepAliveTimeout: KEEP_ALIVE_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  // While closing, what still arrives is served: refusing it would reject pods.
  return503OnClosing: false,
  routerOptions: { maxParamLength: MAX_PATH },
  // No route has a schema, so the compilers of schemas need not be loaded.
  schemaController: { compilersFactory: { buildValidator: refuseSchemas, buildSerializer: refuseSchemas } },
} as const

function refuseSchemas(): never {
  throw new TypeError('routes here have no schemas')
}

/** The webhook's application. Nothing but the routes of istiod's webhooks; everything else is 404. */
export function buildApp(deps: AppDeps): FastifyInstance {
  const options = { ...COMMON, clientErrorHandler: answerBrokenHttp, frameworkErrors }
  const app = (
    deps.pair === undefined
      ? fastify(options)
      : fastify({ ...options, https: httpsOptions(deps.pair, deps.minTlsVersion) })
  ) as FastifyInstance // the two differ in the type of the raw server only, which routes never see
  app.server.maxConnections = MAX_CONNECTIONS
  addNotFound(app, deps.health)
  const { maxConnectionAgeMs: maxMs = 0 } = deps
  const aging = maxMs === 0 ? {} : { isConnectionOld: createAgeLimit({ maxMs }) }
  addReviewRoutes(app, routesOf(deps), { ...deps, ...aging })
  return app
}

function routesOf({ validate, ...deps }: AppDeps): ReviewRoute[] {
  const routes = deps.isInjectServed === false ? [] : [injectRoute(deps)]
  return validate === undefined ? routes : [...routes, validateRoute({ ...deps, validate })]
}

/** Probes, on a port of their own without TLS: a kubelet has no certificate to check ours against. */
export function buildHealthApp(health: Health): FastifyInstance {
  const app = fastify({ ...COMMON, frameworkErrors })
  addNotFound(app)
  addHealthRoutes(app, health)
  return app
}

export function buildMetricsApp(metrics: Metrics): FastifyInstance {
  const app = fastify({ ...COMMON, frameworkErrors })
  addNotFound(app)
  addMetricsRoutes(app, metrics)
  return app
}

function addNotFound(app: FastifyInstance, health?: Health): void {
  app.setNotFoundHandler((_request, reply) => {
    if (health?.draining) reply.header('connection', 'close')
    sendText(reply, 404, '404 page not found')
    return reply
  })
}

/** What Fastify refuses before any route is found: a path whose escapes are broken. */
function frameworkErrors(_err: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  sendText(reply, 400, '400 Bad Request')
}

const CLIENT_ERRORS: Readonly<Record<string, { readonly status: string; readonly text: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', text: 'request not complete in time' },
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', text: 'header too large' },
  // istiod: a body that ends early is a body that cannot be read.
  HPE_INVALID_EOF_STATE: { status: '400 Bad Request', text: 'unexpected EOF' },
}

/** Answers what is no HTTP. The connection is of no further use. A handshake that failed has nobody to read an answer. */
function answerBrokenHttp(err: Error & { code?: string }, socket: Socket): void {
  if (/^(?:ECONNRESET$|ERR_TLS_|ERR_SSL_)/.test(err.code ?? '') || !socket.writable) {
    socket.destroy(err)
    return
  }
  const { status, text } = CLIENT_ERRORS[err.code ?? ''] ?? { status: '400 Bad Request', text: '400 Bad Request' }
  const head = [
    `HTTP/1.1 ${status}`,
    'Content-Type: text/plain; charset=utf-8',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
    `Content-Length: ${Buffer.byteLength(text) + 1}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}\n`)
}
