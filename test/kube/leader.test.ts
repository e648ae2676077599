/** Who holds the Lease, who may write, and what happens when nobody can say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { SILENT } from '../../src/base/log.ts'
import type { Lease } from '../../src/kube/leader.ts'
import { runLeader } from '../../src/kube/leader.ts'
import { LEASES } from '../../src/kube/resource.ts'
import { createServerClock } from '../../src/kube/server-clock.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createFakeKubeClient, noAnswer, refusal } from '../support/fake-kube-client.ts'

const PLACE = { resource: LEASES, namespace: 'n', name: 'l' }

function replicas() {
  const client = createFakeKubeClient()
  const clock = createFakeClock()
  const end = new AbortController()
  const start = (identity: string) =>
    runLeader({ client, namespace: 'n', name: 'l', identity, clock, log: SILENT, signal: end.signal })
  const pass = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1000)
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { client, clock, end, start, pass }
}

test('Lease: the first takes it, with a time of exactly six digits, and the others wait', async () => {
  const { client, end, start, pass } = replicas()
  const a = start('a')
  await a.tried
  const b = start('b')
  await pass(50)
  assert.deepEqual([a.isHolder(), b.isHolder(), a.mayWrite(), b.mayWrite()], [true, false, true, false])
  const { spec } = await client.get<Lease>(PLACE, end.signal)
  assert.match(spec?.renewTime ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.equal(spec?.leaseTransitions, 0)
  end.abort()
})

test('Lease: given up, it is taken within seconds, and its former holder does not come back', async () => {
  const { client, end, start, pass } = replicas()
  const a = start('a')
  await a.tried
  const b = start('b')
  await b.tried
  await a.release()
  await pass(3)
  assert.deepEqual([a.isHolder(), b.isHolder()], [false, true])
  await pass(60)
  assert.equal((await client.get<Lease>(PLACE, end.signal)).spec?.holderIdentity, 'b')
  end.abort()
})

test('row 9: a holder that cannot renew stops counting itself as one before others may take over', async () => {
  const { client, end, start, pass } = replicas()
  const a = start('a')
  await a.tried
  for (let i = 0; i < 100; i++) client.failures.push({ verb: 'get', error: noAnswer() })
  await pass(19)
  assert.equal(a.isHolder(), true)
  await pass(3)
  assert.deepEqual([a.isHolder(), a.mayWrite()], [false, false])
  await pass(45)
  assert.equal(a.mayWrite(), true, 'nobody was seen to hold it for a minute')
  end.abort()
})

test('Lease: a holder that vanished is replaced when its time is over', async () => {
  const { client, clock, end, start, pass } = replicas()
  const renewTime = new Date(clock.nowMs()).toISOString()
  client.put(PLACE, {
    metadata: { name: 'l' },
    spec: { holderIdentity: 'gone', leaseDurationSeconds: 30, renewTime },
  } as never)
  const a = start('a')
  await pass(25)
  assert.equal(a.isHolder(), false)
  await pass(10)
  assert.equal(a.isHolder(), true)
  end.abort()
})

test('Lease: without the right to have one everybody may write at once', async () => {
  const { client, end, start } = replicas()
  client.failures.push({ verb: 'get', error: refusal(403) })
  const a = start('a')
  await a.tried
  assert.deepEqual([a.isHolder(), a.mayWrite()], [false, true])
  end.abort()
})

test('row 11, row 12: the time is that of the API server as soon as it differs by more than a moment', () => {
  const local = createFakeClock()
  const clock = createServerClock(local)
  const trueMs = local.nowMs()
  clock.note(trueMs - 1000)
  assert.equal(clock.nowMs(), trueMs, 'an answer that is a second old is no skew')
  for (const jumpMs of [40 * 86_400_000, -2 * 3_600_000]) {
    const jumped = createServerClock({ ...local, nowMs: () => trueMs + jumpMs })
    jumped.note(trueMs)
    assert.equal(jumped.skewMs(), jumpMs - 500)
    assert.equal(jumped.nowMs(), trueMs + 500)
    assert.equal(jumped.sinceAnswerMs(), 0)
  }
})
