import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { test } from 'node:test'
import { createContext, paint } from '../../src/cli/output.ts'

function streams(env: Record<string, string>, isTTY: boolean) {
  return {
    stdin: new PassThrough(),
    stdout: Object.assign(new PassThrough(), { isTTY }),
    stderr: new PassThrough(),
    env,
  }
}

const colors: readonly { name: string; env: Record<string, string>; isTTY: boolean; want: boolean }[] = [
  { name: 'a terminal has colours', env: {}, isTTY: true, want: true },
  { name: 'a pipe has none', env: {}, isTTY: false, want: false },
  { name: 'NO_COLOR has none', env: { NO_COLOR: '1' }, isTTY: true, want: false },
  { name: 'an empty NO_COLOR does not count', env: { NO_COLOR: '' }, isTTY: true, want: true },
  { name: 'a dumb terminal has none', env: { TERM: 'dumb' }, isTTY: true, want: false },
]

for (const { name, env, isTTY, want } of colors) {
  test(`output: ${name}`, () => {
    const context = createContext(streams(env, isTTY))
    assert.equal(context.color, want)
    assert.equal(paint('x', 'red', context) === 'x', !want)
  })
}

/** A pipe whose reader has gone. */
function closedPipe(code: string): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) })
}

test('output: a reader that went away is no error', async () => {
  const stdout = closedPipe('EPIPE')
  const context = createContext({ ...streams({}, false), stdout })
  context.print('result\n')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(stdout.destroyed, true)
})
