/**
 * A TCP balancer as a process of its own, spoken to over IPC: connections go in turn to the replicas whose /readyz holds.
 * An open connection stays where it is, as behind a Service.
 */
import { once } from 'node:events'
import { get } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

import type { BalancerNews, BalancerOrder, Backend } from './balancer.ts'

const CHECK_MS = 250
const PROBE_TIMEOUT_MS = 2_000

interface Place {
  readonly backend: Backend
  ready: boolean
}

let places: readonly Place[] = []
let turn = 0

/** The ready ones, beginning with whose turn it is. */
function inTurn(): Place[] {
  const ready = places.filter((place) => place.ready)
  const first = ready.length === 0 ? 0 : turn++ % ready.length
  return [...ready.slice(first), ...ready.slice(0, first)]
}

function tell(news: BalancerNews): void {
  process.send?.(news)
}

function mark(place: Place, ready: boolean): void {
  if (place.ready === ready) return
  place.ready = ready
  tell({ replica: place.backend.name, ready })
}

/** A replica that refuses the connection is as unready as one that says so, and the next one is asked. */
async function forward(client: Socket): Promise<void> {
  client.on('error', () => client.destroy())
  for (const place of inTurn()) {
    const server = connect({ port: place.backend.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    try {
      await once(server, 'connect')
      return join(client, server)
    } catch {
      mark(place, false)
    }
  }
  client.resetAndDestroy()
}

function join(client: Socket, server: Socket): void {
  client.pipe(server).pipe(client)
  server.on('error', () => client.resetAndDestroy())
  client.on('close', () => server.destroy())
  server.on('close', () => client.destroySoon())
  if (client.destroyed) server.destroy()
}

function check(place: Place): void {
  const { healthPort } = place.backend
  const asked = get({ port: healthPort, host: '127.0.0.1', path: '/readyz', timeout: PROBE_TIMEOUT_MS, agent: false })
  asked.on('response', (answer) => {
    answer.resume()
    mark(place, answer.statusCode === 200)
  })
  asked.on('timeout', () => asked.destroy(new Error('no answer')))
  asked.on('error', () => mark(place, false))
}

process.on('message', ({ backends }: BalancerOrder) => {
  places = backends.map(
    (backend) => places.find((place) => place.backend.name === backend.name) ?? { backend, ready: false },
  )
  places.forEach(check)
})
process.on('disconnect', () => process.exit(0))
setInterval(() => places.forEach(check), CHECK_MS)

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => void forward(client))
server.listen(0, '127.0.0.1', () => tell({ port: (server.address() as AddressInfo).port }))
