/** Holds docs/doctor.md and the findings together, in both directions. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { CHECKS } from '../../src/cli/doctor/checks/all.ts'
import { FINDING_CODES } from '../../src/cli/doctor/finding.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

test('docs/doctor.md lists every finding with severity and meaning, and no other', () => {
  const text = readFileSync(join(PROJECT_ROOT, 'docs/doctor.md'), 'utf8')
  const documented = [...text.matchAll(/^\| `([A-Z_]+)` \| (\w+) \| (.+) \|$/gm)].map(([, ...row]) => row)
  const actual = Object.entries(FINDING_CODES).map(([code, [severity, meaning]]) => [code, severity, meaning])
  assert.deepEqual(documented, actual)
})

test('every check of src/cli/doctor/checks is made, and every finding is made by one', () => {
  const folder = join(PROJECT_ROOT, 'src/cli/doctor/checks')
  const files = readdirSync(folder).filter((file) => file !== 'all.ts')
  assert.equal(CHECKS.length, files.length)
  const sources = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('')
  assert.deepEqual(
    Object.keys(FINDING_CODES).filter((code) => !sources.includes(`'${code}'`)),
    [],
  )
})
