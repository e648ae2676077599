/** /inject and everything below it: istiod's contract for the mutating webhook. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../base/log.ts'
import { messageOf } from '../../base/errors.ts'
import { sendText } from '../answer.ts'
import { MAX_BODY_BYTES, readBody, type BodyRead } from '../body.ts'
import { budgetMs } from '../budget.ts'
import type { Health } from '../health.ts'
import {
  fingerprint,
  recall,
  ReviewMemo,
  type Answer,
  type Fingerprint,
  type MemoOptions,
  type Remembered,
} from '../memo.ts'
import type { Metrics, Refusal } from '../metrics.ts'
import { cleanedPath, decodedPath } from '../path.ts'
import { decodeReview, encodeReview, type DecodedReview, type ReviewHead, type ReviewRequest } from '../review.ts'

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
  /**
   * The engine for the configuration and the world now in force; undefined while there is none. Whenever an answer might
   * be another one than before, this must be another function: answers are remembered as long as it is the same.
   */
  readonly currentInject: () => Inject | undefined
  /** Bounds of the memory of answers; absent: nothing is remembered. */
  readonly memo?: MemoOptions | undefined
  readonly health: Health
  readonly metrics: Metrics
  readonly log: Log
}

type Decision =
  | { readonly decision: 'inject' }
  | { readonly decision: 'skip'; readonly reason: string }
  | { readonly decision: 'deny'; readonly message: string }

/** What a line about a review says; remembered with its answer. */
type Summary = Decision & { readonly namespace: string; readonly pod: string }

interface RouteState extends InjectRouteDeps {
  /** The engine whose answers `memo` holds. */
  remembered: Inject | undefined
  readonly answers: ReviewMemo<Summary> | undefined
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
const MAX_LOGGED_MESSAGE = 1024
const MEMO_HIT = { result: 'hit' }
const MEMO_MISS = { result: 'miss' }
const MEMO_CHECK = { result: 'check' }

/** Serves reviews below /inject. istiod: any method will do. */
export function addInjectRoutes(app: FastifyInstance, given: InjectRouteDeps): void {
  const answers = given.memo === undefined ? undefined : new ReviewMemo<Summary>(given.memo)
  const deps: RouteState = { ...given, remembered: undefined, answers }
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

function review(request: FastifyRequest, reply: FastifyReply, deps: RouteState): void {
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
function answerSafely(call: Call, read: BodyRead, deps: RouteState): void {
  try {
    answerBody(call, read, deps)
  } catch (err) {
    deps.log.error({ err, path: call.path }, 'request failed unexpectedly')
    if (!call.reply.sent) sendText(call.reply, 500, 'internal error')
  }
}

/** The order of the checks is the contract: size, emptiness, content type, review, injection. */
function answerBody(call: Call, read: BodyRead, deps: RouteState): void {
  if (read.kind !== 'complete') return refuseBody(call, read, deps)
  if (read.bytes.length === 0) return refuse(call, deps, { reason: 'empty_body', status: 400, text: 'no body found' })
  if (!isJson(call.request.headers['content-type'])) {
    return refuse(call, deps, { reason: 'content_type', status: 415, text: UNFIT_CONTENT_TYPE })
  }
  if (performance.now() - call.startMs > call.budgetMs) return refuseBody(call, { kind: 'timeout' }, deps)
  const inject = deps.currentInject()
  const print = printOf(call, read.bytes, inject, deps)
  const known = print === undefined ? undefined : deps.answers?.find(print)
  if (known !== undefined && print !== undefined && deps.answers?.isCheckDue() === false) {
    return answerAgain(call, { known, print }, deps)
  }
  const decoded = decodeReview(read.bytes)
  if (!decoded.ok) return answerUndecoded(call, decoded, deps)
  if (inject === undefined) return refuseUnready(call, deps)
  const { outcome, broke } = runInject(inject, decoded.request, call, deps)
  const answer = answerReview(call, decoded, outcome, deps)
  if (print !== undefined && answer !== undefined && !broke) rememberAnswer({ print, known, answer }, deps)
}

/** The review's fingerprint where answers are remembered; another engine than before forgets them all. */
function printOf(call: Call, body: Buffer, inject: Inject | undefined, deps: RouteState): Fingerprint | undefined {
  if (deps.answers === undefined || inject === undefined) return undefined
  if (deps.remembered !== inject) deps.answers.clear()
  deps.remembered = inject
  return fingerprint(body, call.path)
}

function answerAgain(
  call: Call,
  { known, print }: { known: Remembered<Summary>; print: Fingerprint },
  deps: RouteState,
): void {
  deps.metrics.memo.inc(MEMO_HIT)
  report(call, print.uid, known.outcome, deps)
  send(call, recall(known, print), deps)
}

interface Computed {
  readonly print: Fingerprint
  /** What was remembered for this fingerprint, if the computation was a check. */
  readonly known: Remembered<Summary> | undefined
  readonly answer: Answer & { readonly summary: Summary }
}

/** A remembered answer that differs from the computed one means that the assumption behind all of them is wrong. */
function rememberAnswer({ print, known, answer }: Computed, { answers, metrics, log }: RouteState): void {
  metrics.memo.inc(known === undefined ? MEMO_MISS : MEMO_CHECK)
  if (known !== undefined && recall(known, print) !== answer.text) {
    metrics.memoMismatches.inc()
    log.error({ uid: print.uid, namespace: answer.summary.namespace }, 'remembered answer was wrong, all are forgotten')
    answers?.clear()
  }
  answers?.remember(print, answer, answer.summary)
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
): { outcome: InjectOutcome; broke: boolean } {
  // istiod: json.Unmarshal's words about no bytes at all.
  if (object === undefined) return { outcome: { denied: 'unexpected end of JSON input' }, broke: false }
  try {
    return { outcome: inject({ pod: object, namespace, path: call.path }), broke: false }
  } catch (err) {
    log.error({ err, namespace, path: call.path }, 'injection failed unexpectedly')
    return { outcome: { denied: messageOf(err) }, broke: true }
  }
}

/** Answers and says what was answered; undefined when the answer could not be written. */
function answerReview(
  call: Call,
  { head, request }: DecodedReview & { ok: true },
  outcome: InjectOutcome,
  deps: InjectRouteDeps,
): Computed['answer'] | undefined {
  let answer: Answer
  try {
    answer = encodeOutcome(head, outcome)
  } catch (err) {
    refuse(call, deps, { reason: 'encoding', status: 500, text: `could not encode response: ${messageOf(err)}` })
    return undefined
  }
  const summary = { ...decisionOf(outcome), namespace: request.namespace, pod: podName(request.object) }
  report(call, request.uid, summary, deps)
  send(call, answer.text, deps)
  return { ...answer, summary }
}

function encodeOutcome(head: ReviewHead, outcome: InjectOutcome): Answer {
  if ('denied' in outcome) return { text: encodeReview(head, { allowed: false, message: outcome.denied }) }
  if (!outcome.injected) return { text: encodeReview(head, { allowed: true }) }
  const patchJson = JSON.stringify(outcome.patch)
  return { text: encodeReview(head, { allowed: true, patchJson }), patchJson }
}

function decisionOf(outcome: InjectOutcome): Decision {
  if ('denied' in outcome) return { decision: 'deny', message: outcome.denied.slice(0, MAX_LOGGED_MESSAGE) }
  return outcome.injected ? { decision: 'inject' } : { decision: 'skip', reason: outcome.reason }
}

/** Counts and logs one review. */
function report(call: Call, uid: string, summary: Summary, { metrics, log }: InjectRouteDeps): void {
  const fields = { uid, path: call.path, durationMs: elapsedMs(call), ...summary }
  switch (summary.decision) {
    case 'deny':
      metrics.failures.inc()
      metrics.denied.inc()
      return log.warn(fields, 'pod denied')
    case 'inject':
      metrics.injected.inc()
      return log.info(fields, 'pod reviewed')
    case 'skip':
      metrics.skips.inc()
      metrics.skipped.inc({ reason: summary.reason })
      return log.info(fields, 'pod reviewed')
  }
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
