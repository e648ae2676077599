/** `mesh-admission serve` as a process of its own, with our templates and the real engine. */
import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { temporaryFolder } from '../support/files.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

const NO_CURL = spawnSync('curl', ['--version']).error === undefined ? false : 'no curl here'

async function serve(t: TestContext, flags: readonly string[] = []): Promise<ChildProcessWithoutNullStreams> {
  const stateDir = join(await temporaryFolder(t), 'state')
  const ports = ['--port', '0', '--health-port', '0', '--metrics-port', '0', '--address', '127.0.0.1']
  const argv = ['--import', 'tsx', 'src/main.ts', 'serve', ...ports, '--state-dir', stateDir, ...flags]
  const { KUBERNETES_SERVICE_HOST: _cluster, KUBECONFIG: _config, ...env } = process.env
  const child = spawn(process.execPath, argv, { cwd: PROJECT_ROOT, env })
  t.after(() => child.kill('SIGKILL'))
  child.stdout.setEncoding('utf8')
  child.stderr.setEncoding('utf8')
  return child
}

/** Text of a stream up to the first match; rejects when the stream ends without one. */
function until(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    stream.on('data', (chunk: string) => {
      text += chunk
      if (pattern.test(text)) resolve(text)
    })
    stream.on('end', () => reject(new Error(`ended without ${String(pattern)}: ${text}`)))
  })
}

test('serve: the line that is printed works as it stands, and SIGTERM is a clean end', { skip: NO_CURL }, async (t) => {
  const child = await serve(t)
  const ended = once(child, 'exit')
  const printed = await until(child.stdout, /curl .*\n/)
  const line = /curl .*/.exec(printed)?.[0] ?? ''
  const { stdout } = await promisify(execFile)('sh', ['-c', line])
  const { response } = JSON.parse(stdout) as { response: { allowed: boolean; patch: string } }
  assert.equal(response.allowed, true)
  assert.match(Buffer.from(response.patch, 'base64').toString(), /"istio-proxy"/)
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
})

test('serve: a reader of the announcement that went away does not end the server', async (t) => {
  const child = await serve(t)
  const ended = once(child, 'exit')
  child.stdout.destroy()
  await until(child.stderr, /"serving"/)
  child.kill('SIGINT')
  assert.deepEqual(await ended, [0, null])
})

test('serve: what cannot be served ends with code 2 and one sentence', async (t) => {
  const child = await serve(t, ['--injectConfigFile', '/nowhere/config'])
  const ended = once(child, 'exit')
  await until(child.stderr, /^mesh-admission: \/nowhere\/config: ENOENT.* \[CONFIG_UNREADABLE\]$/m)
  assert.deepEqual(await ended, [2, null])
})
