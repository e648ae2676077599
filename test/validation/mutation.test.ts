/** Thousands of random objects: no exception, bounded answers, and the same answer again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allFindings, refusalOf, validate } from '../../src/validation/index.ts'
import type { MeshObject } from '../../src/validation/index.ts'
import { randomFrom, randomMeshObject } from '../support/random-mesh-object.ts'

const RUNS = Number(process.env.MUTATIONS ?? 5000)
const MAX_ANSWER_BYTES = 32 * 1024

test(`${RUNS} random objects are answered without exception, within bounds, and the same way twice`, () => {
  const random = randomFrom(20260101)
  let refused = 0
  for (let i = 0; i < RUNS; i++) {
    const object = randomMeshObject(random)
    const before = JSON.stringify(object)
    const validation = validate(object)
    assert.equal(JSON.stringify(object), before, 'the object was changed')
    const refusal = refusalOf(allFindings(validation, { strict: true }))
    if (i % 50 === 0) {
      assert.ok(JSON.stringify(refusal).length < MAX_ANSWER_BYTES, before)
      assert.equal(validate(JSON.parse(before) as MeshObject).verdict, validation.verdict, before)
    }
    if (validation.verdict === 'reject') {
      refused += 1
      const said = !validation.schema.accepted || validation.cel.length > 0 || refusal.causes.length > 0
      assert.ok(said, `refused without a word: ${before}`)
    }
  }
  assert.ok(refused > RUNS / 10, `only ${refused} refused`)
})

const policy = (spec: unknown): MeshObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'a', namespace: 'b' },
  spec,
})

test('hostile objects are answered, too', () => {
  let nested: unknown = 'x'
  for (let i = 0; i < 100000; i++) nested = [nested]
  const polluted = JSON.parse(
    '{"__proto__": {"polluted": 1}, "constructor": {}, "hosts": ["a"], "http": [{"match": [{"headers": {"__proto__": {"exact": "a"}}}]}]}',
  ) as unknown
  const many = Array.from({ length: 20000 }, (_, i) => `*.${'a.'.repeat(i % 40)}b`)
  for (const spec of [nested, { hosts: nested }, polluted, { hosts: many, gateways: ['g'], http: [] }]) {
    assert.equal(validate(policy(spec)).verdict, 'reject')
  }
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('expressions that would hang a backtracking engine are answered at once', () => {
  const regex = `${'(a+)+'.repeat(50)}$`
  const { verdict } = validate(
    policy({ hosts: ['a'], http: [{ match: [{ uri: { regex } }], route: [{ destination: { host: 'a' } }] }] }),
  )
  assert.equal(verdict, 'accept')
})
