/** Protobuf's JSON: what is read, what is refused in which words, what is written. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MESH_CONFIG, PROXY_CONFIG } from '../../../src/injection/mesh/messages.ts'
import type { Message } from '../../../src/injection/mesh/message-type.ts'
import { readMessage } from '../../../src/injection/mesh/proto-json.ts'
import { writeMessage } from '../../../src/injection/mesh/proto-json-write.ts'
import { anyMessage } from './message-arbitrary.ts'

const written = (document: unknown, into?: Message): string =>
  writeMessage(PROXY_CONFIG, readMessage(PROXY_CONFIG, document, into))

const accepted: { name: string; document: unknown; into?: unknown; json: string }[] = [
  { name: 'an absent document changes nothing', document: null, into: { meshId: 'a' }, json: '{"meshId":"a"}' },
  { name: 'proto names are accepted', document: { config_path: '/a' }, json: '{"configPath":"/a"}' },
  {
    name: 'of two spellings lowerCamel wins',
    document: { config_path: '/a', configPath: '/b' },
    json: '{"configPath":"/b"}',
  },
  {
    name: 'of two spellings lowerCamel wins even with null',
    document: { config_path: '/a', configPath: null },
    json: '{}',
  },
  { name: 'names are case-sensitive', document: { ConfigPath: '/a' }, json: '{}' },
  { name: 'unknown fields are ignored at any depth', document: { x: 1, image: { y: 2 } }, json: '{"image":{}}' },
  {
    name: 'a message is replaced wholly',
    document: { tracing: { sampling: 5 } },
    into: { tracing: { zipkin: { address: 'z:1' } } },
    json: '{"tracing":{"sampling":5}}',
  },
  {
    name: 'a list is replaced wholly',
    document: { extraStatTags: ['b'] },
    into: { extraStatTags: ['a'] },
    json: '{"extraStatTags":["b"]}',
  },
  {
    name: 'a map is replaced wholly',
    document: { runtimeValues: {} },
    into: { runtimeValues: { a: 'b' } },
    json: '{}',
  },
  {
    name: 'null leaves a field alone',
    document: { concurrency: null },
    into: { concurrency: 2 },
    json: '{"concurrency":2}',
  },
  {
    name: 'null inside a map is the zero value',
    document: { proxyMetadata: { A: null } },
    json: '{"proxyMetadata":{"A":""}}',
  },
  {
    name: 'a null custom tag is an empty tag',
    document: { tracing: { customTags: { a: null } } },
    json: '{"tracing":{"customTags":{"a":{}}}}',
  },
  { name: 'null inside a list is the zero value', document: { extraStatTags: [null] }, json: '{"extraStatTags":[""]}' },
  {
    name: 'a quoted number is an integer',
    document: { concurrency: '2', statusPort: '5' },
    json: '{"concurrency":2,"statusPort":5}',
  },
  { name: 'quoted null is zero', document: { concurrency: 'null' }, json: '{"concurrency":0}' },
  {
    name: 'a set wrapper is written when zero',
    document: { concurrency: 0, statsCompression: false },
    json: '{"concurrency":0,"statsCompression":false}',
  },
  {
    name: 'a plain zero is not written',
    document: { statusPort: 0, meshId: '', interceptionMode: 'REDIRECT' },
    json: '{}',
  },
  { name: 'a oneof member is written when zero', document: { serviceCluster: '' }, json: '{"serviceCluster":""}' },
  {
    name: 'of two members of a oneof the later one stays',
    document: { tracingServiceName: 0, serviceCluster: 'a' },
    json: '{"tracingServiceName":"APP_LABEL_AND_NAMESPACE"}',
  },
  {
    name: 'a oneof member replaces the other one',
    document: { serviceCluster: 'a' },
    into: { tracingServiceName: 1 },
    json: '{"serviceCluster":"a"}',
  },
  { name: 'an enum may be a number', document: { interceptionMode: 1 }, json: '{"interceptionMode":"TPROXY"}' },
  { name: 'an unknown enum number stays a number', document: { interceptionMode: 9 }, json: '{"interceptionMode":9}' },
  { name: 'durations are written in seconds', document: { drainDuration: '1m30s' }, json: '{"drainDuration":"90s"}' },
  { name: 'durations have 3 decimals', document: { drainDuration: '500ms' }, json: '{"drainDuration":"0.500s"}' },
  { name: 'durations have 6 decimals', document: { drainDuration: '10us' }, json: '{"drainDuration":"0.000010s"}' },
  {
    name: 'durations have 9 decimals',
    document: { drainDuration: '-1s1ns' },
    json: '{"drainDuration":"-1.000000001s"}',
  },
  {
    name: '64-bit integers are written as text, exactly',
    document: { tracing: { stackdriver: { maxNumberOfAttributes: '9007199254740993' } } },
    json: '{"tracing":{"stackdriver":{"maxNumberOfAttributes":"9007199254740993"}}}',
  },
  { name: 'a double is a number', document: { tracing: { sampling: '12.5' } }, json: '{"tracing":{"sampling":12.5}}' },
  {
    name: 'a double may be infinite',
    document: { tracing: { sampling: '-Infinity' } },
    json: '{"tracing":{"sampling":"-Infinity"}}',
  },
  {
    name: 'text is escaped like Go does, keys are sorted bytewise',
    document: { proxyMetadata: { é: '<a>&"', Z: '\u2028', '😀': '', '\uffee': '' } },
    json: '{"proxyMetadata":{"Z":"\\u2028","é":"\\u003ca\\u003e\\u0026\\"","\uffee":"","😀":""}}',
  },
  {
    name: 'fields come in declaration order',
    document: { statsCompression: true, interceptionMode: 'NONE', configPath: 'a' },
    json: '{"configPath":"a","interceptionMode":"NONE","statsCompression":true}',
  },
  {
    name: '__proto__ is a key like any other',
    document: { proxyMetadata: JSON.parse('{"__proto__":"x","constructor":"y"}') as unknown },
    json: '{"proxyMetadata":{"__proto__":"x","constructor":"y"}}',
  },
]
for (const { name, document, into, json } of accepted) {
  test(`protobuf JSON: ${name}`, () => assert.equal(written(document, readMessage(PROXY_CONFIG, into)), json))
}

const MAP = 'map[string]json.RawMessage'
const cannot = (kind: string, type: string): string => `json: cannot unmarshal ${kind} into Go value of type ${type}`
const refused: [document: unknown, message: string][] = [
  [[], cannot('array', MAP)],
  ['x', cannot('string', MAP)],
  [{ proxyMetadata: { A: true } }, cannot('bool', 'string')],
  [{ proxyMetadata: { A: 1 } }, cannot('number', 'string')],
  [{ proxyMetadata: { A: [] } }, cannot('array', 'string')],
  [{ proxyMetadata: { A: {} } }, cannot('object', 'string')],
  [{ proxyMetadata: 'a' }, cannot('string', MAP)],
  [{ extraStatTags: 'a' }, cannot('string', '[]json.RawMessage')],
  [{ extraStatTags: {} }, cannot('object', '[]json.RawMessage')],
  [{ tracing: [] }, cannot('array', MAP)],
  [{ holdApplicationUntilProxyStarts: 'true' }, cannot('string', 'bool')],
  [{ holdApplicationUntilProxyStarts: 1 }, cannot('number', 'bool')],
  [{ concurrency: 1.5 }, cannot('number 1.5', 'int32')],
  [{ concurrency: 99999999999 }, cannot('number 99999999999', 'int32')],
  [{ concurrency: 1e21 }, cannot('number 1e+21', 'int32')],
  [{ concurrency: true }, cannot('bool', 'int32')],
  [{ concurrency: 'true' }, cannot('bool', 'int32')],
  [{ concurrency: '1.0' }, cannot('number 1.0', 'int32')],
  [{ concurrency: '[1]' }, cannot('array', 'int32')],
  [{ fileFlushMinSizeKb: -1 }, cannot('number -1', 'uint32')],
  [{ concurrency: '0x10' }, "invalid character 'x' after top-level value"],
  [{ concurrency: '010' }, "invalid character '1' after top-level value"],
  [{ concurrency: '' }, 'unexpected end of JSON input'],
  [{ concurrency: 'abc' }, "invalid character 'a' looking for beginning of value"],
  [{ concurrency: '1.' }, "invalid character ' ' after decimal point in numeric literal"],
  [{ concurrency: '-' }, "invalid character ' ' in numeric literal"],
  [{ concurrency: '1e' }, "invalid character ' ' in exponent of numeric literal"],
  [{ concurrency: 'nul' }, "invalid character ' ' in literal null (expecting 'l')"],
  [
    { interceptionMode: 'redirect' },
    'unknown value "\\"redirect\\"" for enum istio.mesh.v1alpha1.ProxyConfig.InboundInterceptionMode',
  ],
  [
    { controlPlaneAuthPolicy: '<' },
    'unknown value "\\"\\\\u003c\\"" for enum istio.mesh.v1alpha1.AuthenticationPolicy',
  ],
  [{ interceptionMode: true }, cannot('bool', 'protoreflect.EnumNumber')],
  [{ interceptionMode: 1.5 }, cannot('number 1.5', 'protoreflect.EnumNumber')],
  [{ drainDuration: 45 }, cannot('number', 'string')],
  [{ drainDuration: '45' }, 'bad Duration: time: missing unit in duration "45"'],
  [{ drainDuration: '' }, 'bad Duration: time: invalid duration ""'],
  [{ drainDuration: '5x' }, 'bad Duration: time: unknown unit "x" in duration "5x"'],
]
for (const [document, message] of refused) {
  test(`protobuf JSON refuses ${JSON.stringify(document)}`, () =>
    assert.throws(() => readMessage(PROXY_CONFIG, document), { code: 'MESH_MESSAGE', message }))
}

test('free-form fields keep their JSON and refuse other kinds', () => {
  const provider = (labels: unknown): unknown => ({
    extensionProviders: [{ name: 'p', envoyFileAccessLog: { logFormat: { labels } } }],
  })
  assert.equal(
    writeMessage(MESH_CONFIG, readMessage(MESH_CONFIG, provider({ b: [null, '<'], a: 1.5 }))),
    '{"extensionProviders":[{"name":"p","envoyFileAccessLog":{"logFormat":{"labels":{"a":1.5,"b":[null,"\\u003c"]}}}}]}',
  )
  assert.throws(() => readMessage(MESH_CONFIG, provider('x')), {
    message: `bad StructValue: ${cannot('string', MAP)}`,
  })
})

for (const type of [PROXY_CONFIG, MESH_CONFIG]) {
  test(`reading what was written gives the same ${type.name}`, () => {
    fc.assert(
      fc.property(anyMessage(type), (document) => {
        const message = readMessage(type, document)
        const again = readMessage(type, JSON.parse(writeMessage(type, message)))
        assert.deepEqual(again, message)
      }),
      { numRuns: 200 },
    )
  })
}

test('reading leaves the message it reads into as it was', () => {
  fc.assert(
    fc.property(anyMessage(PROXY_CONFIG), anyMessage(PROXY_CONFIG), (first, second) => {
      const into = readMessage(PROXY_CONFIG, first)
      const before = writeMessage(PROXY_CONFIG, into)
      readMessage(PROXY_CONFIG, second, into)
      assert.equal(writeMessage(PROXY_CONFIG, into), before)
    }),
    { numRuns: 100 },
  )
})
