/** Asking for a rotation, and following it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { AuthorityState } from '../../../src/certificates/authority.ts'
import { newAuthorityState } from '../../../src/certificates/authority.ts'
import { OWNERSHIP_LABEL } from '../../../src/certificates/secret-store.ts'
import type { AuthorityStore } from '../../../src/certificates/store.ts'
import { ROTATE_ANNOTATION } from '../../../src/certificates/store.ts'
import { followRotation, newToken, requestRotation } from '../../../src/cli/certs/rotate.ts'
import type { KubeObject } from '../../../src/kube/resource.ts'
import { SECRETS } from '../../../src/kube/resource.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeKubeClient } from '../../support/fake-kube-client.ts'

const signal = new AbortController().signal
const place = { resource: SECRETS, namespace: 'mesh', name: 'ca' }
const secret = (labels: Record<string, string>): KubeObject => ({ metadata: { name: 'ca', namespace: 'mesh', labels } })

test('newToken: every token is a new one, and an emergency says so', () => {
  assert.match(newToken(Date.UTC(2026, 0, 2, 3, 4, 5), false), /^20260102T030405Z-[0-9a-f]{6}$/)
  assert.match(newToken(0, true), /^emergency-/)
  assert.notEqual(newToken(0, false), newToken(0, false))
})

test('requestRotation annotates our Secret', async () => {
  const client = createFakeKubeClient()
  client.put(place, secret({ [OWNERSHIP_LABEL]: 'true' }))
  await requestRotation({ client, namespace: 'mesh', name: 'ca', token: 't1', dryRun: false, signal })
  const { metadata } = await client.get(place, signal)
  assert.equal(metadata.annotations?.[ROTATE_ANNOTATION], 't1')
})

test('requestRotation leaves the Secret of somebody else alone', async () => {
  const client = createFakeKubeClient()
  client.put(place, secret({}))
  const asked = requestRotation({ client, namespace: 'mesh', name: 'ca', token: 't1', dryRun: false, signal })
  await assert.rejects(asked, { code: 'CERT_STORE_FOREIGN' })
  assert.deepEqual(client.requests, ['get /api/v1/namespaces/mesh/secrets/ca'])
})

const first = newAuthorityState({ installation: 'mesh-admission', generation: 1, nowMs: 0 })
const second = newAuthorityState({ installation: 'mesh-admission', generation: 2, nowMs: 0 })

/** A store whose state is another one at every reading. */
function replayed(states: readonly AuthorityState[]): AuthorityStore {
  let at = 0
  return {
    place: 'replayed',
    read: () => {
      const state = states[Math.min(at++, states.length - 1)] ?? first
      return Promise.resolve({ holds: 'state', state, version: String(at) })
    },
    write: () => Promise.reject(new Error('nobody writes')),
    watch: () => undefined,
  }
}

test('followRotation tells each step once and ends when the new authority is trusted alone', async () => {
  const clock = createFakeClock()
  const states: AuthorityState[] = [
    first,
    { ...first, phase: 'trusting' },
    { ...first, phase: 'trusting' },
    { ...second, phase: 'switching' },
    second,
  ]
  const steps: string[] = []
  const following = followRotation({
    store: replayed(states),
    from: { holds: 'state', state: first, version: '1' },
    onStep: ({ state: { generation, phase } }) => steps.push(`${generation} ${phase}`),
    clock,
    signal,
  })
  for (let i = 1; i < states.length; i++) {
    await clock.untilWaiting()
    clock.advance(1000)
  }
  assert.equal(await following, true)
  assert.deepEqual(steps, ['1 trusting', '2 switching', '2 stable'])
})

test('followRotation gives up with its signal', async () => {
  const end = AbortSignal.abort()
  const clock = createFakeClock()
  assert.equal(
    await followRotation({
      store: replayed([first]),
      from: { holds: 'state', state: first, version: '1' },
      onStep: () => undefined,
      clock,
      signal: end,
    }),
    false,
  )
})
