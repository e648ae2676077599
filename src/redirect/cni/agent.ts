/** The agent's end of the plugin: takes calls from the forwarder on a Unix socket and answers what plugin.ts decides. */
import { access, chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Compat } from '../flags.ts'
import { readCall, writeReply, type ForwardedCall } from './call-frame.ts'
import type { OpenNamespace } from './netns.ts'
import { runPlugin, type PluginDeps, type PluginOutcome } from './plugin.ts'
import { renderError } from './protocol.ts'
import { createSlots, type Slots } from './slots.ts'

/** Name of the socket in the run folder; the forwarder knows it too. */
export const SOCKET_NAME = 'mesh-admission-cni.sock'

/** What one call may use. It ends with the call: `signal` aborts when its time is over or the caller is gone. */
export interface CallContext {
  readonly callerPid: number
  readonly signal: AbortSignal
}

export interface AgentPorts {
  /** @throws when the API server cannot even be asked */
  readonly connect: () => Promise<void>
  readonly getPod: (pod: { name: string; namespace: string }, signal: AbortSignal) => ReturnType<PluginDeps['getPod']>
  readonly openNamespace: (path: string, context: CallContext) => Promise<OpenNamespace>
  readonly isOwnNamespace: (path: string, context: CallContext) => Promise<boolean>
}

export interface AgentOptions {
  readonly runDir: string
  readonly compat: Compat
  readonly ports: AgentPorts
  readonly clock: Clock
  readonly log: Log
  /** Told of every call that was answered. */
  readonly onAnswer?: (command: string, outcome: PluginOutcome, durationMs: number) => void
  /** Namespaces that are programmed at the same time. @default 8 */
  readonly maxNamespaces?: number
  /** Calls that wait or run; more are told to come again. @default 512: kubelet's largest node has 250 pods */
  readonly maxCalls?: number
  /** Longest time for one call, milliseconds. @default 50000, less than the forwarder's limit */
  readonly callLimitMs?: number
}

export interface Agent {
  readonly socketPath: string
  /** Listens anew where the socket's file was removed: nobody could reach us any more. */
  readonly restore: () => Promise<void>
  /** Takes no more calls; resolves when those under way are answered. */
  close(): Promise<void>
}

interface Resolved extends AgentOptions {
  readonly slots: Slots
  /** For namespaces that are opened before it is known whether they are needed. */
  readonly early: Slots
  readonly callLimitMs: number
}

const DIRECTORY_MODE = 0o750
/** Only root calls: whoever can call may have any namespace of the node programmed. */
const SOCKET_MODE = 0o600

/** Listens in the run folder. A socket that a dead agent left behind is replaced. */
export async function startAgent(given: AgentOptions): Promise<Agent> {
  const { runDir, maxNamespaces = 8, maxCalls = 512, callLimitMs = 50_000 } = given
  const options: Resolved = { ...given, callLimitMs, slots: createSlots(maxNamespaces), early: createSlots(1) }
  const socketPath = join(runDir, SOCKET_NAME)
  let calls = 0
  const serveNext = (socket: Socket): void => {
    const isTooMany = ++calls > maxCalls
    socket.on('close', () => calls--)
    void serve(socket, options, isTooMany)
  }
  let server = await open(socketPath, serveNext)
  return {
    socketPath,
    close: () => closeServer(server),
    restore: async () => {
      if (await exists(socketPath)) return
      void closeServer(server)
      server = await open(socketPath, serveNext)
    },
  }
}

async function open(socketPath: string, serveNext: (socket: Socket) => void): Promise<Server> {
  await mkdir(dirname(socketPath), { recursive: true, mode: DIRECTORY_MODE })
  await rm(socketPath, { force: true })
  const server = createServer(serveNext)
  await listen(server, socketPath)
  await chmod(socketPath, SOCKET_MODE)
  return server
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** Reads one call, answers it and hangs up. What is no call gets no answer: the forwarder then says error 11. */
async function serve(socket: Socket, options: Resolved, isTooMany: boolean): Promise<void> {
  const gone = new AbortController()
  socket.on('error', () => gone.abort())
  socket.on('close', () => gone.abort())
  const limit = AbortSignal.timeout(options.callLimitMs)
  limit.addEventListener('abort', () => setTimeout(() => socket.destroy(), HANG_UP_MS).unref())
  try {
    const call = await receive(socket)
    const signal = AbortSignal.any([gone.signal, limit])
    const outcome = isTooMany ? tooMany() : await answer(call, options, signal)
    socket.end(writeReply(outcome))
  } catch (err) {
    if (!gone.signal.aborted) options.log.warn({ err }, 'call of the plugin not understood')
    socket.destroy()
  }
}

/** After the time limit, for the answer that tells of it. */
const HANG_UP_MS = 1000

async function receive(socket: Socket): Promise<ForwardedCall> {
  let bytes = Buffer.alloc(0)
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      try {
        const call = readCall(bytes)
        if (call !== undefined) resolve(call)
      } catch (error) {
        reject(error instanceof Error ? error : new Error(messageOf(error)))
      }
    })
    socket.on('close', () => reject(new Error('the caller hung up')))
  })
}

async function answer(call: ForwardedCall, options: Resolved, signal: AbortSignal): Promise<PluginOutcome> {
  const { clock, log, onAnswer } = options
  const startedMs = clock.nowMs()
  const outcome = await withinLimit(runToTheEnd(call, options, signal), signal)
  const durationMs = clock.nowMs() - startedMs
  const command = call.env.CNI_COMMAND ?? ''
  logOutcome(log, { command, args: call.env.CNI_ARGS ?? '', outcome, durationMs })
  onAnswer?.(command, outcome, durationMs)
  return outcome
}

async function runToTheEnd(call: ForwardedCall, options: Resolved, signal: AbortSignal): Promise<PluginOutcome> {
  const taken: GiveBack[] = []
  try {
    return await runPlugin(call, pluginDeps(call, { options, signal, taken }))
  } catch (error) {
    return refused(999, messageOf(error))
  } finally {
    void giveBack(taken, options.log)
  }
}

type GiveBack = () => void | Promise<void>

/**
 * Gives back what a call took when its work has ended, the latest first: a tool must never meet the descriptor of
 * another pod. All tools that wrote have ended before; the caller need not wait for the rest.
 */
async function giveBack(taken: readonly GiveBack[], log: Log): Promise<void> {
  for (const give of taken.toReversed()) {
    try {
      await give()
    } catch (err) {
      log.warn({ err }, 'a call of the plugin left something open')
    }
  }
}

/** A port that does not heed the signal must not hold the caller. */
function withinLimit(work: Promise<PluginOutcome>, signal: AbortSignal): Promise<PluginOutcome> {
  const over = new Promise<PluginOutcome>((resolve) => {
    const end = (): void => resolve(refused(11, 'the call took too long; try again later'))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
  return Promise.race([work, over])
}

function tooMany(): PluginOutcome {
  return refused(11, 'too many calls at once; try again later')
}

function refused(code: 11 | 999, msg: string): PluginOutcome {
  const error = { code, msg }
  return { exit: 1, stdout: renderError(error), stderr: '', decision: 'error', error, podGets: 0 }
}

interface CallScope {
  readonly options: Resolved
  readonly signal: AbortSignal
  /** How to give back what the call has taken. */
  readonly taken: GiveBack[]
}

function pluginDeps(call: ForwardedCall, { options, signal, taken }: CallScope): PluginDeps {
  const { compat, ports, clock, slots } = options
  const context: CallContext = { callerPid: call.pid, signal }
  const open = (path: string): Promise<OpenNamespace> => {
    const opening = ports.openNamespace(path, context)
    taken.push(async () => (await opening.catch(() => undefined))?.close())
    return opening
  }
  let early: Promise<OpenNamespace> | undefined
  return {
    compat,
    connect: () => ports.connect(),
    getPod: (pod) => {
      early ??= openEarly(() => open(call.env.CNI_NETNS ?? ''), { early: options.early, taken })
      return ports.getPod(pod, signal)
    },
    wait: async (ms) => {
      await clock.wait(ms, signal)
      signal.throwIfAborted()
    },
    // Those that wait for the API server hold no slot: pods that can be had need not queue behind them.
    openNamespace: async (path) => {
      await slots.take(signal)
      taken.unshift(() => slots.give())
      return early ?? open(path)
    },
    isOwnNamespace: (path) => ports.isOwnNamespace(path, context),
  }
}

/**
 * Enters the namespace while the API server is asked for the pod, which takes as long. One call at a time does: more
 * would hold a process each for as long as the API server does not answer. A failure counts when the namespace is needed.
 */
function openEarly(
  open: () => Promise<OpenNamespace>,
  { early, taken }: { early: Slots; taken: GiveBack[] },
): Promise<OpenNamespace> | undefined {
  if (!early.takeNow()) return undefined
  taken.unshift(() => early.give())
  const opening = open()
  opening.catch(() => undefined)
  return opening
}

interface Answered {
  readonly command: string
  readonly args: string
  readonly outcome: PluginOutcome
  readonly durationMs: number
}

function logOutcome(log: Log, { command, args, outcome, durationMs }: Answered): void {
  const { decision, reason, error } = outcome
  const pod = /(?:^|;)K8S_POD_NAME=([^;]*)/.exec(args)?.[1] ?? ''
  const namespace = /(?:^|;)K8S_POD_NAMESPACE=([^;]*)/.exec(args)?.[1] ?? ''
  const fields = { command, pod, namespace, decision, durationMs }
  if (error !== undefined) log.warn({ ...fields, cniCode: error.code, reason: error.msg }, 'call refused')
  else if (command === 'ADD') log.info({ ...fields, ...(reason === undefined ? {} : { reason }) }, 'call answered')
  else log.debug(fields, 'call answered')
}
