/** The effective ProxyConfig of a pod: its layers, what they can and cannot change, and the hold flag. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../../src/injection/mesh/message-type.ts'
import { effectiveMeshConfig } from '../../../src/injection/mesh/mesh-config.ts'
import { PROXY_CONFIG } from '../../../src/injection/mesh/messages.ts'
import { effectiveProxyConfig, holdsApplication, offlineProxyConfig } from '../../../src/injection/mesh/proxy-config.ts'
import type { ProxyConfigResource } from '../../../src/injection/mesh/proxy-config-resources.ts'
import { protoToJson } from '../../../src/injection/mesh/proto-to-json.ts'
import { readValues } from '../../../src/injection/mesh/values.ts'

const meshOf = (text: string): Message => effectiveMeshConfig([text]).mesh

/** A resource of that namespace; `day` is the day of its creation. */
function resource(namespace: string, spec: unknown, { name = 'pc', day = 1 } = {}): ProxyConfigResource {
  return { metadata: { namespace, name, creationTimestamp: `2026-01-0${day}T00:00:00Z` }, spec }
}

interface Case {
  name: string
  mesh?: string
  resources?: ProxyConfigResource[]
  labels?: Record<string, string>
  namespace?: string
  annotation?: string
  /** What protoToJSON says of the result. */
  want: string
}

const env = (layer: string): unknown => ({ environmentVariables: { [layer]: layer, SAME: layer } })
const app = (name: string): unknown => ({ matchLabels: { app: name } })

const cases: Case[] = [
  { name: 'without any layer the defaults are printed as nothing', want: '{}' },
  {
    name: 'layers come in order, and metadata is merged by key',
    mesh: 'defaultConfig: {proxyMetadata: {MESH: mesh, SAME: mesh}}',
    resources: [
      resource('istio-system', env('root')),
      resource('shop', env('namespace')),
      resource('shop', { ...(env('workload') as object), selector: app('web') }),
    ],
    labels: { app: 'web' },
    annotation: 'proxyMetadata: {annotation: annotation, SAME: annotation}',
    want: '{"proxyMetadata":{"MESH":"mesh","SAME":"workload","annotation":"annotation","namespace":"namespace","root":"root","workload":"workload"}}',
  },
  {
    name: 'the annotation is stronger than resources without selector',
    resources: [resource('istio-system', { concurrency: 7 }), resource('shop', { concurrency: 6 })],
    annotation: 'concurrency: 3',
    want: '{"concurrency":3}',
  },
  {
    name: 'a matching resource is stronger than the annotation, also with zero',
    resources: [resource('shop', { concurrency: 0, selector: app('web') })],
    labels: { app: 'web' },
    annotation: 'concurrency: 3',
    want: '{"concurrency":0}',
  },
  {
    name: 'a selector that does not match does nothing',
    resources: [resource('shop', { concurrency: 4, selector: app('web') })],
    labels: { app: 'api' },
    want: '{}',
  },
  {
    name: 'an empty selector reaches nobody',
    resources: [
      resource('istio-system', { concurrency: 4, selector: {} }),
      resource('shop', { concurrency: 5, selector: { matchLabels: {} } }),
    ],
    want: '{}',
  },
  {
    name: 'a selector in the root namespace reaches no other namespace',
    resources: [resource('istio-system', { concurrency: 4, selector: app('web') })],
    labels: { app: 'web' },
    want: '{}',
  },
  {
    name: 'a selector in the root namespace reaches pods there',
    resources: [resource('istio-system', { concurrency: 4, selector: app('web') })],
    labels: { app: 'web' },
    namespace: 'istio-system',
    want: '{"concurrency":4}',
  },
  {
    name: 'the root namespace is the one of the mesh',
    mesh: 'rootNamespace: root',
    resources: [resource('root', { concurrency: 4 }), resource('istio-system', { concurrency: 5 })],
    want: '{"concurrency":4}',
  },
  {
    name: 'of several resources the oldest counts alone',
    resources: [
      resource('shop', { environmentVariables: { YOUNG: '' } }, { name: 'a', day: 3 }),
      resource('shop', { concurrency: 2 }, { name: 'z', day: 2 }),
    ],
    want: '{"concurrency":2}',
  },
  {
    name: 'of resources of one age the first by name counts',
    resources: [
      resource('shop', { concurrency: 2 }, { name: 'b' }),
      resource('shop', { concurrency: 1 }, { name: 'a' }),
    ],
    want: '{"concurrency":1}',
  },
  {
    name: 'of matching resources the oldest counts alone',
    resources: [
      resource('shop', { concurrency: 2, selector: { matchLabels: { tier: 'front' } } }, { day: 2 }),
      resource('shop', { image: { imageType: 'debug' }, selector: app('web') }, { day: 1 }),
    ],
    labels: { app: 'web', tier: 'front' },
    want: '{"image":{"imageType":"debug"}}',
  },
  {
    name: 'a resource that does not fit its type is left out',
    resources: [resource('shop', { concurrency: 'x' }), resource('shop', { concurrency: 5 }, { name: 'z' })],
    want: '{"concurrency":5}',
  },
  {
    name: 'a broken annotation is ignored',
    annotation: 'interceptionMode: tproxy',
    want: '{}',
  },
  { name: 'an empty annotation changes nothing', annotation: '', want: '{}' },
  { name: 'unknown fields of the annotation are dropped', annotation: '{unknownField: 1}', want: '{}' },
  {
    name: 'the annotation cannot set a plain field back to its zero value',
    mesh: 'defaultConfig: {interceptionMode: TPROXY, meshId: m}',
    annotation: '{interceptionMode: REDIRECT, meshId: "", controlPlaneAuthPolicy: NONE}',
    want: '{"interceptionMode":"TPROXY","meshId":"m"}',
  },
  {
    name: 'the annotation can set a wrapper to its zero value',
    mesh: 'defaultConfig: {holdApplicationUntilProxyStarts: true, concurrency: 2}',
    annotation: '{holdApplicationUntilProxyStarts: false, concurrency: 0}',
    want: '{"concurrency":0,"holdApplicationUntilProxyStarts":false}',
  },
  {
    name: 'messages are replaced wholly',
    mesh: 'defaultConfig: {tracing: {zipkin: {address: "z:1"}, sampling: 1}, runtimeValues: {a: b}}',
    annotation: '{tracing: {sampling: 50}, runtimeValues: {c: d}}',
    want: '{"tracing":{"sampling":50},"runtimeValues":{"c":"d"}}',
  },
  {
    name: 'some proxy headers fall back to the older ones, the others do not',
    mesh: 'defaultConfig: {proxyHeaders: {forwardedClientCert: SANITIZE, server: {value: s}, requestId: {}, attemptCount: {disabled: true}, envoyDebugHeaders: {}, preserveHttp1HeaderCase: true, metadataExchangeHeaders: {mode: IN_MESH}}}',
    annotation: 'proxyHeaders: {requestId: {disabled: true}}',
    want: '{"proxyHeaders":{"forwardedClientCert":"SANITIZE","requestId":{"disabled":true},"server":{"value":"s"},"attemptCount":{"disabled":true},"envoyDebugHeaders":{}}}',
  },
  {
    name: 'a tracing service name of the mesh replaces the service cluster',
    mesh: 'defaultConfig: {tracingServiceName: APP_LABEL_AND_NAMESPACE}',
    want: '{"tracingServiceName":"APP_LABEL_AND_NAMESPACE"}',
  },
]
for (const one of cases) {
  test(`effective ProxyConfig: ${one.name}`, () => {
    const config = effectiveProxyConfig({
      mesh: meshOf(one.mesh ?? ''),
      resources: one.resources ?? [],
      podLabels: one.labels ?? {},
      podNamespace: one.namespace ?? 'shop',
      annotation: one.annotation,
    })
    assert.equal(protoToJson(PROXY_CONFIG, config), one.want)
  })
}

test('pods without annotation and matching resource share one object', () => {
  const mesh = meshOf('')
  const resources = [resource('shop', { concurrency: 1 }), resource('shop', { concurrency: 2, selector: app('web') })]
  const of = (podNamespace: string): Message => effectiveProxyConfig({ mesh, resources, podNamespace, podLabels: {} })
  assert.equal(of('shop'), of('shop'))
  assert.equal(of('a'), of('b'))
  assert.notEqual(of('a'), of('shop'))
})

test('label keys of the prototype do not match', () => {
  const resources = [resource('shop', { concurrency: 4, selector: { matchLabels: { constructor: 'x' } } })]
  const config = effectiveProxyConfig({ mesh: meshOf(''), resources, podNamespace: 'shop', podLabels: {} })
  assert.equal(config['concurrency'], undefined)
})

test('offline, the annotation can set plain fields back to zero', () => {
  const mesh = meshOf('defaultConfig: {interceptionMode: TPROXY, proxyMetadata: {A: a}}')
  const config = offlineProxyConfig({ mesh, annotation: '{interceptionMode: REDIRECT, proxyMetadata: {B: b}}' })
  assert.equal(protoToJson(PROXY_CONFIG, config), '{"proxyMetadata":{"A":"a","B":"b"}}')
})

const HOLD: { name: string; mesh?: string; annotation?: string; values?: string; want: boolean }[] = [
  { name: 'unset everywhere', want: false },
  { name: 'the mesh holds', mesh: 'defaultConfig: {holdApplicationUntilProxyStarts: true}', want: true },
  {
    name: 'the annotation undoes the mesh',
    mesh: 'defaultConfig: {holdApplicationUntilProxyStarts: true}',
    annotation: 'holdApplicationUntilProxyStarts: false',
    want: false,
  },
  { name: 'the annotation holds', annotation: 'holdApplicationUntilProxyStarts: true', want: true },
  {
    name: 'the annotation cannot undo Values',
    annotation: 'holdApplicationUntilProxyStarts: false',
    values: '{"global":{"proxy":{"holdApplicationUntilProxyStarts":true}}}',
    want: true,
  },
]
for (const { name, mesh = '', annotation, values = '{}', want } of HOLD) {
  test(`hold: ${name}`, () =>
    assert.equal(holdsApplication({ mesh: meshOf(mesh), annotation, values: readValues(values).typed }), want))
}

test('hold: an unreadable annotation fails', () => {
  assert.throws(() => holdsApplication({ mesh: meshOf(''), annotation: 'concurrency: [1]', values: {} }), {
    code: 'MESH_MESSAGE',
    message: 'could not parse proxy config: json: cannot unmarshal array into Go value of type int32',
  })
})
