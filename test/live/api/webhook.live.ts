/** The main job on a real API server: registered servers inject the pods of labelled namespaces, and nobody else's. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'

import { apiserver, eventually, kubectl, skipWithoutCluster } from '../../support/cluster.ts'
import { serveLive } from '../../support/live-webhook.ts'
import type { Served } from '../../support/live-webhook.ts'
import { sharedPath } from '../../support/shared.ts'

const skip = skipWithoutCluster()
const OPTIONS = { skip, timeout: 60_000 }
const [PREFIX, ISTIO_NAMESPACE] = [`webhook-live-${process.pid}`, `istio-live-${process.pid}`]

interface Pod {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly image: string }[]
    readonly initContainers?: readonly { readonly name: string; readonly restartPolicy?: string }[]
  }
}

const NAMESPACES: Readonly<Record<string, string | undefined>> = {
  plain: undefined,
  on: 'istio-injection=enabled',
  canary: 'istio.io/rev=canary',
}
const inNamespace = (name: string): string => `${PREFIX}-${name}`
const servers: Served[] = []

before(async () => {
  if (skip !== false) return
  await kubectl(['create', 'namespace', ISTIO_NAMESPACE])
  for (const [name, label] of Object.entries(NAMESPACES)) {
    await kubectl(['create', 'namespace', inNamespace(name)])
    if (label !== undefined) await kubectl(['label', 'namespace', inNamespace(name), label])
  }
  for (const revision of ['default', 'canary']) {
    servers.push(await serveLive({ revision, istioNamespace: ISTIO_NAMESPACE }))
  }
})

after(async () => {
  for (const { end } of servers) await end()
  if (skip === false) {
    await kubectl(['delete', 'namespace', '--wait=false', ISTIO_NAMESPACE, ...Object.keys(NAMESPACES).map(inNamespace)])
  }
})

interface Asked {
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly hostNetwork?: boolean
}

/** Creates a pod for show and gives what the API server made of it. */
async function created({
  namespace = inNamespace('on'),
  labels = {},
  annotations = {},
  hostNetwork = false,
}: Asked): Promise<Pod> {
  const containers = [{ name: 'app', image: 'registry.example/app:1' }]
  const metadata = { generateName: 'app-', namespace, labels, annotations }
  // Named here, because without a controller manager nothing else does, and the proxy's token needs it.
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { hostNetwork, serviceAccountName: 'default', containers },
  }
  return JSON.parse(await kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], JSON.stringify(pod))) as Pod
}

const names = ({ spec }: Pod): string[] => [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name)
const isInjected = (pod: Pod): boolean => names(pod).includes('istio-proxy')
const revisionOf = ({ metadata }: Pod): unknown =>
  (JSON.parse(metadata.annotations?.['sidecar.istio.io/status'] ?? '{}') as { revision?: string }).revision

/** Until caBundle is there, a labelled namespace fails closed. */
const untilServed = (namespace: string, signal: AbortSignal): Promise<void> =>
  eventually(() => created({ namespace }).then(isInjected, () => false), signal)

test('a labelled namespace gets sidecars, accepted by the API server as native ones', OPTIONS, async ({ signal }) => {
  await untilServed(inNamespace('on'), signal)
  const pod = await created({})
  const proxy = pod.spec.initContainers?.find(({ name }) => name === 'istio-proxy')
  assert.equal(proxy?.restartPolicy, 'Always')
  assert.equal(revisionOf(pod), 'default')
})

test('a namespace of another revision goes to that registration', OPTIONS, async ({ signal }) => {
  await untilServed(inNamespace('canary'), signal)
  assert.equal(revisionOf(await created({ namespace: inNamespace('canary') })), 'canary')
})

const untouched: { name: string; asked: Asked }[] = [
  { name: 'an unlabelled namespace', asked: { namespace: inNamespace('plain') } },
  { name: 'a pod that opted out', asked: { labels: { 'sidecar.istio.io/inject': 'false' } } },
  { name: 'a pod that opted out by annotation', asked: { annotations: { 'sidecar.istio.io/inject': 'false' } } },
  { name: 'a pod on the host network', asked: { hostNetwork: true } },
  { name: 'kube-system', asked: { namespace: 'kube-system', labels: { 'sidecar.istio.io/inject': 'true' } } },
]
for (const { name, asked } of untouched) {
  test(`${name} is left alone`, OPTIONS, async ({ signal }) => {
    await untilServed(inNamespace('on'), signal)
    assert.deepEqual(names(await created(asked)), ['app'])
  })
}

test('a pod that asks for it in an unlabelled namespace is injected', OPTIONS, async ({ signal }) => {
  await untilServed(inNamespace('on'), signal)
  const pod = await created({ namespace: inNamespace('plain'), labels: { 'sidecar.istio.io/inject': 'true' } })
  assert.equal(isInjected(pod), true)
})

const recorded = sharedPath('conformance', 'injection', 'config')
const withRecorded = {
  ...OPTIONS,
  skip: skip !== false ? skip : recorded === undefined && 'recorded cases are not at hand',
}

test(
  "istiod's own ConfigMaps are taken over while serving, and stay in force when they are spoilt",
  withRecorded,
  async ({ signal }) => {
    await untilServed(inNamespace('on'), signal)
    const read = (file: string): string => readFileSync(`${recorded ?? ''}/default.${file}`, 'utf8')
    const values = JSON.parse(read('values.json')) as { global: Record<string, unknown> }
    const apply = async (name: string, data: Readonly<Record<string, string>>): Promise<void> => {
      const metadata = { name, namespace: ISTIO_NAMESPACE }
      await kubectl(
        ['apply', '--server-side', '-f', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }),
      )
    }
    const imageOf = async (): Promise<string> =>
      JSON.stringify((await created({})).spec.initContainers?.find(({ name }) => name === 'istio-proxy') ?? {})
    await apply('istio', { mesh: read('mesh.yaml') })
    const marked = JSON.stringify({ ...values, global: { ...values.global, hub: 'registry.example/marked' } })
    await apply('istio-sidecar-injector', { config: read('config.yaml'), values: marked })
    await eventually(async () => (await imageOf()).includes('registry.example/marked/'), signal)
    await apply('istio-sidecar-injector', { config: 'templates: [not a map', values: marked })
    assert.match(await imageOf(), /registry\.example\/marked\//)
    await apply('istio-sidecar-injector', {
      config: read('config.yaml'),
      values: marked.replaceAll('marked', 'marked-again'),
    })
    await eventually(async () => (await imageOf()).includes('registry.example/marked-again/'), signal)
  },
)

test(
  'an API server that went away and came back is served again, with nobody doing anything',
  OPTIONS,
  async ({ signal }) => {
    await untilServed(inNamespace('on'), signal)
    apiserver('stop')
    apiserver('start')
    await untilServed(inNamespace('on'), signal)
    const own = 'mesh-admission-injector'
    const blank = JSON.stringify([{ op: 'remove', path: '/webhooks/2/clientConfig/caBundle' }])
    await kubectl(['patch', 'mutatingwebhookconfiguration', own, '--type=json', '-p', blank])
    await untilServed(inNamespace('on'), signal)
  },
)
