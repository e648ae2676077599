/** Pods of a real node: redirected by their init container, by the CNI plugin, and by it when the node is ill-treated. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { loadAll } from 'js-yaml'

import type { KubeClient } from '../../../src/kube/client.ts'
import { clusterClient, eventually } from '../../support/cluster.ts'
import { injectorConfigMap, meshDeployment, seenByTproxy, type Workload } from '../../support/mesh-pods.ts'
import {
  addressesOf,
  askPod,
  cniOverlay,
  inNamespaceOf,
  isReady,
  podsOf,
  restartsOf,
  untilRedirected,
  warningsOf,
} from '../../support/mesh-node.ts'
import type { NodePod, Overlay, OverlayOptions } from '../../support/mesh-node.ts'
import { raiseNodeCluster, skipWithoutNodeCluster } from '../../support/node-cluster.ts'
import type { NodeCluster } from '../../support/node-cluster.ts'
import { reboot } from '../../support/node-reboot.ts'
import { PROJECT_ROOT } from '../../support/shared.ts'

const skip = await skipWithoutNodeCluster()
const OPTIONS = { skip, timeout: 180_000 }
/** A machine that has never run a cluster builds one first. */
const RAISING = { timeout: 900_000 }

const [SHOP, MESH] = ['shop', 'istio-system']
const AGENT = 'k8s-app=istio-cni-node'
const RUN_DIR = '/var/run/istio-cni'
const DAEMON_SET = 'daemonset/istio-cni-node'
const VALIDATION = 'istio-validation'
const MODES = ['repair', 'label', 'delete'] as const
/** A sidecar beside the application, as before Kubernetes knew native ones. */
const CLASSIC: Partial<Workload> = { annotations: { 'sidecar.istio.io/nativeSidecar': 'false' } }
const TPROXY: Partial<Workload> = { annotations: { 'sidecar.istio.io/interceptionMode': 'TPROXY' } }
/** Where the node reaches its pods from. */
const NODE_IP = '10.244.0.1'
/** Pods get a second address from here: the cluster knows IPv4 alone, its pods both. */
const IPV6_RANGE = { subnet: 'fd00:10:244::/64' }
/** What a pod that cannot start yet tells. */
const AGENT_AWAY =
  /FailedCreatePodSandBox: .*the agent of istio-cni \(DaemonSet istio-cni-node\) does not answer on this node; try again later/
const PLUGIN_AWAY = /FailedCreatePodSandBox: .*failed to find plugin "istio-cni" in path/

interface Scene {
  readonly cluster: NodeCluster
  readonly client: KubeClient
  readonly image: string
}

let cluster: NodeCluster | undefined
let scene: Scene | undefined
/** Kustomizations that fit the CNI agent to this node. */
const overlays: Overlay[] = []
const onScene = (): Scene => {
  if (scene === undefined) throw new Error('the cluster did not come up')
  return scene
}
const kubectl: NodeCluster['kubectl'] = (args, input) => onScene().cluster.kubectl(args, input)
const apply = (object: object): Promise<string> => kubectl(['apply', '-f', '-'], JSON.stringify(object))

before(async () => {
  if (skip !== false) return
  const image = shippedImage()
  cluster = await raiseNodeCluster(image)
  scene = { cluster, image, client: await clusterClient(cluster.kubeconfig) }
  writeFileSync(configPath(), withIpv6(readFileSync(configPath(), 'utf8')))
  await kubectl(['create', 'namespace', MESH])
  await kubectl(['create', 'namespace', SHOP])
  await kubectl(['label', 'namespace', SHOP, 'istio-injection=enabled'])
  await kubectl(['-n', SHOP, 'create', 'configmap', 'istio-ca-root-cert', '--from-literal=root-cert.pem='])
  await apply(injectorConfigMap({ image, cni: false }))
  await kubectl(['apply', '-k', join(PROJECT_ROOT, 'manifests', 'default')])
  await kubectl(['-n', 'mesh-admission', 'rollout', 'status', 'deployment/mesh-admission', '--timeout=120s'])
}, RAISING)

after(() => {
  for (const { remove } of overlays) remove()
  cluster?.down()
}, RAISING)

describe('with an init container', { skip }, () => {
  test('what comes in is seen at 15006 and what goes out at 15001, with either kind of sidecar', OPTIONS, async (t) => {
    await Promise.all([deploy('init'), deploy('init-classic', CLASSIC)])
    for (const name of ['init', 'init-classic']) {
      const [pod] = await redirected(name, t.signal)
      assert.deepEqual(capabilitiesOf(pod), { 'istio-init': ['NET_ADMIN', 'NET_RAW'] })
      assert.equal(pod && addressesOf(pod).length, 2, 'no IPv6 was tried')
    }
  })
})

describe('with the CNI plugin', { skip }, () => {
  before(async () => {
    if (skip !== false) return
    await apply(injectorConfigMap({ image: onScene().image, cni: true }))
    await installAgent()
    await eventually(usesCni, AbortSignal.timeout(30_000))
  }, RAISING)

  test('pods have no more rights than any other, and are redirected both ways', OPTIONS, async (t) => {
    await Promise.all([deploy('cni'), deploy('cni-classic', CLASSIC), deploy('tproxy', TPROXY)])
    for (const name of ['cni', 'cni-classic']) {
      const [pod] = await redirected(name, t.signal)
      assert.deepEqual(capabilitiesOf(pod), {})
      assert.ok(pod?.spec.initContainers?.some(({ name: own }) => own === VALIDATION))
    }
  })

  test('TPROXY brings connections to the proxy with the addresses of both ends', OPTIONS, async (t) => {
    await eventually(async () => {
      const [pod] = await podsOf(onScene().client, SHOP, 'app=tproxy', t.signal)
      if (pod?.status.podIP === undefined) return false
      const answer = await askPod(pod.status.podIP)
      if (answer !== undefined) assert.equal(answer, seenByTproxy(NODE_IP, pod.status.podIP))
      return answer !== undefined && isReady(pod)
    }, t.signal)
  })

  test(
    'without an agent, or the plugin too, a pod waits and says why; the agent starts all the same, and so does the pod',
    OPTIONS,
    async (t) => {
      await sendAgentAway(t.signal)
      await deploy('waiting')
      await untilWarned(AGENT_AWAY, t.signal)
      rmSync(pluginPath())
      await deploy('without-plugin')
      await untilWarned(PLUGIN_AWAY, t.signal)
      await callAgentBack()
      assert.ok(existsSync(pluginPath()))
      await Promise.all(['waiting', 'without-plugin'].map((name) => redirected(name, t.signal)))
    },
  )

  test('a killed agent comes back, and a pod that was created meanwhile is redirected', OPTIONS, async (t) => {
    const [agent] = await podsOf(onScene().client, MESH, AGENT, t.signal)
    onScene().cluster.kill(agent?.status.containerStatuses?.[0]?.containerID ?? '')
    await deploy('killed')
    await redirected('killed', t.signal)
    const [now] = await podsOf(onScene().client, MESH, AGENT, t.signal)
    assert.deepEqual([now?.metadata.uid, now && restartsOf(now, 'install-cni')], [agent?.metadata.uid, 1])
  })

  test('a configuration that is overwritten is mended, and one put before it is used as well', OPTIONS, async (t) => {
    const path = configPath()
    const installed = readFileSync(path, 'utf8')
    writeFileSync(path, withoutPlugin(installed))
    await deploy('overwritten')
    await eventually(() => readFileSync(path, 'utf8') === installed, t.signal)
    await redirected('overwritten', t.signal)
    const other = path.replace('10-', '00-')
    writeFileSync(other, withoutPlugin(installed))
    await deploy('preempted')
    await eventually(() => readFileSync(other, 'utf8') === installed, t.signal)
    await redirected('preempted', t.signal)
    rmSync(other)
  })

  test('a plugin that is removed is put back', OPTIONS, async (t) => {
    rmSync(pluginPath())
    await deploy('removed')
    await eventually(() => existsSync(pluginPath()), t.signal)
    await redirected('removed', t.signal)
  })

  test('pods that are created while the agent is upgraded are all redirected', OPTIONS, async (t) => {
    const names = ['upgraded-1', 'upgraded-2', 'upgraded-3', 'upgraded-4']
    const upgrade = kubectl(['-n', MESH, 'rollout', 'restart', DAEMON_SET])
    for (const name of names) await deploy(name, { replicas: 3 })
    await upgrade
    await untilAgentAnswers()
    for (const name of names) await redirected(name, t.signal, 3)
    // Room for what comes next.
    await kubectl(['-n', SHOP, 'delete', 'deployment', '--wait=false', ...names])
  })

  test(
    'after a reboot with emptied volatile folders the agent and every pod come back redirected',
    OPTIONS,
    async (t) => {
      const { client, cluster } = onScene()
      const [agent] = await podsOf(client, MESH, AGENT, t.signal)
      await reboot({ state: cluster.state, volatile: [RUN_DIR, pluginPath()], signal: t.signal })
      await eventually(async () => {
        const [now] = await podsOf(client, MESH, AGENT, t.signal)
        return (
          now !== undefined &&
          isReady(now) &&
          restartsOf(now, 'install-cni') > (agent ? restartsOf(agent, 'install-cni') : 0)
        )
      }, t.signal)
      for (const name of ['init', 'cni', 'cni-classic', 'killed']) await redirected(name, t.signal)
      await deploy('rebooted')
      await redirected('rebooted', t.signal)
    },
  )

  test('uninstalled, nothing of it is left on the node, and pods that run stay redirected', OPTIONS, async (t) => {
    await kubectl(['delete', '-k', overlays[0]?.folder ?? '', '--timeout=60s'])
    await eventually(() => !existsSync(pluginPath()), t.signal)
    assert.doesNotMatch(readFileSync(configPath(), 'utf8'), /istio-cni/)
    assert.equal(existsSync(join(RUN_DIR, 'mesh-admission-cni.sock')), false)
    await redirected('cni', t.signal)
  })
})

describe('a pod that started without an agent on a node without the plugin', { skip }, () => {
  before(async () => {
    if (skip !== false) return
    await Promise.all(MODES.map((mode) => deploy(mode, { labels: { mend: mode } })))
    for (const mode of MODES) await untilBroken(mode, AbortSignal.timeout(120_000))
  }, RAISING)

  test('is redirected as it is, where the agent repairs', OPTIONS, async (t) => {
    const broken = await untilBroken('repair', t.signal)
    await installAgent({ settings: settingsOf('repair') })
    const [pod] = await redirected('repair', t.signal)
    assert.equal(pod?.metadata.uid, broken.metadata.uid)
  })

  test('is labelled, where the agent labels, and its application never starts', OPTIONS, async (t) => {
    const broken = await untilBroken('label', t.signal)
    await installAgent({ settings: settingsOf('label'), rules: [rule('pods/status', ['patch', 'update'])] })
    const labelled = async (): Promise<NodePod | undefined> =>
      (await podsOf(onScene().client, SHOP, 'app=label,cni.istio.io/uninitialized=true', t.signal))[0]
    await eventually(async () => (await labelled())?.metadata.uid === broken.metadata.uid, t.signal)
    await untilWarned(/LabelBrokenPod: pod was labelled/, t.signal)
    assert.equal(hasStarted(await labelled(), 'application'), false)
  })

  test(
    'is deleted, where the agent deletes, and the one in its place is redirected, by nftables',
    OPTIONS,
    async (t) => {
      const broken = await untilBroken('delete', t.signal)
      await installAgent({
        settings: { ...settingsOf('delete'), NATIVE_NFTABLES: 'true' },
        rules: [rule('pods', ['delete'])],
      })
      await untilWarned(/DeleteBrokenPod: pod was deleted/, t.signal)
      const [pod] = await redirected('delete', t.signal)
      assert.notEqual(pod?.metadata.uid, broken.metadata.uid)
      const tables = inNamespaceOf(pod?.status.podIP ?? '', ['nft', 'list', 'tables'])
      assert.deepEqual(tables.trim().split('\n'), ['table inet istio-proxy-nat'])
    },
  )
})

test('every pod that could not start at once was told why', OPTIONS, async ({ signal }) => {
  const refusals = (await warnings(signal)).filter((warning) => warning.startsWith('FailedCreatePodSandBox'))
  assert.deepEqual(
    refusals.filter((words) => !AGENT_AWAY.test(words) && !PLUGIN_AWAY.test(words)),
    [],
  )
})

/** The agent minds only the pods of this mode. */
function settingsOf(mode: (typeof MODES)[number]): Record<string, string> {
  return {
    REPAIR_REPAIR_PODS: String(mode === 'repair'),
    REPAIR_LABEL_PODS: String(mode === 'label'),
    REPAIR_DELETE_PODS: String(mode === 'delete'),
    REPAIR_LABEL_SELECTORS: `mend=${mode}`,
  }
}

const rule = (resource: string, verbs: string[]): object => ({ apiGroups: [''], resources: [resource], verbs })

/** Until the pod's init container has found no redirection; its application must not have started. */
async function untilBroken(name: string, signal: AbortSignal): Promise<NodePod> {
  const find = async (): Promise<NodePod | undefined> => {
    const [pod] = await podsOf(onScene().client, SHOP, `app=${name}`, signal)
    const status = pod?.status.initContainerStatuses?.find((one) => one.name === VALIDATION)
    return status?.lastState?.terminated?.exitCode === 126 ? pod : undefined
  }
  await eventually(async () => (await find()) !== undefined, signal)
  const pod = await find()
  assert.equal(hasStarted(pod, 'application'), false)
  return pod as NodePod
}

function hasStarted(pod: NodePod | undefined, container: string): boolean {
  return pod?.status.containerStatuses?.find(({ name }) => name === container)?.started ?? false
}

/** Applies the shipped manifests, with these settings, and starts the agent anew. */
async function installAgent(changes: Pick<OverlayOptions, 'settings' | 'rules'> = {}): Promise<void> {
  const overlay = cniOverlay({ cniFolder: join(onScene().cluster.state, 'cni'), ...changes })
  overlays.push(overlay)
  await kubectl(['apply', '-k', overlay.folder])
  if (overlays.length > 1) await kubectl(['-n', MESH, 'rollout', 'restart', DAEMON_SET])
  await untilAgentAnswers()
}

function deploy(name: string, more: Partial<Workload> = {}): Promise<string> {
  return apply(meshDeployment({ name, namespace: SHOP, image: onScene().image, ...more }))
}

function redirected(name: string, signal: AbortSignal, replicas = 1): Promise<NodePod[]> {
  return untilRedirected({ client: onScene().client, namespace: SHOP, name, replicas, signal })
}

const warnings = (signal: AbortSignal): Promise<string[]> => warningsOf(onScene().client, SHOP, signal)

const untilWarned = (words: RegExp, signal: AbortSignal): Promise<void> =>
  eventually(async () => (await warnings(signal)).some((warning) => words.test(warning)), signal)

/** By container, what the pod may do beyond what every pod may. */
function capabilitiesOf(pod: NodePod | undefined): Record<string, readonly string[]> {
  const containers = [...(pod?.spec.initContainers ?? []), ...(pod?.spec.containers ?? [])]
  const added = containers.map(({ name, securityContext }) => [name, securityContext?.capabilities?.add ?? []] as const)
  return Object.fromEntries(added.filter(([, capabilities]) => capabilities.length > 0))
}

/** Whether the webhook has read its new values. */
async function usesCni(): Promise<boolean> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'try' },
    spec: { containers: [{ name: 'a', image: 'a' }] },
  }
  const made = await kubectl(['-n', SHOP, 'create', '--dry-run=server', '-o', 'json', '-f', '-'], JSON.stringify(pod))
  return made.includes(VALIDATION)
}

async function untilAgentAnswers(): Promise<void> {
  await kubectl(['-n', MESH, 'rollout', 'status', DAEMON_SET, '--timeout=90s'])
}

const selectNodes = (selector: object): Promise<string> => {
  const patch = { spec: { template: { spec: { nodeSelector: selector } } } }
  return kubectl(['-n', MESH, 'patch', DAEMON_SET, '--type=merge', '-p', JSON.stringify(patch)])
}

/** Its pod is gone, its DaemonSet stays: as when it cannot be scheduled, or is evicted. */
async function sendAgentAway(signal: AbortSignal): Promise<void> {
  await selectNodes({ elsewhere: 'true' })
  await eventually(async () => (await podsOf(onScene().client, MESH, AGENT, signal)).length === 0, signal)
}

async function callAgentBack(): Promise<void> {
  await selectNodes({ elsewhere: null })
  await untilAgentAnswers()
}

const pluginPath = (): string => join(onScene().cluster.state, 'cni', 'bin', 'istio-cni')

function configPath(): string {
  const folder = join(onScene().cluster.state, 'cni', 'net.d')
  const [name = ''] = readdirSync(folder).sort()
  return join(folder, name)
}

function withoutPlugin(config: string): string {
  const list = JSON.parse(config) as { plugins: { type: string }[] }
  return JSON.stringify({ ...list, plugins: list.plugins.filter(({ type }) => type !== 'istio-cni') })
}

function withIpv6(config: string): string {
  const list = JSON.parse(config) as { plugins: { type: string; ipam?: { ranges: object[][]; routes: object[] } }[] }
  for (const { type, ipam } of list.plugins) {
    if (type !== 'bridge') continue
    ipam?.ranges.push([IPV6_RANGE])
    ipam?.routes.push({ dst: '::/0' })
  }
  return JSON.stringify(list)
}

/** The image that the manifests name: what is built must be called so. */
function shippedImage(): string {
  const text = readFileSync(join(PROJECT_ROOT, 'manifests', 'cni', 'daemon-set.yaml'), 'utf8')
  const [daemonSet] = loadAll(text) as [{ spec: { template: { spec: { containers: [{ image: string }] } } } }]
  return daemonSet.spec.template.spec.containers[0].image
}
