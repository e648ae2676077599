/** `validate` on folders: time per object and peak memory must not grow with the number of files. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packagePath } from '../src/cli/package.ts'
import { meshObjects } from './support/mesh-objects.ts'
import { median } from './support/statistics.ts'

export interface OfflineBenchOptions {
  /** Objects of the folders, the first is what the others are compared with. */
  readonly sizes: readonly number[]
  readonly rounds: number
}
interface Run {
  readonly cpuMs: number
  readonly peakMiB: number
}

/** Of each file's objects. */
const OBJECTS_PER_FILE = 5

export function benchOffline({ sizes, rounds }: OfflineBenchOptions): string[] {
  const rows = ['| objects | CPU time | per object, start left out | peak memory |', '|---|---|---|---|']
  const folder = mkdtempSync(join(tmpdir(), 'mesh-admission-offline-'))
  try {
    const start = medianRun(folderOf(folder, 0), rounds)
    for (const size of sizes) {
      const { cpuMs, peakMiB } = medianRun(folderOf(folder, size), rounds)
      const each = (cpuMs - start.cpuMs) / size
      rows.push(`| ${size} | ${cpuMs.toFixed(0)} ms | ${each.toFixed(2)} ms | ${peakMiB.toFixed(0)} MiB |`)
    }
    return rows
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Small objects of several kinds, five documents a file, a hundred files a folder. */
function folderOf(parent: string, size: number): string {
  const folder = join(parent, String(size))
  mkdirSync(folder)
  const [object] = Object.values(meshObjects())
  for (let first = 0, file = 0; first < size; first += OBJECTS_PER_FILE, file++) {
    const inner = join(folder, String(Math.floor(file / 100)))
    mkdirSync(inner, { recursive: true })
    const documents = Array.from({ length: Math.min(OBJECTS_PER_FILE, size - first) }, (_, n) =>
      yamlOf({ ...object, metadata: { name: `shop-${first + n}`, namespace: 'shop' } }),
    )
    writeFileSync(join(inner, `${file}.yaml`), documents.join('---\n'))
  }
  return folder
}

/** As people write it: block style. */
function yamlOf(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return ` ${JSON.stringify(value)}\n`
  const lines = Array.isArray(value)
    ? value.map((item) => `${indent}-${nested(item, indent)}`)
    : Object.entries(value).map(([key, item]) => `${indent}${key}:${nested(item, indent)}`)
  return lines.join('')
}
const nested = (value: unknown, indent: string): string =>
  typeof value === 'object' && value !== null ? `\n${yamlOf(value, `${indent}  `)}` : yamlOf(value)

function medianRun(folder: string, rounds: number): Run {
  const runs = Array.from({ length: rounds }, () => runValidate(folder))
  return { cpuMs: median(runs.map(({ cpuMs }) => cpuMs)), peakMiB: median(runs.map(({ peakMiB }) => peakMiB)) }
}

/** The process tells at its end what it has used: user and system time of all threads, and the largest resident set. */
const REPORT = `process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  process.stderr.write('\\nUSED ' + JSON.stringify({ cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMiB: maxRSS / 1024 }))
})`

function runValidate(folder: string): Run {
  const preload = `data:text/javascript,${encodeURIComponent(REPORT)}`
  const args = ['--import', preload, packagePath('dist/main.js'), 'validate', '-f', folder]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  const used = /USED (.*)$/.exec(stderr)?.[1]
  if (status !== 0 || used === undefined) throw new Error(`validate -f ${folder}: exit code ${status}: ${stderr}`)
  return JSON.parse(used) as Run
}
