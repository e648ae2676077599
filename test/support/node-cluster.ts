/** A cluster of its own with a node, raised for one live test file, with our image in it; and what kills a replica there. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import type { Kubectl } from './cluster.ts'
import { kubectlOf } from './cluster.ts'
import { PROJECT_ROOT, sharedPath } from './shared.ts'

const IMAGE_ARCHIVE = join(process.env.IMAGE_CACHE ?? join(homedir(), '.cache', 'image-build'), 'image.tar')
/** Ports that every cluster of this machine uses: two at a time would share, and spoil, each other. */
const CLUSTER_PORTS = [process.env.CLUSTER_API_PORT ?? '26443', process.env.CLUSTER_ETCD_PORT ?? '23790'].map(Number)

/** Held by whoever builds and raises: the tool that builds has one archive, which a second run would exchange under us. */
const LOCK_PORT = 26444
const OTHER_CLUSTER = 'another cluster is up on this machine'

export interface NodeCluster {
  readonly kubeconfig: string
  /** Where the cluster keeps everything. */
  readonly state: string
  readonly kubectl: Kubectl
  /** Ends a container's first process at once, as `kill -9` on the node does. `id` is the one of the pod's status. */
  kill(id: string): void
  down(): void
}

/** The `skip` option of a test that raises a cluster with a node. */
export async function skipWithoutNodeCluster(): Promise<false | string> {
  if (process.getuid?.() !== 0) return 'needs root'
  if (sharedPath('cluster', 'up') === undefined) return 'no scripts for a test cluster (../shared/cluster)'
  if (sharedPath('tools', 'image-build') === undefined) return 'no tool to build an image (../shared/tools/image-build)'
  return ((await isTaken(LOCK_PORT)) || (await isClusterUp())) && OTHER_CLUSTER
}

/** Builds our image under the name `image` and raises a cluster that has it. A killed test takes its cluster along. */
export async function raiseNodeCluster(image: string): Promise<NodeCluster> {
  const lock = await takeLock()
  let state: string | undefined
  const down = (): void => {
    if (state !== undefined) lower(state)
    lock.close()
  }
  try {
    await run('tools/image-build', [image, PROJECT_ROOT])
    // Asked again: building took its time, and raising a second cluster takes the first one's network away.
    if (await isClusterUp()) throw new Error(OTHER_CLUSTER)
    const folder = (state = mkdtempSync(join(tmpdir(), 'mesh-node-')))
    // Not once: the runner passes on the signal that its group got already, and the second would end us at its default.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => lowerBehind(folder))
    await run('cluster/up', ['node'], folder)
    await run('cluster/image', ['--load', IMAGE_ARCHIVE], folder)
    const kubeconfig = join(folder, 'kubeconfig')
    return { kubeconfig, state: folder, kubectl: kubectlOf(kubeconfig), down, kill: (id) => killContainer(folder, id) }
  } catch (err) {
    down()
    throw err
  }
}

/** The kernel frees a port whatever becomes of its owner. */
async function takeLock(): Promise<Server> {
  const lock = createServer().listen(LOCK_PORT, '127.0.0.1')
  await once(lock, 'listening')
  return lock.unref()
}

/** `down` ends early where no pod has left a network namespace, so there is always one for it to remove. */
const LOWERING = 'ip netns add "cni-$$"; exec "$0"'

const lowering = (state: string): [string, string[], { env: NodeJS.ProcessEnv }] => [
  'sh',
  ['-c', LOWERING, sharedPath('cluster', 'down') ?? ''],
  { env: { ...process.env, CLUSTER_STATE: state } },
]

function lower(state: string): void {
  const [file, args, options] = lowering(state)
  const { stderr } = spawnSync(file, args, { ...options, encoding: 'utf8' })
  if (existsSync(state)) throw new Error(`${state} is still there: ${stderr}`)
}

/** Goes on, in a session of its own, when this process has ended. */
function lowerBehind(state: string): void {
  const [file, args, options] = lowering(state)
  spawn(file, args, { ...options, detached: true, stdio: 'ignore' }).unref()
  process.exit(1)
}

/** Not synchronously: a run's own time limit must be able to end it. */
async function run(script: string, args: readonly string[], state?: string): Promise<void> {
  const env = { ...process.env, ...(state === undefined ? {} : { CLUSTER_STATE: state }) }
  const path = sharedPath(...script.split('/')) ?? script
  const child = spawn(path, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, status] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  if (status[0] !== 0) throw new Error(`${script} ${args.join(' ')}: ${out.slice(-2000)}${err.slice(-2000)}`)
}

function killContainer(state: string, id: string): void {
  const ctr = ['-a', join(state, 'containerd.sock'), '-n', 'k8s.io']
  const args = [...ctr, 'tasks', 'kill', '-s', 'KILL', id.replace(/^containerd:\/\//, '')]
  const { status, stderr } = spawnSync('ctr', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ctr tasks kill: ${stderr}`)
}

const isClusterUp = async (): Promise<boolean> => (await Promise.all(CLUSTER_PORTS.map(isTaken))).includes(true)

async function isTaken(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
