/** Certificates against OpenSSL's strict verifier and Node's TLS: encodings are right when others say so. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import fc from 'fast-check'

import {
  bundleIdentity,
  coversName,
  generateKey,
  holdsKey,
  isIssuedBy,
  issueCertificate,
  readCertificate,
  splitCertificates,
} from '../../src/certificates/x509.ts'

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5)
const DAY_MS = 86_400_000
const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const skip = hasOpenssl ? false : 'openssl is not installed'

interface Made {
  readonly caPem: string
  readonly leafPem: string
}

function make(names: readonly string[], notAfterMs = NOW_MS + 30 * DAY_MS): Made {
  const caKey = generateKey()
  const dates = { notBeforeMs: NOW_MS, notAfterMs }
  const caPem = issueCertificate({
    kind: 'authority',
    subject: { commonName: 'test-webhook-ca-g1-00c0ffee', organization: 'tést' },
    key: caKey,
    names: [],
    ...dates,
  })
  const leafPem = issueCertificate({
    kind: 'serving',
    subject: { commonName: names[0] ?? '' },
    key: generateKey(),
    issuer: { certPem: caPem, key: caKey },
    names,
    ...dates,
  })
  return { caPem, leafPem }
}

function openssl(args: readonly string[], input?: string): string {
  const { stdout, stderr, status } = spawnSync('openssl', args, { input, encoding: 'utf8' })
  assert.equal(status, 0, `openssl ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

test('a leaf passes the strict verification of OpenSSL for its name and purpose', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'x509-'))
  try {
    const { caPem, leafPem } = make(['mesh-admission.mesh-admission.svc', '127.0.0.1'])
    writeFileSync(join(folder, 'ca.pem'), caPem)
    writeFileSync(join(folder, 'leaf.pem'), leafPem)
    const common = ['verify', '-x509_strict', '-purpose', 'sslserver', '-attime', String(NOW_MS / 1000 + 60)]
    const files = ['-CAfile', join(folder, 'ca.pem'), join(folder, 'leaf.pem')]
    openssl([...common, '-verify_hostname', 'mesh-admission.mesh-admission.svc', ...files])
    openssl([...common, '-verify_ip', '127.0.0.1', ...files])
    const wrong = spawnSync('openssl', [...common, '-verify_hostname', 'other.svc', ...files])
    assert.notEqual(wrong.status, 0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the profile is an authority without grandchildren and a TLS server that is no authority', { skip }, () => {
  const { caPem, leafPem } = make(['a.svc', '::1'])
  const ca = openssl(['x509', '-noout', '-text'], caPem)
  assert.match(ca, /CA:TRUE, pathlen:0/)
  assert.match(ca, /Key Usage: critical\n\s+Certificate Sign, CRL Sign/)
  assert.match(ca, /ecdsa-with-SHA256/)
  const leaf = openssl(['x509', '-noout', '-text'], leafPem)
  assert.match(leaf, /Basic Constraints: critical\n\s+CA:FALSE/)
  assert.match(leaf, /Key Usage: critical\n\s+Digital Signature\n/)
  assert.match(leaf, /Extended Key Usage: *\n\s+TLS Web Server Authentication\n/)
  assert.match(leaf, /DNS:a\.svc, IP Address:0:0:0:0:0:0:0:1/)
  assert.doesNotMatch(leaf, /Serial Number:[^:]*\(Negative\)/)
})

test('dates from 2050 on are written so that they are read back', () => {
  for (const year of [2049, 2050, 2110]) {
    const notAfterMs = Date.UTC(year, 11, 31, 23, 59, 59)
    assert.equal(readCertificate(make(['a.svc'], notAfterMs).leafPem).notAfterMs, notAfterMs)
  }
})

test('what is written is read back', () => {
  const { caPem, leafPem } = make(['a.svc', '10.0.0.1', 'fe80::1:2'])
  const ca = readCertificate(caPem)
  assert.deepEqual([ca.commonName, ca.organization, ca.isAuthority], ['test-webhook-ca-g1-00c0ffee', 'tést', true])
  const leaf = readCertificate(leafPem)
  assert.deepEqual([leaf.names, leaf.isAuthority], [['a.svc', '10.0.0.1', 'fe80::1:2'], false])
  assert.deepEqual([leaf.notBeforeMs, leaf.notAfterMs], [NOW_MS, NOW_MS + 30 * DAY_MS])
  assert.equal(isIssuedBy(leafPem, caPem), true)
  assert.equal(isIssuedBy(leafPem, make(['b.svc']).caPem), false)
})

test('a key belongs to one certificate only', () => {
  const key = generateKey()
  const pem = issueCertificate({
    kind: 'authority',
    subject: { commonName: 'x' },
    key,
    names: [],
    notBeforeMs: NOW_MS,
    notAfterMs: NOW_MS + DAY_MS,
  })
  assert.equal(holdsKey(pem, key), true)
  assert.equal(holdsKey(pem, generateKey()), false)
})

test('any IP address becomes an address that TLS clients match', () => {
  const key = generateKey()
  const caPem = make(['a.svc']).caPem
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      const pem = issueCertificate({
        kind: 'serving',
        subject: { commonName: 'x' },
        key,
        names: [address],
        notBeforeMs: NOW_MS,
        notAfterMs: NOW_MS + DAY_MS,
      })
      assert.equal(coversName(pem, address), true, address)
      assert.equal(readCertificate(pem).names.length, 1)
    }),
    { numRuns: 60 },
  )
  assert.equal(coversName(caPem, 'a.svc'), false)
})

test('a bundle is split whatever stands between its blocks, and compared by its certificates', () => {
  const { caPem, leafPem } = make(['a.svc'])
  const glued = `# first\n${caPem.trimEnd()}${leafPem}`
  assert.deepEqual(splitCertificates(glued), [caPem, leafPem])
  assert.equal(bundleIdentity(glued), bundleIdentity(`${caPem}\n\n${leafPem.replaceAll('\n', '\r\n')}`))
  assert.notEqual(bundleIdentity(`${caPem}${leafPem}`), bundleIdentity(`${leafPem}${caPem}`))
  assert.deepEqual(splitCertificates('no certificate'), [])
})

test('text that is no certificate is refused by code', () => {
  assert.throws(() => readCertificate('-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n'), {
    code: 'CERT_INVALID',
  })
})
