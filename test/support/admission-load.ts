/** Calls of a webhook at a steady rate, the way an API server makes them, and a record of what became of each. */
import { randomUUID } from 'node:crypto'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'

import { messageOf } from '../../src/base/errors.ts'
import type { DryRun } from './dry-runs.ts'
import { review } from './webhook.ts'

/** `created`: pods through the API server. The others call the webhook itself, over TLS. */
export type CallKind = 'created' | 'kept' | 'fresh'

export interface CallRecord {
  readonly kind: CallKind
  /** `performance.now()` at its start. */
  readonly atMs: number
  readonly tookMs: number
  /** Why no patch came back; absent when one did. */
  readonly failure?: string
}

export type Rates = Readonly<Record<CallKind, number>>

export interface Load {
  /** Those that have ended, in the order of their ends. */
  readonly calls: readonly CallRecord[]
  /** Resolves when every call that is under way now has ended. */
  settled(): Promise<void>
  /** Calls no more, and resolves when every call under way has ended. */
  stop(): Promise<void>
}

/** How a caller verifies: the authorities it sees in a webhook configuration, which is another text when they change. */
export type BundleView = () => string

export interface LoadOptions {
  /** Calls a second of each kind. */
  readonly rates: Rates
  /** Port of the webhook on this machine. */
  readonly port: number
  /** One view for each API server that is acted. */
  readonly views: readonly BundleView[]
  readonly create: DryRun
}

/** What an API server grants a webhook, milliseconds: `timeoutSeconds` by default. */
const DEADLINE_MS = 10_000
const TICK_MS = 5
/** Of each caller. As in the API server's transport the last one used is used next, and so many may idle. */
const KEPT_CONNECTIONS = 25
/** What a busy machine made us miss by more than this is not made up for: a flood would be another test. */
const MAX_LAG_MS = 250

/** Calls are made at their time, however slow the answers to earlier ones are. */
export function startLoad({ rates, port, views, create }: LoadOptions): Load {
  const calls: CallRecord[] = []
  const callers = views.map((view) => createCaller(port, view))
  const underWay = new Set<Promise<void>>()
  let turn = 0
  const next = (): Caller => callers[turn++ % callers.length] as Caller
  const acts: Readonly<Record<CallKind, () => Promise<string | undefined>>> = {
    created: async () => failureOf(await create()),
    kept: () => next().kept(),
    fresh: () => next().fresh(),
  }
  const act = (kind: CallKind): void => {
    const call = record(kind, acts[kind], calls).finally(() => underWay.delete(call))
    underWay.add(call)
  }
  const stops = (Object.keys(acts) as CallKind[]).map((kind) => pace(rates[kind], () => act(kind)))
  return {
    calls,
    settled: async () => void (await Promise.all(underWay)),
    stop: async () => {
      stops.forEach((stop) => stop())
      await Promise.all(underWay)
      callers.forEach((caller) => caller.end())
    },
  }
}

async function record(kind: CallKind, act: () => Promise<string | undefined>, calls: CallRecord[]): Promise<void> {
  const atMs = performance.now()
  const failure = await act().catch((err: unknown) => `${codeOf(err)}${messageOf(err)}`)
  calls.push({ kind, atMs, tookMs: performance.now() - atMs, ...(failure === undefined ? {} : { failure }) })
}

/** Calls `act` so many times a second until the returned function is called. */
function pace(perSecond: number, act: () => void): () => void {
  const distanceMs = 1000 / perSecond
  let dueMs = performance.now()
  const timer = setInterval(() => {
    const nowMs = performance.now()
    dueMs = Math.max(dueMs, nowMs - MAX_LAG_MS)
    for (; dueMs <= nowMs; dueMs += distanceMs) act()
  }, TICK_MS)
  return () => clearInterval(timer)
}

function failureOf(outcome: Awaited<ReturnType<DryRun>>): string | undefined {
  if ('refused' in outcome) return outcome.refused
  return outcome.injected ? undefined : 'created without a proxy'
}

interface Caller {
  kept(): Promise<string | undefined>
  fresh(): Promise<string | undefined>
  end(): void
}

/** Another bundle means another client with connections of its own; calls under way keep theirs. */
function createCaller(port: number, view: BundleView): Caller {
  const agents = new Map<string, Agent>()
  const keptAgent = (): Agent => {
    const ca = view()
    const known = agents.get(ca)
    if (known !== undefined) return known
    const bounds = { maxSockets: KEPT_CONNECTIONS, maxFreeSockets: KEPT_CONNECTIONS }
    const agent = new Agent({ ...VERIFIED, ...bounds, ca, keepAlive: true, scheduling: 'lifo' })
    agents.set(ca, agent)
    return agent
  }
  return {
    kept: () => post(port, keptAgent()),
    fresh: () => post(port, new Agent({ ...VERIFIED, ca: view() })),
    end: () => [...agents.values()].forEach((agent) => agent.destroy()),
  }
}

/** Every connection is a full handshake. */
const VERIFIED = { maxCachedSessions: 0, rejectUnauthorized: true } as const
const HEADERS = { 'content-type': 'application/json', 'user-agent': 'kube-apiserver-admission' }

function post(port: number, agent: Agent): Promise<string | undefined> {
  const uid = randomUUID()
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { port, agent, host: '127.0.0.1', method: 'POST', path: '/inject?timeout=10s', headers: HEADERS },
      (answer) => {
        text(answer).then((body) => resolve(answerProblem(answer.statusCode, body, uid)), reject)
      },
    )
    const deadline = setTimeout(() => outgoing.destroy(new Error('no answer in time')), DEADLINE_MS)
    outgoing.on('close', () => clearTimeout(deadline))
    outgoing.on('error', reject)
    outgoing.end(JSON.stringify(review('web', { uid, object: POD })))
  })
}

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'web-', labels: { app: 'web' } },
  spec: { containers: [{ name: 'app', image: 'registry.example/app:1', ports: [{ containerPort: 8080 }] }] },
}

interface ReviewAnswer {
  readonly response?: { readonly uid?: string; readonly allowed?: boolean; readonly patch?: string }
}

/** What an API server would hold against an answer. */
function answerProblem(status: number | undefined, body: string, uid: string): string | undefined {
  if (status !== 200) return `${status ?? 0} ${body}`
  const { response } = JSON.parse(body) as ReviewAnswer
  if (response?.uid !== uid) return 'an answer to another request'
  return response.allowed === true && response.patch !== undefined ? undefined : 'no patch'
}

const codeOf = (err: unknown): string => {
  const { code } = err as { code?: unknown }
  return typeof code === 'string' ? `${code} ` : ''
}
