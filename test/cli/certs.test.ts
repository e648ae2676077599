/** `certs` on a folder: what it tells and what it hands out. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

import { newAuthorityState } from '../../src/certificates/authority.ts'
import { createFileStore } from '../../src/certificates/file-store.ts'
import { runProgram } from '../../src/cli/program.ts'
import type { CertsStatus } from '../../src/cli/certs/status.ts'
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
  { name: 'a folder is not rotated by annotation', args: ['rotate'], err: /--state-dir: expected no folder/ },
]
for (const { name, args, err } of refusals) {
  test(`certs: ${name}`, async () => {
    const outcome = await run(...args, '--state-dir', stateDir)
    assert.equal(outcome.code, 2)
    assert.match(outcome.err, err)
  })
}
