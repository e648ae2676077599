import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { createShells, type NamespaceShell } from '../../../src/redirect/cni/namespace-shell.ts'
import { skipWithoutNamespaces } from '../../support/namespaces.ts'

const skip = skipWithoutNamespaces()

describe('a shell in a network namespace', { skip }, () => {
  const name = `shell-${process.pid}`
  const shells = createShells({ path: process.env.PATH ?? '' })
  const never = new AbortController().signal
  const entered: NamespaceShell[] = []
  const enter = (signal = never, namespace = `/var/run/netns/${name}`): NamespaceShell => {
    const shell = shells.enter({ namespace, signal })
    entered.push(shell)
    return shell
  }

  before(() => {
    spawnSync('ip', ['netns', 'add', name])
    spawnSync('ip', ['-n', name, 'link', 'add', 'only-here', 'type', 'veth', 'peer', 'name', 'other-end'])
  })
  after(async () => {
    await Promise.all(entered.map((shell) => shell.close()))
    shells.close()
    spawnSync('ip', ['netns', 'del', name])
  })

  test('tools see the namespace, one shell after the other', async () => {
    for (let i = 0; i < 3; i++) {
      const shell = enter()
      const { stdout, exitCode } = await shell.run('ip', ['-o', 'link'])
      assert.equal(exitCode, 0)
      assert.match(stdout, /only-here/)
      assert.match(await shell.read('/proc/self/net/dev'), /only-here/)
      await shell.close()
    }
  })

  test('each tool has its own input, output and exit status, whatever is in its arguments', async () => {
    const shell = enter()
    const odd = `a'b "c" $(id) \`id\` \\ \n*; exit 3 #`
    const [plain, failing, fed, missing, unread] = await Promise.all([
      shell.run('printf', ['%s', odd]),
      shell.run('sh', ['-c', 'echo out; echo err >&2; exit 7']),
      shell.run('cat', [], { stdin: `$HOME ${odd}\nEND\n` }),
      shell.run('no-such-tool', []),
      shell.run('true', [], { stdin: 'x\n'.repeat(100_000) }),
    ])
    assert.equal(plain.stdout, odd)
    assert.deepEqual(failing, { exitCode: 7, stdout: 'out\n', stderr: 'err\n', missing: false })
    assert.equal(fed.stdout, `$HOME ${odd}\nEND\n`)
    assert.deepEqual([missing.exitCode, missing.missing], [127, true])
    assert.equal(unread.exitCode, 0)
    assert.equal(await shell.read('/no/such/file'), '')
    await shell.close()
  })

  test('the lock of the legacy tools is the namespace', async () => {
    const shell = enter()
    assert.equal((await shell.run('printenv', ['XTABLES_LOCKFILE'])).stdout, `/var/run/netns/${name}\n`)
    await shell.close()
  })

  test('a NUL is refused, and the next tool still runs', async () => {
    const shell = enter()
    assert.equal((await shell.run('cat', [], { stdin: 'a\0b' })).exitCode, 126)
    assert.equal((await shell.run('true', [])).exitCode, 0)
    await shell.close()
  })

  test('what is no namespace runs nothing', async () => {
    const shell = enter(never, '/etc/hostname')
    const { exitCode, stderr } = await shell.run('touch', ['/tmp/must-not-be'])
    assert.notEqual(exitCode, 0)
    assert.match(stderr, /nsenter/)
    assert.equal((await shell.run('true', [])).exitCode === 0, false)
    await shell.close()
  })

  test('the end of a call kills the tool that runs, and nothing runs after it', async () => {
    const call = new AbortController()
    const shell = enter(call.signal)
    const started = shell.run('sh', ['-c', 'sleep 1000 & wait'])
    call.abort()
    assert.equal((await started).exitCode === 0, false)
    assert.equal((await shell.run('true', [])).stderr, 'the call is over')
    await shell.close()
  })
})
