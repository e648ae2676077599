/** Every decision about the authority, as a table: what is stored, known and trusted, and what is done. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { AuthorityState } from '../../src/certificates/authority.ts'
import {
  AUTHORITY_LIFETIME_MS,
  authorityNeed,
  decodeAuthorityState,
  encodeAuthorityState,
  newAuthorityState,
} from '../../src/certificates/authority.ts'
import type {
  LiveTrust,
  RotationSettings,
  RotationStep,
  RotationView,
  WriteStep,
} from '../../src/certificates/rotation.ts'
import { DEFAULT_ROTATION, nextStep, stateAfter } from '../../src/certificates/rotation.ts'
import type { StoredAuthority } from '../../src/certificates/store.ts'
import { splitCertificates } from '../../src/certificates/x509.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000]
const stateOf = (generation: number, nowMs = NOW_MS): AuthorityState =>
  newAuthorityState({ installation: 'test', generation, nowMs })
const after = (step: WriteStep, from: AuthorityState, nowMs = NOW_MS, asked?: string): AuthorityState =>
  stateAfter(step, from, { newKey: undefined, asked, installation: 'test', nowMs, settings: DEFAULT_ROTATION })
const begin = (reason: 'nearExpiry' | 'emergency', above: number): WriteStep => ({
  do: 'begin',
  reason,
  over: '7',
  above,
})
const PROMOTE: WriteStep = { do: 'promote', reason: 'confirmed', over: '7' }
const RETIRE: WriteStep = { do: 'retire', reason: 'dwell', over: '7' }

const one = stateOf(1)
const two = stateOf(2)
const trusting = after(begin('nearExpiry', 1), one)
const switching = after(PROMOTE, trusting)
const stable = after(RETIRE, switching)
const urgent = after(begin('emergency', 1), one, NOW_MS, 'emergency-1')
const urgentSwitching = after(PROMOTE, urgent)
/** The former one has expired in the meantime. */
const overlong = after(PROMOTE, after(begin('nearExpiry', 1), stateOf(1, NOW_MS - AUTHORITY_LIFETIME_MS)))
const old = stateOf(3, NOW_MS - 2 * AUTHORITY_LIFETIME_MS)
const newer: AuthorityState = { ...one, isReadOnly: true }

const stored = (state: AuthorityState, asked?: string): StoredAuthority => ({
  holds: 'state',
  state,
  version: '7',
  ...(asked === undefined ? {} : { asked }),
})
const BROKEN: StoredAuthority = { holds: 'broken', why: 'x', version: '7' }
const NOTHING: StoredAuthority = { holds: 'nothing' }
const trusts = (generation: number, confirmedForMs?: number): LiveTrust => ({
  isReadable: true,
  generation,
  confirmedSinceMs: confirmedForMs === undefined ? undefined : NOW_MS - confirmedForMs,
})
const UNREADABLE: LiveTrust = { isReadable: false, generation: 0, confirmedSinceMs: undefined }

interface Row {
  readonly name: string
  readonly in: StoredAuthority
  readonly memory?: AuthorityState
  readonly live?: LiveTrust
  readonly view?: Partial<RotationView>
  readonly settings?: Partial<RotationSettings>
  /** Since NOW_MS. */
  readonly laterMs?: number
  readonly want: RotationStep
}
const KEEP: RotationStep = { do: 'keep' }
const LOOK: RotationStep = { do: 'look' }
const restore = (reason: 'missing' | 'broken' | 'older', over?: string): RotationStep => ({
  do: 'restore',
  reason,
  over,
})
const create = (reason: 'missing' | 'broken' | 'expired' | 'behind', above: number, over?: string): RotationStep => ({
  do: 'create',
  reason,
  over,
  above,
})
const DUE_MS = AUTHORITY_LIFETIME_MS - AUTHORITY_LIFETIME_MS / 3

const rows: readonly Row[] = [
  // absent, with nothing in memory
  { name: 'the first start asks what callers trust', in: NOTHING, want: LOOK },
  { name: 'the first start makes an authority', in: NOTHING, live: trusts(0), want: create('missing', 0) },
  {
    name: 'callers trust an authority that is gone: whoever has it may write it first',
    in: NOTHING,
    live: trusts(4),
    want: { do: 'hesitate' },
  },
  {
    name: 'row 2: nobody had it, so the next generation is made',
    in: NOTHING,
    live: trusts(4),
    view: { hasHesitated: true },
    want: create('missing', 4),
  },
  {
    name: 'without the right to look the first generation is as good as any',
    in: NOTHING,
    live: UNREADABLE,
    want: create('missing', 0),
  },
  {
    name: 'row 5: a spoiled one at the start is replaced',
    in: BROKEN,
    live: trusts(0),
    want: create('broken', 0, '7'),
  },
  // absent, with an authority in memory
  { name: 'a deleted authority: are callers further than we?', in: NOTHING, memory: two, want: LOOK },
  {
    name: 'row 1: a deleted authority is written again',
    in: NOTHING,
    memory: two,
    live: trusts(2),
    want: restore('missing'),
  },
  {
    name: 'row 4: a spoiled one is overwritten from memory',
    in: BROKEN,
    memory: two,
    live: trusts(2),
    want: restore('broken', '7'),
  },
  {
    name: 'a spoiled one while callers know a newer one',
    in: BROKEN,
    memory: two,
    live: trusts(3),
    want: { do: 'hesitate' },
  },
  {
    name: 'a spoiled one, and nobody had the newer one',
    in: BROKEN,
    memory: two,
    live: trusts(3),
    view: { hasHesitated: true },
    want: create('broken', 3, '7'),
  },
  {
    name: 'an expired one in memory is not written again',
    in: NOTHING,
    memory: old,
    live: trusts(3),
    want: create('missing', 3),
  },
  { name: "a newer version's is never written", in: NOTHING, memory: newer, live: trusts(1), want: { do: 'hesitate' } },
  // present
  { name: 'a later start asks what callers trust', in: stored(one), want: LOOK },
  { name: 'a later start takes what is there', in: stored(one), live: trusts(1), want: { do: 'adopt', state: one } },
  { name: 'nothing changed', in: stored(one), memory: one, want: KEEP },
  { name: 'another replica went on', in: stored(two), memory: one, want: { do: 'adopt', state: two } },
  {
    name: 'another replica went a phase on',
    in: stored(switching),
    memory: trusting,
    want: { do: 'adopt', state: switching },
  },
  {
    name: 'a start with less than callers know waits for others',
    in: stored(one),
    live: trusts(2),
    want: { do: 'hesitate' },
  },
  {
    name: 'a start with less than callers know, and nobody had more',
    in: stored(one),
    live: trusts(2),
    view: { hasHesitated: true },
    want: create('behind', 2, '7'),
  },
  { name: 'an older one: are callers back there, too?', in: stored(one), memory: two, want: LOOK },
  {
    name: 'row 37: an older one that callers do not know is overwritten',
    in: stored(one),
    memory: two,
    live: trusts(2),
    want: restore('older', '7'),
  },
  {
    name: 'row 37: an older one, restored together with the configurations',
    in: stored(one),
    memory: two,
    live: trusts(1),
    want: { do: 'adopt', state: one },
  },
  {
    name: 'an older one while nobody can look',
    in: stored(one),
    memory: two,
    live: UNREADABLE,
    want: restore('older', '7'),
  },
  { name: 'an older phase never comes back', in: stored(trusting), memory: switching, want: restore('older', '7') },
  {
    name: 'an older phase never comes back, from the end',
    in: stored(switching),
    memory: stable,
    want: restore('older', '7'),
  },
  { name: "a newer version's is used", in: stored(newer), memory: two, want: { do: 'adopt', state: newer } },
  {
    name: "a newer version's is not rotated",
    in: stored({ ...old, isReadOnly: true }),
    memory: { ...old, isReadOnly: true },
    want: KEEP,
  },
  { name: 'row 16: an expired one is replaced at once', in: stored(old), memory: old, want: create('expired', 3, '7') },
  // stable
  {
    name: 'a minute before a third of the lifetime is left',
    in: stored(one),
    memory: one,
    laterMs: DUE_MS - MINUTE_MS,
    want: KEEP,
  },
  {
    name: 'a third of the lifetime is left: where do callers stand?',
    in: stored(one),
    memory: one,
    laterMs: DUE_MS,
    want: LOOK,
  },
  {
    name: 'a third of the lifetime is left',
    in: stored(one),
    memory: one,
    laterMs: DUE_MS,
    live: trusts(1),
    want: begin('nearExpiry', 1),
  },
  {
    name: 'jitter makes it earlier',
    in: stored(one),
    memory: one,
    settings: { earlierMs: HOUR_MS },
    laterMs: DUE_MS - HOUR_MS,
    live: trusts(1),
    want: begin('nearExpiry', 1),
  },
  {
    name: 'only who may begins',
    in: stored(one),
    memory: one,
    laterMs: DUE_MS,
    view: { mayRotate: false },
    want: KEEP,
  },
  {
    name: 'a clock that is off begins nothing',
    in: stored(one),
    memory: one,
    laterMs: DUE_MS,
    view: { isClockSane: false },
    want: KEEP,
  },
  {
    name: 'an operator asks',
    in: stored(one, 'x'),
    memory: one,
    live: trusts(1),
    want: { do: 'begin', reason: 'asked', over: '7', above: 1 },
  },
  {
    name: 'what was asked is asked once',
    in: stored({ ...one, rotateToken: 'x' }, 'x'),
    memory: { ...one, rotateToken: 'x' },
    want: KEEP,
  },
  {
    name: 'another algorithm is wanted',
    in: stored(one),
    memory: one,
    settings: { keyAlgorithm: 'rsa-2048' },
    live: trusts(1),
    want: { do: 'begin', reason: 'algorithm', over: '7', above: 1 },
  },
  {
    name: 'the new one comes after all that callers know',
    in: stored(one, 'x'),
    memory: one,
    live: trusts(5),
    want: { do: 'begin', reason: 'asked', over: '7', above: 5 },
  },
  // trusting
  { name: 'trust is looked at', in: stored(trusting), memory: trusting, want: LOOK },
  { name: 'not all trust it', in: stored(trusting), memory: trusting, live: trusts(2), want: KEEP },
  {
    name: 'trusted for less than the dwell',
    in: stored(trusting),
    memory: trusting,
    live: trusts(2, 10 * MINUTE_MS - 1),
    want: KEEP,
  },
  {
    name: 'trusted for the dwell',
    in: stored(trusting),
    memory: trusting,
    live: trusts(2, 10 * MINUTE_MS),
    want: PROMOTE,
  },
  {
    name: 'unreadable configurations confirm nothing',
    in: stored(trusting),
    memory: trusting,
    live: UNREADABLE,
    laterMs: 7 * DAY_MS,
    want: KEEP,
  },
  {
    name: 'eleven minutes before the signer ends',
    in: stored(trusting),
    memory: trusting,
    live: UNREADABLE,
    laterMs: AUTHORITY_LIFETIME_MS - 11 * MINUTE_MS,
    want: KEEP,
  },
  {
    name: 'ten minutes before the signer ends nothing is worth waiting for',
    in: stored(trusting),
    memory: trusting,
    laterMs: AUTHORITY_LIFETIME_MS - 10 * MINUTE_MS,
    want: { do: 'promote', reason: 'signerEnds', over: '7' },
  },
  {
    name: 'only who may promotes',
    in: stored(trusting),
    memory: trusting,
    view: { mayRotate: false },
    live: trusts(2, DAY_MS),
    want: KEEP,
  },
  { name: 'a second wish waits', in: stored(trusting, 'y'), memory: trusting, live: trusts(2), want: KEEP },
  {
    name: 'row 36: a leaked key does not wait for the change in progress',
    in: stored(trusting, 'emergency-2'),
    memory: trusting,
    live: trusts(2),
    want: begin('emergency', 2),
  },
  {
    name: 'row 36: after a leaked key a minute of trust is enough',
    in: stored(urgent, 'emergency-1'),
    memory: urgent,
    live: trusts(2, MINUTE_MS),
    want: PROMOTE,
  },
  {
    name: 'row 36: less is not',
    in: stored(urgent, 'emergency-1'),
    memory: urgent,
    live: trusts(2, MINUTE_MS - 1),
    want: KEEP,
  },
  {
    name: 'row 36: not even a clock that is off stops it',
    in: stored(one, 'emergency-1'),
    memory: one,
    view: { isClockSane: false },
    live: trusts(1),
    want: begin('emergency', 1),
  },
  // switching
  { name: 'the former one stays trusted', in: stored(switching), memory: switching, laterMs: DAY_MS - 1, want: KEEP },
  { name: 'after a day the former one goes', in: stored(switching), memory: switching, laterMs: DAY_MS, want: RETIRE },
  {
    name: 'row 36: after a leaked key it goes after five minutes',
    in: stored(urgentSwitching, 'emergency-1'),
    memory: urgentSwitching,
    laterMs: 5 * MINUTE_MS,
    want: RETIRE,
  },
  {
    name: 'only who may retires',
    in: stored(switching),
    memory: switching,
    view: { mayRotate: false },
    laterMs: DAY_MS,
    want: KEEP,
  },
  {
    name: 'a former one that has expired goes at once',
    in: stored(overlong),
    memory: overlong,
    want: { do: 'retire', reason: 'expired', over: '7' },
  },
]

for (const row of rows) {
  test(`nextStep: ${row.name}`, () => {
    const view: RotationView = {
      stored: row.in,
      memory: row.memory,
      live: row.live,
      mayRotate: true,
      isClockSane: true,
      hasHesitated: false,
      ...row.view,
    }
    assert.deepEqual(nextStep(view, NOW_MS + (row.laterMs ?? 0), { ...DEFAULT_ROTATION, ...row.settings }), row.want)
  })
}

const pems = (state: AuthorityState): string[] => splitCertificates(state.bundlePem)

test('stateAfter: the three steps of a change, and what each of them lets sign and trusts', () => {
  const [former, next] = [one.signer.certificate.pem, trusting.next?.certificate.pem ?? '']
  assert.deepEqual(
    [trusting, switching, stable].map((state) => ({
      phase: state.phase,
      generation: state.generation,
      signer: state.signer.certificate.pem,
      next: state.next?.certificate.pem,
      trusted: pems(state),
    })),
    [
      { phase: 'trusting', generation: 2, signer: former, next, trusted: [next, former] },
      { phase: 'switching', generation: 2, signer: next, next: undefined, trusted: [next, former] },
      { phase: 'stable', generation: 2, signer: next, next: undefined, trusted: [next] },
    ],
  )
})

test('stateAfter: the former key is gone from the stored form as soon as the next one signs', () => {
  const keys = Object.entries(encodeAuthorityState(switching)).filter(([key]) => key.endsWith('.key'))
  assert.deepEqual(
    keys.map(([key]) => key),
    ['signer.key'],
  )
  assert.notEqual(keys[0]?.[1], encodeAuthorityState(one)['signer.key'])
})

test('stateAfter: every state survives being stored', () => {
  for (const state of [one, trusting, switching, stable, urgent]) {
    assert.deepEqual(
      encodeAuthorityState(decodeAuthorityState(encodeAuthorityState(state))),
      encodeAuthorityState(state),
    )
  }
})

test('stateAfter: what left the bundle is remembered, ten at most', () => {
  const [entry] = JSON.parse(stable.history) as { generation: number; fingerprint256: string; retiredAt: string }[]
  assert.deepEqual(
    [entry?.generation, entry?.fingerprint256, entry?.retiredAt],
    [1, one.signer.certificate.fingerprint, '2026-01-01T00:00:00.000Z'],
  )
  let state = one
  for (let i = 1; i < 13; i++) state = after({ do: 'create', reason: 'expired', over: '7', above: i }, state)
  assert.equal((JSON.parse(state.history) as unknown[]).length, 10)
  assert.doesNotThrow(() => after(RETIRE, { ...switching, history: 'nonsense' }))
})

test('stateAfter: an emergency keeps all that is trusted, also a next one, which may have signed unseen', () => {
  const again = after(begin('emergency', 2), trusting, NOW_MS, 'emergency-1')
  assert.deepEqual(pems(again), [again.next?.certificate.pem, ...pems(trusting)])
  const late = after(begin('emergency', 2), switching, NOW_MS, 'emergency-1')
  assert.deepEqual(pems(late), [late.next?.certificate.pem, ...pems(switching)])
  assert.deepEqual([late.rotateToken, late.isUrgent, late.generation], ['emergency-1', true, 3])
  const over = after(RETIRE, after(PROMOTE, late))
  assert.deepEqual([pems(over).length, over.isUrgent], [1, false])
})

test('a request from before a new authority is answered by it', () => {
  assert.equal(after({ do: 'create', reason: 'broken', over: '7', above: 1 }, one, NOW_MS, 'x').rotateToken, 'x')
})

test('authorityNeed: renewal is due with a third of the lifetime left, replacement at its end', () => {
  const { signer } = one
  const { notAfterMs } = signer.certificate
  assert.deepEqual(authorityNeed(signer, NOW_MS + DUE_MS - 1), { do: 'wait', untilMs: NOW_MS + DUE_MS })
  assert.deepEqual(authorityNeed(signer, NOW_MS + DUE_MS), { do: 'rotate', reason: 'nearExpiry' })
  assert.equal(authorityNeed(signer, notAfterMs - 1).do, 'rotate')
  assert.deepEqual(authorityNeed(signer, notAfterMs), { do: 'replace', reason: 'expired' })
})
