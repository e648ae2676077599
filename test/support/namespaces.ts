/** Network namespaces for live tests: a pod, a peer beside it, servers that tell where they were reached, and clients. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { PROJECT_ROOT } from './shared.ts'

export const POD = { v4: '10.9.0.5', v6: 'fd00:9::5' } as const
export const PEER = { v4: '10.9.0.1', v6: 'fd00:9::1' } as const

/** Why namespaces cannot be made here, or false. */
export function skipWithoutNamespaces(): false | string {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const tool of ['ip', 'iptables-nft', 'iptables-legacy', 'nft']) {
    if (spawnSync(tool, ['-V']).error !== undefined) return `needs ${tool}`
  }
  const name = `probe-${process.pid}`
  const made = spawnSync('ip', ['netns', 'add', name]).status === 0
  spawnSync('ip', ['netns', 'del', name])
  return made ? false : 'cannot make network namespaces'
}

/** Output of a tool; throws when it fails. */
export function must(file: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`)
  return stdout
}

export interface Landing {
  readonly host: string
  readonly port: number
  readonly uid: number
  readonly gid: number
  readonly protocol: 'tcp' | 'udp'
  readonly localAddress?: string
}

/** A pod and its peer, joined by a cable; ends with `close`. */
export class PodNetwork {
  readonly pod: string
  readonly peer: string
  readonly #servers: ChildProcess[] = []

  constructor(name: string) {
    this.pod = `${name}-${process.pid}`
    this.peer = `${this.pod}-peer`
  }

  open(): void {
    for (const name of [this.pod, this.peer]) {
      must('ip', ['netns', 'add', name])
      must('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
    }
    must('ip', ['-n', this.pod, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.peer])
    for (const [name, own, other] of [[this.pod, POD, PEER] as const, [this.peer, PEER, POD] as const]) {
      must('ip', ['-n', name, 'link', 'set', 'eth0', 'up'])
      must('ip', ['-n', name, 'addr', 'add', `${own.v4}/24`, 'dev', 'eth0'])
      must('ip', ['-n', name, 'addr', 'add', `${own.v6}/64`, 'dev', 'eth0', 'nodad'])
      must('ip', ['-n', name, 'route', 'add', 'default', 'via', other.v4])
      must('ip', ['-n', name, '-6', 'route', 'add', 'default', 'via', other.v6])
    }
  }

  /** Runs a tool in the pod. */
  inPod(file: string, args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync('ip', ['netns', 'exec', this.pod, file, ...args], { encoding: 'utf8', cwd: PROJECT_ROOT })
  }

  /** Servers that answer `<label>:<port>` to whoever reaches them. */
  async serve(label: 'pod' | 'peer', ports: readonly number[]): Promise<void> {
    const name = label === 'pod' ? this.pod : this.peer
    await this.#start(name, process.execPath, ['-e', SERVER, label, JSON.stringify(ports)]).ready
  }

  /** Starts a tool in the pod; it is ready when it has printed a line. */
  startInPod(file: string, args: readonly string[]): { ready: Promise<unknown>; stop: () => Promise<void> } {
    return this.#start(this.pod, file, args)
  }

  #start(name: string, file: string, args: readonly string[]): { ready: Promise<unknown>; stop: () => Promise<void> } {
    const server = spawn('ip', ['netns', 'exec', name, file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#servers.push(server)
    return { ready: once(createInterface(server.stdout), 'line'), stop: () => end(server) }
  }

  /** Connects from the pod or its peer, and tells who answered. */
  land(from: 'pod' | 'peer', landings: readonly Landing[]): string[] {
    const name = from === 'pod' ? this.pod : this.peer
    const answers = new Array<string>(landings.length).fill('')
    const owners = new Set(landings.map(({ uid, gid }) => `${uid} ${gid}`))
    for (const owner of owners) {
      const mine = [...landings.entries()].filter(([, { uid, gid }]) => `${uid} ${gid}` === owner)
      const args = ['netns', 'exec', name, process.execPath, '-e', CLIENT, JSON.stringify(mine.map(([, one]) => one))]
      const texts = JSON.parse(must('ip', args)) as string[]
      for (const [i, [index]] of mine.entries()) answers[index] = texts[i] ?? ''
    }
    return answers
  }

  async close(): Promise<void> {
    for (const server of this.#servers) await end(server)
    for (const name of [this.pod, this.peer]) spawnSync('ip', ['netns', 'del', name])
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = once(server, 'exit')
  server.kill()
  await gone
}

const SERVER = `
const net = require('node:net'), dgram = require('node:dgram')
const [label, list] = process.argv.slice(1)
const ready = JSON.parse(list).flatMap((port) => [
  new Promise((done) => net.createServer((s) => { s.on('error', () => {}); s.end(label + ':' + port) }).listen(port, '::', done)),
  ...['127.0.0.1', '::1', '10.9.0.5', 'fd00:9::5', '10.9.0.1', 'fd00:9::1'].map((host) => new Promise((done) => {
    const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.on('error', done)
    socket.on('message', (_, from) => socket.send(label + ':' + port, from.port, from.address))
    socket.bind(port, host, done)
  })),
])
Promise.all(ready).then(() => console.log('ready'))
`

const CLIENT = `
const net = require('node:net'), dgram = require('node:dgram')
const landings = JSON.parse(process.argv[1])
process.setgroups([]); process.setgid(landings[0].gid); process.setuid(landings[0].uid)
const LIMIT_MS = 3000
const tcp = ({ host, port, localAddress }) => new Promise((done) => {
  let text = ''
  const socket = net.connect({ host, port, localAddress })
  socket.setTimeout(LIMIT_MS, () => { done('timeout'); socket.destroy() })
  socket.on('data', (chunk) => { text += chunk })
  socket.on('error', (error) => done(error.code))
  socket.on('end', () => done(text))
})
const udp = ({ host, port }) => new Promise((done) => {
  const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const finish = (text) => { clearTimeout(timer); socket.close(); done(text) }
  const timer = setTimeout(finish, LIMIT_MS, 'timeout')
  socket.on('message', (text) => finish(String(text)))
  socket.on('error', (error) => finish(error.code))
  socket.send('?', port, host)
})
Promise.all(landings.map((one) => (one.protocol === 'tcp' ? tcp : udp)(one))).then((all) => console.log(JSON.stringify(all)))
`
