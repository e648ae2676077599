/** The installer on a node's folders: what it writes, keeps, repairs, refuses and removes. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SILENT } from '../../../src/base/log.ts'
import {
  createInstallation,
  runInstaller,
  uninstall,
  type InstallOptions,
  type InstallResult,
} from '../../../src/redirect/cni/install.ts'

const OURS = 'code mesh-admission-cni-forwarder code'
const LIST = '{"cniVersion":"1.0.0","name":"net","plugins":[{"type":"bridge"}]}'

interface Node {
  readonly root: string
  readonly options: InstallOptions
  readonly results: InstallResult[]
  readonly path: (name: string) => string
  write(name: string, text: string): void
  types(name: string): string[]
  /** Lets the installer run until it has come to rest, `change` included. */
  settle(change?: () => void): Promise<void>
  stop(): Promise<void>
  ready: boolean
}

/** A node whose changes are told at once; passes are counted by the readiness that each ends with. */
function createNode(t: TestContext, given: Partial<InstallOptions> = {}): Node {
  const root = mkdtempSync(join(tmpdir(), 'node-'))
  for (const folder of ['conf', 'bin', 'source', 'run']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'source/istio-cni'), OURS)
  chmodSync(join(root, 'source/istio-cni'), 0o755)
  const stop = new AbortController()
  let changed = (): void => undefined
  let passed = (): void => undefined
  let running: Promise<void> | undefined
  const installation = createInstallation()
  const node: Node = {
    root,
    ready: false,
    results: [],
    options: {
      configDir: join(root, 'conf'),
      configName: '',
      chained: true,
      groupRead: false,
      binarySource: join(root, 'source'),
      binaryTarget: join(root, 'bin'),
      settings: {
        logLevel: 'info',
        agentRunDir: join(root, 'run'),
        excludeNamespaces: [],
        podNamespace: 'istio-system',
        nativeNftables: false,
      },
      compat: 'off',
      watch: (watch) => (changed = watch.changed),
      onReady: (ready) => {
        node.ready = ready
        passed()
      },
      onResult: (result) => node.results.push(result),
      clock: {
        nowMs: () => 0,
        wait: (_, signal) =>
          new Promise((done) => (signal.aborted ? done() : signal.addEventListener('abort', () => done()))),
      },
      log: SILENT,
      ...given,
    },
    path: (name) => join(root, 'conf', name),
    write: (name, text) => writeFileSync(join(root, 'conf', name), text),
    types: (name) =>
      (JSON.parse(readFileSync(join(root, 'conf', name), 'utf8')) as { plugins: { type: string }[] }).plugins.map(
        ({ type }) => type,
      ),
    settle: async (change = () => undefined) => {
      const pass = new Promise<void>((done) => (passed = done))
      change()
      if (running === undefined) running = runInstaller(node.options, installation, stop.signal)
      else changed()
      await pass
      // The end of the pass is followed by the wait for the next change.
      await new Promise((done) => setImmediate(done))
    },
    stop: async () => {
      stop.abort()
      await running
      await uninstall(node.options, installation)
    },
  }
  t.after(async () => {
    stop.abort()
    await running
    rmSync(root, { recursive: true })
  })
  return node
}

test('executable and entry are installed, and both are gone afterwards', async (t) => {
  const node = createNode(t)
  node.write('10-net.conflist', LIST)
  chmodSync(node.path('10-net.conflist'), 0o644)
  await node.settle()
  assert.deepEqual(
    [node.ready, node.results, node.types('10-net.conflist')],
    [true, ['SUCCESS'], ['bridge', 'istio-cni']],
  )
  assert.equal(statSync(join(node.root, 'bin/istio-cni')).mode & 0o777, 0o755)
  assert.equal(statSync(node.path('10-net.conflist')).mode & 0o777, 0o644)
  await node.stop()
  assert.deepEqual([node.types('10-net.conflist'), readdirSync(join(node.root, 'bin'))], [['bridge'], []])
  assert.deepEqual(readdirSync(join(node.root, 'conf')), ['10-net.conflist'])
})

test('a node without a network is waited for', async (t) => {
  const node = createNode(t)
  await node.settle()
  assert.equal(node.ready, false)
  await node.settle(() => node.write('05-late.conflist', LIST))
  assert.deepEqual([node.ready, node.types('05-late.conflist')], [true, ['bridge', 'istio-cni']])
})

test('a single configuration becomes a list under the other extension', async (t) => {
  const node = createNode(t)
  node.write('10-net.conf', '{"cniVersion":"1.0.0","name":"net","type":"bridge"}')
  await node.settle()
  assert.deepEqual(readdirSync(join(node.root, 'conf')), ['10-net.conflist'])
  assert.deepEqual(node.types('10-net.conflist'), ['bridge', 'istio-cni'])
})

test('an entry that was taken out, or changed, is put back', async (t) => {
  const node = createNode(t)
  node.write('10-net.conflist', LIST)
  await node.settle()
  const wanted = readFileSync(node.path('10-net.conflist'), 'utf8')
  for (const text of [LIST, wanted.replace('istio-system', 'elsewhere')]) {
    const installed = createNode(t)
    installed.write('10-net.conflist', LIST)
    await installed.settle()
    await installed.settle(() => installed.write('10-net.conflist', text))
    assert.deepEqual(installed.types('10-net.conflist'), ['bridge', 'istio-cni'])
    assert.doesNotMatch(readFileSync(installed.path('10-net.conflist'), 'utf8'), /elsewhere/)
  }
})

test('an executable that was removed or overwritten is put back', async (t) => {
  const node = createNode(t)
  node.write('10-net.conflist', LIST)
  await node.settle()
  await node.settle(() => rmSync(join(node.root, 'bin/istio-cni')))
  assert.equal(readFileSync(join(node.root, 'bin/istio-cni'), 'utf8'), OURS)
})

for (const [compat, types] of [
  ['off', ['bridge', 'istio-cni']],
  ['istiod', ['bridge']],
] as const) {
  test(`a configuration put before ours: compat ${compat} leaves it with ${types.join(' and ')}`, async (t) => {
    const node = createNode(t, { compat })
    node.write('10-net.conflist', LIST)
    await node.settle()
    await node.settle(() => node.write('00-first.conflist', LIST))
    assert.deepEqual(node.types('00-first.conflist'), types)
    await node.stop()
    assert.deepEqual([node.types('00-first.conflist'), node.types('10-net.conflist')], [['bridge'], ['bridge']])
  })
}

test('a configured name is used before others, and under its other extension', async (t) => {
  const node = createNode(t, { configName: '20-mine.conf' })
  node.write('10-net.conflist', LIST)
  await node.settle()
  assert.deepEqual([node.ready, node.types('10-net.conflist')], [false, ['bridge']])
  await node.settle(() => node.write('20-mine.conflist', LIST))
  assert.deepEqual([node.ready, node.types('20-mine.conflist')], [true, ['bridge', 'istio-cni']])
})

test('beside another installation nothing is touched, neither now nor at the end', async (t) => {
  const node = createNode(t)
  writeFileSync(join(node.root, 'bin/istio-cni'), 'the one of somebody else')
  const theirs = LIST.replace('}]', '},{"type":"istio-cni"}]')
  node.write('10-net.conflist', theirs)
  await node.settle()
  await node.stop()
  assert.equal(readFileSync(node.path('10-net.conflist'), 'utf8'), theirs)
  assert.equal(readFileSync(join(node.root, 'bin/istio-cni'), 'utf8'), 'the one of somebody else')
})

test('a foreign executable that nothing refers to is a leftover, and replaced', async (t) => {
  const node = createNode(t)
  writeFileSync(join(node.root, 'bin/istio-cni'), 'old')
  writeFileSync(join(node.root, 'bin/istio-cni.tmp.77'), 'older')
  node.write('10-net.conflist', LIST)
  await node.settle()
  assert.deepEqual([node.ready, readdirSync(join(node.root, 'bin'))], [true, ['istio-cni']])
})

test('a standalone configuration is a file of its own, and only that is removed', async (t) => {
  const node = createNode(t, { chained: false, groupRead: true })
  node.write('10-net.conflist', LIST)
  await node.settle()
  assert.equal(statSync(node.path('YYY-istio-cni.conf')).mode & 0o777, 0o640)
  await node.stop()
  assert.deepEqual(readdirSync(join(node.root, 'conf')), ['10-net.conflist'])
})

test('an executable that cannot be copied leaves the configuration alone', async (t) => {
  const node = createNode(t, { binaryTarget: '/proc/nothing' })
  node.write('10-net.conflist', LIST)
  await node.settle()
  assert.deepEqual(
    [node.ready, node.results, node.types('10-net.conflist')],
    [false, ['COPY_BINARIES_FAILURE'], ['bridge']],
  )
  assert.ok(!existsSync('/proc/nothing'))
})
