/** What readiness asks of certificates. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Certificates } from '../../../src/cli/serve/certificates.ts'
import { certificateChecks } from '../../../src/cli/serve/certificates.ts'
import type { Cluster } from '../../../src/cli/serve/cluster.ts'
import { createServerClock } from '../../../src/kube/server-clock.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const HOUR_MS = 3_600_000

function replica() {
  const local = createFakeClock()
  const clock = createServerClock(local)
  let evaluations = 0
  const certificates = { isUsable: () => true, evaluateSoon: () => void evaluations++ } as Certificates
  const checks = certificateChecks(() => certificates, { clock } as Cluster)
  const problems = (): unknown[] => checks.map(({ problem }) => problem())
  return { local, clock, problems, evaluations: () => evaluations }
}

test('row 19: twelve hours without an answer make a replica unready, and the first answer makes it ready again', () => {
  const { local, clock, problems, evaluations } = replica()
  clock.note(local.nowMs())
  local.advance(12 * HOUR_MS)
  assert.deepEqual(problems(), [undefined, undefined])
  local.advance(1)
  assert.deepEqual(problems(), [undefined, 'no answer for 12 hours'])
  assert.equal(evaluations(), 1, 'it asks the API server')
  clock.note(local.nowMs())
  assert.deepEqual(problems(), [undefined, undefined])
})

test('without a cluster nobody asks for an API server, and without a certificate nobody is ready', () => {
  assert.deepEqual(
    certificateChecks(() => undefined, undefined).map(({ problem }) => problem()),
    ['none yet'],
  )
})
