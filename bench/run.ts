/**
 * `npm run bench`: measures and writes the tables. `--quick` takes small samples, to see that everything runs;
 * `--write` puts the tables into bench/results/<version>.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { packagePath, packageVersion } from '../src/cli/package.ts'
import { benchEngine } from './engine.ts'
import { benchHttp } from './http.ts'

const isQuick = process.argv.includes('--quick')
const version = packageVersion()

const size = isQuick ? { requests: 200, rounds: 1, soak: 500 } : { requests: 4000, rounds: 5, soak: 100_000 }
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
const report = [
  `# Measurements of ${version}`,
  '',
  `${machine}; medians of ${size.rounds} samples of ${size.requests} requests. Written by \`npm run bench -- --write\`.`,
  '',
  '## One injection, without HTTP',
  '',
  ...benchEngine(),
  '',
  '## Whole requests over TLS',
  '',
  ...(await benchHttp(size)),
  '',
].join('\n')
process.stdout.write(report)
if (process.argv.includes('--write')) {
  const folder = packagePath('bench/results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${version}.md`), report)
}
