/** A hundred requests that no API server sends, over real TLS: each gets its answer, and the server stays up. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { listen } from '../../src/server/listen.ts'
import { testCertificates } from '../support/certificate.ts'
import { review, webhook, type Webhook } from '../support/webhook.ts'

const { caPem, pair } = testCertificates()
let hook: Webhook
let port = 0

before(async () => {
  hook = webhook({ pair, inject: strictInject })
  port = await listen(hook.app, { name: 'webhook', port: 0, host: '127.0.0.1' })
})
after(async () => {
  hook.app.server.closeAllConnections()
  await hook.app.close()
})

/** Stands for an engine that reads the pod's type as Go would. */
function strictInject({ pod }: { pod: unknown }) {
  if (typeof pod !== 'object' || Array.isArray(pod))
    return { denied: 'json: cannot unmarshal into Go value of type v1.Pod' }
  return { injected: false, reason: 'policy_disabled' } as const
}

interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
}

async function open(): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: caPem })
  await once(socket, 'secureConnect')
  return socket
}

/** Everything the server says until it has said one whole answer or closes. */
function answerOf(socket: TLSSocket): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = ''
    const settle = (): void => {
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return reject(new Error(`no answer: ${text}`))
      const head = text.slice(0, end)
      resolve({ status: Number(head.split(' ')[1]), head, body: Buffer.from(text.slice(end + 4), 'latin1').toString() })
    }
    socket.on('data', (chunk: Buffer) => {
      // One character a byte, so that lengths agree.
      text += chunk.toString('latin1')
      const length = /content-length: (\d+)/i.exec(text)?.[1]
      if (length !== undefined && text.length >= text.indexOf('\r\n\r\n') + 4 + Number(length)) settle()
    })
    socket.on('error', () => undefined)
    socket.on('close', settle)
  })
}

/** Writes raw text and reads the answer. */
async function exchange(raw: string | Buffer): Promise<Answer> {
  const socket = await open()
  const answer = answerOf(socket)
  socket.write(raw)
  return answer.finally(() => socket.destroy())
}

interface Request {
  readonly method?: string
  readonly path?: string
  readonly type?: string | undefined
  readonly body?: string
}

function raw({ method = 'POST', path = '/inject?timeout=10s', type = 'application/json', body = '' }: Request): string {
  const contentType = type === '' ? '' : `Content-Type: ${type}\r\n`
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${contentType}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

const good = JSON.stringify(review('web'))
const LIMIT = 6_291_456
const NO_BODY = 'no body found\n'
const BAD_TYPE = 'invalid Content-Type, want `application/json`\n'
const TOO_LARGE = `Request entity too large: limit is ${LIMIT}\n`

interface Row {
  readonly name: string
  readonly raw: string
  readonly status: number
  readonly body?: string
}

const TYPES = [
  '',
  'text/plain',
  'application/yaml',
  'application/jsonx',
  'json',
  ';',
  'application',
  '*/*',
  'application/json-patch+json',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'application/vnd.kubernetes.protobuf',
  '"application/json"',
  'text/json',
]
const METHODS = ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST']
const NO_REVIEWS: readonly string[] = [
  ' ',
  '\n',
  'null',
  'true',
  'false',
  '0',
  '-',
  '1e',
  '1.',
  '"',
  '"text"',
  "'single'",
  '[]',
  '[1,2',
  '{',
  '{}',
  '{]',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{a:1}',
  '\u0000',
  '\ufeff{}',
  'hello: world',
  '---\nkind: AdmissionReview',
  '<xml/>',
  '{"kind":1}',
  '{"kind":"AdmissionReview"}',
  '{"apiVersion":"v1"}',
  '{"kind":"Pod","apiVersion":"v1"}',
  '{"kind":"PodList","apiVersion":"v1"}',
  '{"kind":"Foo","apiVersion":"example.com/v1"}',
  '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v9"}',
  '{"kind":"AdmissionReview","apiVersion":"a/b/c"}',
  '{"kind":{},"apiVersion":[]}',
  `${good}x`,
  good.slice(0, -1),
  good.slice(20),
  '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
  '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":null}',
  '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":[]}',
  '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":"x"}',
  '{"__proto__":{"kind":"AdmissionReview"}}',
  `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":7}}`,
  '['.repeat(100_000),
  '{"a":'.repeat(100_000),
  `${'['.repeat(9000)}${']'.repeat(9000)}`,
  'x'.repeat(1_000_000),
]
const BROKEN_PODS: readonly unknown[] = ['text', 7, true, [], [1], null, undefined, deep(150), deep(5000)]

function deep(levels: number): unknown {
  return JSON.parse('['.repeat(levels) + ']'.repeat(levels))
}

/** JSON.stringify would overflow the stack over the deepest. */
function reviewText(pod: unknown, index: number): string {
  if (index < BROKEN_PODS.length - 1) return JSON.stringify(review('web', { object: pod }))
  return JSON.stringify(review('web', { object: '@' })).replace('"@"', '['.repeat(5000) + ']'.repeat(5000))
}

const rows: readonly Row[] = [
  ...TYPES.map((type) => ({
    name: `type ${type || 'missing'}`,
    raw: raw({ type, body: good }),
    status: 415,
    body: BAD_TYPE,
  })),
  ...TYPES.slice(0, 8).map((type) => ({
    name: `empty, type ${type || 'missing'}`,
    raw: raw({ type }),
    status: 400,
    body: NO_BODY,
  })),
  ...METHODS.map((method) => ({ name: `empty ${method}`, raw: raw({ method }), status: 400, body: NO_BODY })),
  { name: 'no length', raw: 'POST /inject HTTP/1.1\r\nHost: x\r\n\r\n', status: 400, body: NO_BODY },
  { name: 'too large', raw: raw({ body: ' '.repeat(LIMIT + 1) }), status: 400, body: TOO_LARGE },
  {
    name: 'too large, wrong type',
    raw: raw({ type: 'text/plain', body: 'x'.repeat(LIMIT + 1) }),
    status: 400,
    body: TOO_LARGE,
  },
  {
    name: 'too large, in one chunk',
    raw: `POST /inject HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n700000\r\n${'x'.repeat(0x700000)}\r\n0\r\n\r\n`,
    status: 400,
    body: TOO_LARGE,
  },
  ...['/', '/validate', '/injected', '/Inject', '/metrics', '/ready', '/favicon.ico'].map((path) => ({
    name: `path ${path}`,
    raw: raw({ path, body: good }),
    status: 404,
    body: '404 page not found\n',
  })),
  { name: 'broken escapes', raw: raw({ path: '/inject/%', body: good }), status: 400, body: '400 Bad Request\n' },
  { name: 'double slashes', raw: raw({ path: '/inject//a/b', body: good }), status: 301 },
  { name: 'no HTTP', raw: 'hello\r\n\r\n', status: 400, body: '400 Bad Request\n' },
  { name: 'another protocol', raw: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 400, body: '400 Bad Request\n' },
  {
    name: 'bad chunk',
    raw: 'POST /inject HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    status: 400,
  },
  {
    name: 'two lengths',
    raw: 'POST /inject HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    status: 400,
  },
  { name: 'huge header', raw: `POST /inject HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, status: 431 },
]

for (const { name, raw: text, status, body } of rows) {
  test(`malformed: ${name} is answered ${status}`, async () => {
    const answer = await exchange(text)
    assert.equal(answer.status, status, answer.body)
    if (body === undefined) return
    assert.equal(answer.body, body)
    assert.match(answer.head, /content-type: text\/plain; charset=utf-8/i)
    assert.match(answer.head, /x-content-type-options: nosniff/i)
  })
}

const denials: readonly { name: string; body: string; uid: string }[] = [
  ...NO_REVIEWS.map((body, i) => ({ name: `no review ${i}: ${JSON.stringify(body.slice(0, 40))}`, body, uid: '' })),
  ...BROKEN_PODS.map((pod, i) => ({ name: `broken pod ${i}`, body: reviewText(pod, i), uid: 'u-1' })),
]

for (const { name, body, uid } of denials) {
  test(`malformed: ${name} is denied with a reason`, async () => {
    const answer = await exchange(raw({ body }))
    assert.equal(answer.status, 200, answer.body)
    const { response } = JSON.parse(answer.body) as {
      response: { uid: string; allowed: boolean; status: { message: string } }
    }
    assert.deepEqual({ uid: response.uid, allowed: response.allowed }, { uid, allowed: false })
    assert.ok(response.status.message.length > 0 && response.status.message.length < 1024)
  })
}

test('malformed: there are more than a hundred of them', () => {
  assert.ok(rows.length + denials.length > 100, String(rows.length + denials.length))
})

test('malformed: a body that drips past the timeout of its caller gets an error in time', async () => {
  const answer = await exchange(`POST /inject?timeout=40ms HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`)
  assert.equal(answer.status, 504)
  assert.equal(answer.body, "no answer within the request's timeout (20 ms)\n")
  assert.match(answer.head, /connection: close/i)
})

test('malformed: a body that ends early is a body that cannot be read', async () => {
  const socket = await open()
  const answer = answerOf(socket)
  socket.end('POST /inject HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"kind"')
  assert.deepEqual(
    { status: (await answer).status, body: (await answer).body },
    { status: 400, body: 'unexpected EOF\n' },
  )
})

test('malformed: callers that go away in the middle are forgotten', async () => {
  for (let i = 0; i < 20; i++) {
    const socket = await open()
    socket.write(raw({ body: good }).slice(0, 80 + i * 10), () => socket.destroy())
    await once(socket, 'close')
  }
})

test('malformed: after all that a good review is answered', async () => {
  const answer = await exchange(raw({ body: good }))
  assert.equal(answer.status, 200)
  assert.match(answer.body, /"uid":"u-1","allowed":true/)
})
