/** A roll-out on a real cluster with its controllers: nearly all pods of a ReplicaSet are answered from memory. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { eventually, kubectl, skipWithoutCluster } from '../../support/cluster.ts'
import { serveLive } from '../../support/live-webhook.ts'
import type { Served } from '../../support/live-webhook.ts'

const DEPLOYMENTS = 20
const REPLICAS = 50
const [NAMESPACE, ISTIO_NAMESPACE] = [`rollout-live-${process.pid}`, `istio-rollout-${process.pid}`]

/** Pods come from the cluster's controllers, so more than an API server is needed. */
async function skipWithoutControllers(): Promise<false | string> {
  const skip = skipWithoutCluster()
  if (skip !== false) return skip
  const nodes = await kubectl(['get', 'nodes', '-o', 'name']).catch(() => '')
  return nodes === '' ? 'the test cluster has no controllers (../shared/cluster/up node)' : false
}

const skip = await skipWithoutControllers()
let served: Served | undefined

before(async () => {
  if (skip !== false) return
  await kubectl(['create', 'namespace', ISTIO_NAMESPACE])
  await kubectl(['create', 'namespace', NAMESPACE])
  await kubectl(['label', 'namespace', NAMESPACE, 'istio-injection=enabled'])
  served = await serveLive({ revision: 'default', istioNamespace: ISTIO_NAMESPACE })
})

after(async () => {
  await served?.end()
  if (skip === false) await kubectl(['delete', 'namespace', '--wait=false', ISTIO_NAMESPACE, NAMESPACE])
})

/** Its pods are injected and stored, but no node ever runs them. */
function deployment(name: string): object {
  const labels = { app: name }
  const container = { name: 'app', image: 'registry.example/app:1', ports: [{ containerPort: 8080 }] }
  const spec = { nodeSelector: { 'example.com/no-such-node': 'true' }, containers: [container] }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE },
    spec: { replicas: REPLICAS, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  }
}

async function injectsDryRun(): Promise<boolean> {
  const args = ['-n', NAMESPACE, 'run', 'probe', '--image=app:1', '--dry-run=server', '-o', 'name']
  return kubectl(args).then(
    () => true,
    () => false,
  )
}

async function counted(result: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${served?.webhook.metricsPort ?? 0}/metrics`)
  const line = new RegExp(`^mesh_admission_memo_total\\{result="${result}"\\} (\\d+)$`, 'm')
  return Number(line.exec(await answer.text())?.[1] ?? 0)
}

test(
  `${DEPLOYMENTS} Deployments of ${REPLICAS} pods: more than nine of ten are recalled`,
  { skip, timeout: 300_000 },
  async (t) => {
    await eventually(injectsDryRun, t.signal)
    const items = Array.from({ length: DEPLOYMENTS }, (_, n) => deployment(`web-${n}`))
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    const sum = async (): Promise<number> => (await counted('hit')) + (await counted('miss')) + (await counted('check'))
    await eventually(async () => (await sum()) >= DEPLOYMENTS * REPLICAS, t.signal)
    const [hits, checks, all] = [await counted('hit'), await counted('check'), await sum()]
    t.diagnostic(`${hits} recalled and ${checks} recalled and checked of ${all}`)
    assert.ok((hits + checks) / all > 0.9)
    const pods = await kubectl(['-n', NAMESPACE, 'get', 'pods', '-o', 'jsonpath={..spec.initContainers[*].name}'])
    assert.equal(pods.split(' ').filter((name) => name === 'istio-init').length, DEPLOYMENTS * REPLICAS)
  },
)
