import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readYaml } from '../../../src/injection/yaml/read.ts'

const SCALARS: readonly { text: string; want: unknown }[] = [
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'on', 'On'].map((text) => ({ text, want: true })),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'off', 'OFF'].map((text) => ({ text, want: false })),
  ...['yEs', 'tRUE', 'oN'].map((text) => ({ text, want: text })),
  ...['', '~', 'null', 'Null', 'NULL'].map((text) => ({ text, want: null })),
  { text: '0x1F', want: 31 },
  { text: '017', want: 15 },
  { text: '0o17', want: 15 },
  { text: '08', want: 8 },
  { text: '-0b11', want: -3 },
  { text: '1_000', want: 1000 },
  { text: '+5', want: 5 },
  { text: '1e3', want: 1000 },
  { text: '1e400', want: '1e400' },
  { text: '.5', want: 0.5 },
  { text: '18446744073709551616', want: 18446744073709552000 },
  { text: '190:20:30', want: '190:20:30' },
  { text: '2024-02-29', want: '2024-02-29' },
  { text: '2001-12-14t21:59:43.10-05:00', want: '2001-12-14t21:59:43.10-05:00' },
  { text: '"yes"', want: 'yes' },
  { text: "'it''s'", want: "it's" },
  { text: '!!str 5', want: '5' },
  { text: '!local x', want: 'x' },
]
for (const { text, want } of SCALARS) {
  test(`readYaml: plain ${JSON.stringify(text)} is ${JSON.stringify(want)}`, () => {
    assert.deepEqual(readYaml(`a: ${text}`), { a: want })
    assert.deepEqual(readYaml(`- ${text}\n`), [want])
  })
}

const DOCUMENTS: readonly { name: string; text: string; want: unknown }[] = [
  { name: 'nothing is null', text: '\n# only this\n', want: null },
  { name: 'only the first document counts', text: '---\na: 1\n---\n]broken[', want: { a: 1 } },
  { name: 'nor is anything read behind an end mark', text: 'a: 1\n...\n]broken[', want: { a: 1 } },
  { name: 'of duplicate keys the last counts', text: 'a: 1\nb: 2\na: 3\n', want: { a: 3, b: 2 } },
  { name: 'keys become text', text: '1: a\ny: b\n0x10: c\n1.5: d\n', want: { 1: 'a', true: 'b', 16: 'c', 1.5: 'd' } },
  { name: 'aliases are expanded', text: 'a: &x [1]\nb: *x\n', want: { a: [1], b: [1] } },
  {
    name: 'maps are merged in',
    text: 'a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3\n',
    want: { a: { b: 1, c: 2 }, d: { b: 3, c: 2 } },
  },
]
for (const { name, text, want } of DOCUMENTS) {
  test(`readYaml: ${name}`, () => assert.deepEqual(readYaml(text), want))
}

const REFUSED: readonly { name: string; text: string }[] = [
  { name: 'a null key', text: '~: 1' },
  { name: 'an empty key', text: 'a:\n  : 1' },
  { name: 'a list that is not closed', text: 'a: [1' },
  { name: 'a tab for indentation', text: 'a:\n\tb: 1' },
  { name: 'two colons in a line', text: 'a: b: c' },
  { name: 'an unknown alias', text: 'a: *x' },
  { name: 'infinity, which JSON has not', text: 'a: .inf' },
  { name: 'a list that contains itself', text: 'a: &x [*x]' },
  { name: 'nesting without end', text: '['.repeat(100_000) },
  {
    name: 'a billion laughs',
    text: Array.from({ length: 40 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'ha' : `*a${i - 1}, *a${i - 1}`}]`).join(
      '\n',
    ),
  },
]
for (const { name, text } of REFUSED) {
  test(`readYaml refuses ${name}`, () => assert.throws(() => readYaml(text), { code: 'YAML_INVALID' }))
}

test('readYaml: __proto__ is a key like any other', () => {
  const value = readYaml('__proto__: {polluted: 1}\nconstructor: 2') as object
  assert.deepEqual(Object.keys(value), ['__proto__', 'constructor'])
  assert.equal((value as { polluted?: unknown }).polluted, undefined)
})

test('readYaml reads JSON as JSON', () => {
  const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value).replaceAll('\u007f', ''))
  fc.assert(fc.property(json, (text) => assert.deepEqual(readYaml(text), JSON.parse(text))))
})
