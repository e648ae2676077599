import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createValidate } from '../../../src/cli/serve/validation.ts'
import { metricValue, recordingLog, REVIEW_V1, webhook, type LoggedLine } from '../../support/webhook.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const LIMIT = 6_291_456
const OURS = createValidate({ compat: 'off' })
const ISTIODS = createValidate({ compat: 'istiod' })

type Fields = Readonly<Record<string, unknown>>

const rule = (spec: unknown, metadata: Fields = {}): Fields => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec,
})
const GOOD = rule({ host: 'web' })
const BAD = rule({ host: '', subsets: [{ name: '' }] })
const WARNED = rule({ host: 'web', odd: 1 })
const RESOURCE = { group: 'networking.istio.io', version: 'v1', resource: 'destinationrules' }

const reviewOf = (object: unknown, request: Fields = {}): Fields => ({
  ...REVIEW_V1,
  request: {
    uid: 'u-1',
    kind: { group: RESOURCE.group, version: 'v1', kind: 'DestinationRule' },
    resource: RESOURCE,
    namespace: 'shop',
    operation: 'CREATE',
    userInfo: { username: 'ann' },
    object,
    ...request,
  },
})

interface Sent {
  readonly url?: string
  readonly method?: 'POST' | 'GET'
  readonly payload?: string | Buffer | Fields
  readonly headers?: Readonly<Record<string, string>>
}

const serving = (validate = OURS): ReturnType<typeof webhook> => webhook({ validate })

async function send(
  hook: ReturnType<typeof webhook>,
  { url = '/validate', method = 'POST', payload = '', headers = JSON_TYPE }: Sent,
) {
  const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload)
  return hook.app.inject({ url, method, payload: body, headers })
}

interface Response {
  readonly uid: string
  readonly allowed: boolean
  readonly warnings?: readonly string[]
  readonly status?: { readonly message: string; readonly details?: { readonly causes: readonly Fields[] } }
}

const respond = async (hook: ReturnType<typeof webhook>, payload: Fields): Promise<Response> =>
  (await send(hook, { payload })).json<{ response: Response }>().response

test('/validate: a good object is allowed, in the version of its review', async () => {
  for (const apiVersion of ['admission.k8s.io/v1', 'admission.k8s.io/v1beta1']) {
    const answer = await send(serving(), { payload: { ...reviewOf(GOOD), apiVersion } })
    assert.equal(
      answer.body,
      `{"kind":"AdmissionReview","apiVersion":"${apiVersion}","response":{"uid":"u-1","allowed":true}}`,
    )
    assert.match(String(answer.headers['content-type']), /^application\/json/)
  }
})

test('/validate: a bad object is denied with all its errors, as text and as causes', async () => {
  const { allowed, status } = await respond(serving(), reviewOf(BAD))
  assert.equal(allowed, false)
  assert.match(status?.message ?? '', /^2 errors:\n\* spec\.host: .*\n\* spec\.subsets\[0\]\.name: /)
  assert.deepEqual(
    status?.details?.causes.map(({ type, field }) => ({ type, field })),
    [
      { type: 'FieldValueInvalid', field: 'spec.host' },
      { type: 'FieldValueInvalid', field: 'spec.subsets[0].name' },
    ],
  )
})

test('/validate: as istiod, a denial is its text and nothing else', async () => {
  const { status } = await respond(serving(ISTIODS), reviewOf(rule({ host: 'a', trafficPolicy: {} })))
  assert.deepEqual(status, {
    metadata: {},
    message: 'configuration is invalid: traffic policy must have at least one field',
  })
})

test('/validate: warnings go with an allowed object, each on one line whatever the object holds', async () => {
  const { allowed, warnings = [] } = await respond(serving(), reviewOf(rule({ host: 'web', 'o\nd\u0000d': 1 })))
  assert.equal(allowed, true)
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /^\P{Cc}+$/u)
})

test('/validate: an old invalid object may change all but its spec', async () => {
  const request = { operation: 'UPDATE', oldObject: BAD }
  const relabelled = await respond(
    serving(),
    reviewOf({ ...BAD, metadata: { name: 'web', labels: { a: 'b' } } }, request),
  )
  assert.equal(relabelled.allowed, true)
  assert.match(relabelled.warnings?.[0] ?? '', /^invalid as it was before/)
  assert.equal((await respond(serving(), reviewOf(rule({ host: ' ' }), request))).allowed, false)
  assert.equal((await respond(serving(ISTIODS), reviewOf(BAD, request))).allowed, false)
})

const unexamined: readonly { name: string; request: Fields }[] = [
  { name: 'DELETE', request: { operation: 'DELETE', oldObject: BAD } },
  { name: 'CONNECT', request: { operation: 'CONNECT', object: BAD } },
  { name: 'an operation of the future', request: { operation: 'MERGE', object: BAD } },
  { name: 'the status subresource', request: { operation: 'UPDATE', subResource: 'status', object: BAD } },
]
for (const { name, request } of unexamined) {
  test(`/validate: ${name} is allowed unseen, and counted apart`, async () => {
    const hook = serving()
    assert.deepEqual(await respond(hook, reviewOf(null, request)), { uid: 'u-1', allowed: true })
    assert.equal(await metricValue(hook.metrics, 'mesh_admission_validations_total', { result: 'unexamined' }), 1)
    assert.equal(await metricValue(hook.metrics, 'galley_validation_passed', RESOURCE), 0)
    const labels = { ...RESOURCE, reason: 'unsupported_operation' }
    assert.equal(await metricValue(hook.metrics, 'galley_validation_failed', labels), 1)
  })
}

test('/validate: as istiod, a subresource is validated like any other', async () => {
  const request = { operation: 'UPDATE', subResource: 'status' }
  assert.equal((await respond(serving(ISTIODS), reviewOf(BAD, request))).allowed, false)
})

const denied: readonly { name: string; payload: string | Fields; message: RegExp }[] = [
  { name: 'no JSON', payload: 'x', message: /^could not decode body: couldn't get version\/kind; / },
  {
    name: 'a Pod',
    payload: { apiVersion: 'v1', kind: 'Pod' },
    message: /^could not decode object: unsupported type :Pod$/,
  },
  { name: 'a review without a request', payload: REVIEW_V1, message: /^AdmissionReview has no request$/ },
  {
    name: 'a request without an object',
    payload: reviewOf(null),
    message: /^cannot decode configuration: unexpected end/,
  },
  {
    name: 'a kind that is not ours',
    payload: reviewOf({ ...GOOD, kind: 'Foo' }),
    message: /no matches for kind "Foo"|unrecognized type/,
  },
]
for (const { name, payload, message } of denied) {
  test(`/validate: ${name} is denied`, async () => {
    const answer = await send(serving(), { payload })
    assert.equal(answer.statusCode, 200)
    assert.match(answer.json<{ response: Response }>().response.status?.message ?? '', message)
  })
}

const text = JSON.stringify(reviewOf(GOOD))
const padded = (bytes: number): string => text + ' '.repeat(bytes - text.length)
const transport: readonly { name: string; sent: Sent; status: number; text?: string; counted: number }[] = [
  { name: 'an empty body', sent: {}, status: 400, text: 'no body found\n', counted: 1 },
  { name: 'GET without a body', sent: { method: 'GET' }, status: 400, text: 'no body found\n', counted: 1 },
  {
    name: 'a wrong content type',
    sent: { payload: text, headers: { 'content-type': 'text/plain' } },
    status: 415,
    text: 'invalid Content-Type, want `application/json`\n',
    counted: 1,
  },
  {
    name: 'an unreadable content type',
    sent: { payload: text, headers: { 'content-type': 'json' } },
    status: 415,
    text: 'invalid Content-Type, want `application/json`\n',
    counted: 1,
  },
  { name: 'a body of exactly the limit', sent: { payload: padded(LIMIT) }, status: 200, counted: 0 },
  {
    name: 'a body of one byte more',
    sent: { payload: padded(LIMIT + 1) },
    status: 400,
    text: 'Request entity too large: limit is 6291456\n',
    counted: 0,
  },
  { name: 'a path below', sent: { url: '/validate/any/thing?timeout=3s', payload: text }, status: 200, counted: 0 },
  { name: 'a longer word', sent: { url: '/validated', payload: text }, status: 404, counted: 0 },
]
for (const { name, sent, status, text: want, counted } of transport) {
  test(`/validate: ${name} is answered ${status}`, async () => {
    const hook = serving()
    const answer = await send(hook, sent)
    assert.equal(answer.statusCode, status, answer.body)
    if (want !== undefined) assert.equal(answer.body, want)
    const httpErrors = await hook.metrics.registry.getSingleMetric('galley_validation_http_error')?.get()
    assert.equal(httpErrors?.values.length ?? 0, counted)
    assert.equal(await metricValue(hook.metrics, 'sidecar_injection_requests_total'), 0)
    assert.equal(await metricValue(hook.metrics, 'sidecar_injection_failure_total'), 0)
  })
}

test('/validate: injection that is switched off does not take validation away', async () => {
  const hook = webhook({ validate: OURS, currentInject: () => undefined })
  assert.equal((await respond(hook, reviewOf(GOOD))).allowed, true)
})

test('/validate: an engine that breaks is no verdict: failurePolicy decides', async () => {
  const broken = () => {
    throw new Error('engine broke')
  }
  const hook = webhook({ validate: broken })
  const answer = await send(hook, { payload: reviewOf(GOOD) })
  assert.equal(answer.statusCode, 500)
  assert.equal(answer.body, 'validation failed unexpectedly: engine broke\n')
  assert.equal(await metricValue(hook.metrics, 'mesh_admission_refusals_total', { reason: 'internal' }), 1)
})

test('metrics: passed and failed by resource and reason; a dry run fails uncounted and passes counted', async () => {
  const hook = serving()
  for (const dryRun of [false, true]) {
    for (const object of [GOOD, BAD, WARNED]) await respond(hook, reviewOf(object, { dryRun }))
  }
  const value = (name: string, labels: Record<string, string> = {}) => metricValue(hook.metrics, name, labels)
  assert.equal(await value('galley_validation_passed', RESOURCE), 4)
  assert.equal(await value('galley_validation_failed', { ...RESOURCE, reason: 'invalid_resource' }), 1)
  assert.equal(await value('mesh_admission_validations_total', { result: 'allowed' }), 4)
  assert.equal(await value('mesh_admission_validations_total', { result: 'denied' }), 2)
  assert.equal(await value('mesh_admission_validation_warnings_total'), 2)
})

test('metrics: made-up resources do not grow them without bound', async () => {
  const hook = serving()
  for (let i = 0; i < 150; i++) await respond(hook, reviewOf(GOOD, { resource: { ...RESOURCE, resource: `r${i}` } }))
  await respond(hook, reviewOf(GOOD, { resource: { ...RESOURCE, resource: 'r'.repeat(64) } }))
  const passed = await hook.metrics.registry.getSingleMetric('galley_validation_passed')?.get()
  assert.equal(passed?.values.length, 101)
  const other = { group: 'other', version: 'other', resource: 'other' }
  assert.equal(await metricValue(hook.metrics, 'galley_validation_passed', other), 51)
})

test('logs: one line a review, with who did what to which object, and nothing of its spec', async () => {
  const lines: LoggedLine[] = []
  const hook = webhook({ validate: OURS, log: recordingLog(lines) })
  await respond(hook, reviewOf(rule({ host: 'web', odd: 's3cret' }), { name: 'web' }))
  await respond(hook, reviewOf(BAD, { operation: 'UPDATE', dryRun: true }))
  await respond(hook, reviewOf(null, { operation: 'DELETE', name: 'web' }))
  const shared = { uid: 'u-1', path: '/validate', user: 'ann', kind: 'DestinationRule', namespace: 'shop', name: 'web' }
  const seen = lines.map(({ level, fields: { durationMs, message, ...fields } }) => {
    assert.equal(typeof durationMs, 'number')
    return { level, hasMessage: typeof message === 'string', ...fields }
  })
  assert.deepEqual(seen, [
    { level: 'info', hasMessage: false, ...shared, operation: 'CREATE', dryRun: false, decision: 'allow', warnings: 1 },
    {
      level: 'warn',
      hasMessage: true,
      ...shared,
      operation: 'UPDATE',
      dryRun: true,
      decision: 'deny',
      reason: 'invalid_resource',
    },
    {
      level: 'info',
      hasMessage: false,
      ...shared,
      operation: 'DELETE',
      dryRun: false,
      decision: 'allow',
      reason: 'unexamined',
    },
  ])
  assert.doesNotMatch(JSON.stringify(lines), /s3cret/)
})

test('an answer stays below 32 KiB, whatever the object holds', async () => {
  const subsets = Array.from({ length: 2000 }, (_, i) => ({
    name: `\u0001日本${i}`.repeat(100),
    labels: { '\u0002': '\u0003' },
  }))
  const answer = await send(serving(), { payload: reviewOf(rule({ host: '日'.repeat(5000), subsets })) })
  assert.ok(Buffer.byteLength(answer.body) <= 32 * 1024, `${Buffer.byteLength(answer.body)} bytes`)
})
