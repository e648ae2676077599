/**
 * The limit for a webhook in this stack: Fastify with our TLS settings reads the body, writes one log line, observes one
 * histogram and sends an answer of a given size. Run as a program: certificate, key, answer bytes and mode are its
 * arguments. `bytes`: the body is counted only. `review`: it is parsed, for the uid that an API server wants back.
 */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import { pino } from 'pino'
import { Histogram, Registry } from 'prom-client'
import { readBody } from '../../src/server/body.ts'
import { httpsOptions } from '../../src/server/tls.ts'

const [certFile = '', keyFile = '', answerBytes = '0', mode = 'review'] = process.argv.slice(2)
const pair = { certPem: readFileSync(certFile, 'utf8'), keyPem: readFileSync(keyFile, 'utf8') }
const filler = 'x'.repeat(Number(answerBytes))
const log = pino({ level: 'info' }, pino.destination({ dest: '/dev/null', sync: true }))
const registry = new Registry()
const duration = new Histogram({
  name: 'echo_duration_seconds',
  help: 'Seconds from request to answer.',
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  registers: [registry],
})

const app = fastify({ logger: false, keepAliveTimeout: 120_000, https: httpsOptions(pair) })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', (_request, _payload, done) => done(null))
app.post('/inject', (request, reply) => {
  const startMs = performance.now()
  readBody(request.raw, 10_000, (read) => {
    const body = read.kind === 'complete' ? read.bytes : Buffer.alloc(0)
    const uid = mode === 'review' ? uidOf(body) : ''
    log.info({ uid, size: body.length, path: request.url, durationMs: performance.now() - startMs }, 'request answered')
    duration.observe((performance.now() - startMs) / 1000)
    void reply.header('content-type', 'application/json').send(`{"uid":"${uid}","filler":"${filler}"}`)
  })
  return reply
})

function uidOf(body: Buffer): string {
  return (JSON.parse(body.toString()) as { request: { uid: string } }).request.uid
}

await app.listen({ port: 0, host: '127.0.0.1' })
process.stdout.write(`${(app.server.address() as AddressInfo).port}\n`)
process.once('SIGTERM', () => process.exit(0))
