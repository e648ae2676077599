/** Memory of the shipped server while it sees nothing but pods it has never seen before. */
import { runLoad } from './support/load.ts'
import { freshReviewOf, smallPod } from './support/pods.ts'
import { rssMiB } from './support/proc.ts'
import { startOurs } from './support/servers.ts'

export interface MemoryBenchOptions {
  /** Different pods in all. */
  readonly pods: number
  /** Pods between two readings. */
  readonly every: number
}

const CONNECTIONS = 4

/** Resident memory after each so many first-seen pods: it must stop growing once the memory of answers is full. */
export async function benchMemory({ pods, every }: MemoryBenchOptions): Promise<string[]> {
  const server = await startOurs()
  const rows = ['| different pods seen | RSS |', '|---|---|', row(0, rssMiB(server.pid))]
  const body = freshReviewOf(smallPod())
  const { port, ca } = server
  try {
    for (let seen = 0; seen < pods;) {
      const requests = Math.min(every, pods - seen)
      await runLoad({ port, ca, path: '/inject', body, connections: Math.min(CONNECTIONS, requests), requests })
      seen += requests
      rows.push(row(seen, rssMiB(server.pid)))
    }
    return rows
  } finally {
    server.stop()
  }
}

function row(seen: number, mib: number): string {
  return `| ${seen} | ${mib.toFixed(0)} MiB |`
}
