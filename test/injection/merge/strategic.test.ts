import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { strategicMerge } from '../../../src/injection/merge/strategic.ts'
import { CONTAINER } from '../../../src/injection/model/container.ts'
import { POD, POD_SPEC } from '../../../src/injection/model/pod.ts'

const named = (text: string): { name: string }[] => (text === '' ? [] : text.split(' ').map((name) => ({ name })))
const names = (list: unknown): string => (list as { name: string }[]).map(({ name }) => name).join(' ')

const ORDERS: readonly { original: string; patch: string; want: string }[] = [
  { original: 'app', patch: 'istio-proxy', want: 'istio-proxy app' },
  { original: 'certs v2', patch: 'w c', want: 'w c certs v2' },
  { original: 'U2 POD_NAME', patch: 'A POD_NAME B', want: 'A U2 POD_NAME B' },
  { original: 'i1 init i2', patch: 'init proxy', want: 'i1 init proxy i2' },
  { original: 'a b c', patch: 'c a', want: 'b c a' },
  { original: 'a b a', patch: 'b', want: 'a a b' },
  { original: 'a b a c', patch: '', want: 'a a b c' },
  { original: '', patch: 'a b', want: 'a b' },
  { original: 'a b', patch: '', want: 'a b' },
]
for (const { original, patch, want } of ORDERS) {
  test(`containers [${original}] merged with [${patch}] stand as [${want}]`, () => {
    const merged = strategicMerge(POD_SPEC, { containers: named(original) }, { containers: named(patch) })
    assert.equal(names((merged as { containers: unknown }).containers), want)
  })
}

const CONTAINERS: readonly { name: string; original: unknown; patch: unknown; want: unknown }[] = [
  {
    name: 'scalars of the patch win',
    original: { image: 'a', tty: true },
    patch: { image: 'b' },
    want: { image: 'b', tty: true },
  },
  {
    name: 'null removes',
    original: { image: 'a', tty: true },
    patch: { image: null, stdin: null },
    want: { tty: true },
  },
  {
    name: 'lists without a key are replaced',
    original: { args: ['a', 'b'] },
    patch: { args: ['c'] },
    want: { args: ['c'] },
  },
  {
    name: 'an entry may end with a value and a source',
    original: { env: [{ name: 'A', value: 'a' }] },
    patch: { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'x' } } }] },
    want: { env: [{ name: 'A', value: 'a', valueFrom: { fieldRef: { fieldPath: 'x' } } }] },
  },
  {
    name: 'a port is matched to the first of its number',
    original: {
      ports: [
        { containerPort: 53, protocol: 'TCP' },
        { containerPort: 53, protocol: 'UDP' },
      ],
    },
    patch: { ports: [{ containerPort: 53, name: 'dns' }] },
    want: {
      ports: [
        { containerPort: 53, protocol: 'TCP', name: 'dns' },
        { containerPort: 53, protocol: 'UDP' },
      ],
    },
  },
  {
    name: 'what nothing stands against loses its nulls and directives',
    original: {},
    patch: { resources: { limits: { cpu: null, memory: '1' } }, lifecycle: { $patch: 'replace', preStop: {} } },
    want: { resources: { limits: { memory: '1' } } },
  },
  {
    name: '$patch: replace on a map',
    original: { securityContext: { privileged: true } },
    patch: { securityContext: { $patch: 'replace', runAsUser: 1 } },
    want: { securityContext: { runAsUser: 1 } },
  },
  {
    name: '$patch: delete on a map',
    original: { securityContext: { privileged: true } },
    patch: { securityContext: { $patch: 'delete', runAsUser: 1 } },
    want: { securityContext: {} },
  },
  {
    name: '$patch: delete on a list element',
    original: { env: [{ name: 'A' }, { name: 'B' }] },
    patch: { env: [{ name: 'A', $patch: 'delete' }, { name: 'C' }] },
    want: { env: [{ name: 'C' }, { name: 'B' }] },
  },
  {
    name: '$patch: replace on a list',
    original: { env: [{ name: 'A' }, { name: 'B' }] },
    patch: { env: [{ $patch: 'replace' }, { name: 'C' }] },
    want: { env: [{ name: 'C' }] },
  },
  {
    name: '$retainKeys clears the other keys',
    original: { name: 'a', image: 'i', tty: true },
    patch: { $retainKeys: ['name', 'image'], image: 'j' },
    want: { name: 'a', image: 'j' },
  },
  {
    name: '$setElementOrder orders what it names',
    original: { env: [{ name: 'A' }, { name: 'B' }, { name: 'C' }] },
    patch: { '$setElementOrder/env': [{ name: 'C' }, { name: 'A' }], env: [{ name: 'A', value: 'x' }] },
    want: { env: [{ name: 'B' }, { name: 'C' }, { name: 'A', value: 'x' }] },
  },
  {
    name: '$setElementOrder without the list keeps its content',
    original: { env: [{ name: 'A' }, { name: 'B' }] },
    patch: { '$setElementOrder/env': [{ name: 'B' }, { name: 'A' }], '$setElementOrder/ports': [] },
    want: { env: [{ name: 'B' }, { name: 'A' }] },
  },
  {
    name: 'maps the type does not know are replaced',
    original: { novelty: { a: 1 } },
    patch: { novelty: { b: 1 } },
    want: { novelty: { b: 1 } },
  },
]
for (const { name, original, patch, want } of CONTAINERS) {
  test(`merge: ${name}`, () => assert.deepEqual(strategicMerge(CONTAINER, original, patch), want))
}

test('merge: lists of scalars become a union, and may lose elements', () => {
  const merge = (patch: unknown): unknown =>
    strategicMerge(POD, { metadata: { finalizers: ['a', 'b'] } }, { metadata: patch })
  assert.deepEqual(merge({ finalizers: ['c', 'b'] }), { metadata: { finalizers: ['c', 'a', 'b'] } })
  assert.deepEqual(merge({ '$deleteFromPrimitiveList/finalizers': ['a'] }), { metadata: { finalizers: ['b'] } })
})

const REFUSED: readonly { name: string; original: unknown; patch: unknown; want: string }[] = [
  { name: 'a list', original: {}, patch: [], want: 'invalid JSON document' },
  {
    name: 'an element without key',
    original: { env: [{ name: 'A' }] },
    patch: { env: [{ value: 'x', name2: 1.5 }] },
    want: 'map: map[name2:1.5 value:x] does not contain declared merge key: name',
  },
  {
    name: 'an untouched element without key',
    original: { env: [{}] },
    patch: { env: [{ name: 'A' }] },
    want: 'map: map[] does not contain declared merge key: name',
  },
  {
    name: 'an unknown directive',
    original: {},
    patch: { $patch: 'x' },
    want: 'unknown patch type: x in map: map[$patch:x]',
  },
  {
    name: 'a list that should be merged once more',
    original: { env: [{ name: 'A' }] },
    patch: { env: [{ $patch: 'merge' }] },
    want: 'merging lists cannot yet be specified in the patch',
  },
  {
    name: 'elements of two kinds',
    original: { env: [{ name: 'A' }] },
    patch: { env: ['A'] },
    want: 'list element types are not identical: [[map[name:A]] [A]]',
  },
  {
    name: 'a key that is not retained',
    original: {},
    patch: { $retainKeys: ['name'], image: 'i' },
    want: 'invalid patch format of retainKeys',
  },
  {
    name: 'an order the patch does not keep',
    original: {},
    patch: { '$setElementOrder/env': [{ name: 'B' }, { name: 'A' }], env: [{ name: 'A' }, { name: 'B' }] },
    want: "The order in patch list:\n[map[name:A] map[name:B]]\n doesn't match $setElementOrder list:\n[map[name:B] map[name:A]]\n",
  },
]
for (const { name, original, patch, want } of REFUSED) {
  test(`merge refuses: ${name}`, () => {
    assert.throws(() => strategicMerge(CONTAINER, original, patch), { code: 'MERGE_INVALID', message: want })
  })
}

const containers = fc.uniqueArray(
  fc.record({ name: fc.stringMatching(/^[a-e]$/), image: fc.string() }, { noNullPrototype: true }),
  {
    selector: ({ name }) => name,
  },
)

test('merge: an empty patch gives the original itself', () => {
  fc.assert(
    fc.property(containers, (list) => {
      const original = { containers: list }
      assert.equal(strategicMerge(POD_SPEC, original, {}), original)
      assert.equal(strategicMerge(POD_SPEC, original, { containers: [] }), original)
      assert.equal(strategicMerge(POD_SPEC, original, original), original)
    }),
  )
})

test('merge: nothing is lost, the patch wins, twice is once, and neither input changes', () => {
  fc.assert(
    fc.property(containers, containers, (a, b) => {
      const [original, patch] = [{ containers: a }, { containers: b }]
      const before = JSON.stringify([original, patch])
      const merged = strategicMerge(POD_SPEC, original, patch) as typeof original
      const want = new Map([...a, ...b].map((one) => [one.name, one]))
      assert.deepEqual(new Map(merged.containers.map((one) => [one.name, one])), want)
      assert.equal(strategicMerge(POD_SPEC, merged, patch), merged)
      assert.equal(JSON.stringify([original, patch]), before)
    }),
  )
})

test('merge: __proto__ is a key like any other', () => {
  const patch: unknown = JSON.parse('{"metadata":{"labels":{"__proto__":"x"}},"__proto__":{"polluted":1}}')
  const merged = strategicMerge(POD, { metadata: { labels: { a: 'b' } } }, patch) as { metadata: { labels: object } }
  assert.deepEqual(Object.entries(merged.metadata.labels), [
    ['a', 'b'],
    ['__proto__', 'x'],
  ])
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
})
