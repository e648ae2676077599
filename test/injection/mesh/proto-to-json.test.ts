/** protoToJSON drops what equals the defaults, and only that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MESH_CONFIG, PROXY_CONFIG } from '../../../src/injection/mesh/messages.ts'
import { readMessage } from '../../../src/injection/mesh/proto-json.ts'
import { protoToJson } from '../../../src/injection/mesh/proto-to-json.ts'
import { DEFAULT_PROXY_CONFIG } from '../../../src/injection/mesh/defaults.ts'

const cases: { name: string; document: unknown; want: string }[] = [
  { name: 'the defaults themselves', document: {}, want: '{}' },
  { name: 'an explicitly empty tracing stays', document: { tracing: {} }, want: '{"tracing":{}}' },
  { name: 'an empty map goes', document: { proxyMetadata: {} }, want: '{}' },
  { name: 'another duration stays', document: { drainDuration: '45.5s' }, want: '{"drainDuration":"45.500s"}' },
  { name: 'an equal duration in other words goes', document: { drainDuration: '45000ms' }, want: '{}' },
  {
    name: 'other values stay',
    document: { configPath: '/c', statusPort: 1 },
    want: '{"configPath":"/c","statusPort":1}',
  },
  { name: 'interception mode NONE stays', document: { interceptionMode: 'NONE' }, want: '{"interceptionMode":"NONE"}' },
]
for (const { name, document, want } of cases) {
  test(`protoToJSON of a ProxyConfig: ${name}`, () =>
    assert.equal(protoToJson(PROXY_CONFIG, readMessage(PROXY_CONFIG, document, DEFAULT_PROXY_CONFIG)), want))
}

test('protoToJSON drops nothing of other messages, and a nil message is empty', () => {
  assert.equal(
    protoToJson(MESH_CONFIG, readMessage(MESH_CONFIG, { defaultConfig: { statusPort: 15020 } })),
    '{"defaultConfig":{"statusPort":15020}}',
  )
  assert.equal(protoToJson(PROXY_CONFIG, undefined), '{}')
})
