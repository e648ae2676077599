/** Lexer and parser: trees print themselves, damaged texts end in an error. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TemplateError } from '../../../src/injection/template/errors.ts'
import { printNodes } from '../../../src/injection/template/nodes.ts'
import { parse } from '../../../src/injection/template/parse.ts'
import { parseTemplate } from '../../../src/injection/template/template.ts'
import { errorOf, FUNCTIONS, render } from './render.ts'

const hasFunction = (name: string): boolean => ['print', 'list', 'eq', 'not', 'upper'].includes(name)
const nodesOf = (text: string) => parse(text, { name: 'inject', hasFunction }).get('inject')?.nodes ?? []

/** Positions differ between a text and its print. */
const withoutPlaces = (nodes: unknown): unknown =>
  JSON.parse(
    JSON.stringify(nodes, (key, value: unknown) =>
      key === 'at' ? 0 : typeof value === 'bigint' ? String(value) : value,
    ),
  )

const operand = fc.constantFrom(
  '.',
  '.a',
  '.a.b',
  '$',
  '$.x.y',
  '"s"',
  '`raw`',
  '1',
  '-2.5',
  '0x1f',
  "'c'",
  'true',
  'nil',
  '(list 1 .b)',
  '(.a).b',
)
const command = fc.oneof(
  operand,
  fc
    .tuple(fc.constantFrom('print', 'list', 'eq'), fc.array(operand, { minLength: 1, maxLength: 3 }))
    .map(([name, given]) => [name, ...given].join(' ')),
)
const pipe = fc
  .tuple(command, fc.array(fc.constantFrom('print', 'upper', 'list 1'), { maxLength: 2 }))
  .map((parts) => parts.flat().join(' | '))
const words = fc.stringMatching(/^[a-z <>\n]{1,8}$/)
const { block } = fc.letrec<{ block: string; body: string }>((tie) => ({
  body: fc.array(tie('block'), { maxLength: 3 }).map((blocks) => blocks.join('')),
  block: fc.oneof(
    { maxDepth: 4 },
    words,
    pipe.map((one) => `{{${one}}}`),
    fc
      .tuple(pipe, tie('body'), tie('body'))
      .map(([one, yes, no]) => `{{if ${one}}}${yes}{{else if .z}}z{{else}}${no}{{end}}`),
    fc.tuple(pipe, tie('body')).map(([one, yes]) => `{{with $v := ${one}}}${yes}{{$v.a}}{{end}}`),
    fc.tuple(pipe, tie('body')).map(([one, yes]) => `{{range $i, $e := ${one}}}${yes}{{break}}{{else}}none{{end}}`),
    pipe.map((one) => `{{template "t" ${one}}}`),
  ),
}))

test('what was parsed and printed parses to the same tree', () => {
  fc.assert(
    fc.property(block, (text) => {
      const nodes = nodesOf(text)
      assert.deepEqual(withoutPlaces(nodesOf(printNodes(nodes))), withoutPlaces(nodes))
    }),
  )
})

test('damaged texts end in a template error or in a text, never in anything else', () => {
  const damaged = fc.tuple(
    block,
    fc.nat(),
    fc.nat(8),
    fc.constantFrom('', '{{', '}}', '(', ')', '"', '`', '|', ' -}}', '{{end}}', '$', '.', '{{/*'),
  )
  fc.assert(
    fc.property(damaged, ([text, place, length, put]) => {
      const at = text.length === 0 ? 0 : place % text.length
      try {
        parseTemplate('inject', text.slice(0, at) + put + text.slice(at + length), { functions: FUNCTIONS }).render({
          a: [1, 'x'],
        })
      } catch (thrown) {
        assert.ok(thrown instanceof TemplateError, String(thrown))
      }
    }),
    { numRuns: 500 },
  )
})

test('a parse error tells line and message as Go does, and points at the place', () => {
  const error = errorOf(() => render('a\n{{ nope 1 }}'))
  assert.equal(error.message, 'template: inject:2: function "nope" not defined')
  assert.equal(error.stage, 'parse')
  assert.equal(error.code, 'TEMPLATE_PARSE')
  assert.equal(error.caretText, '{{ nope 1 }}\n   ^')
})

test('blocks may be nested a thousand deep, deeper ones are refused', () => {
  const nested = (depth: number): string => '{{if 1}}'.repeat(depth) + 'x' + '{{end}}'.repeat(depth)
  assert.equal(render(nested(900)), 'x')
  assert.equal(errorOf(() => render(nested(5000))).stage, 'limit')
})
