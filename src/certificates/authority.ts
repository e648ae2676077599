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

/** `trusting` and `switching` are steps of an overlapping change of authority. */
export type AuthorityPhase = 'stable' | 'trusting' | 'switching'

/** What a store keeps, whole or not at all. */
export interface AuthorityState {
  /** Starts at 1 and only ever grows. */
  readonly generation: number
  readonly phase: AuthorityPhase
  readonly phaseSinceMs: number
  readonly signer: Authority
  /** The certificates that every caBundle must hold, newest first, each ending in a newline. */
  readonly bundlePem: string
  /** JSON text of former authorities, carried along. */
  readonly history: string
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
const KNOWN_KEYS = ['schema', 'generation', 'phase', 'phaseSince', 'signer.crt', 'signer.key', 'ca.crt', 'history']

/** A new authority of its own generation, trusted alone. */
export function newAuthorityState(options: NewAuthorityOptions): AuthorityState {
  const { installation, generation, nowMs, lifetimeMs = AUTHORITY_LIFETIME_MS } = options
  const key = generateKey()
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
  const certificate = readCertificate(pem)
  return {
    generation,
    phase: 'stable',
    phaseSinceMs: nowMs,
    signer: { certificate, key },
    bundlePem: pem,
    history: '[]',
    rest: {},
    isReadOnly: false,
  }
}

/** Whether the authority must be renewed, and why; renewal is due with a third of the lifetime left. */
export function authorityNeed(signer: Authority | undefined, nowMs: number): AuthorityNeed {
  if (signer === undefined) return { do: 'replace', reason: 'missing' }
  const { notBeforeMs, notAfterMs } = signer.certificate
  if (nowMs >= notAfterMs) return { do: 'replace', reason: 'expired' }
  const dueMs = notAfterMs - (notAfterMs - notBeforeMs) / 3
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
    'ca.crt': state.bundlePem,
    history: state.history,
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
  const bundlePem = splitCertificates(stored['ca.crt'] ?? '').join('')
  if (bundlePem === '') throw invalid('ca.crt', 'expected at least one certificate')
  return {
    generation: readGeneration(stored.generation),
    phase: readPhase(stored.phase),
    phaseSinceMs: Date.parse(stored.phaseSince ?? '') || 0,
    signer: readSigner(stored),
    bundlePem,
    history: stored.history ?? '[]',
    rest: Object.fromEntries(Object.entries(stored).filter(([key]) => !KNOWN_KEYS.includes(key))),
    isReadOnly: isNewer,
  }
}

function readSigner(stored: Readonly<Record<string, string>>): Authority {
  const certificate = inPart('signer.crt', () => readCertificate(stored['signer.crt'] ?? ''))
  const key = inPart('signer.key', () => decodeKey(stored['signer.key'] ?? ''))
  if (!certificate.isAuthority) throw invalid('signer.crt', 'expected a certificate authority, got a leaf')
  if (!holdsKey(certificate.pem, key)) throw invalid('signer.key', 'expected the key of signer.crt, got another')
  return { certificate, key }
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
