/** Network namespaces that look like a pod that just started, and tools that run inside. */
import { spawn, spawnSync } from 'node:child_process'
import { POD_IP } from '../../test/support/miniature-node.ts'

export interface PodNamespace {
  readonly path: string
  /** Makes it anew, without rules and with an IPv4 address alone. */
  readonly renew: () => void
  readonly remove: () => void
}

/** A namespace of the node, named after this process. */
export function createPodNamespace(name: string): PodNamespace {
  const id = `${name}-${process.pid}`
  const remove = (): void => void spawnSync('ip', ['netns', 'del', id])
  const renew = (): void => {
    remove()
    must('ip', ['netns', 'add', id])
    const commands = [
      'link set lo up',
      'link add eth0 type veth peer name eth1',
      `addr add ${POD_IP}/24 dev eth0`,
      'link set eth0 up',
      'link set eth1 up',
      '-6 addr flush dev eth0',
      '-6 addr flush dev eth1',
    ]
    for (const command of commands) must('ip', ['-n', id, ...command.split(' ')])
  }
  return { path: `/var/run/netns/${id}`, renew, remove }
}

function must(file: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`)
}

export interface Execution {
  readonly file: string
  readonly args: readonly string[]
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Milliseconds from its start to its end, and what it printed. */
export interface Executed {
  readonly elapsedMs: number
  readonly stdout: string
}

/**
 * Runs a program to its end.
 * @throws Error with its words when it fails
 */
export function execute({ file, args, stdin = '', env = {} }: Execution): Promise<Executed> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const child = spawn(file, args, { env: { PATH: process.env.PATH, ...env } })
    const texts = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk) => (texts.stdout += String(chunk)))
    child.stderr.on('data', (chunk) => (texts.stderr += String(chunk)))
    let elapsedMs = 0
    child.on('exit', () => (elapsedMs = performance.now() - startedMs))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve({ elapsedMs, stdout: texts.stdout })
      else reject(new Error(`${file} ${args.join(' ')}: exit ${code}: ${texts.stdout}${texts.stderr}`))
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin)
  })
}
