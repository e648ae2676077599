/** Starts the programs that are measured and waits until they can be asked. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packagePath } from '../../src/cli/package.ts'

export interface Server {
  readonly process: ChildProcess
  readonly pid: number
  readonly port: number
  readonly ca: string
  /** Milliseconds from starting the program until it said that it listens. */
  readonly readyMs: number
  stop(): void
}

/** Our server as it is shipped: the bundle, embedded defaults, logs thrown away. */
export async function startOurs(flags: readonly string[] = []): Promise<Server & { readonly stateDir: string }> {
  const stateDir = mkdtempSync(join(tmpdir(), 'mesh-admission-bench-'))
  const ports = ['--port', '0', '--health-port', '0', '--metrics-port', '0', '--address', '127.0.0.1']
  const args = [packagePath('dist/main.js'), 'serve', ...ports, '--state-dir', stateDir, ...flags]
  const { server, text, readyMs } = await start(args, /^Serving https:\/\/[^:]+:(\d+)/m)
  const caFile = join(stateDir, 'current/ca.crt')
  return { ...serverOf(server, { port: Number(text), ca: readFileSync(caFile, 'utf8'), readyMs }), stateDir }
}

export interface EchoOptions {
  readonly certificate: { readonly certFile: string; readonly keyFile: string; readonly ca: string }
  readonly answerBytes: number
  readonly mode: 'bytes' | 'review'
}

/** The echo server; see echo-server.ts. */
export async function startEcho({ certificate, answerBytes, mode }: EchoOptions): Promise<Server> {
  const program = packagePath('bench/.bundle/echo-server.mjs')
  const args = [program, certificate.certFile, certificate.keyFile, String(answerBytes), mode]
  const { server, text, readyMs } = await start(args, /^(\d+)$/m)
  return serverOf(server, { port: Number(text), ca: certificate.ca, readyMs })
}

async function start(
  args: readonly string[],
  ready: RegExp,
): Promise<{ server: ChildProcess; text: string; readyMs: number }> {
  const startedMs = performance.now()
  const server = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  for await (const chunk of server.stdout ?? []) {
    said += String(chunk)
    const found = ready.exec(said)?.[1]
    if (found !== undefined) return { server, text: found, readyMs: performance.now() - startedMs }
  }
  throw new Error(`${args.join(' ')}: ended before it listened: ${said}`)
}

function serverOf(server: ChildProcess, rest: { port: number; ca: string; readyMs: number }): Server {
  return { process: server, pid: server.pid ?? 0, stop: () => void server.kill('SIGKILL'), ...rest }
}
