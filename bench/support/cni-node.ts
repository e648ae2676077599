/** A node in miniature: the shipped agent as a process, the executable that runtimes call, an API server with one pod. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { packagePath } from '../../src/cli/package.ts'
import { buildForwarder } from '../../test/support/forwarder.ts'
import {
  addVariables,
  agentArguments,
  createMiniatureNode,
  freePort,
  PREVIOUS,
  untilAgentReady,
} from '../../test/support/miniature-node.ts'
import type { Execution } from './pod-namespace.ts'

export interface CniNode {
  /** The call that a container runtime makes for the pod in the namespace `netns`. */
  readonly add: (netns: string) => Execution
  stop(): Promise<void>
}

const STATUS = 'sidecar.istio.io/status'
const POD = { namespace: 'prod', name: 'shop' }

/** Starts an agent whose one pod has these annotations. */
export async function startCniNode(
  annotations: Readonly<Record<string, string>>,
  { nativeNftables }: { nativeNftables: boolean },
): Promise<CniNode> {
  const root = createMiniatureNode()
  const runDir = join(root, 'run')
  const executable = buildForwarder({ folder: join(root, 'source'), runDir, flags: ['-Os', '-static', '-s'] })
  const api = await startApi({
    metadata: { ...POD, annotations: { [STATUS]: '{}', ...annotations } },
    spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', args: ['proxy', 'sidecar'] }] },
  })
  const place = { root, apiPort: (api.address() as AddressInfo).port, healthPort: await freePort() }
  const args = agentArguments(place, { 'repair-enabled': 'false' })
  const agent = spawn(process.execPath, [packagePath('dist/main.js'), 'cni-agent', ...args], {
    env: { PATH: process.env.PATH, NATIVE_NFTABLES: String(nativeNftables), POD_NAMESPACE: 'istio-system' },
    stdio: 'ignore',
  })
  await untilAgentReady(place.healthPort, agent)
  return {
    add: (netns) => addCall({ executable, netns, runDir, nativeNftables }),
    stop: async () => {
      agent.kill('SIGKILL')
      await once(agent, 'exit')
      api.closeAllConnections()
      api.close()
      rmSync(root, { recursive: true })
    },
  }
}

async function startApi(pod: object): Promise<Server> {
  const server = createServer((_, response) => response.end(JSON.stringify(pod))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
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
    prevResult: PREVIOUS,
  }
  return { file: executable, args: [], env: addVariables(netns, POD), stdin: JSON.stringify(config) }
}
