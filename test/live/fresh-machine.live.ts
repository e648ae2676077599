/** README's first command on a bare machine: nothing but Node and git is there. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { PROJECT_ROOT, sharedPath } from '../support/shared.ts'

const tool = sharedPath('tools', 'fresh-machine')
const isRoot = process.getuid?.() === 0
const skip = tool === undefined ? 'no tool for bare machines at hand (../shared)' : isRoot ? false : 'needs root'

test('a new clone on a bare machine installs and runs the demo within a minute', { skip }, () => {
  const { status, stdout, stderr } = spawnSync(tool ?? '', ['npm ci && npm run demo'], {
    cwd: PROJECT_ROOT,
    encoding: 'utf8',
  })
  assert.equal(status, 0, `${stdout}\n${stderr}`)
  const seconds = Number(/== ok after (\d+) s/.exec(stdout)?.[1])
  assert.ok(seconds < 60, `took ${seconds} s`)
  assert.match(stdout, /^\+ {4}- name: istio-proxy$/m)
})
