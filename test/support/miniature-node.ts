/** What a node has for the CNI agent, in one folder: its configurations, executables, volatile files and credentials. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The pod's address in results of plugins that ran before ours. */
export const POD_IP = '10.9.8.7'
/** What the network's own plugin printed. */
export const PREVIOUS = { cniVersion: '1.0.0', ips: [{ address: `${POD_IP}/24` }] }
/** The node's configuration before ours is in it. */
export const LIST = '{"cniVersion":"1.0.0","name":"net","plugins":[{"type":"bridge"}]}'
export const CONFIG_NAME = '10-net.conflist'

const READY_LIMIT_MS = 60_000
const POLL_MS = 20

/** Makes the folder; its user removes it. */
export function createMiniatureNode(): string {
  const root = mkdtempSync(join(tmpdir(), 'mesh-admission-node-'))
  for (const folder of ['conf', 'bin', 'source', 'run']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'conf', CONFIG_NAME), LIST)
  return root
}

export interface AgentPlace {
  readonly root: string
  /** Of an API server on this host that asks for no credentials. */
  readonly apiPort: number
  readonly healthPort: number
}

/** Arguments of an agent for the node; `changes` go over them. */
export function agentArguments(
  { root, apiPort, healthPort }: AgentPlace,
  changes: Readonly<Record<string, string>> = {},
): string[] {
  writeFileSync(join(root, 'kubeconfig'), kubeconfig(apiPort))
  const flags = {
    'mounted-cni-net-dir': join(root, 'conf'),
    'mounted-cni-bin-dir': join(root, 'bin'),
    'cni-bin-source-dir': join(root, 'source'),
    'cni-agent-run-dir': join(root, 'run'),
    'host-proc-dir': '/proc',
    'health-port': String(healthPort),
    'monitoring-port': '0',
    kubeconfig: join(root, 'kubeconfig'),
    ...changes,
  }
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
}

function kubeconfig(port: number): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
}

/** The variables of a runtime's ADD. */
export function addVariables(netns: string, { namespace, name }: { namespace: string; name: string }) {
  return {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: netns,
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/opt/cni/bin',
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}`,
  }
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/**
 * Waits until an agent has installed itself.
 * @throws Error when it has ended instead, or takes too long
 */
export async function untilAgentReady(port: number, agent: { readonly exitCode: number | null }): Promise<void> {
  for (const endMs = performance.now() + READY_LIMIT_MS; performance.now() < endMs && agent.exitCode === null;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    if (answer?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  throw new Error(agent.exitCode === null ? 'the CNI agent did not become ready' : 'the CNI agent ended')
}
