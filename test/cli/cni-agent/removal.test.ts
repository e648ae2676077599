/** Whether an agent that ends takes the plugin along: what it knows of its DaemonSet, and what it can still ask. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchRemoval, type RemovalWatch } from '../../../src/cli/cni-agent/removal.ts'
import { DAEMON_SETS, NAMESPACES } from '../../../src/kube/resource.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeKubeClient, noAnswer, refusal } from '../../support/fake-kube-client.ts'
import { createRecordingLog } from '../../support/recording-log.ts'

const DAEMON_SET = { resource: DAEMON_SETS, namespace: 'mesh', name: 'istio-cni-node' }
const NAMESPACE = { resource: NAMESPACES, name: 'mesh' }
const daemonSet = { metadata: { name: 'istio-cni-node', namespace: 'mesh' } }
const going = { deletionTimestamp: '2026-01-01T00:00:00Z' }

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function installed() {
  const client = createFakeKubeClient()
  client.put(DAEMON_SET, daemonSet)
  client.put(NAMESPACE, { metadata: { name: 'mesh' } })
  return { client, clock: createFakeClock(), log: createRecordingLog() }
}

type Parts = ReturnType<typeof installed>

async function watching(
  parts: Parts,
  options = { compat: 'off', podNamespace: 'mesh' } as const,
): Promise<RemovalWatch> {
  const watch = watchRemoval({ ...parts, options })
  while (parts.client.watching() === 0) await settle()
  return watch
}

const CASES: readonly [string, (parts: Parts) => void, boolean][] = [
  ['stays where its DaemonSet does', () => undefined, false],
  ['goes with its DaemonSet', ({ client }) => client.remove(DAEMON_SET), true],
  [
    'goes where its DaemonSet waits for its pods to go',
    ({ client }) => client.put(DAEMON_SET, { metadata: { ...daemonSet.metadata, ...going } }),
    true,
  ],
  ['goes with its namespace', ({ client }) => client.put(NAMESPACE, { metadata: { name: 'mesh', ...going } }), true],
  [
    'goes with its DaemonSet also when its rights went first',
    ({ client }) => {
      client.failures.push({ verb: 'get', error: refusal(401) })
      client.remove(DAEMON_SET)
    },
    true,
  ],
]

for (const [name, happens, expected] of CASES) {
  test(`the plugin ${name}`, async () => {
    const parts = installed()
    const watch = await watching(parts)
    happens(parts)
    await settle()
    assert.equal(await watch.mustRemove(), expected)
    while (parts.client.watching() > 0) await settle()
  })
}

test('without an answer the plugin stays, after a while in which word of the DaemonSet may come', async () => {
  const parts = installed()
  const watch = await watching(parts)
  parts.client.failures.push({ verb: 'get', error: noAnswer() })
  const answer = watch.mustRemove()
  await parts.clock.untilWaiting()
  parts.clock.advance(5000)
  assert.equal(await answer, false)
  assert.deepEqual(
    parts.log.lines.map(({ level }) => level),
    ['error'],
  )
})

test('a DaemonSet that goes while its agent waits for word of it takes the plugin along', async () => {
  const parts = installed()
  const watch = await watching(parts)
  parts.client.failures.push({ verb: 'get', error: refusal(403) })
  const answer = watch.mustRemove()
  await parts.clock.untilWaiting()
  parts.client.remove(DAEMON_SET)
  assert.equal(await answer, true)
})

for (const options of [
  { compat: 'istiod', podNamespace: 'mesh' },
  { compat: 'off', podNamespace: '' },
] as const) {
  test(`with ${JSON.stringify(options)} the plugin goes, and nothing is asked`, async () => {
    const parts = installed()
    assert.equal(await watchRemoval({ ...parts, options }).mustRemove(), true)
    assert.deepEqual(parts.client.requests, [])
  })
}
