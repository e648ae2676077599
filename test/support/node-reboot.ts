/** What a node keeps over a reboot and what not, acted out: all that runs ends at once, volatile folders are empty, then it starts again. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:net'
import { once } from 'node:events'

import { eventually } from './cluster.ts'

/** Of a component that runs: how it was started. */
interface Started {
  readonly name: string
  readonly pid: number
  readonly program: string
  readonly command: readonly string[]
  readonly folder: string
}

const KUBELET_HEALTH = 'http://127.0.0.1:10248/healthz'

export interface Reboot {
  /** Where the cluster keeps everything. */
  readonly state: string
  /** Files and folders that are gone afterwards, besides what the runtime has in /run. */
  readonly volatile: readonly string[]
  readonly signal: AbortSignal
}

/** Reboots the cluster's node; its API server is elsewhere, so to say, and stays. */
export async function reboot({ state, volatile, signal }: Reboot): Promise<void> {
  const socket = join(state, 'containerd.sock')
  const [containerd, kubelet] = [remember(state, 'containerd'), remember(state, 'kubelet')]
  kill(kubelet.pid)
  const ctr = ['-a', socket, '-n', 'k8s.io', 'tasks']
  for (const task of must('ctr', [...ctr, 'ls', '-q'])
    .split('\n')
    .filter(Boolean))
    spawnSync('ctr', [...ctr, 'kill', '-a', '-s', 'KILL', task])
  kill(containerd.pid)
  for (const pid of processesWith(socket)) kill(pid)
  await eventually(() => processesWith(socket).length === 0, signal)
  emptyVolatile(state, volatile)
  restart(state, containerd)
  await eventually(() => answers(socket), signal)
  await restartUntilWell(state, kubelet, signal)
}

function remember(state: string, name: string): Started {
  const pid = Number(readFileSync(join(state, `${name}.pid`), 'utf8'))
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  const [program, folder] = [readlinkSync(`/proc/${pid}/exe`), readlinkSync(`/proc/${pid}/cwd`)]
  return { name, pid, program, command, folder }
}

/** Shims outlive the runtime that started them. */
function processesWith(socket: string): number[] {
  const runsWith = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(socket)
    } catch {
      return false
    }
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && runsWith(name))
    .map(Number)
}

function emptyVolatile(state: string, volatile: readonly string[]): void {
  const run = join(state, 'containerd', 'state')
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
  for (const mount of mounts
    .filter((path) => path.startsWith(`${run}/`))
    .sort()
    .reverse())
    must('umount', ['-l', mount])
  const before = new Set(readFileSync(join(state, 'netns.before'), 'utf8').split('\n'))
  for (const name of readdirSync('/var/run/netns').filter((one) => one.startsWith('cni-') && !before.has(one)))
    must('ip', ['netns', 'del', name])
  for (const folder of [run, ...volatile]) rmSync(folder, { recursive: true, force: true })
}

function restart(state: string, { name, program, command, folder }: Started): ChildProcess {
  const log = openSync(join(state, `${name}.log`), 'a')
  const [argv0, ...args] = command
  const child = spawn(program, args, { argv0, cwd: folder, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  child.unref()
  writeFileSync(join(state, `${name}.pid`), `${child.pid}\n`)
  return child
}

/** Again when it ends, as systemd does: it does so where the runtime listens but is not initialized. */
async function restartUntilWell(state: string, kubelet: Started, signal: AbortSignal): Promise<void> {
  let child = restart(state, kubelet)
  await eventually(async () => {
    if (child.exitCode !== null) child = restart(state, kubelet)
    return fetch(KUBELET_HEALTH).then(
      ({ ok }) => ok,
      () => false,
    )
  }, signal)
}

async function answers(socket: string): Promise<boolean> {
  const connection = connect(socket)
  try {
    await once(connection, 'connect')
    return true
  } catch {
    return false
  } finally {
    connection.destroy()
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

function must(file: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`)
  return stdout
}
