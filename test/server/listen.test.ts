import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request, type Server as HttpsServer } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { systemClock, type Clock } from '../../src/base/clock.ts'
import type { CertificatePair } from '../../src/certificates/leaf.ts'
import { readCertificate } from '../../src/certificates/x509.ts'
import { Observed } from '../../src/certificates/source.ts'
import { drain, listen, superviseWebhook } from '../../src/server/listen.ts'
import type { MinTlsVersion } from '../../src/server/tls.ts'
import type { Inject } from '../../src/server/routes/inject.ts'
import { testCertificates } from '../support/certificate.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { metricValue, recordingLog, review, webhook, type LoggedLine, type Webhook } from '../support/webhook.ts'

const { caPem, pair, issue } = testCertificates()

interface ServeGiven {
  readonly inject?: Inject
  readonly maxConnectionAgeMs?: number
  readonly minTlsVersion?: MinTlsVersion
  readonly clock?: Clock
}

interface Served extends Webhook {
  readonly port: number
  readonly certificates: Observed<CertificatePair>
  readonly lines: LoggedLine[]
  readonly connections: ReadonlySet<Socket>
}

/** A webhook on a port of its own, gone when the test is over. */
async function serve(t: TestContext, given: ServeGiven = {}): Promise<Served> {
  const { clock = systemClock, ...parts } = given
  const { minTlsVersion } = parts
  const hook = webhook({ pair, ...parts })
  const certificates = new Observed<CertificatePair>(pair)
  const lines: LoggedLine[] = []
  const { metrics } = hook
  const supervision = superviseWebhook(hook.app, {
    certificates,
    clock,
    log: recordingLog(lines),
    metrics,
    minTlsVersion,
  })
  const port = await listen(hook.app, { name: 'webhook', port: 0, host: '127.0.0.1' })
  t.after(async () => {
    supervision.end()
    for (const connection of supervision.connections) connection.destroy()
    await hook.app.close()
  })
  return { ...hook, port, certificates, lines, connections: supervision.connections }
}

async function handshake(port: number, options: object = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: caPem, ...options })
  await once(socket, 'secureConnect')
  return socket
}

async function serialAt(port: number, ca = caPem): Promise<string> {
  const socket = await handshake(port, { ca, rejectUnauthorized: false })
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

const GOOD = JSON.stringify(review('web'))

async function post(port: number, agent: Agent): Promise<{ status: number; connection: string }> {
  const outgoing = request({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: caPem,
    agent,
    method: 'POST',
    path: '/inject',
    headers: { 'content-type': 'application/json' },
  })
  outgoing.end(GOOD)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  answer.resume()
  await once(answer, 'end')
  return { status: answer.statusCode ?? 0, connection: answer.headers.connection ?? '' }
}

test('certificate: the next connection gets the new one, and its expiry is a metric', async (t) => {
  const { port, certificates, metrics } = await serve(t)
  const first = await serialAt(port)
  certificates.set(issue())
  assert.notEqual(await serialAt(port), first)
  const notAfterS = await metricValue(metrics, 'mesh_admission_certificate_not_after_seconds')
  assert.ok(notAfterS > Date.now() / 1000)
  const { fingerprint } = readCertificate(certificates.current().certPem)
  const names = '0:0:0:0:0:0:0:1,127.0.0.1,localhost'
  assert.equal(await metricValue(metrics, 'mesh_admission_certificate_info', { fingerprint, names }), 1)
})

test('certificate: a swap keeps TLS 1.2 as the lowest version and HTTP/1.1 as the only protocol', async (t) => {
  const { port, certificates } = await serve(t)
  certificates.set(issue())
  await assert.rejects(handshake(port, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }))
  const socket = await handshake(port, { maxVersion: 'TLSv1.2', ALPNProtocols: ['h2', 'http/1.1'] })
  assert.equal(socket.alpnProtocol, 'http/1.1')
  socket.destroy()
})

test('certificate: TLS 1.3 as the lowest version holds at the start and after a swap', async (t) => {
  const { port, certificates } = await serve(t, { minTlsVersion: 'TLSv1.3' })
  for (const after of ['start', 'swap']) {
    await assert.rejects(handshake(port, { maxVersion: 'TLSv1.2' }), after)
    ;(await handshake(port)).destroy()
    certificates.set(issue())
  }
})

const unfit: readonly { name: string; pair: () => CertificatePair }[] = [
  { name: 'nothing', pair: () => ({ certPem: '', keyPem: '' }) },
  { name: 'garbage', pair: () => ({ certPem: 'x', keyPem: 'y' }) },
  { name: 'the key of another', pair: () => ({ certPem: pair.certPem, keyPem: issue().keyPem }) },
  { name: 'an expired leaf', pair: () => issue(-60_000) },
]

for (const { name, pair: bad } of unfit) {
  test(`row 30: ${name} as a certificate is refused and the old one stays`, async (t) => {
    const { port, certificates, metrics, lines } = await serve(t)
    const first = await serialAt(port)
    certificates.set(bad())
    assert.equal(await serialAt(port), first)
    assert.equal(lines.at(-1)?.level, 'error')
    assert.equal(await metricValue(metrics, 'mesh_admission_certificate_reloads_total', { result: 'refused' }), 1)
    certificates.set(issue())
    assert.notEqual(await serialAt(port), first, 'the next good one is served')
  })
}

test('row 30: what was refused is tried again every ten seconds, complained about once, and served when it is good', async (t) => {
  const clock = createFakeClock(Date.now())
  const { port, certificates, metrics, lines } = await serve(t, { clock })
  const first = await serialAt(port)
  const ahead = testCertificates(clock.nowMs() + 3_600_000 + 15_000)
  certificates.set(ahead.pair)
  const refusals = (): Promise<number> =>
    metricValue(metrics, 'mesh_admission_certificate_reload_errors_total', { reason: 'expired' })
  assert.equal(await refusals(), 1)
  clock.advance(10_000)
  await clock.untilWaiting()
  assert.equal(await refusals(), 2)
  assert.equal(lines.filter(({ level }) => level === 'error').length, 1)
  assert.equal(await serialAt(port), first)
  clock.advance(10_000)
  while (!lines.some(({ text }) => text === 'serving certificate replaced'))
    await new Promise((resolve) => setImmediate(resolve))
  assert.notEqual(await serialAt(port, ahead.caPem), first)
  assert.equal(clock.waiting(), 0, 'nothing more to try')
})

test('row 30: a pair that Node refuses although it looks good is tried again', async (t) => {
  const clock = createFakeClock(Date.now())
  const { app, port, certificates, metrics } = await serve(t, { clock })
  const first = await serialAt(port)
  const server = app.server as unknown as HttpsServer
  Object.defineProperty(server, 'setSecureContext', {
    configurable: true,
    value: () => {
      Reflect.deleteProperty(server, 'setSecureContext')
      throw new Error('out of memory')
    },
  })
  certificates.set(issue())
  assert.equal(await metricValue(metrics, 'mesh_admission_certificate_reload_errors_total', { reason: 'parse' }), 1)
  assert.equal(await serialAt(port), first)
  clock.advance(10_000)
  await new Promise((resolve) => setImmediate(resolve))
  assert.notEqual(await serialAt(port), first)
})

test('listen: a port that is taken is named', async (t) => {
  const { port } = await serve(t)
  const second = webhook({ pair })
  await assert.rejects(listen(second.app, { name: 'webhook', port, host: '127.0.0.1' }), {
    code: 'LISTEN_FAILED',
    message: new RegExp(`^webhook port ${port}: .*EADDRINUSE`),
  })
  await second.app.close()
})

test('listen: a caller that rejects the certificate is counted by its alert', async (t) => {
  const { port, app, metrics } = await serve(t)
  const failed = once(app.server, 'tlsClientError')
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost' })
  await once(socket, 'error')
  await failed
  const text = await metrics.registry.metrics()
  assert.match(text, /mesh_admission_tls_handshake_errors_total\{code="[A-Z0-9_]+"\} 1/)
})

test('listen: a handshake that was never finished is cut off without a word', async (t) => {
  const { app } = await serve(t)
  const [near, far] = [new PassThrough(), [] as unknown[]]
  near.on('data', (chunk) => far.push(chunk))
  app.server.emit('clientError', Object.assign(new Error('late'), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' }), near)
  await assert.rejects(once(near, 'close'), /late/)
  assert.deepEqual(far, [])
})

/** Waits end when the test says so. */
function steppedClock(): { clock: Clock; waits: number[]; step: () => void } {
  const waits: number[] = []
  let release: (() => void) | undefined
  return {
    waits,
    step: () => release?.(),
    clock: {
      nowMs: () => 0,
      wait: (delayMs, signal) => {
        waits.push(delayMs)
        if (signal.aborted) return Promise.resolve()
        return new Promise((resolve) => {
          release = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      },
    },
  }
}

test('row 32: a drain serves on with Connection: close until the delay is over, then refuses new connections', async (t) => {
  const { app, port, health, metrics, connections } = await serve(t)
  const { clock, waits, step } = steppedClock()
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  assert.deepEqual(await post(port, agent), { status: 200, connection: 'keep-alive' })
  const hurry = new AbortController()
  const drained = drain(app, {
    connections,
    health,
    metrics,
    clock,
    delayMs: 15_000,
    timeoutMs: 20_000,
    hurry: hurry.signal,
  })
  assert.deepEqual(waits, [15_000])
  assert.deepEqual(await post(port, agent), { status: 200, connection: 'close' })
  step()
  await drained
  await assert.rejects(post(port, new Agent()), { code: 'ECONNREFUSED' })
})

test('drain: a path that is not there ends its connection, too', async (t) => {
  const { app, health } = await serve(t)
  health.draining = true
  const { statusCode, headers } = await app.inject({ method: 'GET', url: '/nothing' })
  assert.deepEqual([statusCode, headers.connection], [404, 'close'])
})

test('drain: an impatient end does not wait for connections', async (t) => {
  const { app, port, health, metrics, connections } = await serve(t)
  const { clock } = steppedClock()
  const idle = (await handshake(port)).resume()
  const gone = once(idle, 'close')
  const hurry = new AbortController()
  const drained = drain(app, {
    connections,
    health,
    metrics,
    clock,
    delayMs: 15_000,
    timeoutMs: 20_000,
    hurry: hurry.signal,
  })
  hurry.abort()
  await Promise.all([drained, gone])
})

test('connection age: a request beyond it is answered, and its connection closed', async (t) => {
  const { port } = await serve(t, { maxConnectionAgeMs: Number.MIN_VALUE })
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  assert.deepEqual(await post(port, agent), { status: 200, connection: 'keep-alive' })
  assert.deepEqual(await post(port, agent), { status: 200, connection: 'close' })
})

test('row 35: the server outlasts the 90 s of an API server, and headers have 30 s', async (t) => {
  const { app } = await serve(t)
  assert.equal(app.server.keepAliveTimeout, 120_000)
  assert.equal(app.server.headersTimeout, 30_000)
  assert.equal(app.server.requestTimeout, 30_000)
})

test('row 35: a slow answer is not cut off, a connection may carry any number of requests, and there is a bound on them', async (t) => {
  const { server } = (await serve(t)).app
  assert.deepEqual([server.timeout, server.maxRequestsPerSocket ?? 0, server.maxConnections], [0, 0, 2000])
})
