/** A node in miniature: the real agent as a process, the real executable, real namespaces; only the API server is made up. */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { buildForwarder, callForwarder, skipWithoutCompiler, type Finished } from '../support/forwarder.ts'
import {
  addVariables,
  agentArguments,
  CONFIG_NAME,
  createMiniatureNode,
  freePort,
  LIST,
  POD_IP,
  PREVIOUS,
  untilAgentReady,
} from '../support/miniature-node.ts'
import { skipWithoutNamespaces } from '../support/namespaces.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

const skip = skipWithoutNamespaces() || skipWithoutCompiler()
const STATUS = { 'sidecar.istio.io/status': '{}' }

const sidecarPod = {
  metadata: { name: 'shop', namespace: 'prod', uid: 'u1', annotations: STATUS },
  spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', args: ['proxy', 'sidecar'] }] },
}

/** Pods by path, and whether the DaemonSet is there. */
interface Api {
  readonly pods: Map<string, object>
  daemonSet: boolean
  /** Pods of the node, as the repair controller lists them. */
  listed: object[]
  readonly server: Server
}

async function startApi(): Promise<Api> {
  const api: Api = {
    pods: new Map(),
    daemonSet: true,
    listed: [],
    server: createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://api')
      if (url.searchParams.has('watch')) return void response.writeHead(200).flushHeaders()
      const found = answerOf(api, url.pathname)
      const body = found ?? { kind: 'Status', code: 404, reason: 'NotFound', message: 'not found' }
      response.writeHead(found === undefined ? 404 : 200).end(JSON.stringify(body))
    }),
  }
  await new Promise<void>((resolve) => api.server.listen(0, '127.0.0.1', resolve))
  return api
}

function answerOf(api: Api, path: string): object | undefined {
  if (path === '/api/v1/pods') return { metadata: { resourceVersion: '1' }, items: api.listed }
  const daemonSet = { metadata: { name: 'istio-cni-node', namespace: 'istio-system' } }
  if (path.endsWith('/daemonsets'))
    return { metadata: { resourceVersion: '1' }, items: api.daemonSet ? [daemonSet] : [] }
  if (path.endsWith('/daemonsets/istio-cni-node')) return api.daemonSet ? daemonSet : undefined
  if (path === '/api/v1/namespaces/istio-system') return { metadata: { name: 'istio-system' } }
  return api.pods.get(path)
}

describe('the CNI agent on a node', { skip, timeout: 120_000 }, () => {
  const root = createMiniatureNode()
  const namespace = `cni-live-${process.pid}`
  let api: Api
  let healthPort = 0
  let agent: ChildProcess | undefined

  const must = (...command: readonly [string, ...string[]]): string => {
    const { status, stdout, stderr } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' })
    assert.equal(status, 0, `${command.join(' ')}: ${stderr}`)
    return stdout
  }
  const rules = (): string => must('ip', 'netns', 'exec', namespace, 'iptables-nft-save')
  const config = (): string => readFileSync(join(root, 'conf', CONFIG_NAME), 'utf8')

  async function startAgent(env: Record<string, string> = {}, changes: Record<string, string> = {}): Promise<void> {
    const { port: apiPort } = api.server.address() as AddressInfo
    const quiet = { 'repair-node-name': 'node1', log_output_level: process.env.CNI_LIVE_LOG ?? 'error' }
    const args = agentArguments({ root, apiPort, healthPort }, { ...quiet, ...changes })
    agent = spawn(process.execPath, ['--import', 'tsx', join(PROJECT_ROOT, 'src/main.ts'), 'cni-agent', ...args], {
      cwd: PROJECT_ROOT,
      env: { PATH: process.env.PATH, POD_NAMESPACE: 'istio-system', EXCLUDE_NAMESPACES: 'kube-system', ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    await untilAgentReady(healthPort, agent)
  }

  async function endAgent(signal: NodeJS.Signals): Promise<void> {
    if (agent === undefined) return
    if (agent.exitCode === null) {
      const gone = once(agent, 'exit')
      agent.kill(signal)
      await gone
    }
    agent = undefined
  }

  /** Calls what is installed, with the configuration that is installed, as a runtime does. */
  function add(podNamespace: string, pod: string, changes: Record<string, string> = {}): Promise<Finished> {
    const { plugins } = JSON.parse(config()) as { plugins: object[] }
    const stdin = JSON.stringify({ ...plugins.at(-1), cniVersion: '1.0.0', name: 'net', prevResult: PREVIOUS })
    const env = { ...addVariables(`/var/run/netns/${namespace}`, { namespace: podNamespace, name: pod }), ...changes }
    return callForwarder(join(root, 'bin/istio-cni'), env, stdin)
  }
  const codeOf = ({ stdout }: Finished): number | undefined => (JSON.parse(stdout) as { code?: number }).code

  before(async () => {
    buildForwarder({ folder: join(root, 'source'), runDir: join(root, 'run'), flags: ['-Os', '-static', '-s'] })
    api = await startApi()
    api.pods.set('/api/v1/namespaces/prod/pods/shop', sidecarPod)
    healthPort = await freePort()
    await startAgent()
  })
  after(async () => {
    await endAgent('SIGKILL')
    api.server.closeAllConnections()
    api.server.close()
    spawnSync('ip', ['netns', 'del', namespace])
    rmSync(root, { recursive: true, force: true })
  })
  beforeEach(() => {
    spawnSync('ip', ['netns', 'del', namespace])
    must('ip', 'netns', 'add', namespace)
    must('ip', '-n', namespace, 'link', 'set', 'lo', 'up')
    must('ip', '-n', namespace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1')
    must('ip', '-n', namespace, 'addr', 'add', `${POD_IP}/24`, 'dev', 'eth0')
    must('ip', '-n', namespace, 'link', 'set', 'eth0', 'up')
  })

  test('a sidecar pod is redirected, twice is once, and the previous result is printed', async () => {
    const first = await add('prod', 'shop')
    assert.deepEqual([first.exit, JSON.parse(first.stdout)], [0, PREVIOUS], first.stdout)
    const after = rules()
    assert.match(after, /-A ISTIO_OUTPUT -j ISTIO_REDIRECT/)
    assert.equal((await add('prod', 'shop')).exit, 0)
    assert.equal(rules().replace(/\[\d+:\d+\]|^#.*$/gm, ''), after.replace(/\[\d+:\d+\]|^#.*$/gm, ''))
  })

  test('nftables, where the node says so', async () => {
    await endAgent('SIGTERM')
    await startAgent({ NATIVE_NFTABLES: 'true' })
    assert.equal((await add('prod', 'shop')).exit, 0)
    assert.match(must('ip', 'netns', 'exec', namespace, 'nft', 'list', 'tables'), /table inet istio-proxy-nat/)
    await endAgent('SIGTERM')
    await startAgent()
  })

  test('many pods at once are all redirected', async () => {
    const finished = await Promise.all(Array.from({ length: 12 }, () => add('prod', 'shop')))
    assert.deepEqual(new Set(finished.map(({ exit }) => exit)), new Set([0]))
    assert.match(rules(), /-A ISTIO_OUTPUT -j ISTIO_REDIRECT/)
  })

  test('what is no namespace is refused', async () => {
    for (const path of ['/var/run/netns/none', '/etc/passwd', '/var/run/netns/..']) {
      const finished = await add('prod', 'shop', { CNI_NETNS: path })
      assert.deepEqual([finished.exit, codeOf(finished)], [1, 999], finished.stdout)
    }
  })

  test("the caller's own namespace is refused", async () => {
    const finished = await add('kube-system', 'dns', { CNI_NETNS: '/proc/self/ns/net' })
    assert.deepEqual([finished.exit, codeOf(finished)], [1, 8], finished.stdout)
  })

  test('an agent that was killed redirects nobody, lets its own pod start, and goes on where it was', async () => {
    await endAgent('SIGKILL')
    assert.equal(codeOf(await add('prod', 'shop')), 11)
    assert.deepEqual(JSON.parse((await add('istio-system', 'istio-cni-node-x')).stdout), PREVIOUS)
    assert.deepEqual(JSON.parse((await add('kube-system', 'dns')).stdout), PREVIOUS)
    assert.equal(rules().includes('ISTIO'), false)
    await startAgent()
    assert.equal((await add('prod', 'shop')).exit, 0)
  })

  test('an emptied folder of volatile files is filled again', async () => {
    rmSync(join(root, 'run'), { recursive: true })
    while ((await add('prod', 'shop')).exit !== 0) await new Promise((resolve) => setTimeout(resolve, 20))
  })

  test('a configuration that was overwritten is repaired', async () => {
    const wanted = config()
    writeFileSync(join(root, 'conf', CONFIG_NAME), LIST)
    while (config() !== wanted) await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal((await add('prod', 'shop')).exit, 0)
  })

  test('a pod that came up without redirection is found by its address and mended', async () => {
    const sleeper = spawn('ip', ['netns', 'exec', namespace, 'sleep', '1000'])
    const failed = { terminated: { exitCode: 126 } }
    const statuses = [{ name: 'istio-validation', state: { waiting: {} }, lastState: failed }]
    api.listed = [{ ...sidecarPod, status: { podIP: POD_IP, initContainerStatuses: statuses } }]
    await endAgent('SIGTERM')
    await startAgent({ REPAIR_REPAIR_PODS: 'true' })
    while (!rules().includes('-A ISTIO_OUTPUT -j ISTIO_REDIRECT'))
      await new Promise((resolve) => setTimeout(resolve, 50))
    sleeper.kill()
    api.listed = []
  })

  test('a metrics port that is taken keeps no pod from starting', async () => {
    await endAgent('SIGTERM')
    const { port } = api.server.address() as AddressInfo
    await startAgent({}, { 'monitoring-port': String(port), log_output_level: 'silent' })
    assert.equal((await add('prod', 'shop')).exit, 0)
  })

  test('an upgrade leaves the plugin in place, an uninstallation takes it away', async () => {
    await endAgent('SIGTERM')
    assert.match(config(), /istio-cni/)
    assert.equal(codeOf(await add('prod', 'shop')), 11)
    await startAgent()
    api.daemonSet = false
    await endAgent('SIGTERM')
    assert.doesNotMatch(config(), /istio-cni/)
    assert.deepEqual(readdirSync(join(root, 'bin')), [])
    api.daemonSet = true
    await startAgent()
  })
})
