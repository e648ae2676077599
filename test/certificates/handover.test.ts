/** From one authority of others to the next: what is served, and what callers are told to trust meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { newAuthorityState } from '../../src/certificates/authority.ts'
import type { Handover } from '../../src/certificates/handover.ts'
import { bundleOf, settled, startHandover, withPair } from '../../src/certificates/handover.ts'
import type { FilePair } from '../../src/certificates/pair-files.ts'
import { splitCertificates } from '../../src/certificates/x509.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const [SECOND_MS, HOUR_MS, DAY_MS] = [1000, 3_600_000, 86_400_000]

const authority = (lifetimeMs = 365 * DAY_MS): string =>
  newAuthorityState({ installation: 'x', generation: 1, nowMs: NOW_MS, lifetimeMs }).bundlePem
const [A, B, C, BRIEF] = [authority(), authority(), authority(), authority(HOUR_MS)]

let made = 0
/** Only what a handover looks at is true to life. */
const pair = (bundlePem: string | undefined, notAfterMs = NOW_MS + 30 * DAY_MS): FilePair => {
  const name = String(++made)
  return { certPem: name, keyPem: name, digest: name, bundlePem, notAfterMs }
}
const untrusted = (nowMs: number) => ({ nowMs, trustedSinceMs: undefined })

test('a pair of the same authority is served at once', () => {
  const next = pair(A)
  const handover = withPair(startHandover(pair(A)), next, NOW_MS)
  assert.deepEqual([handover.served, handover.waiting], [next, undefined])
  assert.equal(bundleOf(handover, NOW_MS), A)
})

test('row 29: a pair of another authority is published beside the former one before it is served', () => {
  const [first, next] = [pair(A), pair(B)]
  const waiting = withPair(startHandover(first), next, NOW_MS)
  assert.equal(waiting.served, first)
  assert.equal(bundleOf(waiting, NOW_MS), B + A)
  assert.equal(settled(waiting, { nowMs: NOW_MS, trustedSinceMs: NOW_MS }).served, first, 'just written')
  const over = settled(waiting, { nowMs: NOW_MS + 5 * SECOND_MS, trustedSinceMs: NOW_MS })
  assert.deepEqual([over.served, over.waiting], [next, undefined])
  assert.equal(bundleOf(over, NOW_MS + DAY_MS - 1), B + A)
  assert.equal(bundleOf(over, NOW_MS + DAY_MS), B)
})

test('what was published before the start stays for its time, but not twice', () => {
  const former = [A, B].map((pem) => ({ pem, untilMs: NOW_MS + HOUR_MS }))
  const handover = startHandover(pair(B), former)
  assert.equal(bundleOf(handover, NOW_MS + HOUR_MS - 1), B + A)
  assert.equal(bundleOf(handover, NOW_MS + HOUR_MS), B)
})

test('nobody is waited for longer than a minute', () => {
  const next = pair(B)
  const waiting = withPair(startHandover(pair(A)), next, NOW_MS)
  assert.notEqual(settled(waiting, untrusted(NOW_MS + 60 * SECOND_MS - 1)).served, next)
  assert.equal(settled(waiting, untrusted(NOW_MS + 60 * SECOND_MS)).served, next)
})

test('a leaf that is about to end waits for nobody', () => {
  const next = pair(B)
  const waiting = withPair(startHandover(pair(A, NOW_MS + 61 * SECOND_MS)), next, NOW_MS)
  assert.notEqual(settled(waiting, untrusted(NOW_MS)).served, next)
  assert.equal(settled(waiting, untrusted(NOW_MS + SECOND_MS)).served, next)
})

test('a newer leaf of the authority that is waited for takes the place of the first one', () => {
  const next = pair(B)
  const handover = withPair(withPair(startHandover(pair(A)), pair(B), NOW_MS), next, NOW_MS + SECOND_MS)
  assert.deepEqual(handover.waiting, { pair: next, sinceMs: NOW_MS })
})

test('back to the first authority while the second is waited for: the second stays published', () => {
  const back = pair(A)
  const handover = withPair(withPair(startHandover(pair(A)), pair(B), NOW_MS), back, NOW_MS + SECOND_MS)
  assert.equal(bundleOf(handover, NOW_MS + SECOND_MS), A + B)
})

test('an authority that ends sooner leaves the bundle when it ends', () => {
  const handover = withPair(startHandover(pair(BRIEF)), pair(B), NOW_MS)
  assert.equal(bundleOf(handover, NOW_MS + HOUR_MS - 1), B + BRIEF)
  assert.equal(bundleOf(handover, NOW_MS + HOUR_MS), B)
})

test('without an authority of its own a pair is served at once, and nothing is published', () => {
  const next = pair(undefined)
  const handover = withPair(startHandover(pair(A)), next, NOW_MS)
  assert.deepEqual([handover.served, bundleOf(handover, NOW_MS)], [next, undefined])
})

test('whatever comes in whatever order: what is served within a day is always in the bundle, once', () => {
  const step = fc.record({ authority: fc.constantFrom(A, B, C), afterMs: fc.integer({ min: 0, max: HOUR_MS }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let handover: Handover = startHandover(pair(A))
      let nowMs = NOW_MS
      for (const { authority: next, afterMs } of steps) {
        handover = withPair(handover, pair(next), nowMs)
        nowMs += afterMs
        handover = settled(handover, untrusted(nowMs))
        const bundle = splitCertificates(bundleOf(handover, nowMs) ?? '')
        assert.ok(bundle.includes(handover.served.bundlePem ?? ''))
        assert.equal(new Set(bundle).size, bundle.length)
      }
    }),
  )
})
