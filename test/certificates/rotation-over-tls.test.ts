/**
 * Two changes of authority over real TLS: servers that learn of the Secret late, callers that learn of bundles late, a new
 * connection of every caller to every server at every step. Time is moved by hand, so a slow machine changes nothing.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:https'
import { Agent, createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'

import { SILENT } from '../../src/base/log.ts'
import type { WebhookConfiguration } from '../../src/certificates/ca-bundle.ts'
import { keepCaBundles, lookAtBundles } from '../../src/certificates/ca-bundle.ts'
import type { IssuedSource } from '../../src/certificates/issued-source.ts'
import { startIssuedSource } from '../../src/certificates/issued-source.ts'
import { servingNames } from '../../src/certificates/leaf.ts'
import type { RotationSettings } from '../../src/certificates/rotation.ts'
import { DEFAULT_ROTATION } from '../../src/certificates/rotation.ts'
import type { AuthorityStore, StoredAuthority } from '../../src/certificates/store.ts'
import type { KubeObject } from '../../src/kube/resource.ts'
import { MUTATING_WEBHOOKS } from '../../src/kube/resource.ts'
import { createMetrics } from '../../src/server/metrics.ts'
import { httpsOptions, keepCertificateFresh } from '../../src/server/tls.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createFakeKubeClient } from '../support/fake-kube-client.ts'

const SECOND_MS = 1000
const STEP_MS = 3 * SECOND_MS
/** How much later than the first one the others see what the Secret holds. */
const SERVER_LAGS_MS = [0, 6 * SECOND_MS, 12 * SECOND_MS]
const CALLER_LAGS_MS = [0, 3 * SECOND_MS, 9 * SECOND_MS]
const SETTINGS: RotationSettings = {
  ...DEFAULT_ROTATION,
  trustDwellMs: 15 * SECOND_MS,
  retireDwellMs: 30 * SECOND_MS,
}
const MAX_STEPS = 50
const CONFIGURATION = { resource: MUTATING_WEBHOOKS, name: 'c' }
const SERVICE = { name: 's', namespace: 'n' }
const OWN = { installation: 'test', own: { services: [SERVICE], servesHost: () => false } }

/** A value that some see later than others. */
function delayed<T>(first: T, nowMs: () => number) {
  const values = [{ fromMs: -Infinity, value: first }]
  return {
    set: (value: T): void => void values.push({ fromMs: nowMs(), value }),
    seen: (lagMs = 0): T => values.findLast(({ fromMs }) => fromMs <= nowMs() - lagMs)?.value ?? first,
  }
}

function secretInMemory(nowMs: () => number) {
  const content = delayed<StoredAuthority>({ holds: 'nothing' }, nowMs)
  let version = 0
  const storeSeen = (lagMs: number): AuthorityStore => ({
    place: 'memory',
    read: () => {
      const seen = content.seen(lagMs)
      return Promise.resolve(seen.holds === 'nothing' ? content.seen() : seen)
    },
    write: (state, over) => {
      const now = content.seen()
      const isLost = (now.holds === 'nothing' ? undefined : now.version) !== over
      if (!isLost)
        content.set({ ...(now.holds === 'state' ? now : {}), holds: 'state', state, version: `${++version}` })
      return Promise.resolve(!isLost)
    },
    watch: () => undefined,
  })
  const ask = (asked: string): void => {
    const now = content.seen()
    if (now.holds === 'state') content.set({ ...now, asked, version: `${++version}` })
  }
  return { storeSeen, ask }
}

const immediates = async (): Promise<void> => {
  for (let i = 0; i < 60; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Servers over one Secret and one webhook configuration; the first one makes the changes. */
async function installation(settings: RotationSettings) {
  const clock = createFakeClock(Date.now())
  const client = createFakeKubeClient()
  const { signal, end } = ((ends) => ({ signal: ends.signal, end: () => ends.abort() }))(new AbortController())
  const secret = secretInMemory(() => clock.nowMs())
  const shared = { ...OWN, client, configurations: [CONFIGURATION], clock, log: SILENT, signal }
  client.put(CONFIGURATION, {
    metadata: { name: 'c' },
    webhooks: [{ name: 'e', clientConfig: { service: SERVICE } }],
  } as KubeObject)
  const sources: IssuedSource[] = []
  for (const [i, lagMs] of SERVER_LAGS_MS.entries())
    sources.push(
      await startIssuedSource({
        ...shared,
        store: secret.storeSeen(lagMs),
        withoutStore: 'wait',
        names: servingNames({ services: [SERVICE] }),
        settings,
        look: (bundlePem) => lookAtBundles(shared, bundlePem, signal),
        mayRotate: () => i === 0,
      }),
    )
  const [leader] = sources as [IssuedSource]
  void keepCaBundles({
    ...shared,
    wanted: () => leader.authority(),
    onWantedChange: (listener) => leader.onAuthorityChange(listener),
  })
  await immediates()
  const servers = await Promise.all(
    sources.map(async (certificates) => {
      const server = createServer(httpsOptions(certificates.current()), (_, answer) => answer.end())
      keepCertificateFresh(server, { certificates, clock, log: SILENT, metrics: createMetrics() })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const bundle = async (): Promise<string> => {
    const { webhooks } = await client.get<WebhookConfiguration>(CONFIGURATION, signal)
    return Buffer.from(webhooks?.[0]?.clientConfig.caBundle ?? '', 'base64').toString()
  }
  return { clock, leader, servers, bundle, ask: secret.ask, end }
}

const addressOf = (server: Server) => ({
  port: (server.address() as AddressInfo).port,
  host: '127.0.0.1',
  servername: 's.n.svc',
})

/** Fingerprint of what is served, or the code of the caller's refusal. */
async function handshake(server: Server, ca: string): Promise<{ served: string } | { refused: string }> {
  const socket = connect({ ...addressOf(server), ca })
  try {
    await once(socket, 'secureConnect')
    return { served: socket.getPeerCertificate().fingerprint256 }
  } catch (err) {
    return { refused: (err as NodeJS.ErrnoException).code ?? String(err) }
  } finally {
    socket.destroy()
  }
}

async function callOn(agent: Agent, server: Server, ca: string): Promise<{ status: number; isReused: boolean }> {
  const outgoing = request({ ...addressOf(server), ca, agent }).end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  answer.resume()
  await once(answer, 'end')
  return { status: answer.statusCode ?? 0, isReused: outgoing.reusedSocket }
}

interface Outcome {
  handshakes: number
  readonly refusals: string[]
  /** Different leaves that each server was seen to serve. */
  readonly served: readonly Set<string>[]
  /** Calls on the connections that were there from the beginning. */
  keptCalls: number
}

async function changes(count: number, settings: RotationSettings): Promise<Outcome> {
  const { clock, leader, servers, bundle, ask, end } = await installation(settings)
  const agents = servers.map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
  const bundles = delayed(await bundle(), () => clock.nowMs())
  const firstBundle = bundles.seen()
  const outcome: Outcome = { handshakes: 0, refusals: [], served: servers.map(() => new Set()), keptCalls: 0 }
  const call = async (server: Server, i: number, lagMs: number): Promise<void> => {
    const result = await handshake(server, bundles.seen(lagMs))
    outcome.handshakes++
    if ('served' in result) outcome.served[i]?.add(result.served)
    else outcome.refusals.push(result.refused)
  }
  const keep = async (server: Server, i: number): Promise<void> => {
    const { status, isReused } = await callOn(agents[i] as Agent, server, firstBundle)
    if (status === 200 && isReused) outcome.keptCalls++
  }
  const step = async (): Promise<void> => {
    clock.advance(STEP_MS)
    await immediates()
    bundles.set(await bundle())
    await Promise.all(
      servers.flatMap((server, i) => [...CALLER_LAGS_MS.map((lagMs) => call(server, i, lagMs)), keep(server, i)]),
    )
  }
  try {
    await step()
    for (let change = 1; change <= count; change++) {
      ask(`change ${change}`)
      const isOver = (): boolean => leader.authority().phase === 'stable' && leader.authority().generation > change
      for (let i = 0; i < MAX_STEPS && !isOver(); i++) await step()
      assert.ok(isOver(), `change ${change} does not end`)
      // The slowest caller learns of it.
      for (let i = 0; i < 4; i++) await step()
    }
    return outcome
  } finally {
    end()
    for (const agent of agents) agent.destroy()
    for (const server of servers) server.close()
  }
}

test('two changes of authority, servers and callers of different speed: no handshake fails', async () => {
  const { handshakes, refusals, served, keptCalls } = await changes(2, SETTINGS)
  assert.deepEqual(refusals, [])
  assert.deepEqual(
    served.map(({ size }) => size),
    [3, 3, 3],
    'every server served a leaf of each authority',
  )
  assert.ok(handshakes > 200, `${handshakes} handshakes`)
  assert.equal(keptCalls, handshakes / CALLER_LAGS_MS.length - SERVER_LAGS_MS.length, 'old connections live on')
})

for (const { name, hasty } of [
  { name: 'without a dwell before the next authority signs,', hasty: { trustDwellMs: 0 } },
  {
    name: 'where the former authority goes before the slowest server has changed,',
    hasty: { retireDwellMs: 6 * SECOND_MS },
  },
])
  test(`${name} the same change breaks handshakes: the test can fail`, async () => {
    const { refusals } = await changes(1, { ...SETTINGS, ...hasty })
    assert.ok(refusals.length > 0)
    assert.deepEqual([...new Set(refusals)], ['UNABLE_TO_VERIFY_LEAF_SIGNATURE'])
  })
