/** What all paths for reviews have in common: the body, the order of the checks, and what is refused before a review is read. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Socket } from 'node:net'
import type { Log } from '../base/log.ts'
import { sendText } from './answer.ts'
import { MAX_BODY_BYTES, readBody, type BodyRead } from './body.ts'
import { budgetMs } from './budget.ts'
import type { Health } from './health.ts'
import type { Metrics, Refusal } from './metrics.ts'
import { cleanedPath, decodedPath } from './path.ts'

/** A path for reviews, and everything below it. */
export interface ReviewRoute {
  readonly root: string
  /** Counts a request; its body is not read yet. */
  begin(): void
  /** Answers a body that is complete, in time, not empty and JSON by its content type. */
  answer(call: Call, body: Buffer): void
  /** Counts a request that gets no review for an answer. */
  countRefusal(refusal: RefusalAnswer): void
  end(seconds: number): void
}

/** One request on its way through a route. */
export interface Call {
  readonly route: ReviewRoute
  readonly deps: ReviewRouteDeps
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Percent-decoded. */
  readonly path: string
  readonly startMs: number
  readonly budgetMs: number
}

export interface ReviewRouteDeps {
  readonly health: Health
  readonly metrics: Metrics
  readonly log: Log
  /** Whether a request should be the last of its connection. @default never */
  readonly isConnectionOld?: (socket: Socket) => boolean
}

export interface RefusalAnswer {
  readonly reason: Refusal
  readonly status: number
  readonly text: string
}

const UNFIT_CONTENT_TYPE = 'invalid Content-Type, want `application/json`'

/** Serves all routes for reviews. istiod: any method will do. */
export function addReviewRoutes(app: FastifyInstance, routes: readonly ReviewRoute[], deps: ReviewRouteDeps): void {
  const servers = new Map<string, (request: FastifyRequest, reply: FastifyReply) => FastifyReply>()
  for (const route of routes) {
    const serve = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      receive(request, reply, { route, deps })
      return reply
    }
    for (const path of [route.root, `${route.root}/*`]) {
      servers.set(path, serve)
      app.all(path, serve)
    }
  }
  // The routes read the body themselves: istiod looks at size and emptiness before it looks at the content type.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.setErrorHandler<Error & { code?: string }>((err, request, reply) => {
    const serve = servers.get(request.routeOptions.url ?? '')
    if (err.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' && serve !== undefined) return serve(request, reply)
    deps.log.error({ err, path: request.url }, 'request failed')
    sendText(reply, 500, 'internal error')
    return reply
  })
}

/** Answers by a text that is no review; the API server takes it for a broken webhook. */
export function refuse(call: Call, refusal: RefusalAnswer): void {
  const { reason, status, text } = refusal
  const { metrics, log } = call.deps
  call.route.countRefusal(refusal)
  metrics.refused.inc({ reason })
  log.warn({ path: call.path, decision: 'refuse', reason, status, durationMs: elapsedMs(call) }, 'request refused')
  sendText(call.reply, status, text)
}

/** Milliseconds since the request came, to a thousandth. */
export function elapsedMs({ startMs }: Call): number {
  return Math.round((performance.now() - startMs) * 1000) / 1000
}

function receive(request: FastifyRequest, reply: FastifyReply, { route, deps }: Pick<Call, 'route' | 'deps'>): void {
  const startMs = performance.now()
  // The header travels with a complete answer, so no request is lost with the connection.
  if (deps.health.draining || deps.isConnectionOld?.(request.raw.socket)) reply.header('connection', 'close')
  const path = decodedPath(request.url)
  if (path === undefined) return sendText(reply, 400, '400 Bad Request')
  const cleaned = cleanedPath(path)
  if (cleaned !== undefined) return redirect(request, reply, cleaned)
  route.begin()
  const call: Call = { route, deps, request, reply, path, startMs, budgetMs: budgetMs(request.url) }
  readBody(request.raw, call.budgetMs, (read) => {
    answerSafely(call, read)
    route.end((performance.now() - startMs) / 1000)
  })
}

function redirect(request: FastifyRequest, reply: FastifyReply, cleaned: string): void {
  const query = request.url.indexOf('?')
  const location = encodeURI(cleaned) + (query < 0 ? '' : request.url.slice(query))
  void reply.code(301).header('location', location).send()
}

/** Nothing thrown may escape here: this runs from a stream's event, where it would end the process. */
function answerSafely(call: Call, read: BodyRead): void {
  try {
    answerBody(call, read)
  } catch (err) {
    call.deps.log.error({ err, path: call.path }, 'request failed unexpectedly')
    if (!call.reply.sent) sendText(call.reply, 500, 'internal error')
  }
}

/** The order of the checks is the contract: size, emptiness, content type, review. */
function answerBody(call: Call, read: BodyRead): void {
  if (read.kind !== 'complete') return refuseBody(call, read)
  if (read.bytes.length === 0) return refuse(call, { reason: 'empty_body', status: 400, text: 'no body found' })
  if (!isJson(call.request.headers['content-type'])) {
    return refuse(call, { reason: 'content_type', status: 415, text: UNFIT_CONTENT_TYPE })
  }
  if (performance.now() - call.startMs > call.budgetMs) return refuseBody(call, { kind: 'timeout' })
  call.route.answer(call, read.bytes)
}

function refuseBody(call: Call, read: Exclude<BodyRead, { kind: 'complete' }>): void {
  switch (read.kind) {
    case 'tooLarge': {
      const text = `Request entity too large: limit is ${MAX_BODY_BYTES}`
      return refuse(call, { reason: 'too_large', status: 400, text })
    }
    case 'broken':
      return refuse(call, { reason: 'broken_body', status: 400, text: read.message })
    case 'timeout': {
      // What is still to come of the body would be taken for the next request.
      call.reply.header('connection', 'close')
      const text = `no answer within the request's timeout (${Math.round(call.budgetMs)} ms)`
      return refuse(call, { reason: 'timeout', status: 504, text })
    }
  }
}

/** istiod: `application/json` alone. Parameters are accepted here, as every other HTTP server does. */
function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true
  return contentType !== undefined && contentType.split(';', 1)[0]?.trim().toLowerCase() === 'application/json'
}
