import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT } from '../../src/base/log.ts'
import { runTool, type Run, type RunResult } from '../../src/redirect/run.ts'
import { sandboxedRun } from '../../src/redirect/sandbox.ts'
import { skipWithoutNamespaces } from '../support/namespaces.ts'

const OK: RunResult = { exitCode: 0, stdout: '', stderr: '', missing: false }

/** Tools that tell how they were called. */
function recorded(answer: (file: string) => Partial<RunResult> = () => ({})): { run: Run; calls: string[] } {
  const calls: string[] = []
  const run: Run = (file, args, options) => {
    calls.push([file, ...args.filter((arg) => !arg.includes('\n')), options?.env?.XTABLES_LOCKFILE ?? ''].join(' '))
    return Promise.resolve({ ...OK, ...answer(file) })
  }
  return { run, calls }
}

test('sandbox: iptables runs in a mount namespace with the lock of the pod, other tools as they are', async () => {
  const { run, calls } = recorded()
  const inside = sandboxedRun({ run, lockFile: '/n', path: '/bin', log: SILENT })
  await inside('iptables-nft-save', [])
  await inside('ip', ['link'])
  assert.deepEqual(calls, ['unshare --mount --propagation private sh -c sh iptables-nft-save /n', 'ip link '])
})

test('sandbox: where none can be made the tool runs without it, and its own failure is not tried again', async () => {
  const denied = recorded((file) => (file === 'unshare' ? { exitCode: 1, stderr: 'unshare: not permitted' } : {}))
  await sandboxedRun({ run: denied.run, lockFile: '', path: '/bin', log: SILENT })('ip6tables', ['-S'])
  assert.equal(denied.calls.length, 2)
  const failing = recorded(() => ({ exitCode: 4, stderr: 'no' }))
  await sandboxedRun({ run: failing.run, lockFile: '', path: '/bin', log: SILENT })('ip6tables', ['-S'])
  assert.equal(failing.calls.length, 1)
})

test(
  'sandbox: the real one shows no name services and passes input, output and exit status',
  { skip: skipWithoutNamespaces() },
  async () => {
    const asked: Run = (file, args, options) =>
      runTool(
        file,
        args.map((arg) => (arg === 'iptables-x' ? 'sh' : arg)),
        options,
      )
    const inside = sandboxedRun({ run: asked, lockFile: '/n', path: process.env.PATH ?? '', log: SILENT })
    const script = 'cat; wc -c < /etc/nsswitch.conf; echo $XTABLES_LOCKFILE; exit 3'
    const { exitCode, stdout } = await inside('iptables-x', ['-c', script], { stdin: 'in ' })
    assert.deepEqual([exitCode, stdout], [3, 'in 0\n/n\n'])
  },
)
