/** Serving certificates: names, dates, and when the next one is due. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'

import { newAuthorityState } from '../../src/certificates/authority.ts'
import {
  LEAF_LIFETIME_MS,
  issueLeaf,
  leafNeed,
  pairFault,
  servesHost,
  servingNames,
} from '../../src/certificates/leaf.ts'
import { encodeKey, generateKey } from '../../src/certificates/x509.ts'

const NOW_MS = Date.now()
const DAY_MS = 86_400_000
const AUTHORITY = newAuthorityState({ installation: 'test', generation: 1, nowMs: NOW_MS }).signer
const NAMES = servingNames({ services: [{ name: 'mesh-admission', namespace: 'mesh' }] })
const leaf = issueLeaf({ authority: AUTHORITY, names: NAMES, nowMs: NOW_MS })

test('servingNames: every spelling of the Service, and the local ones, sorted once each', () => {
  assert.deepEqual(
    servingNames({ services: [{ name: 'b', namespace: 'n' }], extra: ['LOCALHOST', '[::1]', '*.b.n.svc'] }),
    ['*.b.n.svc', '127.0.0.1', '::1', 'b', 'b.n', 'b.n.svc', 'b.n.svc.cluster.local', 'localhost'],
  )
})

for (const bad of [
  'a:443',
  'https://a',
  'a_b',
  'a..b',
  '',
  '-a',
  `${'a'.repeat(63)}.`.repeat(4) + 'a',
  'a.*.b',
  '10.0.0.1/8',
]) {
  test(`servingNames: ${JSON.stringify(bad)} is refused`, () => {
    assert.throws(() => servingNames({ extra: [bad] }), { code: 'CERT_INVALID' })
  })
}

test('leafNeed: each reason on its own', () => {
  const wanted = { authorityId: leaf.issuerId, names: NAMES, nowMs: NOW_MS }
  const dueMs = leaf.notAfterMs - LEAF_LIFETIME_MS / 3
  assert.deepEqual(leafNeed(undefined, wanted), { do: 'issue', reason: 'missing' })
  assert.deepEqual(leafNeed(leaf, { ...wanted, authorityId: 'x' }), { do: 'issue', reason: 'authorityChanged' })
  assert.deepEqual(leafNeed(leaf, { ...wanted, names: ['x'] }), { do: 'issue', reason: 'namesChanged' })
  assert.deepEqual(leafNeed(leaf, { ...wanted, nowMs: dueMs - 1 }), { do: 'wait', untilMs: dueMs })
  assert.deepEqual(leafNeed(leaf, { ...wanted, nowMs: dueMs }), { do: 'issue', reason: 'nearExpiry' })
})

test('a leaf never outlives its authority', () => {
  const late = issueLeaf({ authority: AUTHORITY, names: NAMES, nowMs: AUTHORITY.certificate.notAfterMs - DAY_MS })
  assert.equal(late.notAfterMs, AUTHORITY.certificate.notAfterMs)
})

test('pairFault: what Node would serve without a word is found', () => {
  const foreignKey = encodeKey(generateKey())
  const nameless = issueLeaf({ authority: AUTHORITY, names: [], nowMs: NOW_MS })
  assert.equal(pairFault(leaf, NOW_MS), undefined)
  assert.match(pairFault({ ...leaf, keyPem: '' }, NOW_MS)?.what ?? '', /empty/)
  assert.match(pairFault({ ...leaf, keyPem: foreignKey }, NOW_MS)?.what ?? '', /another certificate/)
  assert.match(pairFault(leaf, leaf.notAfterMs)?.what ?? '', /expired/)
  assert.match(pairFault(leaf, leaf.notBeforeMs - 1)?.what ?? '', /not valid before/)
  assert.match(pairFault(nameless, NOW_MS)?.what ?? '', /alternative name/)
})

test('servesHost: names in any case, addresses as such', () => {
  assert.deepEqual(
    ['Mesh-Admission.mesh.svc', '127.0.0.1', '::1', 'other.mesh.svc', '10.0.0.1'].map((host) => servesHost(leaf, host)),
    [true, true, true, false, false],
  )
})

test('a TLS client that knows the authority accepts the leaf under its Service name', async () => {
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({
    port,
    host: '127.0.0.1',
    ca: AUTHORITY.certificate.pem,
    servername: 'mesh-admission.mesh.svc',
  })
  try {
    await once(client, 'secureConnect')
    assert.equal(client.authorized, true)
  } finally {
    client.destroy()
    server.close()
  }
})
