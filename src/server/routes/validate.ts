/** /validate and everything below it: istiod's contract for the validating webhook. */
import { VALIDATE_ROOT } from '../../api/webhook-paths.ts'
import { messageOf } from '../../base/errors.ts'
import type { ReviewAnswer } from '../../validation/review.ts'
import { objectName } from '../object-name.ts'
import { elapsedMs, refuse, type Call, type ReviewRoute, type ReviewRouteDeps } from '../review-route.ts'
import { decodeReview, encodeReview, type DecodedReview, type ReviewRequest, type Verdict } from '../review.ts'

/** What validation needs of a request. */
export interface ValidateRequest {
  readonly operation: string
  /** Empty for the object itself. */
  readonly subResource: string
  readonly object: unknown
  readonly oldObject: unknown
}

/** The engine, as the server sees it. It does not throw. */
export type Validate = (request: ValidateRequest) => ReviewAnswer

export interface ValidateRouteDeps extends ReviewRouteDeps {
  readonly validate: Validate
}

/** Who wants to do what to which object; all of it is the caller's text. */
interface Subject {
  readonly operation: string
  readonly user: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly dryRun: boolean
}

interface ResourceLabels {
  readonly group: string
  readonly version: string
  readonly resource: string
}

interface RouteState extends ValidateRouteDeps {
  /** The resources that have been seen, as labels of metrics. */
  readonly seen: Set<string>
}

const MAX_LOGGED_MESSAGE = 1024
const MAX_LOGGED_NAME = 256
/** Whoever reaches the port can make up resources, and each would stay in the metrics for ever. Istio has fifteen. */
const MAX_RESOURCES = 100
const MAX_LABEL = 63
const OTHER: ResourceLabels = { group: 'other', version: 'other', resource: 'other' }
/** istiod: other refusals are not counted there. */
const COUNTED_BY_ISTIOD: ReadonlySet<string> = new Set(['empty_body', 'content_type', 'encoding'])
/** istiod: what its decoder says about no bytes at all. */
const NO_OBJECT: ReviewAnswer = {
  allowed: false,
  message: 'cannot decode configuration: unexpected end of JSON input',
  causes: [],
  reason: 'yaml_decode_error',
}

/** The route of validation. istiod: what follows the path is ignored. */
export function validateRoute(given: ValidateRouteDeps): ReviewRoute {
  const deps: RouteState = { ...given, seen: new Set() }
  const { validationHttpErrors, validationDuration } = given.metrics
  return {
    root: VALIDATE_ROOT,
    begin: () => undefined,
    answer: (call, body) => answerBody(call, body, deps),
    countRefusal: ({ reason, status }) => {
      if (COUNTED_BY_ISTIOD.has(reason)) validationHttpErrors.inc({ status })
    },
    end: (seconds) => validationDuration.observe(seconds),
  }
}

function answerBody(call: Call, body: Buffer, deps: RouteState): void {
  const decoded = decodeReview(body)
  if (!decoded.ok) return answerUndecoded(call, decoded, deps)
  const { head, request } = decoded
  const subject = subjectOf(request)
  const answer = runValidate(call, request, deps)
  if (answer === undefined) return
  const text = encodeReview(head, verdictOf(answer))
  count(answer, { subject, labels: resourceLabels(request.fields['resource'], deps.seen) }, deps)
  report(call, { uid: request.uid, subject, answer }, deps)
  send(call, text)
}

function answerUndecoded(call: Call, decoded: DecodedReview & { ok: false }, { metrics, log }: RouteState): void {
  metrics.undecodable.inc()
  // The text repeats parts of the body; the line does not.
  log.warn({ path: call.path, decision: 'deny', reason: 'undecodable', durationMs: elapsedMs(call) }, 'no review')
  send(call, encodeReview(decoded.head, { allowed: false, message: undecodedText(decoded) }))
}

/** istiod: its two texts; a review without a request, which breaks it, has one of ours. */
function undecodedText({ head, message }: DecodedReview & { ok: false }): string {
  if (head.apiVersion !== undefined) return message
  return `could not decode ${message.startsWith('unsupported type') ? 'object' : 'body'}: ${message}`
}

/** Undefined: the engine broke and the request is refused, so that failurePolicy decides what a defect of ours means. */
function runValidate(call: Call, { object, fields }: ReviewRequest, deps: RouteState): ReviewAnswer | undefined {
  const operation = text(fields['operation'])
  const isWrite = operation === 'CREATE' || operation === 'UPDATE'
  if (object === undefined && isWrite) return NO_OBJECT
  try {
    return deps.validate({
      operation,
      subResource: text(fields['subResource']),
      object,
      oldObject: fields['oldObject'],
    })
  } catch (err) {
    deps.log.error({ err, path: call.path }, 'validation failed unexpectedly')
    refuse(call, { reason: 'internal', status: 500, text: `validation failed unexpectedly: ${messageOf(err)}` })
    return undefined
  }
}

function verdictOf(answer: ReviewAnswer): Verdict {
  if (answer.allowed) return { allowed: true, warnings: answer.warnings }
  return { allowed: false, message: answer.message, causes: answer.causes }
}

/** istiod: what is not looked at counts as failed there, and a refused dry run does not. */
function count(
  answer: ReviewAnswer,
  { subject, labels }: { readonly subject: Subject; readonly labels: ResourceLabels },
  { metrics }: RouteState,
): void {
  if (!answer.allowed) {
    metrics.validations.inc({ result: 'denied' })
    if (!subject.dryRun) metrics.validationsFailed.inc({ ...labels, reason: answer.reason })
  } else if (!answer.looked) {
    metrics.validations.inc({ result: 'unexamined' })
    if (!subject.dryRun) metrics.validationsFailed.inc({ ...labels, reason: 'unsupported_operation' })
  } else {
    metrics.validations.inc({ result: 'allowed' })
    metrics.validationsPassed.inc({ ...labels })
    metrics.validationWarnings.inc(answer.warnings.length)
  }
}

interface Reviewed {
  readonly uid: string
  readonly subject: Subject
  readonly answer: ReviewAnswer
}

/** One line a review. */
function report(call: Call, { uid, subject, answer }: Reviewed, { log }: RouteState): void {
  const fields = { uid, path: call.path, durationMs: elapsedMs(call), ...subject }
  if (!answer.allowed) {
    const message = answer.message.slice(0, MAX_LOGGED_MESSAGE)
    log.warn({ ...fields, decision: 'deny', reason: answer.reason, message }, 'object denied')
  } else if (answer.looked) {
    log.info({ ...fields, decision: 'allow', warnings: answer.warnings.length }, 'object reviewed')
  } else {
    log.info({ ...fields, decision: 'allow', reason: 'unexamined' }, 'object reviewed')
  }
}

function subjectOf({ object, namespace, fields }: ReviewRequest): Subject {
  const { kind } = record(fields['kind'])
  const { username } = record(fields['userInfo'])
  return {
    operation: name(fields['operation']),
    user: name(username),
    kind: name(kind),
    namespace: name(namespace),
    name: name(fields['name']) || name(objectName(object)),
    dryRun: fields['dryRun'] === true,
  }
}

/** Labels for `request.resource`; what goes beyond the bound is counted together. */
function resourceLabels(given: unknown, seen: Set<string>): ResourceLabels {
  const { group, version, resource } = record(given)
  const labels = { group: text(group), version: text(version), resource: text(resource) }
  if (Object.values(labels).some(({ length }) => length > MAX_LABEL)) return OTHER
  const key = JSON.stringify(labels)
  if (seen.has(key)) return labels
  if (seen.size >= MAX_RESOURCES) return OTHER
  seen.add(key)
  return labels
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const name = (value: unknown): string => text(value).slice(0, MAX_LOGGED_NAME)

function send({ reply }: Call, answer: string): void {
  void reply.header('content-type', 'application/json').send(answer)
}
