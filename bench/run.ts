/**
 * `npm run bench`: measures and writes the tables. `--quick` takes small samples, to see that everything runs;
 * `--write` puts the tables into bench/results/<version>.md; `--pods=1000000` sets how many different pods the run
 * on memory sends, `--only-memory`, `--only-redirect` and `--only-offline` leave everything else out.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packagePath, packageVersion } from '../src/cli/package.ts'
import { benchEngine } from './engine.ts'
import { benchHttp } from './http.ts'
import { benchMemory } from './memory.ts'
import { benchOffline } from './offline.ts'
import { benchRedirect } from './redirect.ts'
import { benchStages } from './stages.ts'
import { benchValidation } from './validation.ts'

const flag = { type: 'boolean', default: false } as const
const { values: flags } = parseArgs({
  options: {
    quick: flag,
    write: flag,
    'only-memory': flag,
    'only-redirect': flag,
    'only-offline': flag,
    pods: { type: 'string' },
  },
})
const isQuick = flags.quick
const version = packageVersion()

const size = isQuick
  ? { requests: 200, firstSeen: 100, rounds: 1, soak: 500 }
  : { requests: 10_000, firstSeen: 2000, rounds: 7, soak: 100_000 }
if (flags['only-redirect']) {
  process.stdout.write(`${(await redirection()).join('\n')}\n`)
  process.exit()
}
const pods = Number(flags.pods ?? (isQuick ? 1000 : 20_000))
if (!Number.isInteger(pods) || pods < 1) throw new Error(`--pods: expected a whole number, got ${flags.pods ?? ''}`)
const offline = [
  '## `validate` on a folder',
  '',
  ...benchOffline(isQuick ? { sizes: [100, 500], rounds: 1 } : { sizes: [100, 1000, 10_000], rounds: 3 }),
  '',
]
if (flags['only-offline']) {
  process.stdout.write(offline.join('\n'))
  process.exit()
}
const memory = ['## Memory', '', ...(await benchMemory({ pods, every: Math.ceil(pods / 10) })), '']
if (flags['only-memory']) {
  process.stdout.write(memory.join('\n'))
  process.exit()
}
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
const report = [
  `# Measurements of ${version}`,
  '',
  `${machine}; medians of ${size.rounds} samples of ${size.requests} requests, ${size.firstSeen} where the pods are new. Written by \`npm run bench -- --write\`.`,
  '',
  '## One injection, without HTTP',
  '',
  ...benchEngine(),
  '',
  '## A first-seen pod, by stage, without HTTP',
  '',
  ...benchStages(size.rounds),
  '',
  '## One validation, without HTTP',
  '',
  ...(await benchValidation()),
  '',
  ...offline,
  '## Whole requests over TLS',
  '',
  ...(await benchHttp(size)),
  '',
  ...(await redirection()),
  '',
  ...memory,
].join('\n')
process.stdout.write(report)
if (flags.write) {
  const folder = packagePath('bench/results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${version}.md`), report)
}

function redirection(): Promise<string[]> {
  return benchRedirect({ rounds: isQuick ? 2 : 25 }).then((rows) => [
    '## Traffic redirection, from start to end',
    '',
    ...rows,
  ])
}
