/** Pods created for show (dry run) on a real API server, one or a stream of them, and what became of each. */
import { request, type RequestOptions } from 'node:https'
import { json } from 'node:stream/consumers'

import { systemClock } from '../../src/base/clock.ts'
import { connectCluster } from '../../src/kube/config.ts'

export interface Pod {
  readonly metadata: { readonly name?: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: {
    readonly containers: readonly { readonly name: string }[]
    readonly initContainers?: readonly { readonly name: string }[]
  }
}

/** Why it was not created, or whether it got a proxy. */
export type Outcome = { readonly refused: string } | { readonly injected: boolean }

export type DryRun = () => Promise<Outcome>

export interface Tally {
  injected: number
  /** Created without a proxy. */
  bare: number
  readonly refusals: { readonly atMs: number; readonly message: string }[]
  readonly tookMs: number[]
}

export interface Stream {
  readonly tally: Tally
  /** Lets every creation under way end. */
  stop(): Promise<Tally>
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

export const containerNames = ({ spec }: Pod): string[] =>
  [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name)

/** How many creations a tally has seen. */
export const total = ({ injected, bare, refusals }: Tally): number => injected + bare + refusals.length

/** Creations in this namespace, over connections that stay open. */
export async function dryRunIn(namespace: string, kubeconfig: string): Promise<DryRun> {
  const connection = await connectCluster({ kubeconfig, env: {}, clock: systemClock })
  if (connection === undefined) throw new Error(`${kubeconfig}: no cluster`)
  const url = `${connection.server}/api/v1/namespaces/${namespace}/pods?dryRun=All`
  const containers = [{ name: 'app', image: 'registry.example/app:1' }]
  // Named here, because where service accounts have no controller nothing else does, and the proxy's token needs it.
  const spec = { serviceAccountName: 'default', containers }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'app-' }, spec }
  return async () => {
    const { status, body } = await post(url, JSON.stringify(pod), await connection.requestOptions())
    if (status !== 201) return { refused: `${status} ${(body as { message?: string }).message ?? ''}` }
    return { injected: containerNames(body as Pod).includes('istio-proxy') }
  }
}

/** So many callers at once, each creating the next pod as soon as the last one is answered. */
export function startStream(create: DryRun, callers: number): Stream {
  const tally: Tally = { injected: 0, bare: 0, refusals: [], tookMs: [] }
  let ended = false
  const call = async (): Promise<void> => {
    while (!ended) {
      const from = performance.now()
      count(tally, await create())
      tally.tookMs.push(performance.now() - from)
    }
  }
  const calls = Array.from({ length: callers }, call)
  return {
    tally,
    stop: async () => {
      ended = true
      await Promise.all(calls)
      return tally
    },
  }
}

/** `1234 created with a proxy, 0 without, 0 refused; p50 9 ms, p99 30 ms, longest 101 ms` */
export function describeTally({ injected, bare, refusals, tookMs }: Tally): string {
  const sorted = [...tookMs].sort((a, b) => a - b)
  const at = (share: number): string => `${(sorted[Math.ceil(sorted.length * share) - 1] ?? 0).toFixed(0)} ms`
  const counts = `${injected} created with a proxy, ${bare} without, ${refusals.length} refused`
  return `${counts}; p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`
}

function count(tally: Tally, outcome: Outcome): void {
  if ('refused' in outcome) tally.refusals.push({ atMs: performance.now(), message: outcome.refused })
  else if (outcome.injected) tally.injected++
  else tally.bare++
}

function post(url: string, body: string, options: RequestOptions): Promise<Answer> {
  const headers = { ...(options.headers as Record<string, string>), 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, method: 'POST', headers }, (response) => {
      json(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
