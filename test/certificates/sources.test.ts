/** Certificate sources: minted from an authority, and read from files. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { AUTHORITY_LIFETIME_MS, newAuthorityState } from '../../src/certificates/authority.ts'
import type { FileNews, FileSource } from '../../src/certificates/file-source.ts'
import { startFileSource } from '../../src/certificates/file-source.ts'
import { createFileStore } from '../../src/certificates/file-store.ts'
import { startIssuedSource } from '../../src/certificates/issued-source.ts'
import { LEAF_LIFETIME_MS, issueLeaf, pairFault, servingNames } from '../../src/certificates/leaf.ts'
import type { CertificatePair, PairFault } from '../../src/certificates/leaf.ts'
import { isIssuedBy } from '../../src/certificates/x509.ts'
import { SILENT } from '../../src/base/log.ts'
import type { FakeClock } from '../support/fake-clock.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createRecordingLog } from '../support/recording-log.ts'

const NAMES = servingNames({})

/** Lets the time run until `isThere`. */
async function ticking(clock: FakeClock, isThere: () => boolean, stepMs = 1000): Promise<void> {
  while (!isThere()) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    clock.advance(stepMs)
  }
}

async function inTemporaryFolder(run: (folder: string, end: AbortController) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sources-'))
  const end = new AbortController()
  try {
    await run(folder, end)
  } finally {
    end.abort()
    await rm(folder, { recursive: true })
  }
}

test('issued: the leaf is renewed in time, and a new authority is made when the old one has expired', async () => {
  await inTemporaryFolder(async (folder, end) => {
    const clock = createFakeClock()
    const source = await startIssuedSource({
      store: createFileStore(folder),
      installation: 'test',
      withoutStore: 'memory',
      names: NAMES,
      clock,
      log: SILENT,
      signal: end.signal,
    })
    const [first, authority] = [source.current(), source.authority()]
    assert.equal(isIssuedBy(first.certPem, authority.bundlePem), true)

    const renewed = new Promise<CertificatePair>((resolve) => source.onChange(resolve))
    await clock.untilWaiting()
    clock.advance(LEAF_LIFETIME_MS * 0.7)
    const second = await renewed
    assert.notEqual(second.certPem, first.certPem)
    assert.equal(isIssuedBy(second.certPem, authority.bundlePem), true)
    assert.equal(pairFault(second, clock.nowMs()), undefined)

    const replaced = new Promise<CertificatePair>((resolve) => source.onChange(resolve))
    await clock.untilWaiting()
    clock.advance(AUTHORITY_LIFETIME_MS)
    assert.equal(source.isUsable(), false)
    assert.equal(isIssuedBy((await replaced).certPem, source.authority().bundlePem), true)
    assert.equal(source.authority().generation, 2)
    assert.equal(source.isUsable(), true)
  })
})

test('issued: a store that does not answer keeps no leaf from being renewed', async () => {
  await inTemporaryFolder(async (folder, end) => {
    const clock = createFakeClock()
    const store = createFileStore(folder)
    let isSilent = false
    const source = await startIssuedSource({
      store: { ...store, read: (signal) => (isSilent ? new Promise(() => undefined) : store.read(signal)) },
      installation: 'test',
      withoutStore: 'memory',
      names: NAMES,
      clock,
      log: SILENT,
      signal: end.signal,
    })
    const first = source.current()
    const renewed = new Promise<CertificatePair>((resolve) => source.onChange(resolve))
    await clock.untilWaiting()
    isSilent = true
    clock.advance(LEAF_LIFETIME_MS * 0.7)
    await clock.untilWaiting()
    clock.advance(10_000)
    assert.notEqual((await renewed).certPem, first.certPem)
  })
})

test('issued: two processes on one folder serve leaves of one authority', async () => {
  await inTemporaryFolder(async (folder, end) => {
    const start = () =>
      startIssuedSource({
        store: createFileStore(join(folder, 'state')),
        installation: 'test',
        withoutStore: 'memory',
        names: NAMES,
        clock: createFakeClock(),
        log: SILENT,
        signal: end.signal,
      })
    const [a, b] = await Promise.all([start(), start()])
    assert.equal(isIssuedBy(a.current().certPem, b.authority().bundlePem), true)
    assert.notEqual(a.current().certPem, b.current().certPem)
  })
})

const START_MS = Date.UTC(2026, 0, 1)
const { signer } = newAuthorityState({ installation: 'test', generation: 1, nowMs: START_MS })
/** Valid from an hour before now, or from so much later. */
const pairOf = (name: string, { ahead = 0 } = {}): CertificatePair =>
  issueLeaf({ authority: signer, names: servingNames({ extra: [name] }), nowMs: START_MS + ahead })

async function writePair(folder: string, pair: CertificatePair, caPem = signer.certificate.pem): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'tls.crt'), pair.certPem)
  await writeFile(join(folder, 'tls.key'), pair.keyPem)
  await writeFile(join(folder, 'ca.crt'), caPem)
}

test('row 27: a mounted volume that is swapped gives the new pair, half a pair leaves the last good one', async () => {
  await inTemporaryFolder(async (folder, end) => {
    const [first, second] = [pairOf('first.svc'), pairOf('second.svc')]
    await writePair(join(folder, '..1'), first)
    await writePair(join(folder, '..2'), { ...second, keyPem: first.keyPem })
    await writePair(join(folder, '..3'), second)
    const pointTo = async (target: string): Promise<void> => {
      await symlink(target, join(folder, '..data_tmp'))
      await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    }
    await pointTo('..1')
    const log = createRecordingLog()
    const clock = createFakeClock(Date.UTC(2026, 0, 1))
    const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
    const source = await startFileSource({ ...files, clock, log, signal: end.signal })
    assert.equal(source.current().certPem, first.certPem)
    assert.equal(source.bundle(), signer.certificate.pem)

    await pointTo('..2')
    while (log.lines.length === 0) {
      await clock.untilWaiting()
      clock.advance(10_000)
    }
    assert.equal(log.lines[0]?.level, 'error')
    assert.equal(source.current().certPem, first.certPem)

    await pointTo('..3')
    await ticking(clock, () => source.current().certPem === second.certPem, 10_000)
  })
})

test('files: a first pair that cannot be served is waited for, counted each time and complained about once', async () => {
  await inTemporaryFolder(async (folder, end) => {
    const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
    const [clock, log] = [createFakeClock(Date.UTC(2026, 0, 1)), createRecordingLog()]
    const told: string[] = []
    const tell = (one: FileNews): void => void told.push(one.news === 'refused' ? one.reason : one.news)
    const starting = startFileSource({ ...files, tell, clock, log, signal: end.signal })
    await ticking(clock, () => told.length >= 2)
    assert.equal(log.lines.length, 1)
    assert.match(String(log.lines[0]?.fields.err), /tls\.crt/)
    await writePair(folder, { ...pairOf('a.svc'), keyPem: pairOf('b.svc').keyPem })
    await ticking(clock, () => told.includes('key_mismatch'))
    const good = pairOf('a.svc')
    await writePair(folder, good)
    let source: FileSource | undefined
    void starting.then((started) => (source = started))
    await ticking(clock, () => source !== undefined)
    assert.equal(source?.current().certPem, good.certPem)
  })
})

test('files: a start that waits for its pair ends on abort', async () => {
  await inTemporaryFolder(async (folder, end) => {
    const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
    const starting = startFileSource({ ...files, clock: createFakeClock(), log: SILENT, signal: end.signal })
    end.abort()
    await assert.rejects(starting, { name: 'AbortError' })
  })
})

const refusals: readonly { name: string; reason: PairFault['reason']; pair: () => CertificatePair; ca?: string }[] = [
  {
    name: 'a pair whose time has not come',
    reason: 'expired',
    pair: () => pairOf('b.svc', { ahead: 10 * 86_400_000 }),
  },
  {
    name: 'a pair beside the authority of another',
    reason: 'chain',
    pair: () => pairOf('b.svc'),
    ca: newAuthorityState({ installation: 'other', generation: 1, nowMs: START_MS }).bundlePem,
  },
  { name: 'garbage', reason: 'parse', pair: () => ({ certPem: 'x', keyPem: 'y' }) },
]
for (const { name, reason, pair, ca = signer.certificate.pem } of refusals) {
  test(`row 27: ${name} is refused as ${reason}, and the last good one stays`, async () => {
    await inTemporaryFolder(async (folder, end) => {
      const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
      const clock = createFakeClock(START_MS)
      const first = pairOf('a.svc')
      await writePair(folder, first)
      const told: string[] = []
      const tell = (one: FileNews): void => void told.push(one.news === 'refused' ? one.reason : one.news)
      const source = await startFileSource({ ...files, tell, clock, log: SILENT, signal: end.signal })
      await writePair(folder, pair(), ca)
      // The files come one after another, so the reason may be another at first.
      await ticking(clock, () => told.includes(reason))
      assert.equal(source.current().certPem, first.certPem)
    })
  })
}

test('row 30: a pair whose time has not come is served when it comes, without a change of the files', async () => {
  await inTemporaryFolder(async (folder, end) => {
    const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
    const clock = createFakeClock(START_MS)
    await writePair(folder, pairOf('a.svc'))
    const refused: string[] = []
    const tell = (one: FileNews): void => {
      if (one.news === 'refused') refused.push(one.reason)
    }
    const source = await startFileSource({ ...files, tell, clock, log: SILENT, signal: end.signal })
    const later = pairOf('b.svc', { ahead: 3_600_000 + 60_000 })
    await writePair(folder, later)
    await ticking(clock, () => source.current().certPem === later.certPem)
    assert.ok(refused.length >= 3 && clock.nowMs() >= START_MS + 60_000)
  })
})
