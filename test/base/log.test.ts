import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProjectError } from '../../src/base/errors.ts'
import { createLog, type Log } from '../../src/base/log.ts'
import { createPlainLog } from '../../src/base/plain-log.ts'

/** The one line that `write` causes. */
function lineOf(write: (log: ReturnType<typeof createLog>) => void): Record<string, unknown> {
  const lines: string[] = []
  write(createLog({ destination: { write: (line) => void lines.push(line) } }))
  assert.equal(lines.length, 1)
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>
}

test('log: the level is a word, the time RFC 3339, the text constant, the rest fields', () => {
  const { time, ...line } = lineOf((log) => log.info({ uid: 'u', reason: 'host_network' }, 'pod reviewed'))
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual(line, { level: 'info', uid: 'u', reason: 'host_network', msg: 'pod reviewed' })
})

test('log: an error of ours is its code and its message, once', () => {
  const cause = new Error('ENOENT')
  const err = new ProjectError('CONFIG_UNREADABLE', 'a.yaml: ENOENT', { cause, details: { part: 'config' } })
  const line = lineOf((log) => log.error({ err }, 'configuration refused'))
  assert.deepEqual(line.err, { code: 'CONFIG_UNREADABLE', message: 'a.yaml: ENOENT', part: 'config' })
})

test('log: a surprise comes with its stack', () => {
  const { err } = lineOf((log) => log.error({ err: new TypeError('x') }, 'request failed')) as {
    err: { stack: string }
  }
  assert.match(err.stack, /^TypeError: x\n {4}at /)
})

test('log: debug is silent by default', () => {
  assert.throws(() => lineOf((log) => log.debug({}, 'detail')))
})

test('log: the plain log writes the lines of the other one', () => {
  const plainLines: string[] = []
  const plain = createPlainLog((line) => void plainLines.push(line))
  const err = new ProjectError('REDIRECT_APPLY_FAILED', 'iptables-restore: no')
  for (const write of [
    (log: Log) => log.warn({ reason: 'no ip6tables', file: 'x' }, 'carried on'),
    (log: Log) => log.error({ err, reason: 'r' }, 'failed'),
  ]) {
    write(plain)
    const { time, ...line } = JSON.parse(plainLines.at(-1) ?? '') as Record<string, unknown>
    const { time: otherTime, ...other } = lineOf(write)
    assert.deepEqual([line, typeof time], [other, typeof otherTime])
  }
  plain.debug({}, 'detail')
  assert.equal(plainLines.length, 2)
})
