/** Client and informers against a real API server, which is also taken away. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { systemClock } from '../../../src/base/clock.ts'
import { SILENT } from '../../../src/base/log.ts'
import { watchNamespaces, watchNodes, watchProxyConfigs } from '../../../src/kube/cluster-objects.ts'
import { watchConfigMaps } from '../../../src/kube/config-maps.ts'
import { CONFIG_MAPS, NAMESPACES } from '../../../src/kube/resource.ts'
import type { KubeObject } from '../../../src/kube/resource.ts'
import {
  KUBECONFIG_NOBODY,
  apiserver,
  clusterClient,
  eventually,
  kubectl,
  skipWithoutCluster,
} from '../../support/cluster.ts'
import { createRecordingLog } from '../../support/recording-log.ts'

const skip = skipWithoutCluster()
const NAMESPACE = `kube-live-${process.pid}`
const OPTIONS = { skip, timeout: 120_000 }

if (skip === false) {
  await kubectl(['create', 'namespace', NAMESPACE])
  after(() => kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']))
}

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

const configMap = (name: string, data: Record<string, string>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: NAMESPACE },
  data,
})

test('a collection is listed whole, page by page', OPTIONS, async ({ signal }) => {
  const client = await clusterClient(undefined, 2)
  const place = { resource: CONFIG_MAPS, namespace: NAMESPACE }
  for (const name of ['a', 'b', 'c', 'd', 'e']) await client.create(place, configMap(name, { name }), { signal })
  const { items } = await client.list<ConfigMap>(place, { signal })
  assert.deepEqual(items.map(({ data }) => data?.name).filter(Boolean), ['a', 'b', 'c', 'd', 'e'])
})

test('what the API server refuses is told by status and reason', OPTIONS, async ({ signal }) => {
  const client = await clusterClient()
  const place = { resource: CONFIG_MAPS, namespace: NAMESPACE, name: 'missing' }
  await assert.rejects(client.get(place, signal), {
    code: 'KUBE_REFUSED',
    message: `GET configmaps ${NAMESPACE}/missing: 404 configmaps "missing" not found`,
    details: { status: 404, reason: 'NotFound' },
  })
  const nobody = await clusterClient(KUBECONFIG_NOBODY)
  await assert.rejects(nobody.list(place, { signal }), { code: 'KUBE_REFUSED' })
})

test('metadata alone is asked for where nothing else is needed', OPTIONS, async ({ signal }) => {
  const client = await clusterClient()
  const { items } = await client.list(
    { resource: NAMESPACES },
    { metadataOnly: true, fieldSelector: `metadata.name=${NAMESPACE}`, signal },
  )
  assert.equal(items[0]?.kind, 'PartialObjectMetadata')
  assert.deepEqual(Object.keys(items[0]).sort(), ['apiVersion', 'kind', 'metadata'])
})

test('the ConfigMaps are followed, also over an absence of the API server', OPTIONS, async ({ signal }) => {
  const client = await clusterClient()
  const place = { resource: CONFIG_MAPS, namespace: NAMESPACE }
  const end = new AbortController()
  const log = createRecordingLog()
  const [injector, mesh] = ['istio-sidecar-injector-canary', 'istio-canary']
  const maps = watchConfigMaps({
    client,
    namespace: NAMESPACE,
    names: [injector, mesh],
    keepDeleted: [injector],
    clock: systemClock,
    log,
    signal: end.signal,
  })
  let changes = 0
  maps.onChange(() => changes++)
  await maps.untilSynced(signal)
  assert.deepEqual([maps.get(injector), maps.get(mesh)], [undefined, undefined])

  await client.create(place, configMap(injector, { config: 'c1', values: 'v1' }), { signal })
  await client.create(place, configMap(mesh, { mesh: 'm1' }), { signal })
  await client.create(place, configMap('istio', { mesh: 'of the default revision' }), { signal })
  await eventually(() => maps.get(mesh) !== undefined && maps.get(injector) !== undefined, signal)
  assert.deepEqual([maps.get(injector), maps.get(mesh)], [{ config: 'c1', values: 'v1' }, { mesh: 'm1' }])
  assert.equal(changes, 2)

  apiserver('stop')
  await eventually(() => log.lines.some(({ text }) => text.startsWith('watch broken')), signal)
  assert.equal(maps.get(injector)?.config, 'c1')
  apiserver('start')
  await client.replace({ ...place, name: injector }, configMap(injector, { config: 'c2' }), { signal })
  await eventually(() => maps.get(injector)?.config === 'c2', signal)

  await client.delete({ ...place, name: mesh }, signal)
  await eventually(() => maps.get(mesh) === undefined, signal)
  await client.delete({ ...place, name: injector }, signal)
  await client.create(place, configMap(mesh, { mesh: 'm2' }), { signal })
  await eventually(() => maps.get(mesh)?.mesh === 'm2', signal)
  assert.equal(maps.get(injector)?.config, 'c2', 'a deleted injector ConfigMap leaves its last content in force')
  end.abort()
})

const PROXY_CONFIG_CRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: proxyconfigs.networking.istio.io }
spec:
  group: networking.istio.io
  names: { kind: ProxyConfig, listKind: ProxyConfigList, plural: proxyconfigs, singular: proxyconfig }
  scope: Namespaced
  versions:
    - name: v1beta1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
`
const PROXY_CONFIG = `
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: { name: one, namespace: ${NAMESPACE} }
spec: { concurrency: 3 }
`

test(
  'ProxyConfigs are empty while the cluster does not know the kind, and found once it does',
  OPTIONS,
  async ({ signal }) => {
    const end = new AbortController()
    const log = createRecordingLog()
    const deps = { client: await clusterClient(), clock: systemClock, log, signal: end.signal }
    const store = watchProxyConfigs(deps)
    await store.untilSynced(signal)
    assert.equal(store.size, 0)
    await kubectl(['apply', '-f', '-'], PROXY_CONFIG_CRD)
    try {
      await kubectl(['wait', '--for=condition=Established', 'crd/proxyconfigs.networking.istio.io'])
      const isApplied = (): Promise<boolean> =>
        kubectl(['apply', '-f', '-'], PROXY_CONFIG).then(
          () => true,
          () => false,
        )
      await eventually(isApplied, signal)
      await eventually(() => store.size === 1, signal)
      assert.deepEqual(store.get(`${NAMESPACE}/one`)?.spec, { concurrency: 3 })
      assert.equal(store.get(`${NAMESPACE}/one`)?.metadata.name, 'one')
      assert.deepEqual(log.lines, [])
    } finally {
      end.abort()
      await kubectl(['delete', '-f', '-'], PROXY_CONFIG_CRD)
    }
  },
)

const node = (name: string): string => `{apiVersion: v1, kind: Node, metadata: {name: ${name}}}`

test('nodes are counted by their kubelet, namespaces known by their metadata', OPTIONS, async ({ signal }) => {
  const end = new AbortController()
  const deps = { client: await clusterClient(), clock: systemClock, log: SILENT, signal: end.signal }
  const nodes = watchNodes(deps, (version) => version.startsWith('v1.33'))
  const namespaces = watchNamespaces(deps)
  await Promise.all([nodes.store.untilSynced(signal), namespaces.untilSynced(signal)])
  const before = nodes.anyUnsupported
  assert.equal(before, false)
  const [old, good] = [`old-${process.pid}`, `good-${process.pid}`]
  const setVersion = async (name: string, version: string): Promise<void> => {
    const patch = JSON.stringify({ status: { nodeInfo: { kubeletVersion: version } } })
    await kubectl(['patch', 'node', name, '--subresource=status', '-p', patch])
  }
  try {
    await kubectl(['create', '-f', '-'], node(good))
    await setVersion(good, 'v1.33.1')
    await eventually(() => nodes.kubeletOf(good) === 'v1.33.1', signal)
    assert.equal(nodes.anyUnsupported, false)
    await kubectl(['create', '-f', '-'], node(old))
    await setVersion(old, 'v1.32.0')
    await eventually(() => nodes.kubeletOf(old) === 'v1.32.0', signal)
    assert.equal(nodes.anyUnsupported, true)
    await kubectl(['delete', 'node', old])
    await eventually(() => nodes.kubeletOf(old) === undefined, signal)
    assert.equal(nodes.anyUnsupported, false)
    await kubectl(['annotate', 'namespace', NAMESPACE, 'openshift.io/sa.scc.uid-range=1000/10000'])
    await eventually(
      () => namespaces.get(NAMESPACE)?.annotations?.['openshift.io/sa.scc.uid-range'] === '1000/10000',
      signal,
    )
  } finally {
    end.abort()
    await kubectl(['delete', 'node', old, good, '--ignore-not-found'])
  }
})
