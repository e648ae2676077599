/** The shipped manifests and our image on a cluster with a node: installed, used, restarted, killed, re-applied, removed. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { loadAll } from 'js-yaml'

import type { KubeClient } from '../../../src/kube/client.ts'
import type { KubeObject, Resource } from '../../../src/kube/resource.ts'
import { clusterClient, eventually } from '../../support/cluster.ts'
import { containerNames, describeTally, dryRunIn, startStream, total } from '../../support/dry-runs.ts'
import type { DryRun, Pod, Stream } from '../../support/dry-runs.ts'
import { raiseNodeCluster, skipWithoutNodeCluster } from '../../support/node-cluster.ts'
import type { NodeCluster } from '../../support/node-cluster.ts'
import { PROJECT_ROOT } from '../../support/shared.ts'

const skip = await skipWithoutNodeCluster()
const OPTIONS = { skip, timeout: 180_000 }
/** A machine that has never run a cluster builds one first. */
const RAISING = { timeout: 900_000 }

const FOLDER = join(PROJECT_ROOT, 'manifests', 'default')
const [OWN, SHOP] = ['mesh-admission', 'shop']
/** Far longer than it takes, so that what hinders it is told before the test's own time is over. */
const INSTALLATION_MS = 90_000
const REPLICAS = 2
const REPEATS = 20
const CALLERS = 4

const PODS: Resource = { group: '', version: 'v1', plural: 'pods' }
const SLICES: Resource = { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' }
const BUDGETS: Resource = { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets' }

interface ReplicaPod extends KubeObject, Pod {
  readonly metadata: KubeObject['metadata']
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly containerID: string
      readonly ready: boolean
      readonly restartCount: number
    }[]
  }
}

interface Slice extends KubeObject {
  readonly endpoints: readonly { readonly conditions: { readonly ready: boolean } }[]
}

interface Budget extends KubeObject {
  readonly status: { readonly currentHealthy: number }
}

interface Scene {
  readonly cluster: NodeCluster
  readonly client: KubeClient
  readonly create: DryRun
}

let cluster: NodeCluster | undefined
let scene: Scene | undefined
const onScene = (): Scene => {
  if (scene === undefined) throw new Error('the cluster did not come up')
  return scene
}
const kubectl: NodeCluster['kubectl'] = (args, input) => onScene().cluster.kubectl(args, input)

/** What was seen of the first installation. */
let installed = ''

before(async () => {
  if (skip !== false) return
  cluster = await raiseNodeCluster(shippedImage())
  await cluster.kubectl(['create', 'namespace', SHOP])
  await cluster.kubectl(['label', 'namespace', SHOP, 'istio-injection=enabled'])
  const client = await clusterClient(cluster.kubeconfig)
  scene = { cluster, client, create: await dryRunIn(SHOP, cluster.kubeconfig) }
  installed = await install([])
}, RAISING)

after(() => cluster?.down(), RAISING)

test('applied once, two replicas stand behind the Service, and a pod is injected', OPTIONS, async (t) => {
  t.diagnostic(installed)
  assert.equal((await replicas(t.signal)).filter(isReady).length, REPLICAS)
  assert.deepEqual(await onScene().create(), { injected: true })
})

test('the pods of a Deployment in a labelled namespace have both containers', OPTIONS, async ({ signal }) => {
  const { client } = onScene()
  await kubectl(['-n', SHOP, 'create', 'deployment', 'hello', '--image=registry.example/hello:1', '--replicas=2'])
  const pods = async (): Promise<readonly Pod[]> =>
    (await client.list<ReplicaPod>({ resource: PODS, namespace: SHOP }, { signal })).items
  await eventually(async () => (await pods()).length === 2, signal)
  for (const pod of await pods()) {
    const names = containerNames(pod)
    assert.deepEqual([names.includes('hello'), names.includes('istio-proxy')], [true, true], names.join(' '))
  }
})

test('applied again, client-side, nothing changes', OPTIONS, (t) => reapply([], t.signal))

test('a rolling restart under a stream of creations loses none', OPTIONS, async (t) => {
  const old = new Set((await replicas(t.signal)).map(({ metadata }) => metadata.uid))
  const stream = startStream(onScene().create, CALLERS)
  await whileStreaming(stream, async () => {
    await kubectl(['-n', OWN, 'rollout', 'restart', 'deployment', OWN])
    // Not only until new replicas serve: the old ones must have gone without leaving anybody unanswered.
    await eventually(async () => (await replicas(t.signal)).every(({ metadata }) => !old.has(metadata.uid)), t.signal)
    await untilSettled(t.signal)
  })
  t.diagnostic(`rolling restart: ${describeTally(stream.tally)}`)
  assert.deepEqual(stream.tally.refusals, [])
  assert.equal(stream.tally.bare, 0)
})

test('a replica killed outright costs only the calls it had; nobody passes without a proxy', OPTIONS, async (t) => {
  const [victim] = await replicas(t.signal)
  const status = victim?.status.containerStatuses?.[0]
  assert.ok(victim !== undefined && status !== undefined)
  const stream = startStream(onScene().create, CALLERS)
  let killedMs = 0
  await whileStreaming(stream, async () => {
    await eventually(() => total(stream.tally) >= 100, t.signal)
    killedMs = performance.now()
    onScene().cluster.kill(status.containerID)
    await eventually(async () => isBack(await replicas(t.signal), victim), t.signal)
    await untilSettled(t.signal)
    const lost = stream.tally.refusals.length
    const [seen, backMs] = [total(stream.tally), performance.now()]
    await eventually(() => total(stream.tally) >= seen + 200, t.signal)
    assert.equal(stream.tally.refusals.length, lost, 'nothing is refused once the replica is back')
    t.diagnostic(`killed replica: back behind the Service after ${(backMs - killedMs).toFixed(0)} ms`)
  })
  const { tally } = stream
  const lastMs = (tally.refusals.at(-1)?.atMs ?? killedMs) - killedMs
  t.diagnostic(`killed replica: ${describeTally(tally)}; the last refusal ${lastMs.toFixed(0)} ms after the kill`)
  for (const { message } of tally.refusals) assert.match(message, /failed calling webhook/)
  assert.equal(tally.bare, 0)
})

test('deleted, it leaves nothing behind, and at no moment stands in the way of a pod', OPTIONS, async (t) => {
  const stream = startStream(onScene().create, 1)
  await whileStreaming(stream, async () => {
    await kubectl(['delete', '-k', FOLDER, '--timeout=120s'])
  })
  t.diagnostic(`delete: ${describeTally(stream.tally)}`)
  assert.deepEqual(stream.tally.refusals, [])
  const kinds = 'mutatingwebhookconfigurations,validatingwebhookconfigurations,clusterroles,clusterrolebindings'
  const ours = ['-l', `app.kubernetes.io/part-of=${OWN}`, '--all-namespaces', '-o', 'name']
  assert.equal(
    await kubectl(['get', `${kinds},namespaces,serviceaccounts,services,deployments,pods,secrets`, ...ours]),
    '',
  )
  assert.deepEqual(await onScene().create(), { injected: false })
})

test('installed anew and applied again, server-side, nothing changes', OPTIONS, async (t) => {
  t.diagnostic(await install(['--server-side']))
  await reapply(['--server-side'], t.signal)
})

/** The image that the manifests name: what is built must be called so. */
function shippedImage(): string {
  const text = readFileSync(join(PROJECT_ROOT, 'manifests', 'injector', 'deployment.yaml'), 'utf8')
  const [deployment] = loadAll(text) as [{ spec: { template: { spec: { containers: [{ image: string }] } } } }]
  return deployment.spec.template.spec.containers[0].image
}

/** Applies the folder and creates pods from then on until one is injected; gives the times, and what hinders it. */
async function install(how: readonly string[]): Promise<string> {
  const patience = AbortSignal.timeout(INSTALLATION_MS)
  const from = performance.now()
  const passed = (): string => `${(performance.now() - from).toFixed(0)} ms`
  const applying = kubectl(['apply', '-k', FOLDER, ...how]).then(passed)
  try {
    const [applied, injected] = await Promise.all([applying, untilInjected(patience).then(passed)])
    await untilSettled(patience)
    const words = ['kubectl apply -k', ...how].join(' ')
    return `${words}: ended after ${applied}, first pod injected after ${injected}, all available after ${passed()}`
  } catch (err) {
    const logs = await kubectl(['-n', OWN, 'logs', '-l', `app.kubernetes.io/name=${OWN}`, '--prefix', '--tail=10'])
    throw new Error(`not installed: ${logs}`, { cause: err })
  }
}

const untilInjected = (signal: AbortSignal): Promise<void> =>
  eventually(async () => {
    const outcome = await onScene().create()
    return 'injected' in outcome && outcome.injected
  }, signal)

/** Until every replica is ready behind the Service, available to the Deployment and counted by the budget. */
async function untilSettled(signal: AbortSignal): Promise<void> {
  const { client } = onScene()
  await kubectl(['-n', OWN, 'rollout', 'status', 'deployment', OWN, '--timeout=90s'])
  await eventually(async () => {
    const slices = await client.list<Slice>(
      { resource: SLICES, namespace: OWN },
      { labelSelector: `kubernetes.io/service-name=${OWN}`, signal },
    )
    const budget = await client.get<Budget>({ resource: BUDGETS, namespace: OWN, name: OWN }, signal)
    const endpoints = slices.items.flatMap((slice) => slice.endpoints)
    const isWhole = endpoints.length === REPLICAS && endpoints.every(({ conditions }) => conditions.ready)
    return isWhole && budget.status.currentHealthy === REPLICAS
  }, signal)
}

async function reapply(how: readonly string[], signal: AbortSignal): Promise<void> {
  const first = await versions()
  for (let i = 0; i < REPEATS; i++) {
    signal.throwIfAborted()
    await kubectl(['apply', '-k', FOLDER, ...how])
  }
  assert.deepEqual(await versions(), first)
}

/** Each object's version and generation: the one changes with every write, the other with every new wish. */
async function versions(): Promise<Record<string, string>> {
  const { items } = JSON.parse(await kubectl(['get', '-k', FOLDER, '-o', 'json'])) as {
    items: (KubeObject & { metadata: { generation?: number } })[]
  }
  const entries = items.map(({ kind = '', metadata: { name, resourceVersion = '', generation = 0 } }) => [
    `${kind} ${name}`,
    `${resourceVersion}, generation ${generation}`,
  ])
  return Object.fromEntries(entries) as Record<string, string>
}

async function replicas(signal: AbortSignal): Promise<readonly ReplicaPod[]> {
  const { items } = await onScene().client.list<ReplicaPod>({ resource: PODS, namespace: OWN }, { signal })
  return items
}

const isReady = ({ status }: ReplicaPod): boolean => status.containerStatuses?.[0]?.ready === true

const isBack = (pods: readonly ReplicaPod[], victim: ReplicaPod): boolean =>
  pods.some((pod) => {
    const restarts = pod.status.containerStatuses?.[0]?.restartCount ?? 0
    return pod.metadata.uid === victim.metadata.uid && isReady(pod) && restarts > 0
  })

/** The stream ends with the work, also when that fails. */
async function whileStreaming(stream: Stream, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } finally {
    await stream.stop()
  }
}
