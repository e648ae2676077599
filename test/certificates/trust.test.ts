/** What a caBundle trusts, and how that stands to the authority in force. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { newAuthorityState } from '../../src/certificates/authority.ts'
import { generationOf, judgeTrust, readTrust } from '../../src/certificates/trust.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const made = (installation: string, generation: number) =>
  newAuthorityState({ installation, generation, nowMs: NOW_MS })
const [ours, older, theirs] = [made('mesh-admission', 3), made('mesh-admission', 2), made('other', 3)]
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const measure = { bundlePem: ours.bundlePem, signerFingerprint: ours.signer.certificate.fingerprint }

const rows = [
  { name: 'exactly the bundle', caBundle: base64(ours.bundlePem), want: 'inSync' },
  {
    name: 'the bundle with other line breaks',
    caBundle: base64(ours.bundlePem.replaceAll('\n', '\r\n')),
    want: 'inSync',
  },
  { name: 'the signer and one more', caBundle: base64(ours.bundlePem + older.bundlePem), want: 'different' },
  { name: 'an earlier authority of ours', caBundle: base64(older.bundlePem), want: 'outdated' },
  { name: 'the authority of somebody else', caBundle: base64(theirs.bundlePem), want: 'foreign' },
  { name: 'no bundle', caBundle: undefined, want: 'missing' },
  { name: 'an empty bundle', caBundle: '', want: 'missing' },
  { name: 'text that is no PEM', caBundle: base64('nonsense'), want: 'unreadable' },
  {
    name: 'a PEM block that is no certificate',
    caBundle: base64('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    want: 'unreadable',
  },
]
for (const { name, caBundle, want } of rows) {
  test(`judgeTrust: ${name} is ${want}`, () => {
    assert.equal(judgeTrust(caBundle, readTrust(caBundle, 'mesh-admission'), measure), want)
  })
}

test('readTrust names the generation of our authorities only', () => {
  const trust = readTrust(base64(ours.bundlePem + theirs.bundlePem), 'mesh-admission')
  assert.deepEqual(trust.holds === 'authorities' && trust.authorities.map(({ generation }) => generation), [
    3,
    undefined,
  ])
})

test('generationOf: a revision whose name begins like ours is another installation', () => {
  assert.equal(generationOf('mesh-admission-webhook-ca-g7-0a1b2c3d', 'mesh-admission'), 7)
  assert.equal(generationOf('mesh-admission-canary-webhook-ca-g7-0a1b2c3d', 'mesh-admission'), undefined)
})
