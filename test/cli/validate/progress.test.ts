/** Progress: for long runs on a terminal only. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgress } from '../../../src/cli/validate/progress.ts'

function watched(times: readonly number[]): { lines: string[]; step: (done: number) => void; clear: () => void } {
  const lines: string[] = []
  const left = [...times]
  let nowMs = 0
  const clock = (): number => nowMs
  const progress = createProgress({ overwrite: (line) => void lines.push(line) }, { total: 9, nowMs: clock })
  return {
    lines,
    clear: () => progress.clear(),
    step: (done) => {
      nowMs = left.shift() ?? nowMs
      progress.step(done)
    },
  }
}

test('a run of less than a second shows nothing, and has nothing to take away', () => {
  const { lines, step, clear } = watched([10, 500, 999])
  for (const done of [1, 2, 3]) step(done)
  clear()
  assert.deepEqual(lines, [])
})

test('a longer run shows how far it is, ten times a second at most, and takes the line away', () => {
  const { lines, step, clear } = watched([10, 1000, 1050, 1099, 1100])
  for (const done of [1, 2, 3, 4, 5]) step(done)
  clear()
  clear()
  assert.deepEqual(lines, ['2 of 9 files', '5 of 9 files', ''])
})

test('without a terminal there is no progress', () => {
  const progress = createProgress({}, { total: 1, nowMs: () => 1e9 })
  progress.step(1)
  progress.clear()
})
