/** One list of cases for every place that keeps the certificate authority. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { encodeAuthorityState, newAuthorityState } from '../../src/certificates/authority.ts'
import type { AuthorityStore, StoredAuthority } from '../../src/certificates/store.ts'

export interface StoreUnderTest {
  readonly store: AuthorityStore
  /** Another process's view of the same place. */
  readonly other: AuthorityStore
  /** Changes one part behind the store's back. */
  readonly spoil: (part: string, text: string) => Promise<void>
  cleanUp(): Promise<void>
}

const SIGNAL = new AbortController().signal

export function stateOf(generation: number) {
  return newAuthorityState({ installation: 'test', generation, nowMs: Date.UTC(2026, 0, 1) })
}

export function describeAuthorityStore(
  name: string,
  make: () => Promise<StoreUnderTest>,
  options: { readonly skip?: false | string; readonly timeout?: number } = {},
): void {
  const storeTest = (title: string, run: (made: StoreUnderTest) => Promise<void>): void => {
    test(`${name}: ${title}`, options, async () => {
      const made = await make()
      try {
        await run(made)
      } finally {
        await made.cleanUp()
      }
    })
  }

  storeTest('an empty place holds nothing', async ({ store }) => {
    assert.deepEqual(await store.read(SIGNAL), { holds: 'nothing' })
  })

  storeTest('what is written is read back, also by another process', async ({ store, other }) => {
    const state = stateOf(1)
    assert.equal(await store.write(state, undefined, SIGNAL), true)
    const read = stateIn(await other.read(SIGNAL))
    assert.deepEqual(encodeAuthorityState(read.state), encodeAuthorityState(state))
  })

  storeTest('of two first writers one wins and the other is told', async ({ store, other }) => {
    const states = [stateOf(1), stateOf(1)] as const
    const won = await Promise.all([
      store.write(states[0], undefined, SIGNAL),
      other.write(states[1], undefined, SIGNAL),
    ])
    assert.deepEqual([...won].sort(), [false, true])
    const winner = won[0] ? states[0] : states[1]
    const { state } = stateIn(await store.read(SIGNAL))
    assert.equal(state.signer.certificate.fingerprint, winner.signer.certificate.fingerprint)
  })

  storeTest('a write over a version that is gone is refused', async ({ store, other }) => {
    await store.write(stateOf(1), undefined, SIGNAL)
    const { version } = stateIn(await store.read(SIGNAL))
    assert.equal(await other.write(stateOf(2), version, SIGNAL), true)
    assert.equal(await store.write(stateOf(3), version, SIGNAL), false)
    assert.equal(await store.write(stateOf(3), undefined, SIGNAL), false)
    assert.equal(stateIn(await store.read(SIGNAL)).state.generation, 2)
  })

  storeTest('a spoiled key is reported without its text, and can be replaced', async ({ store, spoil }) => {
    await store.write(stateOf(1), undefined, SIGNAL)
    await spoil('signer.key', 'secret nonsense')
    const broken = await store.read(SIGNAL)
    assert.equal(broken.holds, 'broken')
    assert.match(broken.why, /signer\.key/)
    assert.doesNotMatch(broken.why, /nonsense/)
    assert.equal(await store.write(stateOf(2), broken.version, SIGNAL), true)
    assert.equal(stateIn(await store.read(SIGNAL)).state.generation, 2)
  })

  storeTest('a key of another authority is no state', async ({ store, spoil }) => {
    await store.write(stateOf(1), undefined, SIGNAL)
    await spoil('signer.key', encodeAuthorityState(stateOf(1))['signer.key'] ?? '')
    assert.equal((await store.read(SIGNAL)).holds, 'broken')
  })

  storeTest('row 4: a bundle without whoever signs is no state', async ({ store, spoil }) => {
    await store.write(stateOf(1), undefined, SIGNAL)
    for (const [text, why] of [
      [stateOf(2).bundlePem, /ca\.crt: expected test-webhook-ca-g1-\w+ in it/],
      ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', /ca\.crt/],
    ] as const) {
      await spoil('ca.crt', text)
      const broken = await store.read(SIGNAL)
      assert.equal(broken.holds, 'broken')
      assert.match(broken.why, why)
    }
  })

  storeTest('the state of a newer version is used but marked as not ours to change', async ({ store, spoil }) => {
    await store.write(stateOf(1), undefined, SIGNAL)
    await spoil('schema', '2')
    assert.equal(stateIn(await store.read(SIGNAL)).state.isReadOnly, true)
    await spoil('phase', 'of-the-future')
    await assert.rejects(store.read(SIGNAL), { code: 'CERT_STORE_FOREIGN' })
  })
}

function stateIn(stored: StoredAuthority): Extract<StoredAuthority, { holds: 'state' }> {
  assert.equal(stored.holds, 'state')
  return stored
}
