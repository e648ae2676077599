/** Pods that came up without redirection: which count as broken, and what each mode does about them. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SILENT } from '../../../src/base/log.ts'
import { ProjectError } from '../../../src/base/errors.ts'
import type { KubeClient } from '../../../src/kube/client.ts'
import { pathOf, type ObjectPlace } from '../../../src/kube/resource.ts'
import {
  fieldSelectorOf,
  isBroken,
  type ObservedPod,
  type RepairMode,
  type RepairSettings,
} from '../../../src/redirect/cni/broken-pod.ts'
import { findPodProcess } from '../../../src/redirect/cni/pod-processes.ts'
import { runRepair, type RepairedPod } from '../../../src/redirect/cni/repair.ts'
import type { OpenNamespace } from '../../../src/redirect/cni/netns.ts'

const SETTINGS: RepairSettings = {
  mode: 'label',
  labelKey: 'cni.istio.io/uninitialized',
  labelValue: 'true',
  nodeName: 'node1',
  sidecarAnnotation: 'sidecar.istio.io/status',
  initContainerName: 'istio-validation',
  terminationMessage: '',
  exitCode: 126,
  labelSelectors: '',
  fieldSelectors: '',
}

type Status = NonNullable<NonNullable<ObservedPod['status']>['initContainerStatuses']>[number]

const failed = (exitCode: number, message = ''): Status => ({
  name: 'istio-validation',
  state: {},
  lastState: { terminated: { exitCode, message } },
})
const pod = (
  status: Status,
  annotations: Record<string, string> = { 'sidecar.istio.io/status': '{}' },
): RepairedPod => ({
  metadata: { name: 'shop', namespace: 'prod', uid: 'u1', resourceVersion: '7', annotations },
  spec: { containers: [{ name: 'istio-proxy', args: ['proxy', 'sidecar'] }] },
  status: { initContainerStatuses: [status], podIP: '10.0.0.5' },
})

const cases: { name: string; pod: ObservedPod; settings?: Partial<RepairSettings>; broken: boolean }[] = [
  { name: 'validation failed last time', pod: pod(failed(126)), broken: true },
  { name: 'another exit code', pod: pod(failed(1)), broken: false },
  { name: 'another exit code, where any counts', pod: pod(failed(1)), settings: { exitCode: 0 }, broken: true },
  { name: 'no sidecar', pod: pod(failed(126), {}), broken: false },
  {
    name: 'no sidecar, where nobody asks',
    pod: pod(failed(126), {}),
    settings: { sidecarAnnotation: '' },
    broken: true,
  },
  {
    name: 'it is being deleted',
    pod: { ...pod(failed(126)), metadata: { ...pod(failed(126)).metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
    broken: false,
  },
  { name: 'another container', pod: pod({ ...failed(126), name: 'other' }), broken: false },
  {
    name: 'any container',
    pod: pod({ ...failed(126), name: 'other' }),
    settings: { initContainerName: '' },
    broken: true,
  },
  {
    name: 'it has succeeded since',
    pod: pod({ ...failed(126), state: { terminated: { exitCode: 0 } } }),
    broken: false,
  },
  {
    name: 'its first failure',
    pod: pod({ name: 'istio-validation', state: { terminated: { exitCode: 126 } } }),
    broken: false,
  },
  {
    name: 'the message, spaces apart',
    pod: pod(failed(126, ' why\n')),
    settings: { terminationMessage: 'why' },
    broken: true,
  },
  { name: 'another message', pod: pod(failed(126, 'why not')), settings: { terminationMessage: 'why' }, broken: false },
]
for (const { name, pod: observed, settings, broken } of cases) {
  test(`a pod is ${broken ? 'broken' : 'not broken'}: ${name}`, () => {
    assert.equal(isBroken(observed, { ...SETTINGS, ...settings }), broken)
  })
}

test('only pods of the node are watched, further conditions first', () => {
  assert.equal(
    fieldSelectorOf({ ...SETTINGS, fieldSelectors: 'status.phase=Pending' }),
    'status.phase=Pending,spec.nodeName=node1',
  )
})

interface Done {
  readonly requests: string[]
  readonly results: string[]
  readonly restored: string[]
}

/** Runs the controller over one broken pod until it has seen to it `times` times. */
async function mend(
  mode: RepairMode,
  given: { pod?: RepairedPod; address?: string; refuse?: number; times?: number } = {},
): Promise<Done> {
  const { pod: broken = pod(failed(126)), address = '10.0.0.5', times = 1 } = given
  let { refuse = 0 } = given
  const done: Done = { requests: [], results: [], restored: [] }
  const stop = new AbortController()
  const note = (verb: string, place: ObjectPlace, body?: unknown): Promise<never> => {
    done.requests.push(`${verb} ${pathOf(place)}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`)
    if (refuse-- > 0) return Promise.reject(new ProjectError('KUBE_REFUSED', 'no'))
    return Promise.resolve(undefined as never)
  }
  const client: Partial<KubeClient> = {
    list: () => Promise.resolve({ metadata: { resourceVersion: '1' }, items: [broken] as never }),
    watch: async function* () {
      yield* []
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
    },
    patch: (place, body) => note('patch', place, body),
    delete: (place, _, preconditions) => note('delete', place, preconditions),
    create: (place, object) => note('create', place, (object as unknown as { reason: string }).reason),
  }
  const nothing = (): Promise<void> => Promise.resolve()
  const namespace: OpenNamespace = {
    host: { addresses: () => [`${address}/24`], resolvConf: () => '', uidOf: () => undefined },
    record: true,
    log: SILENT,
    close: nothing,
    run: (file, _, options) => {
      if (file.endsWith('-restore')) done.restored.push(options?.stdin ?? '')
      return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', missing: false })
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
  }
  await runRepair(
    {
      settings: { ...SETTINGS, mode },
      nativeNftables: false,
      compat: 'off',
      client: client as KubeClient,
      findProcess: (ip) => Promise.resolve(ip === '10.0.0.5' ? 42 : undefined),
      openNamespace: () => Promise.resolve(namespace),
      onRepair: (_, result) => {
        done.results.push(result)
        if (done.results.length === times) stop.abort()
      },
      clock: { nowMs: () => 0, wait: () => Promise.resolve() },
      log: SILENT,
    },
    stop.signal,
  )
  return done
}

test('label: through the status of the pod, with an event', async () => {
  assert.deepEqual(await mend('label'), {
    requests: [
      'patch /api/v1/namespaces/prod/pods/shop/status {"metadata":{"labels":{"cni.istio.io/uninitialized":"true"}}}',
      'create /api/v1/namespaces/prod/events "LabelBrokenPod"',
    ],
    results: ['success'],
    restored: [],
  })
})

test('label: one that is there stays', async () => {
  const labelled = pod(failed(126))
  const metadata = { ...labelled.metadata, labels: { 'cni.istio.io/uninitialized': 'no' } }
  const { requests, results } = await mend('label', { pod: { ...labelled, metadata } })
  assert.deepEqual([requests, results], [[], ['skip']])
})

test('delete: only the very pod that was seen, with an event', async () => {
  const { requests } = await mend('delete')
  assert.deepEqual(requests, [
    'delete /api/v1/namespaces/prod/pods/shop {"uid":"u1","resourceVersion":"7"}',
    'create /api/v1/namespaces/prod/events "DeleteBrokenPod"',
  ])
})

test('a failure is tried again, five times in all', async () => {
  assert.deepEqual((await mend('delete', { refuse: 2, times: 3 })).results, ['fail', 'fail', 'success'])
  assert.equal((await mend('delete', { refuse: 9, times: 5 })).requests.length, 5)
})

test('repair: the rules of the pod are put into its namespace', async () => {
  const { requests, results, restored } = await mend('repair')
  assert.deepEqual([requests, results], [[], ['success']])
  assert.match(restored.join(''), /-A ISTIO_OUTPUT -j ISTIO_REDIRECT/)
})

test('repair: a namespace that is no longer the pod’s, or the node’s own, gets no rule', async () => {
  assert.deepEqual((await mend('repair', { address: '10.0.0.6' })).restored, [])
  const broken = pod(failed(126))
  const { results, restored } = await mend('repair', {
    pod: { ...broken, spec: { ...broken.spec, hostNetwork: true } },
  })
  assert.deepEqual([results, restored], [['skip'], []])
})

interface Process {
  readonly pid: number
  readonly namespace: string
  readonly startedAt?: number
  readonly v4?: string
  readonly v6?: string
}

/** A /proc with these processes. */
function procOf(processes: readonly Process[]): string {
  const root = mkdtempSync(join(tmpdir(), 'proc-'))
  for (const { pid, namespace, startedAt, v4 = '127.0.0.1', v6 = '0'.repeat(31) + '1' } of processes) {
    for (const folder of ['ns', 'net']) mkdirSync(join(root, String(pid), folder), { recursive: true })
    symlinkSync(`net:[${namespace}]`, join(root, String(pid), 'ns/net'))
    writeFileSync(
      join(root, String(pid), 'net/fib_trie'),
      `Local:\n     |-- ${v4}\n        /32 host LOCAL\n     |-- 10.0.0.77\n        /32 link UNICAST\n`,
    )
    writeFileSync(join(root, String(pid), 'net/if_inet6'), `${v6} 01 80 10 80       lo\n`)
    if (startedAt !== undefined)
      writeFileSync(join(root, String(pid), 'stat'), `${pid} (a b) c) S ${'0 '.repeat(18)}${startedAt} 0 0`)
  }
  return root
}

const processes: Process[] = [
  { pid: 1, namespace: 'host', v4: '10.0.0.1', startedAt: 1 },
  { pid: 30, namespace: 'a', v4: '10.0.0.5', startedAt: 900 },
  { pid: 20, namespace: 'a', v4: '10.0.0.5', startedAt: 1000 },
  { pid: 10, namespace: 'a', v4: '10.0.0.5' },
  { pid: 40, namespace: 'b', v6: 'fd00000000000000000000000000000a', startedAt: 5 },
]
for (const [ip, pid] of [
  ['10.0.0.5', 30],
  ['fd00::a', 40],
  ['10.0.0.1', undefined],
  ['10.0.0.77', undefined],
  ['', undefined],
] as const) {
  test(`the process that stands for ${ip === '' ? 'no address' : ip} is ${pid ?? 'none'}`, async () => {
    const root = procOf(processes)
    try {
      assert.equal(await findPodProcess(root, ip), pid)
    } finally {
      rmSync(root, { recursive: true })
    }
  })
}
