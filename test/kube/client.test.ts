/** What goes over the wire, where a plain HTTP server stands for the API server. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

import type { KubeClient } from '../../src/kube/client.ts'
import { createKubeClient } from '../../src/kube/client.ts'
import { NODES, PODS } from '../../src/kube/resource.ts'

const { signal } = new AbortController()
const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT'

interface Wire {
  readonly client: KubeClient
  /** `METHOD path body`, as the server understood them. */
  readonly seen: readonly string[]
  readonly dates: readonly number[]
}

/** One connection for everything, so that whatever is left of a request spoils the next. */
async function onWire(answer: string, run: (wire: Wire) => Promise<void>): Promise<void> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      seen.push(`${request.method} ${request.url} ${body}`.trim())
      response.writeHead(200, { date: DATE }).end(answer)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const dates: number[] = []
  const connection = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    namespace: 'default',
    // The same options as for TLS, but for the agent's kind.
    requestOptions: () => Promise.resolve({ agent }) as never,
  }
  try {
    const client = createKubeClient({ connection, userAgent: 'test', onServerTime: (atMs) => dates.push(atMs) })
    await run({ client, seen, dates })
  } finally {
    agent.destroy()
    server.close()
  }
}

test('a delete with preconditions leaves the connection clean for the next request', async () => {
  await onWire('{}', async ({ client, seen }) => {
    const place = { resource: PODS, namespace: 'shop', name: 'a' }
    for (let i = 0; i < 2; i++) await client.delete(place, signal, { uid: 'u' })
    const want =
      'DELETE /api/v1/namespaces/shop/pods/a {"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u"}}'
    assert.deepEqual(seen, [want, want])
  })
})

test('a dry run says so, and the time of the API server is told', async () => {
  await onWire('{}', async ({ client, seen, dates }) => {
    const pod = { metadata: { name: 'a' } }
    await client.create({ resource: PODS, namespace: 'shop' }, pod, { dryRun: true, fieldManager: 'me', signal })
    assert.match(seen[0] ?? '', /^POST \/api\/v1\/namespaces\/shop\/pods\?fieldManager=me&dryRun=All /)
    assert.deepEqual(dates, [Date.parse(DATE)])
  })
})

test('a list whose items are null is empty', async () => {
  await onWire('{"metadata":{"resourceVersion":"1"},"items":null}', async ({ client }) => {
    assert.deepEqual((await client.list({ resource: NODES }, { metadataOnly: true, signal })).items, [])
  })
})
