import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricValue, recordingLog, review, webhook, type LoggedLine } from '../../support/webhook.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

interface Sent {
  readonly url?: string
  readonly method?: 'POST' | 'GET' | 'PUT' | 'DELETE'
  readonly payload?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

async function send(
  hook: ReturnType<typeof webhook>,
  { url = '/inject', method = 'POST', payload = '', headers = JSON_TYPE }: Sent,
) {
  return hook.app.inject({ url, method, payload, headers })
}

const answers: readonly { name: string; pod: string; want: object }[] = [
  { name: 'an injected pod gets its patch', pod: 'web', want: { allowed: true, patchType: 'JSONPatch' } },
  { name: 'a skipped pod is allowed as it is', pod: 'skip', want: { allowed: true } },
  {
    name: 'a denial carries the text',
    pod: 'deny',
    want: { allowed: false, status: { metadata: {}, message: 'annotation is wrong' } },
  },
  {
    name: 'an engine that breaks is a denial',
    pod: 'throw',
    want: { allowed: false, status: { metadata: {}, message: 'engine broke' } },
  },
]

for (const { name, pod, want } of answers) {
  test(`/inject: ${name}`, async () => {
    const answer = await send(webhook(), { payload: JSON.stringify(review(pod)) })
    assert.equal(answer.statusCode, 200)
    assert.match(String(answer.headers['content-type']), /^application\/json/)
    const { kind, apiVersion, response } = answer.json<{
      kind: string
      apiVersion: string
      response: { patch?: string }
    }>()
    assert.deepEqual({ kind, apiVersion }, { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' })
    delete response.patch
    assert.deepEqual(response, { uid: 'u-1', ...want })
  })
}

const pathCases: readonly { url: string; want: string }[] = [
  { url: '/inject', want: '/inject' },
  { url: '/inject/', want: '/inject/' },
  { url: '/inject?timeout=10s', want: '/inject' },
  { url: '/inject/cluster/c1/net/n1/?timeout=10s', want: '/inject/cluster/c1/net/n1/' },
  { url: '/inject/cluster/a%20b', want: '/inject/cluster/a b' },
  { url: '/inject/:ENV:cluster=c2:ENV:rootpage=/foo/bar', want: '/inject/:ENV:cluster=c2:ENV:rootpage=/foo/bar' },
  { url: `/inject/cluster/${'c'.repeat(3000)}`, want: `/inject/cluster/${'c'.repeat(3000)}` },
]

for (const { url, want } of pathCases) {
  test(`/inject: the engine sees the decoded path of ${url.slice(0, 60)}`, async () => {
    const answer = await send(webhook(), { url, payload: JSON.stringify(review('web')) })
    const { response } = answer.json<{ response: { patch: string } }>()
    const patch = JSON.parse(Buffer.from(response.patch, 'base64').toString()) as { value: { seen: string } }[]
    assert.equal(patch[0]?.value.seen, want)
  })
}

const GOOD = JSON.stringify(review('web'))
const LIMIT = 6_291_456
const padded = (bytes: number): string => GOOD + ' '.repeat(bytes - GOOD.length)

const transport: readonly { name: string; sent: Sent; status: number; text?: string }[] = [
  { name: 'an empty body', sent: {}, status: 400, text: 'no body found\n' },
  { name: 'GET without a body', sent: { method: 'GET' }, status: 400, text: 'no body found\n' },
  {
    name: 'an empty body of a wrong type',
    sent: { headers: { 'content-type': 'text/plain' } },
    status: 400,
    text: 'no body found\n',
  },
  {
    name: 'an empty body of an unreadable type',
    sent: { headers: { 'content-type': ';;;' } },
    status: 400,
    text: 'no body found\n',
  },
  {
    name: 'a wrong content type',
    sent: { payload: GOOD, headers: { 'content-type': 'text/plain' } },
    status: 415,
    text: 'invalid Content-Type, want `application/json`\n',
  },
  {
    name: 'an unreadable content type',
    sent: { payload: GOOD, headers: { 'content-type': 'json' } },
    status: 415,
    text: 'invalid Content-Type, want `application/json`\n',
  },
  {
    name: 'no content type',
    sent: { payload: Buffer.from(GOOD), headers: { 'content-type': '' } },
    status: 415,
    text: 'invalid Content-Type, want `application/json`\n',
  },
  {
    name: 'a content type with parameters',
    sent: { payload: GOOD, headers: { 'content-type': 'application/json; charset=utf-8' } },
    status: 200,
  },
  { name: 'a body of exactly the limit', sent: { payload: padded(LIMIT) }, status: 200 },
  {
    name: 'a body of one byte more',
    sent: { payload: padded(LIMIT + 1) },
    status: 400,
    text: 'Request entity too large: limit is 6291456\n',
  },
  {
    name: 'an oversized body of a wrong type',
    sent: { payload: padded(LIMIT + 1), headers: { 'content-type': 'text/plain' } },
    status: 400,
    text: 'Request entity too large: limit is 6291456\n',
  },
  { name: 'PUT with a review', sent: { method: 'PUT', payload: GOOD }, status: 200 },
  { name: 'DELETE with a review', sent: { method: 'DELETE', payload: GOOD }, status: 200 },
  { name: '/validate', sent: { url: '/validate', payload: GOOD }, status: 404, text: '404 page not found\n' },
  { name: 'the root', sent: { url: '/', payload: GOOD }, status: 404, text: '404 page not found\n' },
  { name: '/injected', sent: { url: '/injected', payload: GOOD }, status: 404, text: '404 page not found\n' },
  {
    name: 'broken escapes',
    sent: { url: '/inject/cluster/%zz', payload: GOOD },
    status: 400,
    text: '400 Bad Request\n',
  },
]

for (const { name, sent, status, text } of transport) {
  test(`/inject: ${name} is answered ${status}`, async () => {
    const answer = await send(webhook(), sent)
    assert.equal(answer.statusCode, status, answer.body)
    if (text === undefined) return
    assert.equal(answer.body, text)
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
    assert.equal(answer.headers['x-content-type-options'], 'nosniff')
  })
}

test('/inject: a path that needs cleaning is redirected, as by istiod, instead of losing its parameters', async () => {
  const answer = await send(webhook(), { url: '/inject//cluster/x?timeout=3s', payload: GOOD })
  assert.equal(answer.statusCode, 301)
  assert.equal(answer.headers.location, '/inject/cluster/x?timeout=3s')
})

test('/inject: a request without an object is denied', async () => {
  const answer = await send(webhook(), { payload: JSON.stringify(review('web', { object: null })) })
  assert.equal(
    answer.json<{ response: { status: { message: string } } }>().response.status.message,
    'unexpected end of JSON input',
  )
})

test('/inject: without a configuration the caller is asked to try again elsewhere', async () => {
  const answer = await send(webhook({ currentInject: () => undefined }), { payload: GOOD })
  assert.equal(answer.statusCode, 503)
  assert.equal(answer.headers['retry-after'], '1')
  assert.equal(answer.headers.connection, 'close')
})

test('/inject: an answer that cannot be written is 500', async () => {
  const endless: Record<string, unknown> = {}
  endless.self = endless
  const answer = await send(webhook({ inject: () => ({ injected: true, patch: [endless] }) }), { payload: GOOD })
  assert.equal(answer.statusCode, 500)
  assert.match(answer.body, /^could not encode response: /)
})

test('/inject: while draining every answer closes its connection', async () => {
  const hook = webhook()
  assert.equal((await send(hook, { payload: GOOD })).headers.connection, 'keep-alive')
  hook.health.draining = true
  assert.equal((await send(hook, { payload: GOOD })).headers.connection, 'close')
})

test('metrics: istiod counts a denial as request, failure and success; ours tell them apart', async () => {
  const hook = webhook()
  for (const name of ['web', 'skip', 'deny']) await send(hook, { payload: JSON.stringify(review(name)) })
  await send(hook, { payload: 'x' })
  await send(hook, {})
  const value = (name: string, labels = {}) => metricValue(hook.metrics, name, labels)
  assert.equal(await value('sidecar_injection_requests_total'), 5)
  assert.equal(await value('sidecar_injection_success_total'), 4)
  assert.equal(await value('sidecar_injection_failure_total'), 3)
  assert.equal(await value('sidecar_injection_skip_total'), 1)
  assert.equal(await value('mesh_admission_injections_total'), 1)
  assert.equal(await value('mesh_admission_skips_total', { reason: 'host_network' }), 1)
  assert.equal(await value('mesh_admission_denials_total'), 1)
  assert.equal(await value('mesh_admission_undecodable_reviews_total'), 1)
  assert.equal(await value('mesh_admission_refusals_total', { reason: 'empty_body' }), 1)
})

test('logs: one line a request, with who and what, and nothing of the body', async () => {
  const lines: LoggedLine[] = []
  const hook = webhook({ log: recordingLog(lines) })
  const secret = { metadata: { generateName: 'web-', annotations: { token: 's3cret' } }, spec: { containers: [] } }
  await send(hook, { payload: JSON.stringify(review('', { object: secret })) })
  await send(hook, { payload: JSON.stringify(review('skip')) })
  await send(hook, { payload: '{"s3cret"' })
  assert.equal(lines.length, 3)
  assert.doesNotMatch(JSON.stringify(lines), /s3cret/)
  const { durationMs, ...fields } = lines[0]?.fields ?? {}
  assert.equal(typeof durationMs, 'number')
  assert.deepEqual(fields, { uid: 'u-1', namespace: 'shop', pod: 'web-***', path: '/inject', decision: 'inject' })
  assert.equal(lines[1]?.fields.reason, 'host_network')
})
