/** Holds docs/errors.md and the table of codes together, in both directions. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ERROR_CODES } from '../../src/base/errors.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

test('docs/errors.md lists every error code with its meaning, and no other', () => {
  const text = readFileSync(join(PROJECT_ROOT, 'docs/errors.md'), 'utf8')
  const documented = Object.fromEntries(
    [...text.matchAll(/^\| `([A-Z_]+)` \| (.+) \|$/gm)].map(([, code, meaning]) => [code ?? '', meaning ?? '']),
  )
  assert.deepEqual(documented, { ...ERROR_CODES })
})
