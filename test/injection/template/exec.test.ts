/** Running templates: control flow, typed data, limits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeOutput, parseTemplate } from '../../../src/injection/template/template.ts'
import {
  INT32,
  INT64,
  mapOf,
  pointerTo,
  sliceOf,
  STRING,
  UNTYPED_MAP,
  type StructType,
} from '../../../src/injection/template/types.ts'
import { TypedValue } from '../../../src/injection/template/value.ts'
import { errorOf, FUNCTIONS, render } from './render.ts'

const PORT: StructType = {
  kind: 'struct',
  name: 'v1.Port',
  fields: [
    { name: 'Name', json: 'name', type: STRING, omitEmpty: true },
    { name: 'Number', json: 'number', type: INT32, omitEmpty: false },
  ],
}
const SPEC: StructType = {
  kind: 'struct',
  name: 'v1.Spec',
  fields: [
    { name: 'Ports', json: 'ports', type: sliceOf(PORT), omitEmpty: true },
    { name: 'User', json: 'user', type: pointerTo(INT64), omitEmpty: true },
    { name: 'Main', json: 'main', type: pointerTo(PORT), omitEmpty: true },
    { name: 'Policy', json: 'policy', type: { kind: 'string', name: 'v1.Policy' }, omitEmpty: true },
    {
      name: 'Limits',
      json: 'limits',
      type: mapOf(STRING, { kind: 'string', name: 'v1.ResourceName' }),
      omitEmpty: true,
    },
    { name: 'Values', json: 'Values', type: UNTYPED_MAP, omitEmpty: false },
  ],
}
const spec = (value: unknown): TypedValue => new TypedValue(pointerTo(SPEC), value)

const rows: { name: string; text: string; data?: unknown; want: string }[] = [
  {
    name: 'continue in the else part of a range goes on with the outer one',
    text: '{{range list 1 2}}{{range list}}{{else}}{{continue}}{{end}}x{{end}}.',
    want: '.',
  },
  {
    name: 'break in the else part of a range ends that range only',
    text: '{{range list 1 2}}{{range list}}{{else}}{{break}}{{end}}x{{end}}.',
    want: 'xx.',
  },
  {
    name: 'a variable of a parenthesis that was not evaluated does not exist',
    text: '{{$x := 1}}{{and false ($x := 2)}}{{$x}}',
    want: 'false1',
  },
  {
    name: 'fields of typed structs have their zero value when absent',
    text: '[{{.Policy}}][{{.Ports}}][{{.User}}]',
    data: spec({}),
    want: '[][[]][<nil>]',
  },
  {
    name: 'a pointer to a scalar prints the scalar and is true even for zero',
    text: '{{.User}}{{if .User}}y{{end}}',
    data: spec({ user: 0 }),
    want: '0y',
  },
  {
    name: 'elements of typed lists keep their types',
    text: '{{range .Ports}}{{.Name}}:{{kindOf .Number}} {{end}}',
    data: spec({ ports: [{ name: 'a', number: 1 }, { number: 2 }] }),
    want: 'a:int32 :int32 ',
  },
  {
    name: 'typed data goes to JSON in declaration order without empty fields',
    text: '{{structToJSON .Ports}}',
    data: spec({ ports: [{ number: 2, name: '' }] }),
    want: '[{"number":2}]',
  },
  { name: 'a missing key is missing at any depth', text: '{{.a.b.c}}', data: {}, want: '<no value>' },
  {
    name: 'the prototype of an object is no data',
    text: '{{.constructor}}{{.__proto__}}',
    data: {},
    want: '<no value><no value>',
  },
]
for (const { name, text, data, want } of rows) test(`render: ${name}`, () => assert.equal(render(text, data), want))

const failures: { name: string; text: string; data?: unknown; want: RegExp; stage?: string }[] = [
  {
    name: 'a named string is no string',
    text: '{{upper .Policy}}',
    data: spec({ policy: 'x' }),
    want: /<\.Policy>: wrong type for value; expected string; got v1\.Policy$/,
  },
  {
    name: 'a field of a nil pointer',
    text: '{{.Main.Name}}',
    data: spec({}),
    want: /nil pointer evaluating \*v1\.Port\.Name$/,
  },
  {
    name: 'an unknown field',
    text: '{{.Nope}}',
    data: spec({}),
    want: /can't evaluate field Nope in type \*v1\.Spec$/,
  },
  {
    name: 'a map keyed by a named string is not reached by field',
    text: '{{.Limits.cpu}}',
    data: spec({ limits: { cpu: '1' } }),
    want: /can't evaluate field cpu in type map\[v1\.ResourceName\]string$/,
  },
  {
    name: 'a refused function',
    text: '{{genCA "x" 1}}',
    want: /function genCA is not available here$/,
    stage: 'limit',
  },
  {
    name: 'the clock, when none is handed in',
    text: '{{now}}',
    want: /function now is not available here$/,
    stage: 'limit',
  },
  {
    name: 'endless recursion',
    text: '{{define "t"}}{{template "t"}}{{end}}{{template "t"}}',
    want: /exceeded maximum template depth \(100000\)$/,
  },
  { name: 'endless ranges', text: '{{range 9223372036854775807}}{{end}}', want: /too many steps$/, stage: 'limit' },
]
for (const { name, text, data, want, stage = 'exec' } of failures) {
  test(`render fails: ${name}`, () => {
    const error = errorOf(() => render(text, data))
    assert.match(error.message, want)
    assert.equal(error.stage, stage)
  })
}

test('an execution error carries template, line, column and expression', () => {
  const error = errorOf(() => render('ä\nä {{ index .list 5 }}', { list: [] }))
  assert.equal(
    error.message,
    'template: inject:2:6: executing "inject" at <index .list 5>: error calling index: index out of range: 5',
  )
  assert.deepEqual([error.line, error.column, error.expression], [2, 6, 'index .list 5'])
})

test('templates that change their data change a copy, also within typed data', () => {
  const values = { a: { b: 1 }, list: ['z', 'a'] }
  const template = parseTemplate(
    'inject',
    '{{$_ := set .Values.a "b" 2}}{{.Values.a.b}}{{$_ := unset .Values "list"}}',
    { functions: FUNCTIONS },
  )
  const data = spec({ Values: values })
  assert.equal(template.render(data), '2')
  assert.equal(template.render(data), '2')
  assert.deepEqual(values, { a: { b: 1 }, list: ['z', 'a'] })
})

test('output that is no UTF-8 keeps its bytes', () => {
  assert.deepEqual([...encodeOutput(render('{{ "\\xff" }}{{ trunc 1 "é" }}'))], [0xff, 0xc3])
  assert.equal(render('{{ print (trunc 1 "é") (trunc -1 "é") }}'), 'é')
})

test('limits of a rendering are the caller’s to set', () => {
  const template = parseTemplate('inject', '{{range 100}}x{{end}}', { functions: FUNCTIONS })
  assert.equal(template.render(undefined).length, 100)
  assert.throws(() => template.render(undefined, { limits: { outputLength: 99 } }), { code: 'TEMPLATE_LIMIT' })
  assert.throws(() => template.render(undefined, { limits: { steps: 99 } }), { code: 'TEMPLATE_LIMIT' })
})

/** JavaScript writes -0 as 0, Go as -0. */
const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('JSON written by a template is what JavaScript reads back', () => {
  fc.assert(
    fc.property(fc.jsonValue().map(throughJson), (value) =>
      assert.deepEqual(JSON.parse(render('{{ toJson . }}', value)), JSON.parse(JSON.stringify(value))),
    ),
  )
})
