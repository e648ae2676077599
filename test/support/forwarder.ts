/** The executable on the host, built for a test, and calls of it as a container runtime makes them. */
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { packagePath } from '../../src/cli/package.ts'

const SOURCE = packagePath('src/redirect/cni/forwarder/istio-cni.c')

/** The `skip` option of a test that needs a C compiler. */
export function skipWithoutCompiler(): false | string {
  return spawnSync('cc', ['--version']).status === 0 ? false : 'no C compiler (cc) is here'
}

export interface BuildOptions {
  readonly folder: string
  /** Where the agent's socket is when the configuration names no folder. */
  readonly runDir: string
  readonly timeLimitMs?: number
  readonly flags?: readonly string[]
}

/** Compiles the executable and gives its path. */
export function buildForwarder({ folder, runDir, timeLimitMs = 60_000, flags = ['-O1'] }: BuildOptions): string {
  const path = join(folder, 'istio-cni')
  const defines = [`-DDEFAULT_RUN_DIR="${runDir}"`, `-DTIME_LIMIT_MS=${timeLimitMs}`]
  const args = ['-std=c11', '-Wall', '-Wextra', '-Werror', ...flags, ...defines, '-o', path, SOURCE]
  const { status, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return path
}

export interface Finished {
  readonly exit: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Calls the executable. The parent's variables stay outside; what a process of milliseconds does not free is no leak. */
export function callForwarder(path: string, env: Readonly<Record<string, string>>, stdin: string): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, [], { env: { ASAN_OPTIONS: 'detect_leaks=0', ...env } })
    const texts = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
    child.on('error', reject)
    child.on('close', (exit) => resolve({ exit, ...texts }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin)
  })
}
