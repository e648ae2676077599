import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CONTAINER } from '../../../src/injection/model/container.ts'
import { decodeTyped } from '../../../src/injection/model/decode.ts'
import { POD, POD_SPEC } from '../../../src/injection/model/pod.ts'
import { workloadType } from '../../../src/injection/model/workloads.ts'
import type { GoType } from '../../../src/injection/template/types.ts'

const drop = (type: GoType, json: unknown): unknown => decodeTyped(type, json, { unknownFields: 'drop' })
const keep = (type: GoType, json: unknown): unknown => decodeTyped(type, json, { unknownFields: 'keep' })
const LEAST_POD = { metadata: {}, spec: { containers: null }, status: {} }

const CONTAINERS: readonly { name: string; json: unknown; want: unknown }[] = [
  { name: 'empty optional fields go', json: { name: 'a', args: [], stdin: false, image: '' }, want: {} },
  { name: 'set pointers stay, empty or not', json: { securityContext: { privileged: false } }, want: null },
  { name: 'field names match in any case', json: { NAME: 'a', Image: 'i' }, want: { image: 'i' } },
  { name: 'the last of two spellings counts', json: { image: 'i', IMAGE: '' }, want: {} },
  {
    name: 'quantities become canonical',
    json: { resources: { limits: { cpu: '2000m', memory: 1024 } } },
    want: { resources: { limits: { cpu: '2', memory: '1024' } } },
  },
  {
    name: 'null elements become zero values',
    json: { args: [null], env: [null] },
    want: { args: [''], env: [{ name: '' }] },
  },
  { name: 'null is the zero value', json: { name: null, resources: null, livenessProbe: null }, want: { name: '' } },
  {
    name: 'an unset grpc service is written as null',
    json: { livenessProbe: { grpc: { port: 1 } } },
    want: { livenessProbe: { grpc: { port: 1, service: null } } },
  },
]
for (const { name, json, want } of CONTAINERS) {
  test(`decode: ${name}`, () => {
    const base = { name: (json as { name?: string }).name ?? (name.includes('case') ? 'a' : ''), resources: {} }
    assert.deepEqual(drop(CONTAINER, json), { ...base, ...((want ?? json) as object) })
  })
}

test('decode: what Go always writes is there, whatever the input', () => {
  assert.deepEqual(drop(POD, {}), LEAST_POD)
  assert.deepEqual(drop(POD, { spec: {}, status: null }), LEAST_POD)
})

test('decode: unknown fields are dropped or kept', () => {
  const pod = { spec: { containers: [], novelty: { a: [] } }, metadata: {}, status: {} }
  assert.deepEqual(drop(POD, pod), { ...LEAST_POD, spec: { containers: [] } })
  assert.deepEqual(keep(POD, pod), pod)
})

test('decode: merge directives left over are never kept', () => {
  assert.deepEqual(keep(POD, { ...LEAST_POD, $patch: 'replace', '$setElementOrder/x': [] }), LEAST_POD)
})

test('decode: __proto__ is a label like any other and no way into prototypes', () => {
  const pod: unknown = JSON.parse(
    '{"metadata":{"labels":{"__proto__":"x","constructor":"y"}},"__proto__":{"polluted":1}}',
  )
  const decoded = keep(POD, pod) as { metadata: { labels: object } }
  assert.deepEqual(Object.entries(decoded.metadata.labels), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
  assert.equal((decoded as { polluted?: unknown }).polluted, undefined)
})

const REFUSED: readonly { name: string; type: GoType; json: unknown; want: string }[] = [
  {
    name: 'number for text deep in a list',
    type: POD,
    json: { spec: { containers: [{ image: 1 }] } },
    want: 'json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string',
  },
  { name: 'the top level', type: POD, json: 'x', want: 'json: cannot unmarshal string into Go value of type v1.Pod' },
  {
    name: 'label',
    type: POD,
    json: { metadata: { labels: { version: 1 } } },
    want: 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
  },
  {
    name: 'number beyond int32, with its digits',
    type: CONTAINER,
    json: { ports: [{ containerPort: 3e9 }] },
    want: 'json: cannot unmarshal number 3000000000 into Go struct field ContainerPort.ports.containerPort of type int32',
  },
  {
    name: 'embedded struct, named in the path',
    type: POD_SPEC,
    json: { volumes: [{ emptyDir: [] }] },
    want: 'json: cannot unmarshal array into Go struct field Volume.volumes.VolumeSource.emptyDir of type v1.EmptyDirVolumeSource',
  },
  {
    name: 'named text type',
    type: POD_SPEC,
    json: { dnsPolicy: true },
    want: 'json: cannot unmarshal bool into Go struct field PodSpec.dnsPolicy of type v1.DNSPolicy',
  },
  {
    name: 'only the first of several',
    type: CONTAINER,
    json: { stdin: 1, tty: 'x' },
    want: 'json: cannot unmarshal number into Go struct field Container.stdin of type bool',
  },
  {
    name: 'a broken quantity rather than an earlier wrong kind',
    type: CONTAINER,
    json: { image: 1, resources: { limits: { cpu: '1z' } } },
    want: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  },
  {
    name: 'port of no kind',
    type: CONTAINER,
    json: { livenessProbe: { httpGet: { port: 1.5 } } },
    want: 'json: cannot unmarshal number 1.5 into Go struct field HTTPGetAction.livenessProbe.ProbeHandler.httpGet.port of type int32',
  },
  {
    name: 'time',
    type: POD,
    json: { metadata: { creationTimestamp: 'yesterday' } },
    want: 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
  },
]
for (const { name, type, json, want } of REFUSED) {
  test(`decode refuses: ${name}`, () => assert.throws(() => drop(type, json), { code: 'MODEL_INVALID', message: want }))
}

test('decode: of several wrong values the first is reported, or the first by name', () => {
  const json = { tty: 'x', image: 1 }
  assert.throws(() => drop(CONTAINER, json), /Container\.tty of type bool/)
  const sorted = (): unknown => decodeTyped(CONTAINER, json, { unknownFields: 'drop', errorOrder: 'sorted' })
  assert.throws(sorted, /Container\.image of type string/)
})

test('decode: what it gives is canonical, comes back as the same object, and the input is never changed', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      const input = {
        metadata: { annotations: { a: 'b' } },
        spec: { nodeSelector: value, containers: [{ image: value }] },
      }
      const before = JSON.stringify(input)
      try {
        const once = drop(POD, input)
        assert.equal(drop(POD, once), once)
        assert.equal(keep(POD, once), once)
      } catch (thrown) {
        assert.match((thrown as Error).message, /^json: cannot unmarshal/)
      }
      assert.equal(JSON.stringify(input), before)
    }),
  )
})

test('decode: depth is bounded by the type, not by the input', () => {
  const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
  assert.throws(() => drop(POD, { spec: deep }), { code: 'MODEL_INVALID' })
  assert.deepEqual(drop(POD, { unknown: deep }), LEAST_POD)
})

test('workload kinds are known, whatever their version', () => {
  assert.equal(workloadType('Deployment')?.name, 'v1.Deployment')
  assert.equal(workloadType('Service'), undefined)
  assert.deepEqual(drop(workloadType('Deployment') ?? POD, {}), {
    metadata: {},
    spec: { selector: null, strategy: {}, template: { metadata: {}, spec: { containers: null } } },
    status: {},
  })
})
