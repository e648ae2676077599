/** Repeated reviews get the answer that would be computed, and only those. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fingerprint, type Fingerprint } from '../../src/server/fingerprint.ts'
import { recall, ReviewMemo } from '../../src/server/memo.ts'

const UID = '705ab4f5-6393-11e8-b7cc-42010a800002'
const OTHER_UID = '11111111-2222-3333-4444-555555555555'

function review({ uid = UID, volume = 'kube-api-access-bcdf2', image = 'app:1', metadata = {} } = {}): Buffer {
  const spec = {
    volumes: [{ name: volume, projected: {} }],
    containers: [{ name: 'app', image, volumeMounts: [{ name: volume, mountPath: '/var/run' }] }],
  }
  const request = { uid, namespace: 'shop', object: { metadata: { generateName: 'web-', ...metadata }, spec } }
  return Buffer.from(JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }))
}

/** Stands for the engine: a patch that repeats what it was given. */
function compute(body: Buffer): { text: string; patchJson: string } {
  const { request } = JSON.parse(body.toString()) as { request: { uid: string; object: { spec: unknown } } }
  const patchJson = JSON.stringify([{ op: 'replace', path: '/spec', value: request.object.spec }])
  const patch = Buffer.from(patchJson).toString('base64')
  const text = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"${request.uid}","allowed":true,"patch":"${patch}","patchType":"JSONPatch"}}`
  return { text, patchJson }
}

function print(body: Buffer, path = '/inject'): Fingerprint {
  return fingerprint(body, path) ?? assert.fail('expected a fingerprint')
}

test('pods of one ReplicaSet share a fingerprint although uid and volume suffix differ', () => {
  const repeated = print(review({ uid: OTHER_UID, volume: 'kube-api-access-zz245' }))
  assert.equal(repeated.key, print(review()).key)
})

test('a fingerprint leaves the body as it was', () => {
  const body = review({ metadata: managedAt('2026-03-01T10:00:00Z') })
  const before = body.toString()
  assert.notEqual(print(body).volume, '')
  assert.equal(body.toString(), before)
})

const managedAt = (time: string): object => ({
  managedFields: [
    { manager: 'kcm', operation: 'Update', apiVersion: 'v1', time, fieldsType: 'FieldsV1', fieldsV1: {} },
  ],
})

test('the time of managed fields does not count', () => {
  const [early, late] = ['2026-03-01T10:00:00Z', '2026-03-01T10:00:01Z'].map((time) =>
    print(review({ metadata: managedAt(time) })),
  )
  assert.equal(early?.key, late?.key)
  assert.notEqual(early?.key, print(review()).key)
})

const elsewhere: { name: string; metadata: object }[] = [
  { name: 'a label', metadata: { labels: { app: 'kube-api-access-bcdf2' } } },
  { name: 'a label called name', metadata: { labels: { name: 'kube-api-access-bcdf2' } } },
  { name: 'the name', metadata: { name: 'kube-api-access-bcdf2' } },
  { name: 'a longer text', metadata: { annotations: { note: 'mounts kube-api-access-bcdf2 twice' } } },
]
for (const { name, metadata } of elsewhere) {
  test(`a volume whose name is in ${name} too counts with its suffix`, () => {
    assert.equal(print(review({ metadata })).volume, '')
  })
}

test('a name that merely looks like the volume does not hide it', () => {
  const metadata = { annotations: { note: 'kube-api-access-zzzzz and kube-api-access-' } }
  assert.equal(print(review({ metadata })).volume, 'kube-api-access-bcdf2')
})

const differences: { name: string; body: Buffer; path?: string }[] = [
  { name: 'another image', body: review({ image: 'app:2' }) },
  { name: 'another path', body: review(), path: '/inject/cluster/c1' },
  { name: 'a volume that no service account token has', body: review({ volume: 'kube-api-access-*****' }) },
]
for (const { name, body, path } of differences) {
  test(`a fingerprint differs by ${name}`, () => assert.notEqual(print(body, path).key, print(review()).key))
}

const unknown: { name: string; body: Buffer }[] = [
  { name: 'an empty body', body: Buffer.alloc(0) },
  { name: 'a review of v1beta1', body: Buffer.from(review().toString().replace('k8s.io/v1', 'k8s.io/v1beta1')) },
  { name: 'a uid that is none', body: review({ uid: 'not-a-uid' }) },
  { name: 'a body that ends in its uid', body: review().subarray(0, 90) },
]
for (const { name, body } of unknown) {
  test(`${name} has no fingerprint and is simply computed`, () => assert.equal(fingerprint(body, '/inject'), undefined))
}

test('a recalled answer equals the computed one for every uid and volume', () => {
  const suffix = fc.string({ unit: fc.constantFrom(...'bcdfghjklmnpqrstvwxz2456789'), minLength: 5, maxLength: 5 })
  fc.assert(
    fc.property(fc.uuid(), suffix, suffix, (uid, first, second) => {
      const memo = new ReviewMemo<string>()
      const body = review({ volume: `kube-api-access-${first}` })
      memo.remember(print(body), compute(body), 'injected')
      const again = review({ uid, volume: `kube-api-access-${second}` })
      const found = memo.find(print(again)) ?? assert.fail('expected a hit')
      assert.equal(recall(found, print(again)).toString(), compute(again).text)
    }),
  )
})

test('an answer without the volume in its patch is recalled as it stands', () => {
  const memo = new ReviewMemo<string>()
  const text = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"${UID}","allowed":true}}`
  memo.remember(print(review()), { text }, 'skipped')
  const again = print(review({ uid: OTHER_UID }))
  const found = memo.find(again) ?? assert.fail('expected a hit')
  assert.equal(recall(found, again).toString(), text.replace(UID, OTHER_UID))
})

test('a denial that quotes the volume is not remembered', () => {
  const memo = new ReviewMemo<string>()
  const message = 'volume kube-api-access-bcdf2 is wrong'
  const text = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"${UID}","allowed":false,"status":{"metadata":{},"message":"${message}"}}}`
  memo.remember(print(review()), { text }, 'denied')
  assert.equal(memo.size, 0)
})

test('what is logged of an answer counts among the bytes', () => {
  const memo = new ReviewMemo<string>()
  memo.remember(print(review()), compute(review()), 'n'.repeat(100_000))
  assert.ok(memo.bytes > 100_000, `holds ${memo.bytes} bytes`)
})

test('the memo stays within its bytes and forgets the oldest', () => {
  const memo = new ReviewMemo<string>({ maxBytes: 20_000 })
  const first = print(review({ image: 'app:0' }))
  for (let n = 0; n < 100; n++) {
    const body = review({ image: `app:${n}` })
    memo.remember(print(body), compute(body), 'injected')
  }
  assert.ok(memo.bytes <= 20_000, `holds ${memo.bytes} bytes`)
  assert.equal(memo.find(first), undefined)
  assert.ok(memo.size > 5)
})

test('one hit in so many is due for a check, and none when that is switched off', () => {
  const checks = (checkEvery: number): number => {
    const memo = new ReviewMemo<string>({ checkEvery })
    return Array.from({ length: 300 }, () => memo.isCheckDue()).filter(Boolean).length
  }
  assert.equal(checks(100), 3)
  assert.equal(checks(0), 0)
})
