/** Holds the table of finding codes, its page in the docs, and the code that uses it together. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FINDING_CODES } from '../../src/validation/index.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

const page = readFileSync(join(PROJECT_ROOT, 'docs', 'findings.md'), 'utf8')
const documented = new Map(
  [...page.matchAll(/^\| ([A-Z][A-Z0-9_]+) \| (.*) \|$/gm)].map(([, code = '', advice = '']) => [code, advice]),
)

test('docs/findings.md lists exactly the codes of the table, with their advice', () => {
  const table = Object.entries(FINDING_CODES).map(([code, advice]) => [code, advice.replaceAll('|', String.raw`\|`)])
  assert.deepEqual([...documented].sort(), table.sort())
})

test('every code of the table is used by some rule', () => {
  const root = join(PROJECT_ROOT, 'src', 'validation')
  const source = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('finding-codes.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n')
  assert.deepEqual(
    Object.keys(FINDING_CODES).filter((code) => !source.includes(`'${code}'`)),
    [],
  )
})

test('advice is one line that names what to write', () => {
  for (const [code, advice] of Object.entries(FINDING_CODES)) {
    assert.match(advice, /^[a-z{][^\n]{4,160}$/, code)
  }
})
