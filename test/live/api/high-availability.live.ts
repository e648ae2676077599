/**
 * No call fails while certificates and replicas change: three replicas behind a balancer, under calls of a real API server
 * and of callers that verify as it does. HA_RATE=1 calls at the full rate (default: a fifth); HA_FULL=1 takes the time that
 * an operator's settings take, with a replica replaced every 30 s throughout.
 */
import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { systemClock } from '../../../src/base/clock.ts'
import { messageOf } from '../../../src/base/errors.ts'
import { newAuthorityState } from '../../../src/certificates/authority.ts'
import type { WebhookConfiguration } from '../../../src/certificates/ca-bundle.ts'
import { ROTATE_ANNOTATION } from '../../../src/certificates/store.ts'
import { packagePath } from '../../../src/cli/package.ts'
import type { KubeClient } from '../../../src/kube/client.ts'
import { SECRETS, type KubeObject, type ObjectPlace } from '../../../src/kube/resource.ts'
import { startLoad, type CallRecord, type Load, type Rates } from '../../support/admission-load.ts'
import {
  clusterClient,
  eventually,
  KUBECONFIG,
  kubectl,
  restartApiserver,
  skipWithoutCluster,
} from '../../support/cluster.ts'
import { dryRunIn } from '../../support/dry-runs.ts'
import { skipWithoutBundle, type Replica } from '../../support/replica.ts'
import { startReplicatedServer, type ReplicatedServer } from '../../support/replicated-server.ts'
import {
  describeTrust,
  keepTrustLog,
  repairTimes,
  replayTrust,
  type TrustEvent,
  type TrustLog,
} from '../../support/trust-log.ts'

const skip = skipWithoutCluster() || skipWithoutBundle()
const IS_FULL = process.env.HA_FULL === '1'
const SHARE = Number(process.env.HA_RATE ?? '0.2')
/** Calls a second. */
const RATES: Rates = { created: 50 * SHARE, kept: 450 * SHARE, fresh: 50 * SHARE }
const OPTIONS = { skip, timeout: 600_000 }
const REVISION = 'ha'
const NAMESPACE = `high-availability-${process.pid}`
/** API servers that hear of a changed bundle so much later than others. */
const VIEW_DELAYS_MS = [0, 150, 400]
/** Calls go on for so long around each event, milliseconds. */
const QUIET_MS = IS_FULL ? 15_000 : 1_500
const ROLL_MS = 30_000
/** A caller hears so much later of a connection that broke: what it sends meanwhile is under way too. */
const NOTICE_MS = 100
const OVERWRITES = IS_FULL ? 60 : 10
const FOREIGN_PEM = newAuthorityState({ installation: 'somebody', generation: 1, nowMs: Date.now() }).bundlePem
/** Leaves, of which each replica takes several in the course of this. */
const LEAF_SECONDS = IS_FULL ? 60 : 30
const FLAGS = [
  ...['--leaf-lifetime', `${LEAF_SECONDS}s`, '--shutdown-delay', IS_FULL ? '15s' : '2s'],
  ...['--trust-dwell', IS_FULL ? '30s' : '2s', '--retire-dwell', IS_FULL ? '60s' : '4s'],
]

interface Scene {
  readonly server: ReplicatedServer
  readonly load: Load
  readonly trust: TrustLog
  readonly client: KubeClient
  readonly end: AbortController
}

interface Spell {
  readonly fromMs: number
  readonly toMs: number
}

let scene: Scene | undefined
let rolling: Promise<void> | undefined
/** When the API server was away. */
const away: Spell[] = []
/** When somebody else wrote caBundle. */
const disputed: Spell[] = []

before(async () => {
  if (skip !== false) return
  await kubectl(['create', 'namespace', NAMESPACE])
  await kubectl(['label', 'namespace', NAMESPACE, `istio.io/rev=${REVISION}`])
  const end = new AbortController()
  const { signal } = end
  const server = await startReplicatedServer({ revision: REVISION, replicas: 3, flags: FLAGS, signal })
  const client = await clusterClient()
  const trust = keepTrustLog({
    client,
    configurations: server.configurations,
    replicas: () => server.running(),
    signal,
  })
  const create = await dryRunIn(NAMESPACE, KUBECONFIG)
  await eventually(async () => 'injected' in (await create()), AbortSignal.timeout(60_000))
  const views = VIEW_DELAYS_MS.map((delayMs) => () => trust.bundleBefore(delayMs))
  const load = startLoad({ rates: RATES, port: server.balancer.port, views, create })
  // The first calls find cold processes on both sides.
  await sleep(QUIET_MS)
  await load.settled()
  scene = { server, load, trust, client, end }
  if (IS_FULL) rolling = roll(server, signal)
})

after(async () => {
  if (skip !== false) return
  await scene?.load.stop()
  scene?.end.abort()
  await rolling
  await scene?.server.end()
  await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false'])
})

/** The oldest replica makes room for a new one, again and again. */
async function roll(server: ReplicatedServer, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const [oldest] = server.running()
    const nextRound = systemClock.wait(ROLL_MS, signal)
    if (oldest !== undefined) await server.replace(oldest)
    await nextRound
  }
}

const overlaps = ({ atMs, tookMs }: CallRecord, spells: readonly Spell[]): boolean =>
  spells.some(({ fromMs, toMs }) => atMs < toMs && atMs + tookMs > fromMs)

/** Lets `act` happen between two quiet spells; gives the calls of that time, and says how they went. */
async function during(t: TestContext, act: (scene: Scene) => Promise<void>): Promise<CallRecord[]> {
  if (scene === undefined) throw new Error('nothing is served')
  const { load } = scene
  const from = load.calls.length
  await sleep(QUIET_MS)
  await act(scene)
  await sleep(QUIET_MS)
  await load.settled()
  const calls = load.calls.slice(from)
  for (const kind of ['created', 'kept', 'fresh'] as const) {
    t.diagnostic(`${kind}: ${figures(calls.filter((call) => call.kind === kind))}`)
  }
  return calls
}

/** `1234 calls, 0 failed; p50 3 ms, p99 21 ms, longest 80 ms` */
function figures(calls: readonly CallRecord[]): string {
  const sorted = calls.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  const at = (share: number): string => `${(sorted[Math.ceil(sorted.length * share) - 1] ?? 0).toFixed(0)} ms`
  const failed = calls.filter(({ failure }) => failure !== undefined).length
  return `${calls.length} calls, ${failed} failed; p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`
}

function assertNoneFailed(calls: readonly CallRecord[]): void {
  const failures = calls.filter(({ failure }) => failure !== undefined)
  assert.deepEqual(failures.slice(0, 10), [])
}

test('steady: no call fails', OPTIONS, async (t) => {
  assertNoneFailed(await during(t, () => sleep(QUIET_MS)))
})

test('every replica takes a new leaf: no call fails', OPTIONS, async (t) => {
  const calls = await during(t, async ({ server }) => {
    const leaves = ({ lines }: Replica): number =>
      lines.filter(({ msg }) => msg === 'serving certificate replaced').length
    const before = server.running().map((replica) => ({ replica, count: leaves(replica) }))
    const isRenewed = ({ replica, count }: (typeof before)[number]): boolean =>
      leaves(replica) > count || !server.running().includes(replica)
    await eventually(() => before.every(isRenewed), t.signal)
  })
  assertNoneFailed(calls)
})

test('a change of authority, from the request to the end of the former one: no call fails', OPTIONS, async (t) => {
  const calls = await during(t, async ({ client, server, trust }) => {
    const former = lastSigners(trust)
    const annotations = { [ROTATE_ANNOTATION]: `once-${process.pid}` }
    await client.patch(secretPlace(server), { metadata: { annotations } }, { signal: t.signal })
    await eventually(() => [...lastSigners(trust)].every((signer) => !former.has(signer)), t.signal)
    await eventually(() => lastTrusted(trust).every((subjects) => subjects.length === 1), t.signal)
  })
  assertNoneFailed(calls)
})

test('row 1: the Secret of the authority is deleted: it comes back, and no call fails', OPTIONS, async (t) => {
  const calls = await during(t, async ({ client, server }) => {
    const before = await secretData(client, server)
    const fromMs = performance.now()
    await client.delete(secretPlace(server), t.signal)
    await eventually(async () => (await secretData(client, server))['signer.key'] === before['signer.key'], t.signal)
    t.diagnostic(`back after ${(performance.now() - fromMs).toFixed(0)} ms`)
  })
  assertNoneFailed(calls)
})

for (const { name, data } of [
  { name: 'has a key that is none', data: { 'signer.key': Buffer.from('nonsense').toString('base64') } },
  { name: 'is emptied', data: null },
]) {
  test(`row 3, row 4: the Secret ${name}: it is written again, and no call fails`, OPTIONS, async (t) => {
    const calls = await during(t, async ({ client, server }) => {
      const before = await secretData(client, server)
      const fromMs = performance.now()
      await client.patch(secretPlace(server), { data }, { fieldManager: 'somebody', signal: t.signal })
      await eventually(async () => {
        const now = await secretData(client, server)
        return now['signer.key'] === before['signer.key'] && now['ca.crt'] === before['ca.crt']
      }, t.signal)
      t.diagnostic(`repaired after ${(performance.now() - fromMs).toFixed(0)} ms`)
    })
    assertNoneFailed(calls)
  })
}

test('row 32: every replica is ended by SIGTERM and replaced at once: no call fails', OPTIONS, async (t) => {
  const calls = await during(t, async ({ server }) => {
    // In a full run this goes on all the time.
    if (IS_FULL) return sleep(4 * ROLL_MS)
    for (const replica of server.running()) {
      const fromMs = performance.now()
      await server.replace(replica)
      t.diagnostic(`${replica.name} was gone after ${(performance.now() - fromMs).toFixed(0)} ms`)
    }
  })
  assertNoneFailed(calls)
})

test('row 8: the API server is restarted: only calls of itself fail, and only while it is away', OPTIONS, async (t) => {
  const calls = await during(t, async () => {
    const fromMs = performance.now()
    await restartApiserver()
    away.push({ fromMs, toMs: performance.now() })
  })
  const lost = calls.filter((call) => call.kind === 'created' && call.failure !== undefined && overlaps(call, away))
  t.diagnostic(`${lost.length} creations failed while it was away`)
  assertNoneFailed(calls.filter((call) => !lost.includes(call)))
})

test(
  'row 20, row 21: caBundle is overwritten every second: it is repaired within a second each time',
  OPTIONS,
  async (t) => {
    let times: number[] = []
    const calls = await during(t, async ({ client, server, trust }) => {
      const fromMs = performance.now()
      for (let i = 0; i < OVERWRITES; i++) {
        await Promise.all(server.configurations.map((place) => overwriteBundles(client, place, t.signal)))
        await sleep(1000)
      }
      await eventually(() => replayTrust(trust.events).at(-1)?.breaches.length === 0, t.signal)
      times = repairTimes(trust.events, fromMs)
      disputed.push({ fromMs, toMs: performance.now() + Math.max(...VIEW_DELAYS_MS) })
    })
    t.diagnostic(`repaired ${times.length} times, after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`)
    const lost = calls.filter((call) => call.failure !== undefined && overlaps(call, disputed))
    t.diagnostic(`${lost.length} calls failed between overwriting and repair`)
    assertNoneFailed(calls.filter((call) => !lost.includes(call)))
    assert.ok(times.length >= OVERWRITES)
    assert.ok(Math.max(...times) < 1000)
  },
)

test(
  'row 21: with the guard, every write of caBundle by another program is refused, and no call fails',
  OPTIONS,
  async (t) => {
    const { client, server } = scene ?? assert.fail()
    const overwriteAll = (): Promise<PromiseSettledResult<void>[]> =>
      Promise.allSettled(server.configurations.map((place) => overwriteBundles(client, place, t.signal)))
    const refused = (results: readonly PromiseSettledResult<void>[]): number =>
      results.filter((one) => one.status === 'rejected' && /caBundle is kept by the server/.test(messageOf(one.reason)))
        .length
    await kubectl(['apply', '-k', packagePath('manifests/guard')])
    try {
      const fromMs = performance.now()
      // The API server hears of a new policy after a moment.
      await eventually(async () => refused(await overwriteAll()) === server.configurations.length, t.signal)
      await eventually(() => replayTrust(scene?.trust.events ?? []).at(-1)?.breaches.length === 0, t.signal)
      await sleep(Math.max(...VIEW_DELAYS_MS))
      disputed.push({ fromMs, toMs: performance.now() })
      let writes = 0
      const calls = await during(t, async () => {
        for (let i = 0; i < OVERWRITES; i++) {
          writes += refused(await overwriteAll())
          await sleep(1000)
        }
      })
      assert.equal(writes, OVERWRITES * server.configurations.length)
      // Calls that began before the guard held may end later.
      assertNoneFailed(calls.filter((call) => !overlaps(call, disputed)))
    } finally {
      await kubectl(['delete', '-k', packagePath('manifests/guard')])
    }
  },
)

test("row 11: one replica's clock jumps by a week: no call fails", OPTIONS, async (t) => {
  const calls = await during(t, async ({ server }) => {
    const replica = await server.add({ withMovableClock: true })
    replica.jumpAWeek()
    await sleep(QUIET_MS)
    await server.remove(replica)
  })
  assertNoneFailed(calls)
})

test('row 31: a replica is killed: at most the calls under way fail', OPTIONS, async (t) => {
  const died = { fromMs: 0, toMs: 0 }
  const calls = await during(t, async ({ server }) => {
    const newest = server.running().at(-1)
    died.fromMs = performance.now()
    if (newest !== undefined) await server.kill(newest)
    died.toMs = performance.now() + NOTICE_MS
    await server.add()
  })
  const underWay = calls.filter((call) => overlaps(call, [died]))
  const failed = calls.filter(({ failure }) => failure !== undefined)
  t.diagnostic(`${failed.length} failed of the ${underWay.length} calls under way`)
  assertNoneFailed(calls.filter((call) => !underWay.includes(call)))
})

test('at every moment every configuration trusted what every replica served', OPTIONS, (t) => {
  const { trust } = scene ?? assert.fail()
  const startMs = trust.events[0]?.atMs ?? 0
  const isDisputed = ({ atMs }: TrustEvent): boolean =>
    disputed.some(({ fromMs, toMs }) => atMs > fromMs && atMs < toMs)
  const undisputed = trust.events.filter((event) => !isDisputed(event))
  for (const event of undisputed) t.diagnostic(describeTrust(event, startMs))
  const breaches = replayTrust(trust.events).filter(({ event, breaches }) => breaches.length > 0 && !isDisputed(event))
  assert.deepEqual(breaches, [])
})

/** Another authority than ours in every entry, as another controller would put it there. */
async function overwriteBundles(client: KubeClient, place: ObjectPlace, signal: AbortSignal): Promise<void> {
  const { webhooks = [] } = await client.get<WebhookConfiguration>(place, signal)
  const caBundle = Buffer.from(FOREIGN_PEM).toString('base64')
  const patch = { webhooks: webhooks.map(({ name }) => ({ name, clientConfig: { caBundle } })) }
  await client.patch(place, patch, { fieldManager: 'somebody', signal })
}

const secretPlace = ({ secret }: ReplicatedServer): ObjectPlace => ({
  resource: SECRETS,
  namespace: 'default',
  name: secret,
})

/** Empty where there is none. */
async function secretData(client: KubeClient, server: ReplicatedServer): Promise<Readonly<Record<string, string>>> {
  const secret = await client
    .get<KubeObject & { readonly data?: Record<string, string> }>(secretPlace(server), AbortSignal.timeout(10_000))
    .catch(() => undefined)
  return secret?.data ?? {}
}

/** Who signed what the replicas serve now. */
function lastSigners({ events }: TrustLog): Set<string> {
  const signers = new Map<string, string | undefined>()
  for (const event of events) if (event.kind === 'signer') signers.set(event.replica, event.subject)
  return new Set([...signers.values()].filter((subject) => subject !== undefined))
}

/** Whom each entry trusts now. */
function lastTrusted({ events }: TrustLog): (readonly string[])[] {
  const trusted = new Map<string, readonly string[]>()
  for (const event of events) if (event.kind === 'bundle') trusted.set(event.entry, event.subjects)
  return [...trusted.values()]
}
