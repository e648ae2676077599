/** The two views of the chart's values. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../../src/injection/mesh/message-type.ts'
import { readValues } from '../../../src/injection/mesh/values.ts'

const globalOf = (text: string): Message => readValues(text).typed['global'] as Message

test('values: unknown fields are only in the untyped view', () => {
  const { typed, untyped } = readValues('global: {hub: h, nobody: {knows: 1}}\nrevision: r')
  assert.deepEqual(typed, { global: { hub: 'h' }, revision: 'r' })
  assert.deepEqual(untyped, { global: { hub: 'h', nobody: { knows: 1 } }, revision: 'r' })
})

test('values: an empty document is no values', () => {
  for (const text of ['', 'null', '{}']) assert.deepEqual(readValues(text), { typed: {}, untyped: {} })
})

test('values: the tag may be a number, a text or null', () => {
  assert.equal(globalOf('global: {tag: 1.12}')['tag'], 1.12)
  assert.equal(globalOf('global: {tag: "1.12"}')['tag'], '1.12')
  assert.equal(globalOf('global: {tag: null}')['tag'], null)
  assert.equal('tag' in globalOf('global: {tag: null}'), true)
  assert.equal('tag' in globalOf('global: {}'), false)
})

test('values: a null section loads and stays null for templates', () => {
  assert.deepEqual(readValues('{"global":{"proxy":null}}'), {
    typed: { global: {} },
    untyped: { global: { proxy: null } },
  })
})

test('values: the tracer is an enum', () => {
  assert.equal((globalOf('global: {proxy: {tracer: datadog}}')['proxy'] as Message)['tracer'], 2)
})

const refused: [text: string, message: string][] = [
  ['global: {hub: 5}', 'json: cannot unmarshal number into Go value of type string'],
  ['global: {proxy: {privileged: "false"}}', 'json: cannot unmarshal string into Go value of type bool'],
  ['global: {proxy: {tracer: jaeger}}', 'unknown value "\\"jaeger\\"" for enum istio.operator.v1alpha1.tracer'],
  ['global: {resourceScope: mesh}', 'unknown value "\\"mesh\\"" for enum istio.operator.v1alpha1.ResourceScope'],
  ['sidecarInjectorWebhook: {rewriteAppHTTPProbe: 1}', 'json: cannot unmarshal number into Go value of type bool'],
  [
    'sidecarInjectorWebhook: {templates: x}',
    'bad StructValue: json: cannot unmarshal string into Go value of type map[string]json.RawMessage',
  ],
  [
    'pilot: {env: []}',
    'bad StructValue: json: cannot unmarshal array into Go value of type map[string]json.RawMessage',
  ],
  ['pilot: {rollingMaxSurge: true}', 'json: cannot unmarshal bool into Go value of type int32'],
  ['global: {imagePullSecrets: regcred}', 'json: cannot unmarshal string into Go value of type []json.RawMessage'],
  ['gateways: 1', 'json: cannot unmarshal number into Go value of type map[string]json.RawMessage'],
  ['[1]', 'json: cannot unmarshal array into Go value of type map[string]json.RawMessage'],
]
for (const [text, message] of refused) {
  test(`values refuse ${text}`, () =>
    assert.throws(() => readValues(text), {
      code: 'MESH_MESSAGE',
      message: `could not parse configuration values: ${message}`,
    }))
}
