/** A node in miniature: the shipped agent as a process, the executable that runtimes call, an API server with one pod. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packagePath } from '../../src/cli/package.ts'
import { POD_IP, type Execution } from './pod-namespace.ts'

export interface CniNode {
  /** The call that a container runtime makes for the pod in the namespace `netns`. */
  readonly add: (netns: string) => Execution
  stop(): Promise<void>
}

const STATUS = 'sidecar.istio.io/status'
const CONFIG = '10-net.conflist'

/** Starts an agent whose one pod has these annotations. */
export async function startCniNode(
  annotations: Readonly<Record<string, string>>,
  { nativeNftables }: { nativeNftables: boolean },
): Promise<CniNode> {
  const root = mkdtempSync(join(tmpdir(), 'mesh-admission-bench-'))
  for (const folder of ['conf', 'bin', 'source', 'run']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'conf', CONFIG), '{"cniVersion":"1.0.0","name":"net","plugins":[{"type":"bridge"}]}')
  const executable = compileExecutable(join(root, 'source'))
  const api = await startApi({
    metadata: { name: 'shop', namespace: 'prod', annotations: { [STATUS]: '{}', ...annotations } },
    spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', args: ['proxy', 'sidecar'] }] },
  })
  const { port } = api.address() as AddressInfo
  writeFileSync(join(root, 'kubeconfig'), kubeconfig(port))
  const healthPort = await freePort()
  const flags = {
    'mounted-cni-net-dir': join(root, 'conf'),
    'mounted-cni-bin-dir': join(root, 'bin'),
    'cni-bin-source-dir': join(root, 'source'),
    'cni-agent-run-dir': join(root, 'run'),
    'host-proc-dir': '/proc',
    'health-port': String(healthPort),
    'monitoring-port': '0',
    'repair-enabled': 'false',
    kubeconfig: join(root, 'kubeconfig'),
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  const agent = spawn(process.execPath, [packagePath('dist/main.js'), 'cni-agent', ...args], {
    env: { PATH: process.env.PATH, NATIVE_NFTABLES: String(nativeNftables), POD_NAMESPACE: 'istio-system' },
    stdio: 'ignore',
  })
  await untilReady(healthPort)
  return {
    add: (netns) => addCall({ executable, netns, runDir: join(root, 'run'), nativeNftables }),
    stop: async () => {
      agent.kill('SIGKILL')
      await once(agent, 'exit')
      api.closeAllConnections()
      api.close()
      rmSync(root, { recursive: true })
    },
  }
}

function compileExecutable(folder: string): string {
  const path = join(folder, 'istio-cni')
  const source = packagePath('src/redirect/cni/forwarder/istio-cni.c')
  const { status, stderr } = spawnSync('cc', ['-std=c11', '-Os', '-static', '-s', '-o', path, source], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return path
}

async function startApi(pod: object): Promise<Server> {
  const server = createServer((_, response) => response.end(JSON.stringify(pod))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function freePort(): Promise<number> {
  const server = await startApi({})
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function kubeconfig(port: number): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
}

const READY_LIMIT_MS = 30_000

async function untilReady(port: number): Promise<void> {
  for (const endMs = performance.now() + READY_LIMIT_MS; performance.now() < endMs;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    if (answer?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('the CNI agent did not become ready')
}

interface AddCall {
  readonly executable: string
  readonly netns: string
  readonly runDir: string
  readonly nativeNftables: boolean
}

function addCall({ executable, netns, runDir, nativeNftables }: AddCall): Execution {
  const config = {
    cniVersion: '1.0.0',
    name: 'net',
    type: 'istio-cni',
    cni_agent_run_dir: runDir,
    native_nftables: nativeNftables,
    prevResult: { cniVersion: '1.0.0', ips: [{ address: `${POD_IP}/24` }] },
  }
  const env = {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: netns,
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/opt/cni/bin',
    CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=prod;K8S_POD_NAME=shop',
  }
  return { file: executable, args: [], env, stdin: JSON.stringify(config) }
}
