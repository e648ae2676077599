/** What a replica that starts keeps of the bundles that ours wrote before. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { newAuthorityState } from '../../src/certificates/authority.ts'
import { publishedLately } from '../../src/certificates/published.ts'
import { FIELD_MANAGER } from '../../src/certificates/store.ts'
import type { KubeObject } from '../../src/kube/resource.ts'
import { MUTATING_WEBHOOKS } from '../../src/kube/resource.ts'
import { createFakeKubeClient, refusal } from '../support/fake-kube-client.ts'

const { signal } = new AbortController()
const NOW_MS = Date.UTC(2026, 0, 1)
const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000]
const authority = (lifetimeMs = 365 * DAY_MS): string =>
  newAuthorityState({ installation: 'x', generation: 1, nowMs: NOW_MS, lifetimeMs }).bundlePem
const [LASTING, BRIEF] = [authority(), authority(HOUR_MS)]
const CONFIGURATION = { resource: MUTATING_WEBHOOKS, name: 'c' }
const own = { services: [{ name: 's', namespace: 'n' }], servesHost: () => false }

const entry = (service: string, bundlePem: string) => ({
  name: service,
  clientConfig: { service: { name: service, namespace: 'n' }, caBundle: Buffer.from(bundlePem).toString('base64') },
})

function published(manager: string, ...webhooks: readonly object[]) {
  const client = createFakeKubeClient()
  const fieldsV1 = { 'f:webhooks': { 'k:{"name":"s"}': { 'f:clientConfig': { 'f:caBundle': {} } } } }
  const managedFields = [{ manager, time: new Date(NOW_MS).toISOString(), fieldsV1 }]
  client.put(CONFIGURATION, { metadata: { name: 'c', managedFields }, webhooks } as KubeObject)
  return client
}

const read = (client: ReturnType<typeof createFakeKubeClient>) =>
  publishedLately({ client, configurations: [CONFIGURATION], own }, signal)

test('row 29: what we wrote is kept a day from then, or to its end', async () => {
  const client = published(FIELD_MANAGER, entry('s', LASTING + BRIEF), entry('s', LASTING))
  assert.deepEqual(await read(client), [
    { pem: LASTING, untilMs: NOW_MS + DAY_MS },
    { pem: BRIEF, untilMs: NOW_MS + HOUR_MS },
  ])
})

test('what others wrote, entries of others and nonsense are not kept', async () => {
  assert.deepEqual(await read(published('helm', entry('s', LASTING))), [])
  assert.deepEqual(await read(published(FIELD_MANAGER, entry('other', LASTING))), [])
  const nonsense = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  assert.deepEqual(await read(published(FIELD_MANAGER, entry('s', nonsense))), [])
})

test('a configuration that cannot be read tells nothing', async () => {
  const client = published(FIELD_MANAGER, entry('s', LASTING))
  client.failures.push({ verb: 'get', error: refusal(403) })
  assert.deepEqual(await read(client), [])
})
