import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import jsonPatch from 'fast-json-patch'
import { createPatch, type Operation } from '../../src/injection/patch.ts'

const copy = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** What a conforming implementation makes of the patch. */
const applied = (before: unknown, patch: readonly Operation[]): unknown =>
  jsonPatch.applyPatch(copy(before), copy(patch) as jsonPatch.Operation[], true, true, false).newDocument

const named = (text: string): unknown => ({ list: text.split(' ').map((name) => ({ name })) })

const CASES: readonly { name: string; before: unknown; after: unknown; want: readonly Operation[] }[] = [
  { name: 'nothing', before: { a: [{ b: 1 }] }, after: { a: [{ b: 1 }] }, want: [] },
  { name: 'a new member', before: {}, after: { a: 1 }, want: [{ op: 'add', path: '/a', value: 1 }] },
  { name: 'a member gone', before: { a: 1 }, after: {}, want: [{ op: 'remove', path: '/a' }] },
  {
    name: 'a member changed deep down',
    before: { a: { b: 1 } },
    after: { a: { b: 2 } },
    want: [{ op: 'replace', path: '/a/b', value: 2 }],
  },
  {
    name: 'slash and tilde in names',
    before: {},
    after: { 'a/b~c': 1 },
    want: [{ op: 'add', path: '/a~1b~0c', value: 1 }],
  },
  { name: 'undefined is absent', before: { a: undefined, b: 1 }, after: { c: undefined, b: 1 }, want: [] },
  { name: 'null is present', before: { a: 1 }, after: { a: null }, want: [{ op: 'replace', path: '/a', value: null }] },
  { name: 'another type', before: { a: [] }, after: { a: {} }, want: [{ op: 'replace', path: '/a', value: {} }] },
  {
    name: 'an element in front',
    before: named('a'),
    after: named('p a'),
    want: [{ op: 'add', path: '/list/0', value: { name: 'p' } }],
  },
  {
    name: 'an element in the middle gone',
    before: named('a b c'),
    after: named('a c'),
    want: [{ op: 'remove', path: '/list/1' }],
  },
  {
    name: 'another order',
    before: named('a b'),
    after: named('b a'),
    want: [{ op: 'replace', path: '/list', value: [{ name: 'b' }, { name: 'a' }] }],
  },
  {
    name: 'a list of scalars',
    before: { args: ['a'] },
    after: { args: ['b', 'a'] },
    want: [{ op: 'replace', path: '/args', value: ['b', 'a'] }],
  },
  {
    name: 'a kept element changes after others moved',
    before: { l: [{ name: 'x' }, { name: 'a', v: 1 }] },
    after: { l: [{ name: 'p' }, { name: 'q' }, { name: 'a', v: 2 }] },
    want: [
      { op: 'remove', path: '/l/0' },
      { op: 'add', path: '/l/0', value: { name: 'p' } },
      { op: 'add', path: '/l/1', value: { name: 'q' } },
      { op: 'replace', path: '/l/2/v', value: 2 },
    ],
  },
]
for (const { name, before, after, want } of CASES) {
  test(`createPatch: ${name}`, () => {
    const patch = createPatch(before, after)
    assert.deepEqual(patch, want)
    assert.deepEqual(applied(before, patch), copy(after))
  })
}

test('createPatch: applied to one document it gives the other, whatever both are', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const pods = fc.record({
    list: fc.array(fc.record({ name: names, value: fc.jsonValue({ maxDepth: 1 }) }, { requiredKeys: ['name'] })),
  })
  // The library that applies the patch refuses this name.
  const isAppliable = (document: unknown): boolean => !JSON.stringify(document).includes('__proto__')
  const documents = fc.oneof(pods, fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))).filter(isAppliable)
  fc.assert(
    fc.property(documents, documents, (a, b) => {
      const [before, after] = [copy(a), copy(b)]
      const patch = createPatch(before, after)
      assert.deepEqual(applied(before, patch), after)
      assert.deepEqual([before, after], [copy(a), copy(b)])
    }),
    { numRuns: 500 },
  )
})

test('createPatch: two thousand new variables are one operation, as each would move all others', () => {
  const list = (count: number): unknown => ({ env: Array.from({ length: count }, (_, i) => ({ name: `V${i}` })) })
  assert.equal(createPatch(list(2000), list(4000)).length, 1)
  assert.equal(createPatch(list(2000), list(2001)).length, 1)
})
