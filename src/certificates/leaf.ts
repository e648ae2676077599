/** Serving certificates: their names, their issue, and when the next one is due. */
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'

import { ProjectError } from '../base/errors.ts'
import type { Authority } from './authority.ts'
import { BACKDATE_MS, renewalDueMs } from './authority.ts'
import { coversName, decodeKey, encodeKey, generateKey, holdsKey, issueCertificate, readCertificate } from './x509.ts'

/** What a TLS server presents. */
export interface CertificatePair {
  /** Leaf first, then intermediates. */
  readonly certPem: string
  readonly keyPem: string
}

export interface Leaf extends CertificatePair {
  /** Fingerprint of the authority that signed it. */
  readonly issuerId: string
  readonly names: readonly string[]
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

export interface LeafOptions {
  readonly authority: Authority
  /** Result of `servingNames`. */
  readonly names: readonly string[]
  readonly nowMs: number
  /** @default 30 days; never past the end of the authority */
  readonly lifetimeMs?: number
  /** @default a new ECDSA P-256 key */
  readonly key?: KeyObject
}

export interface NamesOptions {
  /** Services that select the server's pods; each gives the name the API server asks for, `<service>.<namespace>.svc`. */
  readonly services?: readonly { readonly name: string; readonly namespace: string }[]
  /** @default cluster.local */
  readonly clusterDomain?: string
  /** Host names and addresses of `url` webhooks, as the user wrote them; wildcards are allowed here. */
  readonly extra?: readonly string[]
}

/** What the serving certificate needs at this time. */
export type LeafNeed =
  | { readonly do: 'wait'; readonly untilMs: number }
  | { readonly do: 'issue'; readonly reason: 'missing' | 'authorityChanged' | 'namesChanged' | 'nearExpiry' }

const DAY_MS = 86_400_000
export const LEAF_LIFETIME_MS = 30 * DAY_MS
/** Longest common name (RFC 5280, appendix A). */
const MAX_COMMON_NAME = 64
const MAX_DNS_NAME = 253
const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1']

/** Mints a leaf; its key exists in memory only. */
export function issueLeaf(options: LeafOptions): Leaf {
  const { authority, names, nowMs, lifetimeMs = LEAF_LIFETIME_MS, key = generateKey() } = options
  const commonName = (names.find((name) => isIP(name) === 0) ?? names[0] ?? '').slice(0, MAX_COMMON_NAME)
  const certPem = issueCertificate({
    kind: 'serving',
    subject: { commonName },
    key,
    issuer: { certPem: authority.certificate.pem, key: authority.key },
    names,
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: Math.min(nowMs + lifetimeMs, authority.certificate.notAfterMs),
  })
  const { notBeforeMs, notAfterMs } = readCertificate(certPem)
  return {
    certPem,
    keyPem: encodeKey(key),
    issuerId: authority.certificate.fingerprint,
    names,
    notBeforeMs,
    notAfterMs,
  }
}

/** Whether a new leaf must be minted, and why; renewal is due with a third of the lifetime left. */
export function leafNeed(
  leaf: Leaf | undefined,
  wanted: { readonly authorityId: string; readonly names: readonly string[]; readonly nowMs: number },
): LeafNeed {
  if (leaf === undefined) return { do: 'issue', reason: 'missing' }
  if (leaf.issuerId !== wanted.authorityId) return { do: 'issue', reason: 'authorityChanged' }
  if (leaf.names.join() !== wanted.names.join()) return { do: 'issue', reason: 'namesChanged' }
  const dueMs = renewalDueMs(leaf)
  return wanted.nowMs >= dueMs ? { do: 'issue', reason: 'nearExpiry' } : { do: 'wait', untilMs: dueMs }
}

/**
 * Every name under which callers reach the server, sorted and without doubles.
 * @throws ProjectError CERT_INVALID for a name with a port, scheme, underscore or empty label
 */
export function servingNames({ services = [], clusterDomain = 'cluster.local', extra = [] }: NamesOptions): string[] {
  const ofServices = services.flatMap(({ name, namespace }) => [
    name,
    `${name}.${namespace}`,
    `${name}.${namespace}.svc`,
    `${name}.${namespace}.svc.${clusterDomain}`,
  ])
  const checked = [...LOCAL_NAMES, ...ofServices, ...extra].map(checkedName)
  return [...new Set(checked)].sort()
}

/** Why a pair must not be served. */
export interface PairFault {
  /** For metrics. `expired` stands for both ends of the dates. */
  readonly reason: 'parse' | 'key_mismatch' | 'chain' | 'san' | 'expired' | 'io'
  readonly what: string
}

/**
 * Why a pair must not be served, or undefined when it may. Node itself serves an expired certificate, or none at all,
 * without a word.
 * @throws ProjectError CERT_INVALID when it cannot be read
 */
export function pairFault(pair: CertificatePair, nowMs: number): PairFault | undefined {
  if (pair.certPem.trim() === '' || pair.keyPem.trim() === '')
    return { reason: 'parse', what: 'certificate or key is empty' }
  const { notBeforeMs, notAfterMs, names } = readCertificate(pair.certPem)
  if (!holdsKey(pair.certPem, decodeKey(pair.keyPem)))
    return { reason: 'key_mismatch', what: 'the key belongs to another certificate' }
  if (nowMs < notBeforeMs) return { reason: 'expired', what: `not valid before ${new Date(notBeforeMs).toISOString()}` }
  if (nowMs >= notAfterMs) return { reason: 'expired', what: `expired at ${new Date(notAfterMs).toISOString()}` }
  // API servers look at the alternative names only.
  return names.length === 0 ? { reason: 'san', what: 'no subject alternative name' } : undefined
}

/** Whether a caller that asks for `host` accepts the pair. */
export function servesHost(pair: CertificatePair, host: string): boolean {
  return coversName(pair.certPem, host.toLowerCase())
}

function checkedName(given: string): string {
  const name = given.trim().toLowerCase()
  const bare = name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name
  if (isIP(bare) !== 0) return bare
  const labels = name.split('.')
  const isName = labels.every((label, i) => (i === 0 && label === '*') || /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(label))
  if (isName && name.length <= MAX_DNS_NAME) return name
  throw new ProjectError('CERT_INVALID', `certificate name: expected a host name or an address, got ${given}`)
}
