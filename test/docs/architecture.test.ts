/** What docs/architecture.md names must exist, and every folder of src must be on its map. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PROJECT_ROOT } from '../support/shared.ts'

const text = readFileSync(join(PROJECT_ROOT, 'docs/architecture.md'), 'utf8')

test('every path that docs/architecture.md names exists', () => {
  const named = [...text.matchAll(/`((?:src|test|docs)\/[^`]*)`/g)].map(([, path]) => path ?? '')
  assert.ok(named.length > 10)
  assert.deepEqual(
    named.filter((path) => !existsSync(join(PROJECT_ROOT, path))),
    [],
  )
})

test('every folder of src is on the map of docs/architecture.md', () => {
  const folders = readdirSync(join(PROJECT_ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  assert.deepEqual(
    folders.map(({ name }) => `src/${name}`).filter((folder) => !text.includes(`| \`${folder}\` |`)),
    [],
  )
})
