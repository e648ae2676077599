/** Rendered texts over pods. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyOverlay, readOverlay } from '../../src/injection/overlay.ts'

const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'app', futureField: { a: 1 } }] } }

test('fields the pod type does not know stay where the user wrote them', () => {
  const merged = applyOverlay(pod, readOverlay('spec: {containers: [{name: istio-proxy}]}'))
  assert.deepEqual(
    merged.spec?.containers?.map((one) => [one.name, Object.hasOwn(one, 'futureField')]),
    [
      ['istio-proxy', false],
      ['app', true],
    ],
  )
})

test('fields the pod type does not know vanish from rendered texts', () => {
  const merged = applyOverlay(pod, readOverlay('spec: {containers: [{name: x, nonsense: 1}], odd: {a: b}}'))
  assert.equal(JSON.stringify(merged).includes('nonsense'), false)
  assert.equal(JSON.stringify(merged).includes('odd'), false)
})

test('directives survive the reading', () => {
  const merged = applyOverlay(
    { metadata: { labels: { a: 'b' } }, spec: { containers: [] } },
    readOverlay('metadata: {labels: {$patch: replace, c: d}}'),
  )
  assert.deepEqual(merged.metadata?.labels, { c: 'd' })
})

for (const text of ['[1]', 'x', 'a: "b', '{']) {
  test(`the text ${text} is no mapping`, () => {
    assert.throws(() => applyOverlay(pod, readOverlay(text)), { message: 'strategic merge: invalid JSON document' })
  })
}

test('an empty text changes nothing', () => {
  assert.deepEqual(applyOverlay(pod, readOverlay('# nothing\n')).metadata?.name, 'p')
})

test('a value of the wrong kind is told with the path of Go', () => {
  assert.throws(() => applyOverlay(pod, readOverlay('metadata: {labels: {a: 1}}')), {
    message:
      'unmarshal patched pod: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
  })
})
