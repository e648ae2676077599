/** The injector's configuration document. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configText, readInjectorConfig } from '../../src/injection/config.ts'

test('config: what is missing has istiod’s defaults', () => {
  const config = readInjectorConfig('')
  assert.equal(config.policy, '')
  assert.deepEqual(config.defaultTemplates, ['sidecar'])
  assert.deepEqual(config.warnings, ['the injector configuration has no templates'])
})

test('config: the case of keys and unknown keys do not matter', () => {
  const config = readInjectorConfig('Policy: enabled\nTEMPLATES: {a: b}\ntemplate: "{{ nofunc }}"\n')
  assert.deepEqual([config.policy, [...config.templates]], ['enabled', [['a', 'b']]])
})

test('config: scalars become text where text is wanted', () => {
  const config = readInjectorConfig('policy: on\ninjectedAnnotations: {a: 1, b: true}\ndefaultTemplates: [1.5]\n')
  assert.deepEqual([config.policy, config.injectedAnnotations], ['true', { a: '1', b: 'true' }])
  assert.deepEqual(config.defaultTemplates, ['1.5'])
})

test('config: an empty list of default templates is the sidecar', () => {
  assert.deepEqual(readInjectorConfig('defaultTemplates: []').defaultTemplates, ['sidecar'])
})

test('config: selectors are compiled, invalid ones are left out with a warning', () => {
  const config = readInjectorConfig(
    'templates: {a: b}\nneverInjectSelector: [{matchLabels: {a: b}}, {matchExpressions: [{key: x, operator: Near}]}]\n',
  )
  assert.equal(config.never.length, 1)
  assert.equal(config.never[0]?.matches({ a: 'b' }), true)
  assert.equal(config.warnings.length, 1)
})

test('config: keys named like members of objects are ordinary keys', () => {
  const config = readInjectorConfig('templates: {__proto__: a, constructor: b}\n')
  assert.deepEqual([...config.templates.keys()].sort(), ['__proto__', 'constructor'])
})

const REFUSED: readonly (readonly [text: string, message: RegExp])[] = [
  [
    'policy: {a: b}',
    /^failed to unmarshal injection template: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal object into Go struct field Config\.policy of type string$/,
  ],
  [
    '[1]',
    /^failed to unmarshal injection template: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type inject\.Config$/,
  ],
  ['a: "', /^failed to unmarshal injection template: error converting YAML to JSON: yaml: /],
]
for (const [text, message] of REFUSED) {
  test(`config: ${text} is refused`, () =>
    assert.throws(() => readInjectorConfig(text), { code: 'INJECTION_CONFIG_INVALID', message }))
}

test('config: a document of our templates reads back', () => {
  const config = readInjectorConfig(configText({ parts: 'p\n', templates: { sidecar: 's' } }))
  assert.deepEqual([config.policy, config.templates.get('sidecar')], ['enabled', 'p\ns'])
})
