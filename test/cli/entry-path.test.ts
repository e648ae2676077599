/** Paths of webhook entries that this server answers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { isServedPath } from '../../src/cli/installed/entry-path.ts'

for (const [path, want] of [
  ['/inject', true],
  ['/inject/cluster/c/net/n', true],
  ['/validate', true],
  ['/mesh/inject', true],
  ['/', false],
  ['/injector', false],
  ['/Inject', false],
  ['/metrics', false],
] as const)
  test(`row 25: ${path} is ${want ? '' : 'not '}one of ours`, () => assert.equal(isServedPath(path), want))
