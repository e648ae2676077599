/** When a certificate in a Secret is valid. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import forge from 'node-forge'
import { certificateValidity } from '../../../src/validation/analysis/certificate.ts'

const secretData = (text: string): string => Buffer.from(text).toString('base64')

function certificate(from: string, to: string): string {
  const keys = forge.pki.rsa.generateKeyPair({ bits: 1024, e: 3 })
  const made = forge.pki.createCertificate()
  made.publicKey = keys.publicKey
  made.serialNumber = '01'
  made.validity.notBefore = new Date(from)
  made.validity.notAfter = new Date(to)
  made.sign(keys.privateKey)
  return forge.pki.certificateToPem(made)
}

test('the first certificate of the text tells from when to when', () => {
  const [from, to] = ['2024-01-02T03:04:05Z', '2055-06-07T08:09:10Z']
  assert.deepEqual(certificateValidity(secretData(`a comment\n${certificate(from, to)}`)), {
    fromMs: Date.parse(from),
    toMs: Date.parse(to),
  })
})

test('what is no certificate has no validity', () => {
  const pem = certificate('2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z')
  const cut = pem.split('\n').filter((_, i) => i !== 1)
  for (const text of ['', 'hush', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----', cut.join('\n')])
    assert.equal(certificateValidity(secretData(text)), undefined, text)
  assert.equal(certificateValidity('no base64!'), undefined)
})
