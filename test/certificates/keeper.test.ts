/** What is done about the certificate authority, and when. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { SILENT } from '../../src/base/log.ts'
import type { AuthorityState } from '../../src/certificates/authority.ts'
import { AUTHORITY_LIFETIME_MS, authorityNeed, newAuthorityState } from '../../src/certificates/authority.ts'
import { authorityStep, keepAuthority } from '../../src/certificates/keeper.ts'
import type { AuthorityStore, StoredAuthority } from '../../src/certificates/store.ts'
import { ProjectError } from '../../src/base/errors.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const stateOf = (generation: number, nowMs = NOW_MS): AuthorityState =>
  newAuthorityState({ installation: 'test', generation, nowMs })
const stored = (state: AuthorityState): StoredAuthority => ({ holds: 'state', state, version: '7' })
const BROKEN: StoredAuthority = { holds: 'broken', why: 'x', version: '7' }
const NOTHING: StoredAuthority = { holds: 'nothing' }

const one = stateOf(1)
const two = stateOf(2)
const expired = stateOf(3, NOW_MS - 2 * AUTHORITY_LIFETIME_MS)
const newer: AuthorityState = { ...stateOf(1), isReadOnly: true }

const cases: { name: string; in: StoredAuthority; memory?: AuthorityState; want: unknown }[] = [
  {
    name: 'the first start makes an authority',
    in: NOTHING,
    want: { do: 'create', reason: 'missing', over: undefined, above: 0 },
  },
  { name: 'a later start takes what is there', in: stored(one), want: { do: 'adopt', state: one } },
  { name: 'nothing changed', in: stored(one), memory: one, want: { do: 'keep' } },
  { name: 'another replica went on', in: stored(two), memory: one, want: { do: 'adopt', state: two } },
  {
    name: 'a deleted authority is written again',
    in: NOTHING,
    memory: two,
    want: { do: 'restore', reason: 'missing', over: undefined },
  },
  {
    name: 'a spoiled one is overwritten from memory',
    in: BROKEN,
    memory: two,
    want: { do: 'restore', reason: 'broken', over: '7' },
  },
  {
    name: 'a spoiled one at the start is replaced',
    in: BROKEN,
    want: { do: 'create', reason: 'broken', over: '7', above: 0 },
  },
  {
    name: 'an older one does not take over',
    in: stored(one),
    memory: two,
    want: { do: 'restore', reason: 'older', over: '7' },
  },
  {
    name: 'an expired one is replaced by the next generation',
    in: stored(expired),
    memory: expired,
    want: { do: 'create', reason: 'expired', over: '7', above: 3 },
  },
  {
    name: "a newer version's is used and never written",
    in: stored(newer),
    memory: two,
    want: { do: 'adopt', state: newer },
  },
]
for (const row of cases) {
  test(`authorityStep: ${row.name}`, () => assert.deepEqual(authorityStep(row.in, row.memory, NOW_MS), row.want))
}

test('authorityNeed: renewal is due with a third of the lifetime left, replacement at its end', () => {
  const { signer } = one
  const { notBeforeMs, notAfterMs } = signer.certificate
  const dueMs = notAfterMs - (notAfterMs - notBeforeMs) / 3
  assert.deepEqual(authorityNeed(signer, dueMs - 1), { do: 'wait', untilMs: dueMs })
  assert.deepEqual(authorityNeed(signer, dueMs), { do: 'rotate', reason: 'nearExpiry' })
  assert.equal(authorityNeed(signer, notAfterMs - 1).do, 'rotate')
  assert.deepEqual(authorityNeed(signer, notAfterMs), { do: 'replace', reason: 'expired' })
})

/** A store in memory that fails and loses races on demand. */
function fakeStore(): AuthorityStore & { failures: number; stored: StoredAuthority; beforeWrite: () => void } {
  return {
    place: 'fake',
    failures: 0,
    stored: NOTHING,
    beforeWrite: () => undefined,
    read() {
      if (this.failures-- > 0) return Promise.reject(new ProjectError('CERT_STORE_UNREADABLE', 'away'))
      return Promise.resolve(this.stored)
    },
    write(state, over) {
      this.beforeWrite()
      const version = this.stored.holds === 'nothing' ? undefined : this.stored.version
      if (version !== over) return Promise.resolve(false)
      this.stored = { holds: 'state', state, version: `${version ?? ''}+` }
      return Promise.resolve(true)
    },
    watch: () => undefined,
  }
}

const options = (store: AuthorityStore, clock = createFakeClock()) => ({
  store,
  installation: 'test',
  withoutStore: 'wait' as const,
  clock,
  log: SILENT,
  signal: new AbortController().signal,
})

test('keepAuthority: whoever loses the race to create takes the winner', async () => {
  const store = fakeStore()
  store.beforeWrite = () => {
    store.stored = stored(one)
  }
  const keeper = await keepAuthority(options(store))
  assert.equal(keeper.current(), one)
})

test('keepAuthority: a store that is away at the start is waited for', async () => {
  const store = fakeStore()
  store.failures = 3
  const clock = createFakeClock()
  const starting = keepAuthority(options(store, clock))
  for (let i = 0; i < 3; i++) {
    await clock.untilWaiting()
    clock.advance(60_000)
  }
  assert.equal((await starting).current().generation, 1)
})

test('keepAuthority: without a store the authority can live in memory alone, and is stored later', async () => {
  const store = fakeStore()
  store.failures = 1
  const keeper = await keepAuthority({ ...options(store), withoutStore: 'memory' })
  const made = keeper.current()
  assert.equal(store.stored.holds, 'nothing')
  await keeper.evaluate()
  assert.deepEqual(store.stored, { holds: 'state', state: made, version: '+' })
})

test('keepAuthority: a new authority comes after every one that callers trust', async () => {
  const keeper = await keepAuthority({ ...options(fakeStore()), trustedGeneration: () => Promise.resolve(41) })
  assert.equal(keeper.current().generation, 42)
})

test('keepAuthority: trouble with the store later leaves the authority in force', async () => {
  const store = fakeStore()
  const keeper = await keepAuthority(options(store))
  const made = keeper.current()
  store.failures = 1
  await keeper.evaluate()
  assert.equal(keeper.current(), made)
})
