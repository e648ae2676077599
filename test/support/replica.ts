/** Replicas as an operator runs them: `serve` of the built bundle, one process each. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

import type { Backend } from './balancer.ts'
import { PROJECT_ROOT } from './shared.ts'

const MAIN = join(PROJECT_ROOT, 'dist/main.js')
/** A test that is killed leaves no replica behind. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const CLOCK_JUMP = pathToFileURL(join(PROJECT_ROOT, 'test/support/clock-jump.mjs')).href

/** A line of a replica's log. */
export interface ReplicaLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

export interface Replica extends Backend {
  readonly lines: readonly ReplicaLine[]
  /** Asks it to end, and resolves with its exit code when it has. */
  terminate(): Promise<number | null>
  kill(): Promise<void>
  jumpAWeek(): void
}

export interface ReplicaOptions {
  readonly name: string
  readonly flags: readonly string[]
  /** Gets a clock that `jumpAWeek` moves. */
  readonly withMovableClock?: boolean
}

/** The `skip` option of a test that runs replicas. */
export function skipWithoutBundle(): false | string {
  return existsSync(MAIN) ? false : 'dist/main.js is not built (npm run build)'
}

/** Resolves when it listens. */
export async function startReplica({ name, flags, withMovableClock = false }: ReplicaOptions): Promise<Replica> {
  const preload = withMovableClock ? ['--import', CLOCK_JUMP] : []
  const ports = ['--address', '127.0.0.1', '--port', '0', '--health-port', '0', '--metrics-port', '0']
  const child = spawn(process.execPath, [...preload, MAIN, 'serve', ...ports, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  process.once('exit', () => child.kill('SIGKILL'))
  const lines: ReplicaLine[] = []
  const serving = followLog(child, lines)
  const ended = exited.then(() => {
    throw new Error(`${name} ended: ${JSON.stringify(lines.slice(-5))}`)
  })
  ended.catch(() => undefined)
  const { port, healthPort } = (await Promise.race([serving, ended])) as unknown as Backend
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    name,
    port,
    healthPort,
    lines,
    terminate: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
    jumpAWeek: () => void child.kill('SIGUSR2'),
  }
}

/** Reviews are not kept: there are thousands. Resolves with the line that says where it listens. */
function followLog(child: ChildProcess, lines: ReplicaLine[]): Promise<ReplicaLine> {
  return new Promise((resolve) => {
    if (child.stderr === null) return
    createInterface({ input: child.stderr }).on('line', (text) => {
      if (text.endsWith('reviewed"}')) return
      const line = parsed(text)
      lines.push(line)
      if (line.msg === 'serving') resolve(line)
    })
  })
}

function parsed(text: string): ReplicaLine {
  try {
    return JSON.parse(text) as ReplicaLine
  } catch {
    return { level: 'raw', msg: text }
  }
}
