/** How one authority is kept in step with a store: races, trouble, and the first start. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { SILENT } from '../../src/base/log.ts'
import type { AuthorityState } from '../../src/certificates/authority.ts'
import { newAuthorityState } from '../../src/certificates/authority.ts'
import { keepAuthority } from '../../src/certificates/keeper.ts'
import type { AuthorityStore, StoredAuthority } from '../../src/certificates/store.ts'
import { ProjectError } from '../../src/base/errors.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const stateOf = (generation: number, nowMs = NOW_MS): AuthorityState =>
  newAuthorityState({ installation: 'test', generation, nowMs })
const stored = (state: AuthorityState): StoredAuthority => ({ holds: 'state', state, version: '7' })
const NOTHING: StoredAuthority = { holds: 'nothing' }
const one = stateOf(1)

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
  const clock = createFakeClock()
  const look = () =>
    Promise.resolve({ isReadable: true, generation: 41, isConfirmed: false, isIncluded: false, mark: '' })
  const starting = keepAuthority({ ...options(fakeStore(), clock), look })
  await clock.untilWaiting()
  clock.advance(2000)
  assert.equal((await starting).current().generation, 42)
})

test('keepAuthority: trouble with the store later leaves the authority in force', async () => {
  const store = fakeStore()
  const keeper = await keepAuthority(options(store))
  const made = keeper.current()
  store.failures = 1
  await keeper.evaluate()
  assert.equal(keeper.current(), made)
})
