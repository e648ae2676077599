/** What the client sends, as a server reads it from the wire. */
import assert from 'node:assert/strict'
import { Agent, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createKubeClient } from '../../src/kube/client.ts'
import { EVENTS, PODS } from '../../src/kube/resource.ts'

test('preconditions of a deletion arrive, and the next request over the same connection does too', async () => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      seen.push(`${request.method} ${body}`)
      response.setHeader('content-type', 'application/json').end('{}')
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const connection = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    namespace: 'default',
    requestOptions: () => Promise.resolve({ agent }),
  }
  try {
    const client = createKubeClient({ connection, userAgent: 'test' })
    const { signal } = new AbortController()
    await client.delete({ resource: PODS, namespace: 'shop', name: 'cart' }, signal, {
      uid: 'u1',
      resourceVersion: '7',
    })
    await client.create({ resource: EVENTS, namespace: 'shop' }, { metadata: { name: 'told' } }, { signal })
    assert.deepEqual(seen, [
      'DELETE {"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u1","resourceVersion":"7"}}',
      'POST {"metadata":{"name":"told"}}',
    ])
  } finally {
    agent.destroy()
    server.close()
  }
})
