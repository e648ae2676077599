// Runs the test files below the folders named on the command line (default: all but test/live) with Node's runner.
// Node 20 knows no globs for --test, so the files are listed here.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const args = process.argv.slice(2)
const live = args.includes('--live')
const wanted = args.filter((arg) => !arg.startsWith('--'))
const suffix = live ? '.live.ts' : '.test.ts'

const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .map((file) => join('test', file))
  .filter((file) => file.endsWith(suffix))
  .filter((file) => wanted.length === 0 || wanted.some((prefix) => file.split(sep).join('/').includes(prefix)))
  .sort()
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`)
  process.exit(2)
}
const reporter = process.env.CI ? ['--test-reporter', 'spec'] : []
const { status } = spawnSync(
  process.execPath,
  [
    '--import',
    'tsx',
    '--test',
    ...reporter,
    ...(live ? ['--test-concurrency=1'] : []),
    ...files.map((file) => relative(root, join(root, file))),
  ],
  { cwd: root, stdio: 'inherit' },
)
process.exit(status ?? 1)
