/** What a Deployment tells of its server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { servedOptions } from '../../src/cli/installed/served-options.ts'
import type { ServerDeployment } from '../../src/cli/installed/served-options.ts'
import { planInstallation } from '../../src/cli/manifests/plan.ts'
import { deployment } from '../../src/cli/manifests/workload.ts'

const withArgs = (...args: readonly string[]): ServerDeployment => ({
  metadata: { name: 'm' },
  spec: { template: { spec: { containers: [{ name: 'other' }, { name: 'm', args }] } } },
})

test('our own Deployment is read as it was written', () => {
  const told = servedOptions(deployment(planInstallation({ revision: 'canary' }, '1.2.3')) as ServerDeployment)
  assert.equal(told?.revision, 'canary')
  assert.equal(told.rotation.retireDwellMs, 86_400_000)
})

test('dwells of the arguments are told', () => {
  const told = servedOptions(withArgs('serve', '--trust-dwell=3m', '--retire-dwell', '2h'))?.rotation
  assert.deepEqual([told?.trustDwellMs, told?.retireDwellMs], [180_000, 7_200_000])
})

test('arguments of another version, of another program, or no Deployment at all tell nothing', () => {
  for (const args of [['serve', '--not-yet'], ['serve', '--trust-dwell=soon'], ['other'], []])
    assert.equal(servedOptions(withArgs(...args)), undefined)
  assert.equal(servedOptions(undefined), undefined)
})
