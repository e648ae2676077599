import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unifiedDiff } from '../../src/cli/diff.ts'

const PLAIN = { color: false }

test('equal texts have no diff', () => {
  assert.equal(unifiedDiff({ name: 'pod.yaml', before: 'a\n', after: 'a\n' }, PLAIN), '')
})

test('a diff names what it is of and marks lines that came and went', () => {
  const diff = unifiedDiff({ name: 'pod.yaml', before: 'a\nb\nc\n', after: 'a\nB\nc\n' }, PLAIN)
  assert.equal(diff, '--- pod.yaml\tbefore\n+++ pod.yaml\tafter\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n')
})

test('colours mark lines only where they are wanted', () => {
  const diff = unifiedDiff({ name: 'pod.yaml', before: 'a\n', after: 'b\n' }, { color: true })
  assert.match(diff, /\u001b\[31m-a\u001b\[0m\n\u001b\[32m\+b\u001b\[0m/)
})
