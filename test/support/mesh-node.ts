/** Our workloads and our CNI agent on a cluster with a node: what they are asked to do, and what became of them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

import type { KubeClient } from '../../src/kube/client.ts'
import { EVENTS, PODS, type KubeObject } from '../../src/kube/resource.ts'
import { eventually } from './cluster.ts'
import { BY_IPV6, SEEN_BOTH_WAYS } from './mesh-pods.ts'
import { PROJECT_ROOT } from './shared.ts'

interface ContainerStatus {
  readonly name: string
  readonly containerID?: string
  readonly started?: boolean
  readonly lastState?: { readonly terminated?: { readonly exitCode: number } }
  readonly ready: boolean
  readonly restartCount: number
}

interface Container {
  readonly name: string
  readonly securityContext?: { readonly capabilities?: { readonly add?: readonly string[] } }
}

export interface NodePod extends KubeObject {
  readonly spec: { readonly containers: readonly Container[]; readonly initContainers?: readonly Container[] }
  readonly status: {
    readonly podIP?: string
    readonly podIPs?: readonly { readonly ip: string }[]
    readonly phase?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
    readonly containerStatuses?: readonly ContainerStatus[]
  }
}

interface PodEvent extends KubeObject {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly involvedObject: { readonly name: string }
}

const ANSWER_MS = 5000
/** The other end is not there yet, or not any more: no word on where the packet would go. */
const STARTING = /ECONNREFUSED|ECONNRESET/

export const isReady = ({ metadata, status }: NodePod): boolean =>
  metadata.deletionTimestamp === undefined &&
  (status.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True')

export const restartsOf = ({ status }: NodePod, container: string): number =>
  [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].find(({ name }) => name === container)
    ?.restartCount ?? 0

export async function podsOf(client: KubeClient, namespace: string, labels: string, signal: AbortSignal) {
  const { items } = await client.list<NodePod>(
    { resource: PODS, namespace },
    { ...(labels === '' ? {} : { labelSelector: labels }), signal },
  )
  return items
}

/** Warnings on the namespace's pods, `reason: message`. */
export async function warningsOf(client: KubeClient, namespace: string, signal: AbortSignal): Promise<string[]> {
  const { items } = await client.list<PodEvent>({ resource: EVENTS, namespace }, { signal })
  return items.filter(({ type }) => type === 'Warning').map(({ reason, message }) => `${reason}: ${message}`)
}

/** Addresses of the pod, of all families. */
export const addressesOf = ({ status }: NodePod): string[] => (status.podIPs ?? []).map(({ ip }) => ip)

/** Asks a pod's application from the node; undefined when no answer comes. */
export const askPod = (address: string, path = '/'): Promise<string | undefined> =>
  ask(`http://${address.includes(':') ? `[${address}]` : address}:8080${path}`)

/**
 * Asks the pod's application from the node, in by each of its addresses and out by the same family.
 * @returns whether the request was seen by the proxy in both directions; false while the pod cannot tell
 * @throws AssertionError when it was answered past the proxy
 */
export async function isSeenBothWays(pod: NodePod): Promise<boolean> {
  const addresses = addressesOf(pod)
  const answers = await Promise.all(addresses.map((one) => askPod(one, one.includes(':') ? BY_IPV6 : '/')))
  for (const [i, answer] of answers.entries()) {
    if (answer === undefined || STARTING.test(answer)) return false
    assert.equal(answer, SEEN_BOTH_WAYS, `${pod.metadata.name}, ${addresses[i]}: not redirected, or not wholly`)
  }
  return addresses.length > 0
}

async function ask(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS), headers: { connection: 'close' } })
    return await response.text()
  } catch {
    return undefined
  }
}

export interface Wanted {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly replicas?: number
  readonly signal: AbortSignal
}

/** What a tool prints in the network namespace of the node that has this address. */
export function inNamespaceOf(address: string, command: readonly string[]): string {
  const has = (name: string): boolean =>
    spawnSync('ip', ['-n', name, '-o', 'addr'], { encoding: 'utf8' }).stdout.includes(` ${address}/`)
  const namespace = readdirSync('/var/run/netns').find(has)
  assert.ok(namespace, `no namespace has ${address}`)
  const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

/** Until so many pods of the Deployment are ready and seen both ways. Any that answers past its proxy ends the wait. */
export async function untilRedirected({ client, namespace, name, replicas = 1, signal }: Wanted): Promise<NodePod[]> {
  let pods: readonly NodePod[] = []
  const holds = async (): Promise<boolean> => {
    pods = (await podsOf(client, namespace, `app=${name}`, signal)).filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    )
    const seen = await Promise.all(pods.map(async (pod) => (pod.status.podIP ? await isSeenBothWays(pod) : false)))
    return pods.length === replicas && pods.every(isReady) && seen.every(Boolean)
  }
  try {
    await eventually(holds, signal)
  } catch (err) {
    const warnings = signal.aborted ? await warningsOf(client, namespace, AbortSignal.timeout(ANSWER_MS)) : []
    throw signal.aborted ? new Error(`${name}: not redirected in time: ${warnings.join('\n')}`, { cause: err }) : err
  }
  return [...pods]
}

export interface Overlay {
  readonly folder: string
  readonly remove: () => void
}

export interface OverlayOptions {
  /** The node's CNI folders are below this one. */
  readonly cniFolder: string
  /** Variables of the agent, over those of the manifest. */
  readonly settings?: Readonly<Record<string, string>>
  /** Rules for the repair role, besides those of the manifest. */
  readonly rules?: readonly object[]
}

/** A kustomization over manifests/cni. To be removed by its user. */
export function cniOverlay({ cniFolder, settings = {}, rules = [] }: OverlayOptions): Overlay {
  // Kustomize takes no absolute path.
  const folder = mkdtempSync(join(tmpdir(), 'mesh-overlay-'))
  const volumes = Object.entries({ 'cni-bin-dir': 'bin', 'cni-net-dir': 'net.d' }).map(([name, sub]) => ({
    name,
    hostPath: { path: join(cniFolder, sub) },
  }))
  const metadata = (name: string): object => ({ name, namespace: 'istio-system' })
  const patches: object[] = [
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: metadata('istio-cni-node'),
      spec: { template: { spec: { volumes } } },
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('istio-cni-config'), data: settings },
  ]
  const added = rules.map((value) => ({ op: 'add', path: '/rules/-', value }))
  const role = { target: { kind: 'ClusterRole', name: 'istio-cni-repair-role' }, patch: JSON.stringify(added) }
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(folder, join(PROJECT_ROOT, 'manifests', 'cni'))],
    patches: [...patches.map((patch) => ({ patch: JSON.stringify(patch) })), ...(added.length > 0 ? [role] : [])],
  }
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
