/** Certificate sources: minted from an authority, and read from files. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { AUTHORITY_LIFETIME_MS, newAuthorityState } from '../../src/certificates/authority.ts'
import { startFileSource } from '../../src/certificates/file-source.ts'
import { createFileStore } from '../../src/certificates/file-store.ts'
import { startIssuedSource } from '../../src/certificates/issued-source.ts'
import { LEAF_LIFETIME_MS, issueLeaf, pairProblem, servingNames } from '../../src/certificates/leaf.ts'
import type { CertificatePair } from '../../src/certificates/leaf.ts'
import { isIssuedBy } from '../../src/certificates/x509.ts'
import { SILENT } from '../../src/base/log.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createRecordingLog } from '../support/recording-log.ts'

const NAMES = servingNames({})

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
    assert.equal(pairProblem(second, clock.nowMs()), undefined)

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

const { signer } = newAuthorityState({ installation: 'test', generation: 1, nowMs: Date.UTC(2026, 0, 1) })
const pairOf = (name: string): CertificatePair =>
  issueLeaf({ authority: signer, names: servingNames({ extra: [name] }), nowMs: Date.UTC(2026, 0, 1) })

async function writePair(folder: string, pair: CertificatePair): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'tls.crt'), pair.certPem)
  await writeFile(join(folder, 'tls.key'), pair.keyPem)
  await writeFile(join(folder, 'ca.crt'), signer.certificate.pem)
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

    const changed = new Promise<CertificatePair>((resolve) => source.onChange(resolve))
    await pointTo('..2')
    while (log.lines.length === 0) {
      await clock.untilWaiting()
      clock.advance(10_000)
    }
    assert.equal(log.lines[0]?.level, 'error')
    assert.equal(source.current().certPem, first.certPem)

    await pointTo('..3')
    const ticking = setInterval(() => clock.advance(10_000), 1)
    assert.equal((await changed).certPem, second.certPem)
    clearInterval(ticking)
  })
})

test('files: a first pair that cannot be served is refused', async () => {
  await inTemporaryFolder(async (folder, end) => {
    const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
    const options = { ...files, clock: createFakeClock(Date.UTC(2026, 0, 1)), log: SILENT, signal: end.signal }
    await assert.rejects(startFileSource(options), { code: 'CERT_INVALID', message: /tls\.crt/ })
    await writePair(folder, { ...pairOf('a.svc'), keyPem: pairOf('b.svc').keyPem })
    await assert.rejects(startFileSource(options), { code: 'CERT_INVALID', message: /another certificate/ })
  })
})
