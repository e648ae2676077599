/** Thousands of random objects: no exception, bounded answers, and the same answer again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allFindings, refusalOf, reviewObject, validate } from '../../src/validation/index.ts'
import type { MeshObject } from '../../src/validation/index.ts'
import { inflated, randomFrom, randomMeshObject } from '../support/random-mesh-object.ts'

const RUNS = Number(process.env.MUTATIONS ?? 5000)
const MAX_ANSWER_BYTES = 32 * 1024

test(`${RUNS} random objects are answered without exception, within bounds, and the same way twice`, () => {
  const random = randomFrom(20260101)
  let refused = 0
  for (let i = 0; i < RUNS; i++) {
    const object = randomMeshObject(random)
    const before = JSON.stringify(object)
    const validation = validate(object)
    const answer = reviewObject({ operation: 'CREATE', object }, { compat: 'off' })
    assert.ok(Buffer.byteLength(JSON.stringify(answer)) <= MAX_ANSWER_BYTES, before)
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

/** CPU time cannot be told apart from that of other work in a unit test, so it is held to only when asked for a long run. */
const isLongRun = process.env.MUTATIONS !== undefined
const MAX_MS = 50

function cpuMsOf(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

test(`${RUNS / 50} objects of up to a mebibyte, repeated texts among them, get small answers`, () => {
  const random = randomFrom(20260303)
  for (let i = 0; i < RUNS / 50; i++) {
    const object = inflated(randomMeshObject(random), random)
    const review = () => reviewObject({ operation: 'CREATE', object }, { compat: 'off' })
    const shown = JSON.stringify(object).slice(0, 2000)
    const bytes = Buffer.byteLength(JSON.stringify(review()))
    assert.ok(bytes <= MAX_ANSWER_BYTES, `${bytes} bytes: ${shown}`)
    if (!isLongRun) continue
    // The best of some tries: a collection of garbage is nobody's fault.
    let ms = cpuMsOf(review)
    for (let n = 0; n < 5 && ms > MAX_MS; n++) ms = Math.min(ms, cpuMsOf(review))
    assert.ok(ms <= MAX_MS, `${ms} ms: ${shown}`)
  }
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
