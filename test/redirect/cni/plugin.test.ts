import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SILENT } from '../../../src/base/log.ts'
import { runPlugin, type PluginDeps } from '../../../src/redirect/cni/plugin.ts'
import type { RedirectedPod } from '../../../src/redirect/cni/pod-redirect.ts'

const POD: RedirectedPod = {
  metadata: { name: 'shop', namespace: 'prod', annotations: { 'sidecar.istio.io/status': '{}' } },
  spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', args: ['proxy', 'sidecar'] }] },
}
const CONF = {
  cniVersion: '1.0.0',
  name: 'istio-cni',
  pod_namespace: 'istio-system',
  exclude_namespaces: ['kube-system'],
}
const ENV = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c1', CNI_NETNS: '/n', CNI_IFNAME: 'eth0', CNI_PATH: '/b' }
const podArgs = (namespace: string, name: string): string =>
  `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}`

function deps(changes: Partial<PluginDeps> = {}): PluginDeps & { restored: string[] } {
  const restored: string[] = []
  const done = { exitCode: 0, stdout: '', stderr: '', missing: false }
  const nothing = (): Promise<void> => Promise.resolve()
  return {
    compat: 'istiod',
    restored,
    connect: nothing,
    getPod: () => Promise.resolve(POD),
    wait: nothing,
    isOwnNamespace: () => Promise.resolve(false),
    openNamespace: () =>
      Promise.resolve({
        host: { addresses: () => ['10.0.0.1/24'], resolvConf: () => '', uidOf: () => undefined },
        record: true,
        log: SILENT,
        run: (file, _args, options) => {
          if (file.endsWith('-restore')) restored.push(options?.stdin ?? '')
          return Promise.resolve(done)
        },
        network: {
          addLoopbackAddress: () => Promise.resolve(true),
          removeLoopbackAddress: nothing,
          addPolicyRule: () => Promise.resolve(true),
          removePolicyRule: nothing,
          hasPolicyRule: () => Promise.resolve(false),
          addLocalRoute: () => Promise.resolve(true),
          removeLocalRoute: nothing,
        },
      }),
    ...changes,
  }
}

const call = (env: Record<string, string>, conf: unknown = CONF): { env: Record<string, string>; stdin: string } => ({
  env: { ...ENV, ...env },
  stdin: typeof conf === 'string' ? conf : JSON.stringify(conf),
})

test('plugin: a sidecar pod is redirected and the result before us is passed on', async () => {
  const world = deps()
  const prevResult = { cniVersion: '1.0.0', ips: [{ address: 'FD00::5/64' }], dns: {}, more: 1 }
  const outcome = await runPlugin(call({ CNI_ARGS: podArgs('prod', 'shop') }, { ...CONF, prevResult }), world)
  assert.equal(outcome.decision, 'redirect')
  assert.deepEqual(outcome.result, { cniVersion: '1.0.0', ips: [{ address: 'fd00::5/64' }] })
  assert.match(world.restored.join(''), /-A ISTIO_OUTPUT -j ISTIO_REDIRECT/)
})

test('plugin: our own agent is let through before the API server is asked', async () => {
  const unreachable = deps({ connect: () => Promise.reject(new Error('no credentials')) })
  const outcome = await runPlugin(call({ CNI_ARGS: podArgs('istio-system', 'istio-cni-node-x') }), unreachable)
  assert.deepEqual([outcome.exit, outcome.decision, outcome.podGets], [0, 'skip', 0])
})

test('plugin: what is refused in the end is refused before any rule is made, unless as istiod does', async () => {
  const ownNamespace = { isOwnNamespace: () => Promise.resolve(true) }
  const noResult = { ...CONF, cniVersion: '0.2.0' }
  for (const [changes, conf, code] of [
    [ownNamespace, CONF, 8],
    [{}, noResult, 999],
  ] as const) {
    for (const [compat, restored] of [
      ['off', 0],
      ['istiod', 1],
    ] as const) {
      const world = deps({ ...changes, compat })
      const outcome = await runPlugin(call({ CNI_ARGS: podArgs('prod', 'shop') }, conf), world)
      assert.deepEqual([outcome.error?.code, world.restored.length], [code, restored])
    }
  }
})

test("plugin: the mesh's own ports are those that the injector told the validation container, unless as istiod does", async () => {
  const args = ['istio-iptables', '-p', '25001', '-z', '25006', '-e', '25008', '--run-validation']
  const pod = { ...POD, spec: { ...POD.spec, initContainers: [{ name: 'istio-validation', args }] } }
  const rules = async (compat: 'off' | 'istiod'): Promise<string> => {
    const world = deps({ compat, getPod: () => Promise.resolve(pod) })
    await runPlugin(call({ CNI_ARGS: podArgs('prod', 'shop') }), world)
    return world.restored.join('')
  }
  const ours = await rules('off')
  assert.match(ours, /-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 25001\n/)
  assert.match(ours, /-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 25006\n/)
  assert.match(ours, /-A ISTIO_INBOUND -p tcp --dport 25008 -j RETURN\n/)
  assert.match(await rules('istiod'), /--to-ports 15001\n/)
})

test('plugin: a namesake of the agent in another namespace is not', async () => {
  const unreachable = deps({ connect: () => Promise.reject(new Error('no credentials')) })
  const outcome = await runPlugin(call({ CNI_ARGS: podArgs('prod', 'istio-cni-node-x') }), unreachable)
  assert.equal(outcome.error?.code, 999)
})

test('plugin: an excluded namespace is skipped without asking for the pod', async () => {
  const outcome = await runPlugin(call({ CNI_ARGS: podArgs('kube-system', 'dns') }), deps())
  assert.deepEqual([outcome.decision, outcome.podGets], ['skip', 0])
})

test('plugin: a pod that cannot be had is asked for thirty times and then refused', async () => {
  const outcome = await runPlugin(
    call({ CNI_ARGS: podArgs('prod', 'shop') }),
    deps({ getPod: () => Promise.reject(new Error('Unauthorized')) }),
  )
  assert.deepEqual([outcome.exit, outcome.podGets, outcome.error], [1, 30, { code: 999, msg: 'Unauthorized' }])
})

test('plugin: a late answer is good enough', async () => {
  let asked = 0
  const getPod = (): Promise<RedirectedPod> => (++asked < 3 ? Promise.reject(new Error('later')) : Promise.resolve(POD))
  const outcome = await runPlugin(call({ CNI_ARGS: podArgs('prod', 'shop') }), deps({ getPod }))
  assert.deepEqual([outcome.decision, outcome.podGets], ['redirect', 3])
})

test('plugin: its own namespace is refused unless told otherwise', async () => {
  const own = deps({ isOwnNamespace: () => Promise.resolve(true) })
  assert.equal((await runPlugin(call({ CNI_ARGS: '' }), own)).error?.code, 8)
  assert.equal((await runPlugin(call({ CNI_ARGS: '', CNI_NETNS_OVERRIDE: '1' }), own)).exit, 0)
})

test('plugin: a deletion in its own namespace is refused as istiod does, and never by us', async () => {
  const own = { isOwnNamespace: () => Promise.resolve(true) }
  for (const [compat, changes, code] of [
    ['istiod', own, 8],
    ['istiod', { isOwnNamespace: () => Promise.reject(new Error('ENOENT')) }, undefined],
    ['off', own, undefined],
  ] as const) {
    const outcome = await runPlugin(call({ CNI_COMMAND: 'DEL' }), deps({ ...changes, compat }))
    assert.equal(outcome.error?.code, code)
  }
})

test('plugin: a bad variable is told before a missing one, and both before a bad configuration', async () => {
  for (const [env, msg] of [
    [{ CNI_CONTAINERID: '../x', CNI_IFNAME: '' }, /^invalid characters in containerID$/],
    [{ CNI_IFNAME: 'ääääääää' }, /^interface name is too long$/],
    [{ CNI_PATH: '' }, /^required env variables \[CNI_PATH\] missing$/],
    [{}, /^error unmarshall network config/],
  ] as const) {
    assert.match((await runPlugin(call(env, '['), deps())).error?.msg ?? '', msg)
  }
})

test('plugin: mode NONE is refused as istiod does, and skipped by us', async () => {
  const annotations = { ...POD.metadata?.annotations, 'sidecar.istio.io/interceptionMode': 'NONE' }
  const getPod = (): Promise<RedirectedPod> => Promise.resolve({ ...POD, metadata: { ...POD.metadata, annotations } })
  const asked = call({ CNI_ARGS: podArgs('prod', 'shop') })
  assert.equal((await runPlugin(asked, deps({ getPod }))).decision, 'error')
  assert.equal((await runPlugin(asked, deps({ getPod, compat: 'off' }))).decision, 'skip')
})

test('plugin: without a command it says what it is on stderr', async () => {
  const outcome = await runPlugin({ env: {}, stdin: '' }, deps())
  assert.deepEqual([outcome.exit, outcome.stdout], [0, ''])
  assert.match(outcome.stderr, /^CNI plugin istio-cni/)
})

test('plugin: no input makes it throw, and what is printed is JSON or nothing', async () => {
  const value = fc.oneof(
    fc.string(),
    fc.jsonValue(),
    fc.constantFrom('ADD', 'CHECK', 'GC', '1.0.0', '0.2.0', '__proto__'),
  )
  const conf = fc.oneof(
    fc.string(),
    fc.record(
      {
        cniVersion: fc.oneof(fc.constantFrom('', '0.2.0', '0.4.0', '1.1.0', '7'), value),
        name: fc.oneof(fc.constant('n'), value),
        prevResult: fc.oneof(
          value,
          fc.record({ cniVersion: fc.constantFrom('0.4.0', '1.0.0'), ips: value, dns: value }),
        ),
        exclude_namespaces: value,
      },
      { requiredKeys: [] },
    ),
  )
  const command = fc.constantFrom('ADD', 'CHECK', 'DEL', 'GC', 'STATUS', 'VERSION', 'add')
  await fc.assert(
    fc.asyncProperty(command, conf, fc.string(), async (CNI_COMMAND, asked, CNI_ARGS) => {
      const outcome = await runPlugin(call({ CNI_COMMAND, CNI_ARGS }, asked), deps())
      assert.equal(outcome.exit, outcome.decision === 'error' ? 1 : 0)
      if (outcome.stdout !== '') assert.ok(JSON.parse(outcome.stdout))
    }),
    { numRuns: 2000 },
  )
})
