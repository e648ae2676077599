/** The effective MeshConfig: how documents are merged, and which are left out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_MESH_CONFIG } from '../../../src/injection/mesh/defaults.ts'
import type { Message } from '../../../src/injection/mesh/message-type.ts'
import { effectiveMeshConfig } from '../../../src/injection/mesh/mesh-config.ts'

const cases: { name: string; documents: string[]; pick: (mesh: Message) => unknown; want: unknown }[] = [
  { name: 'no document means the defaults', documents: [], pick: (mesh) => mesh, want: DEFAULT_MESH_CONFIG },
  {
    name: 'an empty document means the defaults',
    documents: ['', 'null'],
    pick: (mesh) => mesh,
    want: DEFAULT_MESH_CONFIG,
  },
  {
    name: 'defaultConfig is merged field by field, its metadata by key',
    documents: [
      'defaultConfig: {concurrency: 2, proxyMetadata: {A: a}}',
      'defaultConfig: {meshId: m, proxyMetadata: {B: b}}',
    ],
    pick: ({ defaultConfig }) => {
      const { concurrency, meshId, proxyMetadata, statusPort } = defaultConfig as Message
      return { concurrency, meshId, proxyMetadata, statusPort }
    },
    want: { concurrency: { value: 2 }, meshId: 'm', proxyMetadata: { A: 'a', B: 'b' }, statusPort: 15020 },
  },
  {
    name: 'defaultConfig counts by its JSON name only',
    documents: ['default_config: {concurrency: 2}'],
    pick: ({ defaultConfig }) => (defaultConfig as Message)['concurrency'],
    want: undefined,
  },
  {
    name: 'defaultProviders are merged field by field',
    documents: ['defaultProviders: {metrics: [a], tracing: [t]}', 'defaultProviders: {metrics: [b]}'],
    pick: ({ defaultProviders }) => defaultProviders,
    want: { metrics: ['b'], tracing: ['t'] },
  },
  {
    name: 'a known extension provider takes new settings in its place, others are appended',
    documents: [
      'extensionProviders: [{name: x, zipkin: {service: z, port: 1}}, {name: stackdriver, prometheus: {}}]',
      'extensionProviders: [{name: x, zipkin: {service: new}}]',
    ],
    pick: ({ extensionProviders }) => extensionProviders,
    want: [
      { name: 'prometheus', prometheus: {} },
      { name: 'stackdriver', prometheus: {} },
      { name: 'envoy', envoyFileAccessLog: { path: '/dev/stdout' } },
      { name: 'x', zipkin: { service: 'new' } },
    ],
  },
  {
    name: 'trust domain aliases are united and sorted',
    documents: ['trustDomainAliases: [c, a]', 'trustDomainAliases: [b, a]'],
    pick: ({ trustDomainAliases }) => trustDomainAliases,
    want: ['a', 'b', 'c'],
  },
  {
    name: 'other messages are replaced wholly',
    documents: ['localityLbSetting: {failoverPriority: [x]}'],
    pick: ({ localityLbSetting }) => localityLbSetting,
    want: { failoverPriority: ['x'] },
  },
  {
    name: 'plain fields can be set to zero',
    documents: ['{enableTracing: false, ingressClass: ""}'],
    pick: ({ enableTracing, ingressClass }) => [enableTracing, ingressClass],
    want: [undefined, undefined],
  },
]
for (const { name, documents, pick, want } of cases) {
  test(`mesh: ${name}`, () => {
    const { mesh, warnings } = effectiveMeshConfig(documents)
    assert.deepEqual(pick(mesh), want)
    assert.deepEqual(
      warnings.filter((warning) => !warning.startsWith('extensionProviders')),
      [],
    )
  })
}

test('mesh: a single invalid document leaves the last good state', () => {
  const { mesh: lastGood } = effectiveMeshConfig(['trustDomain: good'])
  const { mesh, warnings } = effectiveMeshConfig(['trustDomain: -bad'], lastGood)
  assert.equal(mesh, lastGood)
  assert.deepEqual(warnings, [
    'mesh configuration ignored: 1 error occurred:\n\t* trustDomain: trust domain name "-bad" invalid',
  ])
})

test('mesh: without a last good state the defaults stay', () => {
  assert.equal(effectiveMeshConfig(['a: [']).mesh, DEFAULT_MESH_CONFIG)
})

test('mesh: of two documents the invalid one is skipped', () => {
  for (const documents of [
    ['proxyListenPort: 0', 'trustDomain: good'],
    ['trustDomain: good', 'proxyListenPort: x'],
  ]) {
    const { mesh, warnings } = effectiveMeshConfig(documents)
    assert.equal(mesh['trustDomain'], 'good')
    assert.equal(mesh['proxyListenPort'], 15001)
    assert.equal(warnings.length, 1)
  }
})
