/** /inject and everything below it: istiod's contract for the mutating webhook. */
import { INJECT_ROOT } from '../../api/webhook-paths.ts'
import { messageOf } from '../../base/errors.ts'
import { fingerprint, type Fingerprint } from '../fingerprint.ts'
import { recall, ReviewMemo, type Answer, type MemoOptions, type Remembered } from '../memo.ts'
import { objectName } from '../object-name.ts'
import { elapsedMs, refuse, type Call, type ReviewRoute, type ReviewRouteDeps } from '../review-route.ts'
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

export interface InjectRouteDeps extends ReviewRouteDeps {
  /**
   * The engine for the configuration and the world now in force; undefined while there is none. Whenever an answer might
   * be another one than before, this must be another function: answers are remembered as long as it is the same.
   */
  readonly currentInject: () => Inject | undefined
  /** Bounds of the memory of answers; absent: nothing is remembered. */
  readonly memo?: MemoOptions | undefined
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

const RETRY_AFTER_S = 1
const MAX_LOGGED_MESSAGE = 1024
const MEMO_HIT = { result: 'hit' }
const MEMO_MISS = { result: 'miss' }
const MEMO_CHECK = { result: 'check' }

/** The route of the injector. */
export function injectRoute(given: InjectRouteDeps): ReviewRoute {
  const answers = given.memo === undefined ? undefined : new ReviewMemo<Summary>(given.memo)
  const deps: RouteState = { ...given, remembered: undefined, answers }
  const { requests, failures, time, duration } = given.metrics
  return {
    root: INJECT_ROOT,
    begin: () => requests.inc(),
    answer: (call, body) => answerBody(call, body, deps),
    countRefusal: () => failures.inc(),
    end: (seconds) => {
      time.observe(seconds)
      duration.observe(seconds)
    },
  }
}

function answerBody(call: Call, body: Buffer, deps: RouteState): void {
  const inject = deps.currentInject()
  const print = printOf(call, body, inject, deps)
  const known = print === undefined ? undefined : deps.answers?.find(print)
  if (known !== undefined && print !== undefined && deps.answers?.isCheckDue() === false) {
    return answerAgain(call, { known, print }, deps)
  }
  const decoded = decodeReview(body)
  if (!decoded.ok) return answerUndecoded(call, decoded, deps)
  if (inject === undefined) return refuseUnready(call)
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
  if (known !== undefined && recall(known, print).toString() !== answer.text) {
    metrics.memoMismatches.inc()
    log.error({ uid: print.uid, namespace: answer.summary.namespace }, 'remembered answer was wrong, all are forgotten')
    answers?.clear()
  }
  answers?.remember(print, answer, answer.summary)
}

/** The API server's client tries again on a new connection, likely another replica, within the same deadline. */
function refuseUnready(call: Call): void {
  call.reply.header('retry-after', RETRY_AFTER_S).header('connection', 'close')
  refuse(call, { reason: 'not_ready', status: 503, text: 'no configuration is loaded yet' })
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
    refuse(call, { reason: 'encoding', status: 500, text: `could not encode response: ${messageOf(err)}` })
    return undefined
  }
  const summary = { ...decisionOf(outcome), namespace: request.namespace, pod: objectName(request.object) }
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

/** istiod: every answer written as a review counts as a success, denials included. */
function send({ reply }: Call, answer: string | Buffer, { metrics }: InjectRouteDeps): void {
  metrics.successes.inc()
  void reply.header('content-type', 'application/json').send(answer)
}
