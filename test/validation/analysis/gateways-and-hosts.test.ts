/** Analysis of sets where one object says little: gateways, shared hosts, injection, and what files may hold. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnalyzeOptions } from '../../../src/validation/analysis/analyze.ts'
import { analyze, originOf } from '../../../src/validation/analysis/analyze.ts'
import type { MeshObject } from '../../../src/validation/index.ts'

type Bag = Readonly<Record<string, unknown>>

/** How often each message of the codes asked for comes out. */
function counted(codes: readonly string[], objects: readonly MeshObject[], options: AnalyzeOptions = {}): Bag {
  const found: Record<string, number> = {}
  for (const one of analyze(objects, options).filter(({ code }) => codes.includes(code))) {
    const key = `${one.code} ${originOf(one)}`
    found[key] = (found[key] ?? 0) + 1
  }
  return found
}

const object = (apiVersion: string, kind: string, name: string, rest: Bag = {}): MeshObject => ({
  apiVersion,
  kind,
  ...rest,
  metadata: { name, namespace: 'shop', ...(rest['metadata'] as Bag | undefined) },
})
const gateway = (name: string, spec: Bag): MeshObject => object('networking.istio.io/v1', 'Gateway', name, { spec })
const server = (number: number, ...hosts: readonly string[]): Bag => ({
  port: { number, name: `p${number}`, protocol: 'HTTP' },
  hosts,
})
const INGRESS = { istio: 'ingressgateway' }

test('the ingress gateway of a default installation is taken to be there, unless the mesh has none', () => {
  const objects = [gateway('a', { selector: INGRESS, servers: [server(80, 'a.com')] })]
  assert.deepEqual(counted(['IST0101', 'IST0162'], objects), {})
  const mesh = { ingressControllerMode: 'OFF' }
  assert.deepEqual(counted(['IST0101'], objects, { mesh }), { 'IST0101 Gateway shop/a': 1 })
})

test('a port no service offers is reported, also of a gateway without selector', () => {
  const objects = [gateway('a', { servers: [server(7, 'a.com')] })]
  assert.deepEqual(counted(['IST0162'], objects), { 'IST0162 Gateway shop/a': 1 })
})

test('a selector that no gateway with servers has is reported as not found', () => {
  const objects = [gateway('a', { selector: INGRESS })]
  assert.deepEqual(counted(['IST0101'], objects), { 'IST0101 Gateway shop/a': 1 })
  const other = gateway('b', { selector: INGRESS, servers: [server(80, 'a.com')] })
  assert.deepEqual(counted(['IST0101'], [...objects, other]), {})
})

test('a host on two gateways is a conflict for each of their servers that has it', () => {
  const a = gateway('a', { selector: INGRESS, servers: [server(80, 'a.com'), server(443, 'a.com')] })
  const b = gateway('b', { selector: INGRESS, servers: [server(80, 'a.com'), server(443, 'b.com')] })
  assert.deepEqual(counted(['IST0145'], [a, b]), { 'IST0145 Gateway shop/a': 1, 'IST0145 Gateway shop/b': 1 })
})

test('a shared certificate is reported once for each other gateway', () => {
  const tls = { mode: 'SIMPLE', credentialName: 'c' }
  const all = ['a', 'b', 'c'].map((name) =>
    gateway(name, { selector: INGRESS, servers: [{ ...server(443, `${name}.com`), tls }] }),
  )
  assert.deepEqual(counted(['IST0138'], all), {
    'IST0138 Gateway shop/a': 2,
    'IST0138 Gateway shop/b': 2,
    'IST0138 Gateway shop/c': 2,
  })
})

test('a VirtualService is told once of the hosts it shares, and its scopes do not collide with themselves', () => {
  const service = (name: string, spec: Bag): MeshObject =>
    object('networking.istio.io/v1', 'VirtualService', name, { spec })
  const twice = [service('a', { hosts: ['x.com', 'y.com'] }), service('b', { hosts: ['x.com', 'y.com'] })]
  assert.deepEqual(counted(['IST0109'], twice), {
    'IST0109 VirtualService shop/a': 1,
    'IST0109 VirtualService shop/b': 1,
  })
  assert.deepEqual(counted(['IST0109'], [service('a', { hosts: ['x.com'], exportTo: ['.', 'shop'] })]), {})
})

test('of files, Lists are opened, kinds of the cluster have no namespace, and the last of two objects counts', () => {
  const items = [gateway('a', { servers: [] })]
  assert.deepEqual(counted(['IST0106'], [{ apiVersion: 'v1', kind: 'List', items }]), { 'IST0106 Gateway shop/a': 1 })
  const space = object('v1', 'Namespace', 'shop', { metadata: { namespace: 'other' } })
  assert.deepEqual(counted(['IST0102'], [space]), { 'IST0102 Namespace shop': 1 })
  const better = gateway('a', { selector: INGRESS, servers: [server(80, 'a.com')] })
  assert.deepEqual(counted(['IST0106'], [...items, better]), {})
})

test('images are compared with their type, which a ProxyConfig may set', () => {
  const labels = { 'istio-injection': 'enabled' }
  const space = object('v1', 'Namespace', 'shop', { metadata: { namespace: '', labels } })
  const values = JSON.stringify({ global: { hub: 'h', tag: 't', proxy: { image: 'proxyv2' } } })
  const injector = object('v1', 'ConfigMap', 'istio-sidecar-injector', { data: { values } })
  const pod = object('v1', 'Pod', 'p', {
    spec: { containers: [{ name: 'istio-proxy', image: 'h/proxyv2:t-distroless' }] },
  })
  const config = object('networking.istio.io/v1beta1', 'ProxyConfig', 'c', {
    spec: { image: { imageType: 'distroless' } },
  })
  assert.deepEqual(counted(['IST0158'], [space, injector, pod]), { 'IST0158 Namespace shop': 1 })
  assert.deepEqual(counted(['IST0158'], [space, injector, pod, config]), {})
})

test('routes by claims are reported for every pod of the gateway without request authentication', () => {
  const objects = [
    gateway('g', { selector: INGRESS, servers: [server(80, 'a.com')] }),
    object('v1', 'Pod', 'p', { metadata: { labels: INGRESS } }),
    object('networking.istio.io/v1', 'VirtualService', 'a', {
      spec: { gateways: ['g'], http: [{ match: [{ withoutHeaders: { '@request.auth.claims.sub': {} } }] }] },
    }),
  ]
  assert.deepEqual(counted(['IST0149'], objects), { 'IST0149 VirtualService shop/a': 2 })
})

test('the annotation with a proxy configuration is checked by whoever can read it', () => {
  const annotations = { 'proxy.istio.io/config': 'x' }
  const pod = object('v1', 'Pod', 'p', { metadata: { annotations } })
  assert.deepEqual(counted(['IST0125'], [pod]), {})
  assert.deepEqual(counted(['IST0125'], [pod], { wrongProxyConfig: () => 'no map' }), { 'IST0125 Pod shop/p': 1 })
})
