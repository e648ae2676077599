/** The certificate authority: what is kept of it, how it is made, and whether it must be replaced. */
import type { KeyObject } from 'node:crypto'
import { randomBytes } from 'node:crypto'

import { ProjectError } from '../base/errors.ts'
import type { Certificate } from './x509.ts'
import {
  decodeKey,
  encodeKey,
  generateKey,
  holdsKey,
  issueCertificate,
  readCertificate,
  splitCertificates,
} from './x509.ts'

/**
 * `stable`: one authority. `trusting`: callers learn to trust the next one, which does not sign yet. `switching`: it
 * signs, and the former one is trusted until nobody serves its leaves any more.
 */
export type AuthorityPhase = 'stable' | 'trusting' | 'switching'

/** What a store keeps, whole or not at all. */
export interface AuthorityState {
  /** That of the newest authority, `next` included. Starts at 1 and only ever grows. */
  readonly generation: number
  readonly phase: AuthorityPhase
  readonly phaseSinceMs: number
  /** Signs all leaves. */
  readonly signer: Authority
  /** Signs from the next phase on; there while `trusting`, and only then. */
  readonly next: Authority | undefined
  /** The certificates that every caBundle must hold, newest first, each ending in a newline. */
  readonly bundlePem: string
  /** JSON text: the last authorities that left the bundle. */
  readonly history: string
  /** The last request of an operator that was answered with a new authority; empty: none yet. */
  readonly rotateToken: string
  /** The change in progress is one after a leaked key: it waits for minutes where others wait for hours. */
  readonly isUrgent: boolean
  /** Keys of the stored form that this version does not use, carried along. */
  readonly rest: Readonly<Record<string, string>>
  /** A newer version of this program wrote it: good to sign with, not ours to change. */
  readonly isReadOnly: boolean
}

/** A certificate that may sign, with its key. */
export interface Authority {
  readonly certificate: Certificate
  readonly key: KeyObject
}

export interface NewAuthorityOptions {
  /** Name of the installation: part of the subject. */
  readonly installation: string
  readonly generation: number
  readonly nowMs: number
  /** @default 365 days */
  readonly lifetimeMs?: number
  /** @default a new ECDSA P-256 key */
  readonly key?: KeyObject
}

/** What the authority needs now, and why. */
export type AuthorityNeed =
  | { readonly do: 'wait'; readonly untilMs: number }
  /** Works still; a new one should take over while the old one is trusted. */
  | { readonly do: 'rotate'; readonly reason: 'nearExpiry' }
  /** Nothing signed by it is accepted any more: order no longer matters. */
  | { readonly do: 'replace'; readonly reason: 'missing' | 'expired' }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
export const AUTHORITY_LIFETIME_MS = 365 * DAY_MS
/** Certificates begin in the past: a verifier's clock may be behind ours (a resumed machine, a step of NTP). */
export const BACKDATE_MS = HOUR_MS

const SCHEMA = '1'
const KNOWN_KEYS = [
  'schema',
  'generation',
  'phase',
  'phaseSince',
  'signer.crt',
  'signer.key',
  'next.crt',
  'next.key',
  'ca.crt',
  'history',
  'rotateToken',
  'urgent',
]

/** A new authority, not yet part of any state. */
export function newAuthority(options: NewAuthorityOptions): Authority {
  const { installation, generation, nowMs, lifetimeMs = AUTHORITY_LIFETIME_MS, key = generateKey() } = options
  // Unique per generation: two authorities of one name make some verifiers try the wrong key.
  const commonName = `${installation}-webhook-ca-g${generation}-${randomBytes(4).toString('hex')}`
  const pem = issueCertificate({
    kind: 'authority',
    subject: { commonName, organization: 'mesh-admission' },
    key,
    names: [],
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: nowMs + lifetimeMs,
  })
  return { certificate: readCertificate(pem), key }
}

/** A new authority of its own generation, trusted alone. */
export function newAuthorityState(options: NewAuthorityOptions): AuthorityState {
  const signer = newAuthority(options)
  return {
    generation: options.generation,
    phase: 'stable',
    phaseSinceMs: options.nowMs,
    signer,
    next: undefined,
    bundlePem: signer.certificate.pem,
    history: '[]',
    rotateToken: '',
    isUrgent: false,
    rest: {},
    isReadOnly: false,
  }
}

/** When a certificate of ours is due for renewal: with a third of its lifetime left. The backdated hour is no lifetime. */
export function renewalDueMs({ notBeforeMs, notAfterMs }: { notBeforeMs: number; notAfterMs: number }): number {
  return notAfterMs - Math.max(0, notAfterMs - notBeforeMs - BACKDATE_MS) / 3
}

/** Whether the authority must be renewed, and why. */
export function authorityNeed(signer: Authority | undefined, nowMs: number): AuthorityNeed {
  if (signer === undefined) return { do: 'replace', reason: 'missing' }
  if (nowMs >= signer.certificate.notAfterMs) return { do: 'replace', reason: 'expired' }
  const dueMs = renewalDueMs(signer.certificate)
  return nowMs >= dueMs ? { do: 'rotate', reason: 'nearExpiry' } : { do: 'wait', untilMs: dueMs }
}

/** The stored form: one text a key, as a Secret or a folder holds it. */
export function encodeAuthorityState(state: AuthorityState): Record<string, string> {
  return {
    ...state.rest,
    schema: SCHEMA,
    generation: String(state.generation),
    phase: state.phase,
    phaseSince: new Date(state.phaseSinceMs).toISOString(),
    'signer.crt': state.signer.certificate.pem,
    'signer.key': encodeKey(state.signer.key),
    ...(state.next === undefined
      ? {}
      : { 'next.crt': state.next.certificate.pem, 'next.key': encodeKey(state.next.key) }),
    'ca.crt': state.bundlePem,
    history: state.history,
    ...(state.rotateToken === '' ? {} : { rotateToken: state.rotateToken }),
    ...(state.isUrgent ? { urgent: 'true' } : {}),
  }
}

/**
 * Reads the stored form and checks that it can sign. The form of a newer version is read as far as it is the same.
 * @throws ProjectError CERT_STATE_INVALID saying which part is at fault, never its content; CERT_STORE_FOREIGN when a
 * newer version wrote what this one cannot read, and so must not replace
 */
export function decodeAuthorityState(stored: Readonly<Record<string, string>>): AuthorityState {
  const isNewer = /^[1-9]\d*$/.test(stored.schema ?? '') && stored.schema !== SCHEMA
  try {
    return decodeParts(stored, isNewer)
  } catch (err) {
    if (!isNewer) throw err
    const what = `expected schema ${SCHEMA}, got ${stored.schema ?? ''} of a newer version`
    throw new ProjectError('CERT_STORE_FOREIGN', `certificate authority: ${what}`, { cause: err })
  }
}

function decodeParts(stored: Readonly<Record<string, string>>, isNewer: boolean): AuthorityState {
  if (stored.schema !== SCHEMA && !isNewer)
    throw invalid('schema', `expected ${SCHEMA}, got ${stored.schema ?? 'none'}`)
  const phase = readPhase(stored.phase)
  const signer = readAuthority(stored, 'signer')
  const next = phase === 'trusting' ? readAuthority(stored, 'next') : undefined
  return {
    generation: readGeneration(stored.generation),
    phase,
    phaseSinceMs: Date.parse(stored.phaseSince ?? '') || 0,
    signer,
    next,
    bundlePem: readBundle(stored, [signer, ...(next === undefined ? [] : [next])]),
    history: stored.history ?? '[]',
    rotateToken: stored.rotateToken ?? '',
    isUrgent: stored.urgent === 'true',
    rest: Object.fromEntries(Object.entries(stored).filter(([key]) => !KNOWN_KEYS.includes(key))),
    isReadOnly: isNewer,
  }
}

function readAuthority(stored: Readonly<Record<string, string>>, part: 'signer' | 'next'): Authority {
  const [crt, pem] = [`${part}.crt`, `${part}.key`]
  const certificate = inPart(crt, () => readCertificate(stored[crt] ?? ''))
  const key = inPart(pem, () => decodeKey(stored[pem] ?? ''))
  if (!certificate.isAuthority) throw invalid(crt, 'expected a certificate authority, got a leaf')
  if (!holdsKey(certificate.pem, key)) throw invalid(pem, `expected the key of ${crt}, got another`)
  return { certificate, key }
}

/** A bundle without whoever signs, or is about to, would make every call fail once it is published. */
function readBundle(stored: Readonly<Record<string, string>>, signing: readonly Authority[]): string {
  const blocks = splitCertificates(stored['ca.crt'] ?? '')
  if (blocks.length === 0) throw invalid('ca.crt', 'expected at least one certificate')
  const trusted = inPart('ca.crt', () => blocks.map((pem) => readCertificate(pem).fingerprint))
  const missing = signing.find(({ certificate }) => !trusted.includes(certificate.fingerprint))
  if (missing !== undefined) throw invalid('ca.crt', `expected ${missing.certificate.commonName} in it`)
  return blocks.join('')
}

function readGeneration(text: string | undefined): number {
  if (text !== undefined && /^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw invalid('generation', `expected a positive number, got ${text ?? 'nothing'}`)
}

function readPhase(text: string | undefined): AuthorityPhase {
  if (text === 'stable' || text === 'trusting' || text === 'switching') return text
  throw invalid('phase', `expected stable, trusting or switching, got ${text ?? 'nothing'}`)
}

function inPart<T>(part: string, read: () => T): T {
  try {
    return read()
  } catch (err) {
    throw invalid(part, 'unreadable', err)
  }
}

const invalid = (part: string, what: string, cause?: unknown): ProjectError =>
  new ProjectError('CERT_STATE_INVALID', `certificate authority, ${part}: ${what}`, { cause })
