/** What `certs status` tells of replicas, and of certificates that others make. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { StatusInput } from '../../../src/cli/certs/status.ts'
import { certsStatus, isHealthy } from '../../../src/cli/certs/status.ts'
import { statusText } from '../../../src/cli/certs/status-text.ts'
import { planInstallation } from '../../../src/cli/manifests/plan.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const leaf = { fingerprint: '00112233445566778899aabb', notAfterMs: NOW_MS + 20 * 86_400_000 }
const replica = { pod: 'a', node: undefined, clockSkewMs: 0, leaf, pinnedFiles: 0 }

const input = (changes: Partial<StatusInput>): StatusInput => ({
  plan: planInstallation({}, '1.2.3'),
  place: 'Secret a/b',
  stored: { holds: 'nothing' },
  configurations: [],
  known: {},
  files: undefined,
  replicas: [],
  nowMs: NOW_MS,
  ...changes,
})

test('certs status tells what each replica serves, and until when', () => {
  const told = certsStatus(input({ replicas: [replica, { ...replica, pod: 'b', leaf: undefined }] }))
  const text = statusText(told, NOW_MS)
  assert.match(text, /^a +0011223344556677 +2026-01-21T00:00:00Z, 20 d left$/m)
  assert.match(text, /^b +- +-$/m)
})

const files = { certFile: '/certs/tls.crt', secret: 'serving', isPinned: false }

test('certs status of certificates from files: without an authority of ours all is well', () => {
  const told = certsStatus(input({ files }))
  assert.equal(isHealthy(told), true)
  assert.match(statusText(told, NOW_MS), /^files +\/certs\/tls\.crt, of Secret serving$/m)
  assert.match(statusText(told, NOW_MS), /^authority +none: the serving certificate comes from files$/m)
})

for (const [where, changes] of Object.entries({
  Deployment: { files: { ...files, isPinned: true } },
  replica: { files, replicas: [{ ...replica, pinnedFiles: 1 }] },
})) {
  test(`row 28: certs status tells of a mount by subPath that the ${where} shows`, () => {
    const told = certsStatus(input(changes))
    assert.equal(isHealthy(told), false)
    assert.match(statusText(told, NOW_MS), /^files .*mounted by subPath, NEVER RENEWED/m)
  })
}
