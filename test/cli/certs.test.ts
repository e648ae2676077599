/** `certs` on a folder: what it tells and what it hands out. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

import { newAuthorityState } from '../../src/certificates/authority.ts'
import { createFileStore } from '../../src/certificates/file-store.ts'
import { keepAuthority } from '../../src/certificates/keeper.ts'
import { generateKeyOf } from '../../src/certificates/x509.ts'
import { SILENT } from '../../src/base/log.ts'
import { runProgram } from '../../src/cli/program.ts'
import type { CertsStatus } from '../../src/cli/certs/status.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { recordedContext } from '../support/command.ts'

const SIGNAL = new AbortController().signal
const folder = mkdtempSync(join(tmpdir(), 'certs-'))
after(() => rmSync(folder, { recursive: true }))

const state = newAuthorityState({ installation: 'mesh-admission', generation: 4, nowMs: Date.now() })
const stateDir = join(folder, 'state')
await createFileStore(stateDir).write(state, undefined, SIGNAL)

async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const context = recordedContext()
  const code = await runProgram(['certs', ...args], context)
  return { code, out: context.out(), err: context.err() }
}

test('certs status tells generation, phase, end and what comes next', async () => {
  const { code, out } = await run('status', '--state-dir', stateDir)
  assert.equal(code, 0)
  assert.match(out, /^phase +stable since /m)
  assert.match(out, /^signer +generation 4 \(mesh-admission-webhook-ca-g4-\w{8}\), until .*, 364 d left$/m)
  assert.match(out, /^next +.*generation 5.*, in 243 d$/m)
})

test('certs status reckons with the dwells that it is told of', async () => {
  const switching = join(folder, 'switching')
  const former = newAuthorityState({ installation: 'mesh-admission', generation: 3, nowMs: Date.now() })
  const bundlePem = state.bundlePem + former.bundlePem
  const changing = { ...state, bundlePem, phase: 'switching' as const, phaseSinceMs: Date.now() }
  await createFileStore(switching).write(changing, undefined, SIGNAL)
  const { out } = await run('status', '--state-dir', switching)
  assert.match(out, /^next +generation 4 is trusted alone \(dwell\), .*, in (?:23|24) h$/m)
  const told = await run('status', '--state-dir', switching, '--retire-dwell', '50h')
  assert.match(told.out, /^next +generation 4 is trusted alone \(dwell\), .*, in 2 d$/m)
  const { code, err } = await run('status', '--state-dir', switching, '--retire-dwell', 'long')
  assert.equal(code, 2)
  assert.match(err, /--retire-dwell: expected a duration such as 10m, got long/)
})

test('certs status of a folder with RSA keys does not expect that they go', async () => {
  const rsa = join(folder, 'rsa')
  const key = await generateKeyOf('rsa-2048')
  const made = newAuthorityState({ installation: 'mesh-admission', generation: 1, nowMs: Date.now(), key })
  await createFileStore(rsa).write(made, undefined, SIGNAL)
  assert.match((await run('status', '--state-dir', rsa)).out, /^next .*\(nearExpiry\), .*, in 243 d$/m)
})

test('certs rotate asks in the folder, and the server that keeps it makes a new authority', async () => {
  const asked = join(folder, 'asked')
  const store = createFileStore(asked)
  await store.write(state, undefined, SIGNAL)
  const dry = await run('rotate', '--state-dir', asked, '--dry-run')
  assert.match(dry.out, /: rotate=\S+ \(dry run\)$/m)
  assert.equal(((await store.read(SIGNAL)) as { asked?: string }).asked, undefined)
  const { code, out } = await run('rotate', '--state-dir', asked)
  assert.equal(code, 0)
  const token = /: rotate=(\S+)$/m.exec(out)?.[1]
  assert.equal(((await store.read(SIGNAL)) as { asked?: string }).asked, token)
  const end = new AbortController()
  const clock = createFakeClock(Date.now())
  const options = { store, installation: 'mesh-admission', withoutStore: 'memory', clock, log: SILENT } as const
  const keeper = await keepAuthority({ ...options, signal: end.signal })
  await keeper.evaluate()
  assert.deepEqual([keeper.current().generation, keeper.current().phase], [5, 'trusting'])
  const ahead = await run('status', '--state-dir', asked, '--trust-dwell', '3h')
  assert.match(ahead.out, /^next +generation 5 signs \(confirmed\), .*, in [23] h$/m)
  end.abort()
})

test('certs rotate of a folder without an authority says so', async () => {
  const { code, err } = await run('rotate', '--state-dir', join(folder, 'none'))
  assert.equal(code, 2)
  assert.match(err, /nothing is stored there/)
})

test('certs status -o json is for programs', async () => {
  const { code, out } = await run('status', '--state-dir', stateDir, '-o', 'json')
  const { authority } = JSON.parse(out) as CertsStatus
  assert.equal(code, 0)
  assert.ok(authority.holds === 'state')
  assert.equal(authority.generation, 4)
  assert.equal(authority.signer.fingerprint, state.signer.certificate.fingerprint)
  assert.deepEqual(authority.bundle, [authority.signer])
})

test('certs status of an empty place is a finding', async () => {
  const { code, out } = await run('status', '--state-dir', join(folder, 'none'))
  assert.equal(code, 1)
  assert.match(out, /^authority +none: no server has made an authority yet$/m)
})

test('certs status of an expired authority is a finding', async () => {
  const stale = join(folder, 'stale')
  const expired = newAuthorityState({ installation: 'mesh-admission', generation: 1, nowMs: 0 })
  await createFileStore(stale).write(expired, undefined, SIGNAL)
  const { code, out } = await run('status', '--state-dir', stale)
  assert.equal(code, 1)
  assert.match(out, /, EXPIRED$/m)
})

test('certs export prints the bundle and no key', async () => {
  const { code, out } = await run('export', '--state-dir', stateDir)
  assert.equal(code, 0)
  assert.equal(out, state.bundlePem)
})

test('certs export --with-key writes a new file that only its owner reads', async () => {
  const file = join(folder, 'with-key.pem')
  const { code, out } = await run('export', '--state-dir', stateDir, '--with-key', '--output-file', file)
  assert.equal(code, 0)
  assert.equal(out, '')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(readFileSync(file, 'utf8'), /-----BEGIN PRIVATE KEY-----/)
  const again = await run('export', '--state-dir', stateDir, '--with-key', '--output-file', file)
  assert.equal(again.code, 2)
  assert.match(again.err, /\[OUTPUT_UNWRITABLE\]/)
})

const refusals: { name: string; args: readonly string[]; err: RegExp }[] = [
  { name: 'a key is never printed', args: ['export', '--with-key'], err: /--with-key: expected --output-file/ },
  { name: 'a flag of another action', args: ['status', '--emergency'], err: /--emergency: expected with certs rotate/ },
  { name: 'an unknown action', args: ['rotat'], err: /Allowed choices are status, rotate, export/ },
  { name: 'no action', args: [], err: /missing required argument 'action'/ },
]
for (const { name, args, err } of refusals) {
  test(`certs: ${name}`, async () => {
    const outcome = await run(...args, '--state-dir', stateDir)
    assert.equal(outcome.code, 2)
    assert.match(outcome.err, err)
  })
}
