import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { watchHandshakes } from '../../src/server/handshakes.ts'
import { createMetrics } from '../../src/server/metrics.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { metricValue, recordingLog, type LoggedLine } from '../support/webhook.ts'

const UNKNOWN_CA = 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'

function watched() {
  const [server, metrics, clock, lines] = [new EventEmitter(), createMetrics(), createFakeClock(), [] as LoggedLine[]]
  let reactions = 0
  watchHandshakes(server, { metrics, clock, log: recordingLog(lines), onRejected: () => reactions++ })
  const fail = (code: string): void => void server.emit('tlsClientError', Object.assign(new Error(code), { code }))
  return { clock, lines, fail, metrics, reactions: () => reactions }
}

test('handshakes: callers that reject the certificate are told of at most once in ten seconds, with their number', () => {
  const { clock, lines, fail } = watched()
  for (let second = 0; second < 25; second++) {
    fail(UNKNOWN_CA)
    clock.advance(1000)
  }
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.rejections]),
    [
      ['warn', 1],
      ['warn', 10],
      ['warn', 10],
    ],
  )
})

test('handshakes: a rejection is reacted to at most once in five seconds', () => {
  const { clock, fail, reactions } = watched()
  for (let second = 0; second < 10; second++) {
    fail(UNKNOWN_CA)
    clock.advance(1000)
  }
  assert.equal(reactions(), 2)
})

test('handshakes: one that ends early is counted and nothing else', async () => {
  const { lines, fail, metrics, reactions } = watched()
  fail('ECONNRESET')
  assert.equal(await metricValue(metrics, 'mesh_admission_tls_handshake_errors_total', { code: 'ECONNRESET' }), 1)
  assert.deepEqual([lines.length, reactions()], [0, 0])
})
