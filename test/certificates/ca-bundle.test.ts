/** Which entries get our authority, when, and how often. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bundleStep, keepCaBundles } from '../../src/certificates/ca-bundle.ts'
import type {
  ConfigurationPlace,
  WantedBundle,
  WebhookConfiguration,
  WebhookEntry,
} from '../../src/certificates/ca-bundle.ts'
import { MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS } from '../../src/kube/resource.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createFakeKubeClient, noAnswer, refusal } from '../support/fake-kube-client.ts'
import { createRecordingLog } from '../support/recording-log.ts'
import { stateOf } from './authority-store.cases.ts'

const [one, two] = [stateOf(1).bundlePem, stateOf(2).bundlePem]
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const WANTED: WantedBundle = { bundlePem: one, generation: 1 }
const OWN = {
  installation: 'test',
  own: {
    services: [{ name: 'mesh-admission', namespace: 'mesh' }],
    servesHost: (host: string) => ['10.0.0.1', '::1', 'me.example'].includes(host),
  },
}
const SERVICE = { name: 'mesh-admission', namespace: 'mesh' }

const configuration = (...webhooks: WebhookEntry[]): WebhookConfiguration => ({
  metadata: { name: 'c', resourceVersion: '7' },
  webhooks,
})
const entry = (clientConfig: WebhookEntry['clientConfig'], name = 'e'): WebhookEntry => ({ name, clientConfig })
const patched = (...names: string[]) => ({
  do: 'patch',
  patch: {
    metadata: { resourceVersion: '7' },
    webhooks: names.map((name) => ({ name, clientConfig: { caBundle: base64(one) } })),
  },
})

const cases: { name: string; configuration: WebhookConfiguration; want: unknown }[] = [
  {
    name: 'an empty entry of ours is filled',
    configuration: configuration(entry({ service: SERVICE })),
    want: patched('e'),
  },
  {
    name: 'one that is right is left alone, however its lines break',
    configuration: configuration(
      entry({ service: SERVICE, caBundle: base64(`# ours\n${one.replaceAll('\n', '\r\n')}`) }),
    ),
    want: { do: 'nothing' },
  },
  {
    name: 'nonsense in it is replaced',
    configuration: configuration(entry({ service: SERVICE, caBundle: 'Cg==' })),
    want: patched('e'),
  },
  {
    name: 'a broken certificate in it is replaced',
    configuration: configuration(
      entry({ service: SERVICE, caBundle: base64('-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----') }),
    ),
    want: patched('e'),
  },
  {
    name: 'a Service of the same name in another namespace is not ours',
    configuration: configuration(entry({ service: { ...SERVICE, namespace: 'other' } })),
    want: { do: 'nothing' },
  },
  {
    name: 'a name like ours that leads elsewhere is not ours',
    configuration: configuration(entry({ url: 'https://elsewhere/' }, 'sidecar-injector.mesh-admission.io')),
    want: { do: 'nothing' },
  },
  {
    name: 'hosts of our certificate are ours, IPv6 in brackets too',
    configuration: configuration(
      entry({ url: 'https://me.example/inject' }, 'a'),
      entry({ url: 'https://[::1]:15017/inject' }, 'b'),
      entry({ url: 'https://10.0.0.2/inject' }, 'c'),
    ),
    want: patched('a', 'b'),
  },
  {
    name: 'a configuration that is being deleted is left alone',
    configuration: { ...configuration(entry({ service: SERVICE })), metadata: { name: 'c', deletionTimestamp: 'x' } },
    want: { do: 'nothing' },
  },
  {
    name: 'row 10: a newer generation of ours is not undone',
    configuration: configuration(
      entry({ service: SERVICE, caBundle: base64(two + one) }),
      entry({ service: SERVICE }, 'f'),
    ),
    want: { do: 'yield', generation: 2 },
  },
]
for (const row of cases) {
  test(`bundleStep: ${row.name}`, () => assert.deepEqual(bundleStep(row.configuration, WANTED, OWN), row.want))
}

const PLACE = { resource: MUTATING_WEBHOOKS, name: 'c' }
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function keeping(place: ConfigurationPlace = PLACE) {
  const client = createFakeKubeClient()
  const clock = createFakeClock()
  const log = createRecordingLog()
  const end = new AbortController()
  const writes: string[] = []
  const running = keepCaBundles({
    ...OWN,
    client,
    configurations: [place],
    wanted: () => WANTED,
    onWantedChange: () => () => undefined,
    tell: ({ news, place: { resource } }) => {
      if (news === 'written' || news === 'failed') writes.push(`${resource.plural} ${news}`)
    },
    clock,
    log,
    signal: end.signal,
  })
  const patches = (): number => client.requests.filter((request) => request.startsWith('patch')).length
  const blank = (): void => client.put(place, configuration(entry({ service: SERVICE })))
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await turn()
  }
  const finish = async (): Promise<void> => {
    end.abort()
    await running
  }
  return { client, clock, log, writes, patches, blank, settle, finish }
}

test('keepCaBundles: a blanked bundle comes back at once, without anyone waiting for a clock', async () => {
  const { patches, blank, settle, finish } = keeping()
  blank()
  await settle()
  assert.equal(patches(), 1)
  await finish()
})

const fights = [
  {
    name: 'one overwriting a second is repaired each time, at once',
    everyMs: 1000,
    seconds: 300,
    least: 300,
    most: 301,
  },
  { name: 'ten a second are answered by one write a second', everyMs: 100, seconds: 60, least: 60, most: 66 },
]
for (const { name, everyMs, seconds, least, most } of fights) {
  test(`row 21: ${name}, and it is told once, with the other name`, async () => {
    const { client, clock, log, patches, settle, finish } = keeping()
    const managedFields = [{ manager: 'pilot-discovery', fieldsV1: { 'f:webhooks': { 'f:caBundle': {} } } }]
    const { metadata, ...rest } = configuration(entry({ service: SERVICE }))
    for (let elapsedMs = 0; elapsedMs <= seconds * 1000; elapsedMs += everyMs) {
      client.put(PLACE, { ...rest, metadata: { ...metadata, managedFields } } as WebhookConfiguration)
      await settle()
      clock.advance(everyMs)
      await settle()
    }
    assert.ok(patches() >= least && patches() <= most, `${patches()} writes in ${seconds} seconds`)
    const told = log.lines.filter(({ level }) => level === 'error')
    assert.deepEqual(
      told.map(({ fields }) => fields.managers),
      [['pilot-discovery']],
    )
    await finish()
  })
}

test('row 24: a lost race is decided anew on the new version', async () => {
  const { client, clock, patches, blank, settle, finish } = keeping()
  client.failures.push({ verb: 'patch', error: refusal(409) })
  blank()
  await settle()
  clock.advance(1000)
  await settle()
  assert.equal(patches(), 2)
  await finish()
})

test('row 23: without the right to write it asks ever more slowly, and complains once in ten minutes', async () => {
  const { client, clock, log, writes, patches, blank, settle, finish } = keeping()
  for (let i = 0; i < 1000; i++) client.failures.push({ verb: 'patch', error: refusal(403) })
  blank()
  for (let second = 0; second < 120; second++) {
    await settle()
    clock.advance(1000)
  }
  assert.ok(patches() >= 6 && patches() <= 8, `${patches()} tries in two minutes`)
  assert.deepEqual(
    log.lines.filter(({ level }) => level !== 'info').map(({ level, fields }) => [level, fields.verb]),
    [['error', 'patch']],
  )
  assert.equal(writes.length, patches())
  await finish()
})

test('row 8: while the API server is away the tries become rarer, and the first that is answered writes', async () => {
  const { client, clock, patches, writes, blank, settle, finish } = keeping()
  for (let i = 0; i < 4; i++) client.failures.push({ verb: 'patch', error: noAnswer() })
  blank()
  for (let second = 0; second < 20; second++) {
    await settle()
    clock.advance(1000)
  }
  assert.equal(patches(), 5)
  assert.equal(writes.at(-1), 'mutatingwebhookconfigurations written')
  await finish()
})

test('keepCaBundles: a validating configuration is kept like a mutating one, and every write is told', async () => {
  const { client, clock, writes, blank, settle, finish } = keeping({ resource: VALIDATING_WEBHOOKS, name: 'c' })
  client.failures.push({ verb: 'patch', error: refusal(500) })
  blank()
  await settle()
  clock.advance(1000)
  await settle()
  assert.deepEqual(writes, ['validatingwebhookconfigurations failed', 'validatingwebhookconfigurations written'])
  await finish()
})
