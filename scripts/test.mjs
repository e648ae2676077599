// Runs the test files whose path holds one of the words on the command line (default: all of them) with Node's runner.
// --live: those of test/live instead. The files of its folders `api` and `controllers` share a cluster of that kind, which
// is raised for them where ../shared has one, unless CLUSTER_STATE names one that is up; those of `node` raise their own.
// Node 20 knows no globs for --test, so the files are listed here.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const args = process.argv.slice(2)
const words = args.filter((arg) => !arg.startsWith('--'))
const isLive = args.includes('--live')

const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .map((file) => join('test', file).split(sep).join('/'))
  .filter((file) => file.endsWith(isLive ? '.live.ts' : '.test.ts'))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort()
if (files.length === 0) {
  console.error(`no test file matches ${words.join(' ')}`)
  process.exit(2)
}
process.exit(isLive ? runLive() : run(files))

function runLive() {
  const [onApi, onControllers] = ['api', 'controllers'].map((folder) =>
    files.filter((file) => file.startsWith(`test/live/${folder}/`)),
  )
  const alone = files.filter((file) => !onApi.includes(file) && !onControllers.includes(file))
  return Math.max(runOnCluster('api', onApi), runOnCluster('node', onControllers), run(alone))
}

function runOnCluster(mode, some) {
  const cluster = some.length > 0 ? raise(mode) : undefined
  const status = run(some, cluster?.env)
  cluster?.lower()
  return status
}

function run(some, env = {}) {
  if (some.length === 0) return 0
  const reporter = process.env.CI ? ['--test-reporter', 'spec'] : []
  // Live tests have one machine's network, and one API server, among them.
  const concurrency = isLive ? ['--test-concurrency=1'] : []
  const { status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--test', ...reporter, ...concurrency, ...some.map((file) => relative(root, join(root, file)))],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } },
  )
  return status ?? 1
}

function raise(mode) {
  const scripts = join(root, '..', 'shared', 'cluster')
  if (!existsSync(join(scripts, 'up')) || process.env.CLUSTER_STATE !== undefined) return undefined
  const state = mkdtempSync(join(tmpdir(), 'mesh-live-'))
  const env = { CLUSTER_STATE: state }
  const call = (script, ...rest) =>
    spawnSync(join(scripts, script), rest, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } })
  const lower = () => {
    call('down')
    rmSync(state, { recursive: true, force: true })
  }
  if (call('up', mode).status === 0) return { env, lower }
  lower()
  console.error(`../shared/cluster/up ${mode} failed`)
  process.exit(1)
}
