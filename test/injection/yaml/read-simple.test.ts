/** The fast reader of YAML says what the complete one says, or nothing. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readSimpleYaml } from '../../../src/injection/yaml/read-simple.ts'
import { readCompletely } from '../../support/complete-yaml.ts'

const POD = `
metadata:
  labels: {app: "a b", 'other': /x-y/z, "n": 3, "quoted":"v"}
  annotations:
    note: 'single: #no comment'
    empty:
# a comment
spec:

  containers:
  - name: proxy   
    args:
    - --flag
    - -x
    - $(NAME).svc
    - ""
    env:
    - {name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - name: B
      value: |-
        [
            {"a":1}
        ]
    - name: C
      value: |
        text
    resources: {"limits":{"cpu":"2000m"},"list":[1, true,{}, []]}
  -   name: other
      port: 0x1F
  volumes: []
  on: yes
`

test('what templates write is read by the fast reader', () => {
  const text = POD.replace('  on: yes\n', '')
  assert.notEqual(readSimpleYaml(text), undefined)
  assert.deepEqual(readSimpleYaml(text), readCompletely(text))
})

test('a key that is no text as it stands is left to the complete reader', () => {
  assert.equal(readSimpleYaml(POD), undefined)
})

/** Equal also in the order of members. */
function assertSame(text: string): boolean {
  const simple = readSimpleYaml(text)
  if (simple === undefined) return false
  assert.equal(JSON.stringify(simple), JSON.stringify(readCompletely(text)), JSON.stringify(text))
  return true
}

const pieces = [
  ...[
    'a',
    'b-c',
    'x.y/z',
    '-',
    '--',
    '- ',
    '-  ',
    '? ',
    ': ',
    ':',
    'a: ',
    'b:',
    'a:b',
    '"q": ',
    "'q'",
    '"q"',
    '"a\\"b"',
  ],
  ...[
    '#',
    ' # c',
    '{',
    '}',
    '[',
    ']',
    ',',
    ', ',
    '{a: 1}',
    '[x, y]',
    '{"a":1}',
    '{a: b,c: [1,"2"]}',
    '|',
    '|-',
    '>',
    '|+',
  ],
  ...['1', '0x1f', '010', '1.5', '-7', '.5', '.inf', '~', 'null', 'yes', '1e3', '2001-01-01', '$(X)', '*a', '&a', '!t'],
  ...['---', '...', '%', '@', '`', '<<: ', '__proto__: ', '\t', ' ', '  ', 'é', '\\', '^', '+', '(', '='],
]
const line = fc
  .tuple(fc.integer({ min: 0, max: 6 }), fc.array(fc.constantFrom(...pieces), { maxLength: 4 }))
  .map(([indent, parts]) => ' '.repeat(indent) + parts.join(''))
const plainLine = fc
  .tuple(
    fc.integer({ min: 0, max: 4 }),
    fc.constantFrom('- ', '', '', '-   '),
    fc.constantFrom('a: ', 'b:', 'c:', 'd:  ', ''),
    fc.constantFrom(
      '',
      '',
      'x',
      'x y',
      '1',
      '|',
      '|-',
      '"q"',
      '{a: b}',
      '[1, {x: "y"}]',
      '# c',
      'x # c',
      "'it''s'",
      '--a=b:c',
    ),
  )
  .map(([indent, dash, key, value]) => ' '.repeat(indent) + dash + key + value)
const endings = fc.constantFrom('', '\n', '\n\n', '\n  \n')

test('any text is read as the complete reader reads it, or not at all', () => {
  let read = 0
  const lines = fc.array(fc.oneof({ weight: 5, arbitrary: plainLine }, line), { minLength: 1, maxLength: 7 })
  fc.assert(
    fc.property(lines, endings, (given, end) => {
      if (assertSame(given.join('\n') + end)) read++
    }),
    { numRuns: 20_000 },
  )
  assert.ok(read > 300, `${read} texts were read`)
})

test('a text with one change is read as the complete reader reads it, or not at all', () => {
  const change = fc.record({
    at: fc.nat(POD.length),
    removed: fc.integer({ min: 0, max: 3 }),
    put: fc.oneof(fc.constantFrom(...pieces, '\n', '\n  ', '\n- '), fc.string({ maxLength: 3 })),
  })
  let read = 0
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 2 }), (changes) => {
      let text = POD.replace('  on: yes\n', '')
      for (const { at, removed, put } of changes) text = text.slice(0, at) + put + text.slice(at + removed)
      if (assertSame(text)) read++
    }),
    { numRuns: 5000 },
  )
  assert.ok(read > 300, `${read} texts were read`)
})
