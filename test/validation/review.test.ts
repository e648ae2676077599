/** The webhook's answer to one request. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reviewObject } from '../../src/validation/index.ts'

const OUR = { compat: 'off' } as const
const ISTIOD = { compat: 'istiod' } as const
const rule = (spec: unknown, extra: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'a', namespace: 'b' },
  spec,
  ...extra,
})
const BAD = rule({ host: '', subsets: [{ name: '' }] })

test('all errors come at once, one line each, with a cause per field', () => {
  const answer = reviewObject({ operation: 'CREATE', object: BAD }, OUR)
  assert.ok(!answer.allowed)
  assert.deepEqual(
    answer.causes.map(({ field }) => field),
    ['spec.host', 'spec.subsets[0].name'],
  )
  assert.match(answer.message, /^2 errors:\n\* spec\.host: .*\n\* spec\.subsets\[0\]\.name: /)
  assert.equal(answer.reason, 'invalid_resource')
})

test("istiod's own shapes of text, when asked for", () => {
  const one = reviewObject({ operation: 'CREATE', object: rule({ host: 'a', trafficPolicy: {} }) }, ISTIOD)
  assert.ok(!one.allowed)
  assert.equal(one.message, 'configuration is invalid: traffic policy must have at least one field')
  const two = reviewObject({ operation: 'CREATE', object: BAD }, ISTIOD)
  assert.ok(!two.allowed)
  assert.equal(
    two.message,
    'configuration is invalid: 2 errors occurred:\n\t* empty domain name not allowed\n\t* subset name cannot be empty\n\n',
  )
  const unknown = reviewObject({ operation: 'CREATE', object: { ...BAD, kind: 'Foo' } }, ISTIOD)
  assert.ok(!unknown.allowed)
  assert.equal(unknown.message, 'unrecognized type networking.istio.io/v1, Kind=Foo')
  assert.equal(unknown.reason, 'unknown_type')
})

test('an old invalid object may change all but its spec, with a warning', () => {
  const old = rule({ host: '' })
  const relabelled = rule({ host: '' }, { metadata: { name: 'a', namespace: 'b', finalizers: [] } })
  const answer = reviewObject({ operation: 'UPDATE', object: relabelled, oldObject: old }, OUR)
  assert.ok(answer.allowed)
  assert.match(answer.warnings[0] ?? '', /^invalid as it was before/)
  assert.equal(
    reviewObject({ operation: 'UPDATE', object: rule({ host: '*b' + '.' }), oldObject: old }, OUR).allowed,
    true,
  )
  assert.equal(reviewObject({ operation: 'UPDATE', object: BAD, oldObject: old }, OUR).allowed, false)
  assert.equal(reviewObject({ operation: 'UPDATE', object: relabelled, oldObject: old }, ISTIOD).allowed, false)
})

test('other operations are allowed without a look', () => {
  assert.deepEqual(reviewObject({ operation: 'DELETE', object: null }, OUR), {
    allowed: true,
    warnings: [],
    looked: false,
  })
})

test('warnings are single short lines', () => {
  const answer = reviewObject({ operation: 'CREATE', object: rule({ host: 'a', workloadSelector: {}, odd: 1 }) }, OUR)
  assert.ok(answer.allowed)
  assert.equal(answer.warnings.length, 2)
  for (const warning of answer.warnings) assert.match(warning, /^[^\n]{10,256}$/)
})
