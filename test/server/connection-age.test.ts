import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { createAgeLimit } from '../../src/server/connection-age.ts'

test('connection age: each has its own limit, within a tenth of the one given', () => {
  let nowMs = 5
  const isOld = createAgeLimit({ maxMs: 1000, nowMs: () => nowMs })
  const sockets = Array.from({ length: 100 }, () => new Socket())
  const oldAt = (atMs: number): number => {
    nowMs = atMs
    return sockets.filter(isOld).length
  }
  assert.deepEqual([oldAt(5), oldAt(904), oldAt(1106)], [0, 0, 100])
  const halfway = oldAt(1005)
  assert.ok(halfway > 10 && halfway < 90, `${halfway} of 100 end before the mean`)
})
