/** The serving certificate: TLS options in one place, checked before they are used, swapped while serving. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Server as HttpsServer, ServerOptions } from 'node:https'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { messageOf, ProjectError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { CertificatePair } from '../certificates/leaf.ts'
import type { CertificateSource } from '../certificates/source.ts'
import type { Metrics } from './metrics.ts'

/** Node's default list still holds CBC and finite-field DHE. TLS 1.3 has its own list. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

export type MinTlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** Everything a context is made of. setSecureContext resets what it is not given, so creation and swap share this. */
function contextOptions(
  { certPem, keyPem }: CertificatePair,
  minVersion: MinTlsVersion = 'TLSv1.2',
): SecureContextOptions {
  return { cert: certPem, key: keyPem, minVersion, ciphers: CIPHERS, honorCipherOrder: true }
}

/** Options of the HTTPS listener, the context's and the connection's. */
export function httpsOptions(pair: CertificatePair, minVersion?: MinTlsVersion): ServerOptions {
  return {
    ...contextOptions(pair, minVersion),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: 10_000,
    headersTimeout: 30_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 2_000,
  }
}

/**
 * Refuses what Node would take silently and then fail every handshake with: nothing, half a pair, an expired leaf.
 * @throws ProjectError CERT_INVALID
 */
export function checkPair(pair: CertificatePair, clock: Clock): X509Certificate {
  const leaf = readLeaf(pair)
  const nowMs = clock.nowMs()
  const [fromMs, toMs] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)]
  if (nowMs >= fromMs && nowMs < toMs) return leaf
  const actual = `${leaf.validFrom} to ${leaf.validTo}`
  throw refused(`expected validity now, got ${actual}`, 'expired')
}

function readLeaf(pair: CertificatePair): X509Certificate {
  try {
    const leaf = new X509Certificate(pair.certPem)
    if (!leaf.checkPrivateKey(createPrivateKey(pair.keyPem)))
      throw refused('key and certificate do not belong together', 'key_mismatch')
    createSecureContext(contextOptions(pair))
    return leaf
  } catch (cause) {
    throw cause instanceof ProjectError ? cause : refused(messageOf(cause), 'parse', cause)
  }
}

type RefusalReason = 'parse' | 'key_mismatch' | 'expired'

const refused = (what: string, reason: RefusalReason, cause?: unknown): ProjectError =>
  new ProjectError('CERT_INVALID', `serving certificate: ${what}`, { cause, details: { reason } })

export interface SwapDeps {
  readonly certificates: CertificateSource
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** As given to `buildApp`. @default TLSv1.2 */
  readonly minTlsVersion?: MinTlsVersion | undefined
}

/** So long after a refusal the pair is tried again: its time may have come, or our clock was wrong. */
const RETRY_MS = 10_000

/**
 * Serves each new certificate from the next accepted connection on; open connections keep theirs. A bad one is
 * logged, the old one stays, and the bad one is tried again until another comes. Returns what ends the watch.
 */
export function keepCertificateFresh(server: HttpsServer, deps: SwapDeps): () => void {
  const { certificates, clock } = deps
  noteServed(checkPair(certificates.current(), clock), deps.metrics)
  const swapping: Swapping = { server, deps, problem: undefined }
  let retry = new AbortController()
  const offer = (): void => {
    retry.abort()
    retry = new AbortController()
    swap(swapping)
    if (swapping.problem !== undefined) void later(offer, clock, retry.signal)
  }
  const stop = certificates.onChange(offer)
  return () => {
    stop()
    retry.abort()
  }
}

interface Swapping {
  readonly server: HttpsServer
  readonly deps: SwapDeps
  /** Why the last pair was refused; undefined: it is served. */
  problem: string | undefined
}

function swap(swapping: Swapping): void {
  const { server, deps, problem } = swapping
  const { certificates, clock, log, metrics, minTlsVersion } = deps
  try {
    const pair = certificates.current()
    const leaf = checkPair(pair, clock)
    server.setSecureContext(contextOptions(pair, minTlsVersion))
    swapping.problem = undefined
    noteServed(leaf, metrics)
    log.info({ notAfter: leaf.validTo, serial: leaf.serialNumber }, 'serving certificate replaced')
  } catch (err) {
    swapping.problem = messageOf(err)
    metrics.certificateReloads.inc({ result: 'refused' })
    metrics.certificateReloadErrors.inc({ reason: reasonOf(err) })
    if (swapping.problem !== problem) log.error({ err }, 'serving certificate refused, the old one stays')
  }
}

async function later(act: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
  await clock.wait(RETRY_MS, signal)
  if (!signal.aborted) act()
}

/** What a pair passed and Node refused nevertheless is one that cannot be parsed. */
function reasonOf(err: unknown): RefusalReason {
  const reason = err instanceof ProjectError ? err.details.reason : undefined
  return reason === 'key_mismatch' || reason === 'expired' ? reason : 'parse'
}

function noteServed(leaf: X509Certificate, metrics: Metrics): void {
  metrics.certificateReloads.inc({ result: 'served' })
  metrics.certificateNotAfter.set(Date.parse(leaf.validTo) / 1000)
  metrics.certificateInfo.reset()
  const fingerprint = leaf.fingerprint256.replaceAll(':', '').toLowerCase()
  metrics.certificateInfo.set({ fingerprint, names: namesOf(leaf) }, 1)
}

/** `DNS:a, IP Address:b` of Node, as the names alone. */
function namesOf({ subjectAltName = '' }: X509Certificate): string {
  const names = subjectAltName.split(', ').map((name) => name.replace(/^[^:]+:/, ''))
  return names.sort().join(',')
}
