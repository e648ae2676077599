/** /inject and everything below it: istiod's contract for the mutating webhook. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../base/log.ts'
import { messageOf } from '../../base/errors.ts'
import { sendText } from '../answer.ts'
import { MAX_BODY_BYTES, readBody, type BodyRead } from '../body.ts'
import { budgetMs } from '../budget.ts'
import type { Health } from '../health.ts'
import type { Metrics, Refusal } from '../metrics.ts'
import { cleanedPath, decodedPath } from '../path.ts'
import { decodeReview, encodeReview, type DecodedReview, type ReviewRequest, type Verdict } from '../review.ts'

/** What injection makes of a pod. `patch` is a list of RFC 6902 operations; `denied` is the text a user reads. */
export type InjectOutcome =
  | { readonly injected: true; readonly patch: readonly unknown[] }
  | { readonly injected: false; readonly reason: string }
  | { readonly denied: string }

export interface InjectRequest {
  /** `request.object`; undefined when there is none. */
  readonly pod: unknown
  /** `request.namespace`; may be empty. */
  readonly namespace: string
  /** Percent-decoded path of the request, parameters included. */
  readonly path: string
}

/** The engine, as the server sees it. What it throws becomes a denial with the same text. */
export type Inject = (request: InjectRequest) => InjectOutcome

export interface InjectRouteDeps {
  /** The engine for the configuration now in force; undefined while there is none. */
  readonly currentInject: () => Inject | undefined
  readonly health: Health
  readonly metrics: Metrics
  readonly log: Log
}

/** One request on its way through the route. */
interface Call {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly path: string
  readonly startMs: number
  readonly budgetMs: number
}

const UNFIT_CONTENT_TYPE = 'invalid Content-Type, want `application/json`'
const RETRY_AFTER_S = 1

/** Serves reviews below /inject. istiod: any method will do. */
export function addInjectRoutes(app: FastifyInstance, deps: InjectRouteDeps): void {
  const serve = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    review(request, reply, deps)
    return reply
  }
  app.all('/inject', serve)
  app.all('/inject/*', serve)
  // The route reads the body itself: istiod looks at size and emptiness before it looks at the content type.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.setErrorHandler<Error & { code?: string }>((err, request, reply) => {
    if (err.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' && isInjectRoute(request)) return serve(request, reply)
    deps.log.error({ err, path: request.url }, 'request failed')
    sendText(reply, 500, 'internal error')
    return reply
  })
}

function isInjectRoute(request: FastifyRequest): boolean {
  return request.routeOptions.url?.startsWith('/inject') ?? false
}

function review(request: FastifyRequest, reply: FastifyReply, deps: InjectRouteDeps): void {
  const startMs = performance.now()
  if (deps.health.draining) reply.header('connection', 'close')
  const path = decodedPath(request.url)
  if (path === undefined) return sendText(reply, 400, '400 Bad Request')
  const cleaned = cleanedPath(path)
  if (cleaned !== undefined) return redirect(request, reply, cleaned)
  deps.metrics.requests.inc()
  const call: Call = { request, reply, path, startMs, budgetMs: budgetMs(request.url) }
  readBody(request.raw, call.budgetMs, (read) => {
    answerSafely(call, read, deps)
    const seconds = (performance.now() - startMs) / 1000
    deps.metrics.time.observe(seconds)
    deps.metrics.duration.observe(seconds)
  })
}

function redirect(request: FastifyRequest, reply: FastifyReply, cleaned: string): void {
  const query = request.url.indexOf('?')
  const location = encodeURI(cleaned) + (query < 0 ? '' : request.url.slice(query))
  void reply.code(301).header('location', location).send()
}

/** Nothing thrown may escape here: this runs from a stream's event, where it would end the process. */
function answerSafely(call: Call, read: BodyRead, deps: InjectRouteDeps): void {
  try {
    answerBody(call, read, deps)
  } catch (err) {
    deps.log.error({ err, path: call.path }, 'request failed unexpectedly')
    if (!call.reply.sent) sendText(call.reply, 500, 'internal error')
  }
}

/** The order of the checks is the contract: size, emptiness, content type, review, injection. */
function answerBody(call: Call, read: BodyRead, deps: InjectRouteDeps): void {
  if (read.kind !== 'complete') return refuseBody(call, read, deps)
  if (read.bytes.length === 0) return refuse(call, deps, { reason: 'empty_body', status: 400, text: 'no body found' })
  if (!isJson(call.request.headers['content-type'])) {
    return refuse(call, deps, { reason: 'content_type', status: 415, text: UNFIT_CONTENT_TYPE })
  }
  if (performance.now() - call.startMs > call.budgetMs) return refuseBody(call, { kind: 'timeout' }, deps)
  const decoded = decodeReview(read.bytes)
  if (!decoded.ok) return answerUndecoded(call, decoded, deps)
  const inject = deps.currentInject()
  if (inject === undefined) return refuseUnready(call, deps)
  answerReview(call, decoded, runInject(inject, decoded.request, call, deps), deps)
}

function refuseBody(call: Call, read: Exclude<BodyRead, { kind: 'complete' }>, deps: InjectRouteDeps): void {
  switch (read.kind) {
    case 'tooLarge': {
      const text = `Request entity too large: limit is ${MAX_BODY_BYTES}`
      return refuse(call, deps, { reason: 'too_large', status: 400, text })
    }
    case 'broken':
      return refuse(call, deps, { reason: 'broken_body', status: 400, text: read.message })
    case 'timeout': {
      // What is still to come of the body would be taken for the next request.
      call.reply.header('connection', 'close')
      const text = `no answer within the request's timeout (${Math.round(call.budgetMs)} ms)`
      return refuse(call, deps, { reason: 'timeout', status: 504, text })
    }
  }
}

/** The API server's client tries again on a new connection, likely another replica, within the same deadline. */
function refuseUnready(call: Call, deps: InjectRouteDeps): void {
  call.reply.header('retry-after', RETRY_AFTER_S).header('connection', 'close')
  refuse(call, deps, { reason: 'not_ready', status: 503, text: 'no configuration is loaded yet' })
}

interface RefusalAnswer {
  readonly reason: Refusal
  readonly status: number
  readonly text: string
}

function refuse(call: Call, { metrics, log }: InjectRouteDeps, { reason, status, text }: RefusalAnswer): void {
  metrics.failures.inc()
  metrics.refused.inc({ reason })
  log.warn({ path: call.path, decision: 'refuse', reason, status, durationMs: elapsedMs(call) }, 'request refused')
  sendText(call.reply, status, text)
}

/** istiod: `application/json` alone. Parameters are accepted here, as every other HTTP server does. */
function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true
  return contentType !== undefined && contentType.split(';', 1)[0]?.trim().toLowerCase() === 'application/json'
}

function answerUndecoded(call: Call, decoded: DecodedReview & { ok: false }, deps: InjectRouteDeps): void {
  deps.metrics.failures.inc()
  deps.metrics.undecodable.inc()
  // The text repeats parts of the body; the line does not.
  deps.log.warn({ path: call.path, decision: 'deny', reason: 'undecodable', durationMs: elapsedMs(call) }, 'no review')
  send(call, encodeReview(decoded.head, { allowed: false, message: decoded.message }), deps)
}

function runInject(
  inject: Inject,
  { object, namespace }: ReviewRequest,
  call: Call,
  { log }: InjectRouteDeps,
): InjectOutcome {
  // istiod: json.Unmarshal's words about no bytes at all.
  if (object === undefined) return { denied: 'unexpected end of JSON input' }
  try {
    return inject({ pod: object, namespace, path: call.path })
  } catch (err) {
    log.error({ err, namespace, path: call.path }, 'injection failed unexpectedly')
    return { denied: messageOf(err) }
  }
}

function answerReview(
  call: Call,
  decoded: DecodedReview & { ok: true },
  outcome: InjectOutcome,
  deps: InjectRouteDeps,
): void {
  let answer: string
  try {
    answer = encodeReview(decoded.head, verdictOf(outcome))
  } catch (err) {
    const text = `could not encode response: ${messageOf(err)}`
    return refuse(call, deps, { reason: 'encoding', status: 500, text })
  }
  countOutcome(outcome, deps.metrics)
  logOutcome(call, decoded.request, outcome, deps.log)
  send(call, answer, deps)
}

function verdictOf(outcome: InjectOutcome): Verdict {
  if ('denied' in outcome) return { allowed: false, message: outcome.denied }
  return outcome.injected ? { allowed: true, patch: outcome.patch } : { allowed: true }
}

function countOutcome(outcome: InjectOutcome, metrics: Metrics): void {
  if ('denied' in outcome) {
    metrics.failures.inc()
    metrics.denied.inc()
  } else if (outcome.injected) {
    metrics.injected.inc()
  } else {
    metrics.skips.inc()
    metrics.skipped.inc({ reason: outcome.reason })
  }
}

function logOutcome(call: Call, request: ReviewRequest, outcome: InjectOutcome, log: Log): void {
  const { uid, namespace, object } = request
  const fields = { uid, namespace, pod: podName(object), path: call.path, durationMs: elapsedMs(call) }
  if ('denied' in outcome)
    log.warn({ ...fields, decision: 'deny', message: outcome.denied.slice(0, 1024) }, 'pod denied')
  else if (outcome.injected) log.info({ ...fields, decision: 'inject' }, 'pod reviewed')
  else log.info({ ...fields, decision: 'skip', reason: outcome.reason }, 'pod reviewed')
}

/** Name, or the prefix the API server will complete after we have answered. */
function podName(pod: unknown): string {
  const metadata = (pod as Partial<{ metadata: PodNames | null }> | undefined)?.metadata
  if (typeof metadata?.name === 'string' && metadata.name !== '') return metadata.name
  return typeof metadata?.generateName === 'string' ? `${metadata.generateName}***` : ''
}

interface PodNames {
  readonly name?: unknown
  readonly generateName?: unknown
}

/** istiod: every answer written as a review counts as a success, denials included. */
function send({ reply }: Call, answer: string, { metrics }: InjectRouteDeps): void {
  metrics.successes.inc()
  void reply.header('content-type', 'application/json').send(answer)
}

function elapsedMs({ startMs }: Call): number {
  return Math.round((performance.now() - startMs) * 1000) / 1000
}
