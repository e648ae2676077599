/**
 * Whole requests over TLS against the shipped server, beside an echo server in the same stack: Fastify, our TLS settings
 * and reader of bodies, one log line, one histogram, an answer of the same size. It parses the review, as it must for the
 * uid, and does nothing with it; the row above shows it with the body unread. Samples of all take turns, so that what
 * else the machine does meets them alike.
 */
import { readdirSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificateIn } from './support/certificate.ts'
import { runLoad, type LoadResult } from './support/load.ts'
import { freshReviewOf, reviewOf, smallPod, tenContainerPod, type Pod } from './support/pods.ts'
import { cpuMs, rssMiB } from './support/proc.ts'
import { startEcho, startOurs, type Server } from './support/servers.ts'
import { median, quantile } from './support/statistics.ts'

export interface HttpBenchOptions {
  /** Repeated reviews of one sample; CPU time is known to 10 ms, so they should take a second. */
  readonly requests: number
  /** First-seen reviews of one sample. */
  readonly firstSeen: number
  readonly rounds: number
  /** Requests of the memory run. */
  readonly soak: number
}

interface Sample {
  readonly perSecond: number
  readonly perCpuSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const CONNECTIONS = 4

export async function benchHttp(options: HttpBenchOptions): Promise<string[]> {
  const rows = [
    '| review | server | reviews/s | reviews per CPU second | p50 | p99 | CPU against echo |',
    '|---|---|---|---|---|---|---|',
  ]
  for (const [name, pod] of Object.entries({ small: smallPod(), 'ten containers': tenContainerPod() })) {
    rows.push(...(await benchPod(name, pod, options)))
  }
  return [...rows, '', ...(await benchLife(options))]
}

async function benchPod(name: string, pod: Pod, options: HttpBenchOptions): Promise<string[]> {
  const ours = await startOurs()
  try {
    const { answerBytes } = await ask(ours, { body: reviewOf(pod), requests: 1 })
    const folder = await mkdtemp(join(tmpdir(), 'mesh-admission-echo-'))
    const certificate = await certificateIn(folder)
    const deaf = await startEcho({ certificate, answerBytes, mode: 'bytes' })
    const echo = await startEcho({ certificate, answerBytes, mode: 'review' })
    try {
      const { requests, firstSeen } = options
      const unread = { name: 'echo, body unread', server: deaf, body: reviewOf(pod), requests }
      const limit = { name: 'echo', server: echo, body: reviewOf(pod), requests }
      const repeated = { name: 'ours, repeated', server: ours, body: reviewOf(pod), requests }
      const fresh = { name: 'ours, first seen', server: ours, body: freshReviewOf(pod), requests: firstSeen }
      const samples = await takeTurns([unread, limit, repeated, fresh], options.rounds)
      return samples.map(([title, sampled]) => row(name, title, sampled, samples[1]?.[1] ?? sampled))
    } finally {
      deaf.stop()
      echo.stop()
    }
  } finally {
    ours.stop()
  }
}

interface Load {
  readonly name: string
  readonly server: Server
  readonly body: () => Buffer
  readonly requests: number
}

/** Medians over rounds, after two rounds to warm up. */
async function takeTurns(loads: readonly Load[], rounds: number): Promise<(readonly [string, Sample])[]> {
  const samples = new Map<Load, Sample[]>(loads.map((load) => [load, []]))
  for (let round = -2; round < rounds; round++) {
    for (const [load, taken] of samples) {
      const sampled = await sampleOf(load)
      if (round >= 0) taken.push(sampled)
    }
  }
  return [...samples].map(([{ name }, taken]) => [name, medianOf(taken)])
}

async function sampleOf({ server, body, requests }: Load): Promise<Sample> {
  const before = cpuMs(server.pid)
  const { latenciesMs, elapsedMs } = await ask(server, { body, requests })
  const usedMs = cpuMs(server.pid) - before
  return {
    perSecond: (requests / elapsedMs) * 1000,
    perCpuSecond: (requests / usedMs) * 1000,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  }
}

function medianOf(samples: readonly Sample[]): Sample {
  const mid = (pick: (one: Sample) => number): number => median(samples.map(pick))
  return {
    perSecond: mid((one) => one.perSecond),
    perCpuSecond: mid((one) => one.perCpuSecond),
    p50Ms: mid((one) => one.p50Ms),
    p99Ms: mid((one) => one.p99Ms),
  }
}

function ask(
  server: Server,
  { body, requests, ratePerSecond }: { body: () => Buffer; requests: number; ratePerSecond?: number },
): Promise<LoadResult> {
  const { port, ca } = server
  const rate = ratePerSecond === undefined ? {} : { ratePerSecond }
  return runLoad({
    port,
    ca,
    path: '/inject?timeout=10s',
    body,
    connections: Math.min(CONNECTIONS, requests),
    requests,
    ...rate,
  })
}

function row(review: string, server: string, sampled: Sample, limit: Sample): string {
  const { perSecond, perCpuSecond, p50Ms, p99Ms } = sampled
  const ratio = limit.perCpuSecond / perCpuSecond
  return `| ${review} | ${server} | ${perSecond.toFixed(0)} | ${perCpuSecond.toFixed(0)} | ${p50Ms.toFixed(2)} ms | ${p99Ms.toFixed(2)} ms | ${ratio.toFixed(2)} × |`
}

/** Start, memory, and latency at a steady rate with a tenth of the pods never seen before. */
async function benchLife({ rounds, firstSeen, soak }: HttpBenchOptions): Promise<string[]> {
  const starts: number[] = []
  for (let round = 0; round < rounds; round++) {
    const server = await startOurs()
    starts.push(server.readyMs)
    server.stop()
  }
  const server = await startOurs()
  try {
    const restMiB = rssMiB(server.pid)
    const mixed = mixedBodies()
    const p99Ms: number[] = []
    const coldMs = quantile((await steadily(server, mixed, firstSeen)).latenciesMs, 0.99)
    for (let round = 0; round < Math.min(rounds, 5); round++) {
      p99Ms.push(quantile((await steadily(server, mixed, firstSeen)).latenciesMs, 0.99))
    }
    await ask(server, { body: mixed, requests: soak })
    return [
      '| what | value |',
      '|---|---|',
      `| start to ready | ${median(starts).toFixed(0)} ms |`,
      `| RSS at rest | ${restMiB.toFixed(0)} MiB |`,
      `| p99 at ${STEADY_RATE} reviews/s, 10 % first seen | ${median(p99Ms).toFixed(2)} ms |`,
      `| the same, the first ${firstSeen} reviews after the start | ${coldMs.toFixed(2)} ms |`,
      `| RSS after ${soak} reviews, 10 % first seen | ${rssMiB(server.pid).toFixed(0)} MiB |`,
      `| open file descriptors after that | ${readdirSync(`/proc/${server.pid}/fd`).length} |`,
    ]
  } finally {
    server.stop()
  }
}

const STEADY_RATE = 500

const steadily = (server: Server, body: () => Buffer, requests: number): Promise<LoadResult> =>
  ask(server, { body, requests, ratePerSecond: STEADY_RATE })

function mixedBodies(): () => Buffer {
  const [repeated, fresh] = [reviewOf(smallPod()), freshReviewOf(smallPod())]
  let n = 0
  return () => (n++ % 10 === 0 ? fresh() : repeated())
}
