/** `certs` on a real API server: status and rotate through one whole change of authority, with dwells of seconds. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { CertsStatus } from '../../../src/cli/certs/status.ts'
import { eventually, kubectl, skipWithoutCluster } from '../../support/cluster.ts'
import { serveLive, type Served } from '../../support/live-webhook.ts'
import { openShell, type Shell } from '../../support/shell.ts'

const skip = skipWithoutCluster()
const OPTIONS = { skip, timeout: 240_000 }
const ISTIO = `certs-istio-${process.pid}`
let shell: Shell
let served: Served

before(async () => {
  if (skip !== false) return
  await kubectl(['create', 'namespace', ISTIO])
  served = await serveLive({ revision: 'default', istioNamespace: ISTIO, trustDwell: '4s', retireDwell: '4s' })
  shell = openShell({ certs: '--namespace default' })
})

after(async () => {
  if (skip !== false) return
  await served.end()
  shell.close()
  await kubectl(['delete', 'namespace', '--wait=false', ISTIO])
})

async function status(): Promise<CertsStatus> {
  const { stdout, stderr } = await shell.run('mesh-admission certs status -o json')
  assert.ok(stdout.startsWith('{'), stderr)
  return JSON.parse(stdout) as CertsStatus
}

test('certs rotate --wait tells every phase, and status agrees before, during and after', OPTIONS, async (t) => {
  await eventually(async () => (await status()).webhooks.every(({ verdict }) => verdict === 'inSync'), t.signal)
  const before = await status()
  assert.ok(before.authority.holds === 'state')
  assert.equal(before.authority.phase, 'stable')
  const { generation } = before.authority
  assert.equal(
    before.authority.next.what,
    `generation ${generation + 1} is made, and trusted beside the one that signs`,
  )
  assert.match(await shell.must('mesh-admission certs rotate --dry-run'), /\(dry run\)$/m)

  const rotating = shell.must('mesh-admission certs rotate --wait 3m')
  const seen = new Set<string>()
  let isOver = false
  void rotating.finally(() => {
    isOver = true
  })
  while (!isOver) {
    const { authority } = await status()
    if (authority.holds === 'state') seen.add(authority.phase)
  }
  const told = await rotating
  t.diagnostic(told)
  assert.match(
    told,
    / trusting, generation \d+ trusted beside the former one[^]* switching, [^]* stable, generation \d+ trusted alone/,
  )
  assert.ok(seen.size > 1, [...seen].join())

  const { authority } = await status()
  assert.ok(authority.holds === 'state')
  assert.equal(authority.generation, generation + 1)
  assert.equal(authority.bundle.length, 1)
  await eventually(async () => (await status()).webhooks.every(({ verdict }) => verdict === 'inSync'), t.signal)
  assert.match(await shell.must('mesh-admission certs export'), /^-----BEGIN CERTIFICATE-----\n/)
})
