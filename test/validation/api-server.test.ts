/** What the API server says before any webhook is asked, where it is not what one would guess. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admit } from '../../src/validation/api-server.ts'
import { dottedPathText } from '../../src/validation/field-path.ts'

type Part = Readonly<Record<string, unknown>>

const admitAs = (apiVersion: string, kind: string, parts: Part) =>
  admit({ apiVersion, kind, metadata: { name: 'n', namespace: 'ns' }, ...parts })
const errorsOf = (...args: Parameters<typeof admitAs>): readonly string[] =>
  admitAs(...args).errors.map(({ path, type }) => `${path} ${type}`)

const WORKLOAD_ENTRY = ['networking.istio.io/v1', 'WorkloadEntry'] as const
const VIRTUAL_SERVICE = ['networking.istio.io/v1', 'VirtualService'] as const
const PROXY_CONFIG = ['networking.istio.io/v1beta1', 'ProxyConfig'] as const

test('a number that is no integer is refused for its type and for its range', () => {
  const rows: readonly (readonly [number, readonly string[]])[] = [
    [1, []],
    [-1, ['spec.weight FieldValueInvalid']],
    [1.5, ['spec.weight FieldValueTypeInvalid', '<nil> FieldValueInvalid']],
    [-0.5, ['spec.weight FieldValueTypeInvalid', 'spec.weight FieldValueInvalid', '<nil> FieldValueInvalid']],
    [1e20, ['spec.weight FieldValueTypeInvalid', 'spec.weight FieldValueInvalid', '<nil> FieldValueInvalid']],
  ]
  for (const [weight, wanted] of rows)
    assert.deepEqual(errorsOf(...WORKLOAD_ENTRY, { spec: { address: '1.1.1.1', weight } }), wanted, String(weight))
  const tooLong = admitAs(...PROXY_CONFIG, { spec: { concurrency: 2 ** 31 } }).errors[0]
  assert.match(tooLong?.message ?? '', /Checked value must be of type integer with format int32 in spec\.concurrency/)
})

test('of a text only the first problem is reported', () => {
  const spec = { targetRefs: [{ kind: '*'.repeat(64), name: 'a' }] }
  assert.deepEqual(errorsOf('security.istio.io/v1', 'AuthorizationPolicy', { spec }), [
    'spec.targetRefs[0].kind FieldValueTooLong',
  ])
})

test('bytes are base64 of at least one group, without line breaks', () => {
  const at = 'spec.http[0].directResponse.body.bytes FieldValueTypeInvalid'
  const rows: readonly (readonly [unknown, readonly string[]])[] = [
    ['YQ==', []],
    ['', [at]],
    ['YQ==\n', [at]],
    ['YQ', [at]],
    [7, [at]],
    [['YQ=='], []],
  ]
  for (const [bytes, wanted] of rows) {
    const spec = { hosts: ['a'], http: [{ directResponse: { status: 200, body: { bytes } } }] }
    assert.deepEqual(errorsOf(...VIRTUAL_SERVICE, { spec }), wanted, JSON.stringify(bytes))
  }
})

test('of equal list-map keys the second is reported once, and nothing of a list with another type in it', () => {
  const env = (...names: readonly unknown[]) => ({
    spec: { url: 'oci://a/b', vmConfig: { env: names.map((name) => (name === 7 ? 7 : { name })) } },
  })
  const wasmPlugin = ['extensions.istio.io/v1alpha1', 'WasmPlugin'] as const
  assert.deepEqual(errorsOf(...wasmPlugin, env('a', 'b')), [])
  assert.deepEqual(errorsOf(...wasmPlugin, env('a', 'a', 'a')), ['spec.vmConfig.env[1] FieldValueDuplicate'])
  assert.deepEqual(errorsOf(...wasmPlugin, env('a', 'a', 7)), [
    'spec.vmConfig.env[2] FieldValueTypeInvalid',
    'spec.vmConfig.env[2] FieldValueInvalid',
  ])
})

test('unknown fields are found in lists of the status and below an empty name, though the status is dropped', () => {
  const { unknown, errors, object } = admitAs(...WORKLOAD_ENTRY, {
    spec: { address: '1.1.1.1', '': 1 },
    status: { anything: 1, conditions: [{ type: 'Ready', bogus: 1 }], validationMessages: [{ type: { zz: 1 } }] },
  })
  assert.deepEqual(
    unknown.map(({ at }) => dottedPathText(at)),
    ['spec.', 'status.conditions[0].bogus', 'status.validationMessages[0].type.zz'],
  )
  assert.deepEqual(errors, [])
  assert.ok(!Object.hasOwn(object, 'status'))
})

test('metadata is checked beyond names and labels', () => {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'u' }
  const rows: readonly (readonly [Part, readonly string[]])[] = [
    [{ generation: 1, finalizers: ['a/b'], ownerReferences: [owner] }, []],
    [{ generation: -1 }, ['metadata.generation FieldValueInvalid']],
    [{ deletionGracePeriodSeconds: 1e20 }, ['metadata Decode']],
    [{ finalizers: ['a b'] }, ['metadata.finalizers FieldValueInvalid']],
    [{ finalizers: ['orphan', 'foregroundDeletion'] }, ['metadata.finalizers FieldValueInvalid']],
    [{ ownerReferences: [{ ...owner, kind: 'Event' }] }, ['metadata.ownerReferences FieldValueInvalid']],
    [{ ownerReferences: [{ ...owner, uid: '' }] }, ['metadata.ownerReferences.uid FieldValueInvalid']],
    [{ ownerReferences: [{ ...owner, apiVersion: '' }] }, ['metadata.ownerReferences.apiVersion FieldValueInvalid']],
    [
      { ownerReferences: [0, 1].map(() => ({ ...owner, controller: true })) },
      ['metadata.ownerReferences FieldValueInvalid'],
    ],
  ]
  for (const [more, wanted] of rows) {
    const metadata = { name: 'n', namespace: 'ns', ...more }
    assert.deepEqual(errorsOf(...PROXY_CONFIG, { metadata, spec: {} }), wanted, JSON.stringify(more))
  }
})
