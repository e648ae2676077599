/** A text told by its difference from another says what the complete reader says. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { shapeOf } from '../../../src/injection/yaml/text-shape.ts'
import type { Change, TextShape } from '../../../src/injection/yaml/text-shape.ts'
import { readCompletely } from '../../support/complete-yaml.ts'

const TEXT = `
metadata:
  labels:
    app: hello
    quoted: "v"   
  # a comment
spec:
  containers:
  - name: proxy
    args:
    - --flag
    - "15001"
    env:
    - {name: A, value: b}
    - name: B
      value: |-
        [
            {"a":1}
        ]
    - name: C
      value: |
        text
  - name: other
    port: 80
`

function shapeOfText(text: string): TextShape {
  const shape = shapeOf(text)
  assert.ok(shape !== undefined, text)
  return shape
}

function jsonOf({ value, scalars }: TextShape, changes: readonly Change[]): unknown {
  const copy: unknown = structuredClone(value)
  for (const change of changes) {
    const path = scalars[change.index]?.path ?? []
    let at = copy as Record<string | number, unknown>
    for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>
    at[path.at(-1) ?? ''] = change.value
  }
  return copy
}

test('the scalars of a text are told with their paths', () => {
  const { scalars } = shapeOfText(TEXT)
  assert.deepEqual(
    scalars.map(({ path, value }) => [path.join('.'), value]),
    [
      ['metadata.labels.app', 'hello'],
      ['metadata.labels.quoted', 'v'],
      ['spec.containers.0.name', 'proxy'],
      ['spec.containers.0.args.0', '--flag'],
      ['spec.containers.0.args.1', '15001'],
      ['spec.containers.0.env.1.name', 'B'],
      ['spec.containers.0.env.1.value', '[\n    {"a":1}\n]'],
      ['spec.containers.0.env.2.name', 'C'],
      ['spec.containers.0.env.2.value', 'text\n'],
      ['spec.containers.1.name', 'other'],
      ['spec.containers.1.port', 80],
    ],
  )
})

test('another value is told, also one of another type or number of lines', () => {
  const other = TEXT.replace('hello', '"1"')
    .replace('            {"a":1}\n', '            x\n            y\n')
    .replace('80', 'http')
  assert.deepEqual(shapeOfText(TEXT).changesFrom(other), [
    { index: 0, value: '1' },
    { index: 6, value: '[\n    x\n    y\n]' },
    { index: 10, value: 'http' },
  ])
  assert.deepEqual(shapeOfText(TEXT).changesFrom(TEXT), [])
})

test('more than another value is another shape', () => {
  const shape = shapeOfText(TEXT)
  const others = [
    TEXT.replace('app: hello', 'app:'),
    TEXT.replace('app: hello', 'app:\n      deeper: 1'),
    TEXT.replace('app: hello', 'app: [a]'),
    TEXT.replace('app: hello', 'app: a # b'),
    TEXT.replace('app: hello', 'app: hello\n      goes on'),
    TEXT.replace('app: hello', 'app: hello\n    more: 1'),
    TEXT.replace('app: hello', 'app: "hello\\n"'),
    TEXT.replace('        [\n', '         [\n'),
    TEXT.replace('        text\n', ''),
    `${TEXT}more: 1\n`,
    TEXT.slice(0, -20),
  ]
  for (const other of others) assert.equal(shape.changesFrom(other), undefined, other)
})

test('a text with a key that stands there twice has no shape', () => {
  for (const text of ['a: 1\na: 1\n', 'a:\n  b: 1\na:\n  b: 1\n', 'a:\n  b: 1\na: x\n', '__proto__: 1\n']) {
    assert.equal(shapeOf(text), undefined, text)
  }
})

const put = fc.oneof(
  fc.constantFrom(
    '',
    'x',
    '"q"',
    "'q'",
    '1',
    'true',
    'null',
    '~',
    'a: b',
    'a #b',
    '|',
    '{a: b}',
    '- x',
    '"a\\"',
    '\n',
    ' ',
  ),
  fc.string({ maxLength: 4 }),
)

test('whatever is written in place of its parts, a text is told as the complete reader reads it, or not at all', () => {
  const shape = shapeOfText(TEXT)
  const starts = [
    'hello',
    '"v"',
    'proxy',
    '--flag',
    '"15001"',
    '{"a":1}',
    'text',
    'other',
    '80',
    'B',
    'env',
    '    - name: C',
  ]
  let told = 0
  const edit = fc.record({ of: fc.constantFrom(...starts), put })
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const text = edits.reduce((given, one) => given.replace(one.of, () => one.put), TEXT)
      const changes = shape.changesFrom(text)
      if (changes === undefined) return
      told++
      assert.deepEqual(jsonOf(shape, changes), readCompletely(text), JSON.stringify(text))
    }),
    { numRuns: 5000 },
  )
  assert.ok(told > 500, `${told} texts were told`)
})
