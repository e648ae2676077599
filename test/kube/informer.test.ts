/** Stores that follow a collection over every kind of trouble. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { runInformer } from '../../src/kube/informer.ts'
import { CONFIG_MAPS } from '../../src/kube/resource.ts'
import type { ObjectPlace } from '../../src/kube/resource.ts'
import type { Change } from '../../src/kube/store.ts'
import { Store } from '../../src/kube/store.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createFakeKubeClient, noAnswer, refusal } from '../support/fake-kube-client.ts'
import { createRecordingLog } from '../support/recording-log.ts'

const PLACE: ObjectPlace = { resource: CONFIG_MAPS, namespace: 'n' }
const named = (name: string): ObjectPlace => ({ ...PLACE, name })
const object = (name: string, text: string) => ({ metadata: { name, namespace: 'n' }, text })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function start() {
  const client = createFakeKubeClient()
  const clock = createFakeClock()
  const log = createRecordingLog()
  const store = new Store<string>()
  const end = new AbortController()
  const changes: string[] = []
  store.onChange(
    ({ key, before, after }: Change<string>) => void changes.push(`${key}: ${before ?? '-'} > ${after ?? '-'}`),
  )
  const run = () =>
    runInformer<ReturnType<typeof object>, string>({
      client,
      place: PLACE,
      keep: ({ text }) => text,
      store,
      clock,
      log,
      signal: end.signal,
    })
  /** Lets things happen until `holds`, moving the clock so that no pause lasts. */
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      await turn()
      clock.advance(60_000)
    }
  }
  return { client, clock, log, store, changes, end, run, until }
}

test('the store is listed, then follows each event', async () => {
  const { client, store, changes, end, run, until } = start()
  client.put(named('a'), object('a', '1'))
  const running = run()
  await until(() => client.watching() === 1)
  assert.equal(store.synced, true)
  client.put(named('b'), object('b', '1'))
  client.put(named('a'), object('a', '2'))
  client.remove(named('b'))
  await until(() => changes.length === 4)
  assert.deepEqual(changes, ['n/a: - > 1', 'n/b: - > 1', 'n/a: 1 > 2', 'n/b: 1 > -'])
  end.abort()
  await running
})

test('a new version with the same kept value is no change', async () => {
  const { client, store, changes, end, run, until } = start()
  client.put(named('a'), object('a', '1'))
  const running = run()
  await until(() => client.watching() === 1)
  client.put(named('a'), object('a', '1'))
  client.put(named('z'), object('z', '1'))
  await until(() => store.size === 2)
  assert.deepEqual(changes, ['n/a: - > 1', 'n/z: - > 1'])
  end.abort()
  await running
})

test('a watch that ended is resumed without listing', async () => {
  const { client, end, run, until } = start()
  const running = run()
  await until(() => client.watching() === 1)
  client.endWatches()
  await until(() => client.requests.length === 3)
  assert.deepEqual(
    client.requests.map((request) => request.split(' ')[0]),
    ['list', 'watch', 'watch'],
  )
  end.abort()
  await running
})

for (const { name, error, lines } of [
  { name: 'a lost connection', error: noAnswer(), lines: ['watch broken, trying again', 'watching again'] },
  { name: 'a forgotten version (410)', error: refusal(410), lines: [] },
]) {
  test(`${name} ends in a new list that finds what was missed`, async () => {
    const { client, log, store, end, run, until } = start()
    client.put(named('a'), object('a', '1'))
    client.put(named('gone'), object('gone', '1'))
    const running = run()
    await until(() => client.watching() === 1)
    client.endWatches(error)
    await turn()
    client.remove(named('gone'))
    client.put(named('b'), object('b', '1'))
    await until(() => client.watching() === 1 && store.get('n/b') === '1')
    assert.deepEqual([...store.values()], ['1', '1'])
    assert.equal(store.get('n/gone'), undefined)
    assert.deepEqual(
      log.lines.map(({ text }) => text),
      lines,
    )
    end.abort()
    await running
  })
}

test('an API server that is away is told once and asked again at growing distance', async () => {
  const { client, clock, log, store, end, run, until } = start()
  for (let i = 0; i < 6; i++) client.failures.push({ verb: 'list', error: noAnswer() })
  const running = run()
  const pauses: number[] = []
  while (client.requests.length < 6) {
    await clock.untilWaiting()
    const beforeMs = clock.nowMs()
    while (clock.waiting() > 0) clock.advance(100)
    pauses.push(clock.nowMs() - beforeMs)
    await turn()
  }
  assert.equal(
    pauses.every((pause, i) => i === 0 || pause > (pauses[i - 1] ?? 0)),
    true,
    pauses.join(),
  )
  await until(() => store.synced)
  assert.deepEqual(
    log.lines.map(({ text }) => text),
    ['watch broken, trying again', 'watching again'],
  )
  end.abort()
  await running
})

test('a kind that the cluster does not know is empty, without a word', async () => {
  const { client, log, store, end, run, until } = start()
  client.failures.push({ verb: 'list', error: refusal(404) })
  const running = run()
  await until(() => store.synced)
  await until(() => client.watching() === 1)
  assert.deepEqual(log.lines, [])
  end.abort()
  await running
})

test('a watch that ends at once, again and again, is no busy loop', async () => {
  const { client, clock, end, run } = start()
  const running = run()
  while (client.watching() === 0) await turn()
  client.endWatches()
  await clock.untilWaiting()
  const before = client.requests.length
  for (let i = 0; i < 20; i++) await turn()
  assert.equal(client.requests.length, before)
  end.abort()
  await running
})
