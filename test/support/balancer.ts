/** What stands in for a Service: one address in front of several replicas, which leaves out the unready ones. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import { PROJECT_ROOT } from './shared.ts'

export interface Backend {
  readonly name: string
  readonly port: number
  /** Where /readyz is, plain HTTP. */
  readonly healthPort: number
}

export interface BalancerOrder {
  readonly backends: readonly Backend[]
}

export type BalancerNews = { readonly port: number } | { readonly replica: string; readonly ready: boolean }

export interface Balancer {
  readonly port: number
  /** From now on these are behind the address; connections to others stay open. */
  use(backends: readonly Backend[]): void
  isReady(name: string): boolean
  end(): Promise<void>
}

/** Runs in a process of its own, so that it is not slowed by those who call through it. */
export async function startBalancer(): Promise<Balancer> {
  const child = fork(join(PROJECT_ROOT, 'test/support/balancer-process.ts'), { execArgv: ['--import', 'tsx'] })
  const ready = new Set<string>()
  const port = new Promise<number>((resolve) => {
    child.on('message', (news: BalancerNews) => {
      if ('port' in news) return resolve(news.port)
      if (news.ready) ready.add(news.replica)
      else ready.delete(news.replica)
    })
  })
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the balancer ended with ${String(code)}`)
  })
  failed.catch(() => undefined)
  return {
    port: await Promise.race([port, failed]),
    use: (backends) => void child.send({ backends } satisfies BalancerOrder),
    isReady: (name) => ready.has(name),
    end: () => endOf(child),
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = once(child, 'exit')
  child.disconnect()
  await gone
}
