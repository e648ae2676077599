/** Analyzers of what is stored already: conditions, images that nobody replaced, registries of networks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnalyzeOptions } from '../../../src/validation/analysis/analyze.ts'
import { analyze, originOf } from '../../../src/validation/analysis/analyze.ts'
import type { MeshObject } from '../../../src/validation/index.ts'

type Bag = Readonly<Record<string, unknown>>
const CODES = ['IST0126', 'IST0146', 'IST0147', 'IST0171']

/** Those of this file's codes, in short. */
const seen = (objects: readonly MeshObject[], options: AnalyzeOptions = {}): readonly string[] =>
  analyze(objects, options)
    .filter(({ code }) => CODES.includes(code))
    .map((found) => `${found.code} ${originOf(found)} ${found.path ?? ''}`.trim())

const object = (apiVersion: string, kind: string, rest: Bag): MeshObject => ({
  apiVersion,
  kind,
  ...rest,
  metadata: { name: 'a', namespace: 'shop', ...(rest['metadata'] as Bag | undefined) },
})
const condition = (type: string, status: string, reason = 'Why') => ({ type, status, reason, message: 'so' })

const CONDITIONS: readonly [apiVersion: string, kind: string, status: Bag, isReported: boolean][] = [
  ['v1', 'Service', { conditions: [condition('istio.io/WaypointBound', 'False')] }, true],
  ['v1', 'Service', { conditions: [condition('istio.io/WaypointBound', 'True')] }, false],
  ['v1', 'Service', { conditions: [condition('Accepted', 'False')] }, false],
  ['networking.istio.io/v1', 'ServiceEntry', { conditions: [condition('istio.io/WaypointBound', 'False')] }, true],
  ['networking.istio.io/v1', 'WorkloadEntry', { conditions: [condition('istio.io/WaypointBound', 'False')] }, true],
  ['security.istio.io/v1', 'AuthorizationPolicy', { conditions: [condition('ZtunnelAccepted', 'False')] }, true],
  [
    'security.istio.io/v1',
    'AuthorizationPolicy',
    { conditions: [condition('WaypointAccepted', 'True', 'PartiallyInvalid')] },
    true,
  ],
  ['security.istio.io/v1', 'AuthorizationPolicy', { conditions: [condition('WaypointAccepted', 'True')] }, false],
  ['gateway.networking.k8s.io/v1', 'Gateway', { conditions: [condition('Programmed', 'False')] }, true],
  ['gateway.networking.k8s.io/v1', 'Gateway', { conditions: [condition('Programmed', 'Unknown')] }, false],
  [
    'gateway.networking.k8s.io/v1',
    'HTTPRoute',
    { parents: [{ conditions: [condition('Accepted', 'True')] }, { conditions: [condition('Accepted', 'False')] }] },
    true,
  ],
  [
    'gateway.networking.k8s.io/v1',
    'GRPCRoute',
    { parents: [{ conditions: [condition('ResolvedRefs', 'False')] }] },
    true,
  ],
]
for (const [apiVersion, kind, status, isReported] of CONDITIONS) {
  test(`IST0171: ${kind} with ${JSON.stringify(status)} is ${isReported ? '' : 'not '}reported`, () => {
    const wanted = isReported ? [`IST0171 ${kind} shop/a`] : []
    assert.deepEqual(seen([object(apiVersion, kind, { status })]), wanted)
    assert.deepEqual(seen([object(apiVersion, kind, { status })], { runtime: false }), [], 'from files alone')
  })
}

const SPEC = {
  containers: [
    { name: 'app', image: 'auto' },
    { name: 'istio-proxy', image: 'auto' },
  ],
}
const SHOP = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'istio-injection': 'enabled' } },
}
const deployment = (labels: Bag) =>
  object('apps/v1', 'Deployment', { spec: { template: { metadata: { labels }, spec: SPEC } } })
const webhooks = (name: string): MeshObject => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'injector' },
  webhooks: [
    {
      name,
      namespaceSelector: { matchLabels: { 'istio-injection': 'enabled' } },
      objectSelector: { matchExpressions: [{ key: 'sidecar.istio.io/inject', operator: 'NotIn', values: ['false'] }] },
    },
  ],
})
const UNINJECTED = ['IST0146 Deployment shop/a {.spec.template.spec.containers[1].image}']

test('IST0146: a Deployment with the image auto is reported unless an injection webhook selects its pods', () => {
  assert.deepEqual(seen([SHOP, webhooks('rev.namespace.sidecar-injector.istio.io'), deployment({})]), [])
  assert.deepEqual(seen([SHOP, deployment({})]), UNINJECTED)
  assert.deepEqual(seen([webhooks('sidecar-injector.istio.io'), deployment({})]), UNINJECTED)
  assert.deepEqual(seen([SHOP, webhooks('injector.example.com'), deployment({})]), UNINJECTED)
  const optedOut = deployment({ 'sidecar.istio.io/inject': 'false' })
  assert.deepEqual(seen([SHOP, webhooks('sidecar-injector.istio.io'), optedOut]), UNINJECTED)
})

test('IST0147: a Pod that still has the image auto is reported, whatever webhooks select', () => {
  const found = seen([SHOP, webhooks('sidecar-injector.istio.io'), object('v1', 'Pod', { spec: SPEC })])
  assert.deepEqual(found, ['IST0147 Pod shop/a {.spec.containers[1].image}'])
  const injected = {
    containers: [
      { name: 'istio-proxy', image: 'proxyv2:1' },
      { name: 'app', image: 'auto' },
    ],
  }
  assert.deepEqual(seen([object('v1', 'Pod', { spec: injected })]), [])
})

test('IST0126: an endpoint of a registry that no multi-cluster Secret names is reported', () => {
  const endpoints = ['Kubernetes', 'Mock', 'External', 'east', 'west'].map((fromRegistry) => ({ fromRegistry }))
  const networks = { networks: { n1: { endpoints: [{ fromCidr: '10.0.0.0/8' }, ...endpoints] } } }
  const secret = (labels: Bag) => object('v1', 'Secret', { metadata: { labels }, data: { east: 'a2V5' } })
  const line = (i: number) => `IST0126 MeshNetworks istio-system/meshnetworks {.networks.n1.endpoints[${i}]}`
  assert.deepEqual(seen([secret({ 'istio/multiCluster': 'true' })], { networks }), [line(5)])
  assert.deepEqual(seen([secret({})], { networks }), [line(4), line(5)])
  assert.deepEqual(seen([], { networks, runtime: false }), [])
})
