import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeReview, encodeReview, MAX_DEPTH } from '../../src/server/review.ts'
import { review, REVIEW_V1 } from '../support/webhook.ts'

const decode = (value: unknown) => decodeReview(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))

for (const version of ['v1', 'v1beta1']) {
  test(`decodeReview: ${version} is taken, and its version comes back`, () => {
    const decoded = decode({ ...review('web'), apiVersion: `admission.k8s.io/${version}` })
    assert.ok(decoded.ok)
    assert.deepEqual(decoded.head, { apiVersion: `admission.k8s.io/${version}`, uid: 'u-1' })
    assert.equal(decoded.request.namespace, 'shop')
  })
}

test('decodeReview: a request without a namespace has an empty one', () => {
  const decoded = decode(review('web', { namespace: undefined }))
  assert.ok(decoded.ok)
  assert.equal(decoded.request.namespace, '')
})

const refused: readonly { name: string; body: unknown; want: string | RegExp; version?: string }[] = [
  { name: 'no JSON', body: 'hello', want: /^couldn't get version\/kind; json parse error: / },
  { name: 'a cut review', body: '{"kind":"AdmissionReview"', want: /^couldn't get version\/kind; json parse error: / },
  { name: 'a list', body: [1], want: /cannot unmarshal array into Go value/ },
  { name: 'a number', body: 7, want: /cannot unmarshal number into Go value/ },
  { name: 'a boolean', body: true, want: /cannot unmarshal bool into Go value/ },
  { name: 'null', body: null, want: "Object 'Kind' is missing in 'null'" },
  { name: 'an empty object', body: {}, want: "Object 'Kind' is missing in '{}'" },
  {
    name: 'a review without apiVersion',
    body: { kind: 'AdmissionReview' },
    want: /^Object 'apiVersion' is missing in /,
  },
  {
    name: 'a kind that is a number',
    body: { kind: 1 },
    want: /cannot unmarshal number into Go struct field \.kind of type string/,
  },
  { name: 'a pod', body: { apiVersion: 'v1', kind: 'Pod' }, want: 'unsupported type :Pod' },
  {
    name: 'an unknown kind',
    body: { apiVersion: 'example.com/v1', kind: 'Foo' },
    want: 'no kind "Foo" is registered for version "example.com/v1" in scheme "mesh-admission"',
  },
  {
    name: 'an unknown version of the review',
    body: { ...REVIEW_V1, apiVersion: 'admission.k8s.io/v2' },
    want: 'no kind "AdmissionReview" is registered for version "admission.k8s.io/v2" in scheme "mesh-admission"',
  },
  {
    name: 'a crooked apiVersion',
    body: { ...REVIEW_V1, apiVersion: 'a/b/c' },
    want: /unexpected GroupVersion string: a\/b\/c$/,
  },
  {
    name: 'a review without request',
    body: REVIEW_V1,
    want: 'AdmissionReview has no request',
    version: 'admission.k8s.io/v1',
  },
  {
    name: 'a review whose request is null',
    body: { ...REVIEW_V1, request: null },
    want: 'AdmissionReview has no request',
    version: 'admission.k8s.io/v1',
  },
  {
    name: 'a request that is a text',
    body: { ...REVIEW_V1, request: 'x' },
    want: 'json: cannot unmarshal string into Go struct field AdmissionReview.request of type v1.AdmissionRequest',
  },
  {
    name: 'a uid that is a number',
    body: review('web', { uid: 5 }),
    want: 'json: cannot unmarshal number into Go struct field AdmissionRequest.request.uid of type types.UID',
  },
  {
    name: 'a namespace that is an object',
    body: review('web', { namespace: {} }),
    want: 'json: cannot unmarshal object into Go struct field AdmissionRequest.request.namespace of type string',
  },
]

for (const { name, body, want, version } of refused) {
  test(`decodeReview: ${name} is a denial that says why`, () => {
    const decoded = decode(body)
    assert.ok(!decoded.ok)
    if (typeof want === 'string') assert.equal(decoded.message, want)
    else assert.match(decoded.message, want)
    assert.deepEqual(decoded.head, version === undefined ? { uid: '' } : { apiVersion: version, uid: '' })
  })
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const reviewAround = (json: string): string =>
  `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","object":${json}}}`

test('decodeReview: the deepest review that is read, and the first that is not', () => {
  assert.ok(decode(reviewAround(nested(MAX_DEPTH - 2))).ok)
  const deeper = decode(reviewAround(nested(MAX_DEPTH - 1)))
  assert.ok(!deeper.ok)
  assert.equal(deeper.message, 'exceeded max depth of 200')
  assert.equal(deeper.head.uid, 'u', 'the caller can tell which request this answers')
})

test('decodeReview: a million levels are refused without being read', () => {
  const decoded = decode(reviewAround(nested(1_000_000)))
  assert.ok(!decoded.ok)
  assert.match(decoded.message, /exceeded max depth$/)
})

test('decodeReview: brackets in texts are no depth', () => {
  const decoded = decode(review('web', { object: { metadata: { annotations: { a: `"\\${nested(5000)}` } } } }))
  assert.ok(decoded.ok)
})

test('decodeReview: __proto__ is a key like any other', () => {
  const decoded = decode(reviewAround('{"__proto__":{"polluted":true}}'))
  assert.ok(decoded.ok)
  assert.ok(Object.hasOwn(decoded.request.object as object, '__proto__'))
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
})

test('decodeReview: no bytes whatever make it throw, and long ones are not repeated', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 500 }),
        fc.json().map((t) => Buffer.from(t)),
      ),
      (bytes) => {
        const decoded = decodeReview(Buffer.from(bytes))
        assert.ok(decoded.ok || decoded.message.length < 1024)
      },
    ),
  )
})

const head = { apiVersion: 'admission.k8s.io/v1', uid: 'u"1' }

test('encodeReview: fields stand in the order of the contract', () => {
  const patch = [{ op: 'add', path: '/é', value: 1 }]
  const patchBase64 = Buffer.from(JSON.stringify(patch)).toString('base64')
  assert.equal(
    encodeReview(head, { allowed: true, patchJson: JSON.stringify(patch) }),
    `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u\\"1","allowed":true,"patch":"${patchBase64}","patchType":"JSONPatch"}}`,
  )
})

test('encodeReview: a skip has neither patch nor patchType', () => {
  assert.equal(
    encodeReview(head, { allowed: true }),
    '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u\\"1","allowed":true}}',
  )
})

test('encodeReview: a denial carries the message and nothing else', () => {
  assert.equal(
    encodeReview({ uid: '' }, { allowed: false, message: 'a "b"\n' }),
    '{"response":{"uid":"","allowed":false,"status":{"metadata":{},"message":"a \\"b\\"\\n"}}}',
  )
})

test('decodeReview: a lone surrogate is read as U+FFFD, a pair stays', () => {
  const name = (escapes: string): unknown => {
    const decoded = decode(JSON.stringify(review('NAME')).replace('NAME', escapes))
    assert.ok(decoded.ok)
    return (decoded.request.object as { metadata: { name: unknown } }).metadata.name
  }
  assert.equal(name('a\\ud800b'), 'a\ufffdb')
  assert.equal(name('\\ud83d\\ude42'), '\u{1f642}')
})
