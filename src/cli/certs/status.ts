/** What `certs status` tells: who signs, until when, who trusts it, and what comes next. */
import type { AuthorityPhase, AuthorityState } from '../../certificates/authority.ts'
import type { StoredAuthority } from '../../certificates/store.ts'
import type { BundleTrust, BundleVerdict, TrustedAuthority } from '../../certificates/trust.ts'
import { generationOf, judgeTrust, readTrust } from '../../certificates/trust.ts'
import { readCertificate, splitCertificates } from '../../certificates/x509.ts'
import type { Configuration } from '../installed/configurations.ts'
import type { Replica } from '../installed/replicas.ts'
import type { ServedFiles } from '../installed/served-files.ts'
import { addressOf, ourEntries, titleOf } from '../installed/configurations.ts'
import type { Plan } from '../manifests/plan.ts'
import type { StoredState } from './forecast.ts'
import { forecast } from './forecast.ts'
import type { KnownSettings } from './rotation-settings.ts'
import { settingsFor } from './rotation-settings.ts'

/** Times are RFC 3339, UTC. */
export interface CertsStatus {
  readonly store: string
  readonly installation: string
  readonly authority: AuthorityStatus | AuthorityTrouble
  /** Where the serving certificate comes from; absent: from our own authority. */
  readonly files?: FilesStatus
  /** What each replica serves, as far as it tells. */
  readonly replicas: readonly ReplicaStatus[]
  readonly webhooks: readonly WebhookStatus[]
}

export interface FilesStatus {
  readonly certFile: string
  /** Secret of the volume it lies in. */
  readonly secret?: string
  /** Mounted by subPath: a renewed one never arrives. */
  readonly isPinned: boolean
}

export interface ReplicaStatus {
  readonly pod: string
  /** Of its serving certificate. */
  readonly fingerprint?: string
  readonly notAfter?: string
}

export interface AuthorityTrouble {
  readonly holds: 'nothing' | 'broken'
  readonly why: string
}

export interface AuthorityStatus {
  readonly holds: 'state'
  readonly generation: number
  readonly phase: AuthorityPhase
  readonly phaseSince: string
  readonly signer: CertificateStatus
  /** What every caBundle must hold, newest first. */
  readonly bundle: readonly CertificateStatus[]
  readonly expired: boolean
  readonly next: { readonly what: string; readonly why: string; readonly at: string }
  /** The last authorities that left the bundle, as the servers noted them. */
  readonly history: unknown
}

export interface CertificateStatus {
  readonly commonName: string
  /** Absent for an authority that is not ours. */
  readonly generation?: number
  readonly fingerprint: string
  readonly notAfter: string
}

export interface WebhookStatus {
  /** As kubectl takes it. */
  readonly configuration: string
  readonly entry: string
  readonly leadsTo: string
  /** `unknown` while there is no authority to compare with. */
  readonly verdict: BundleVerdict | 'unknown'
  readonly trusts: readonly CertificateStatus[]
}

export interface StatusInput {
  readonly plan: Plan
  readonly place: string
  readonly stored: StoredAuthority
  readonly configurations: readonly Configuration[]
  /** How the servers rotate, as far as it is known. */
  readonly known: KnownSettings
  readonly files: ServedFiles | undefined
  readonly replicas: readonly Replica[]
  readonly nowMs: number
}

export function certsStatus(input: StatusInput): CertsStatus {
  const { plan, place, stored, configurations, known, nowMs } = input
  const state = stored.holds === 'state' ? stored.state : undefined
  const webhooks = ourEntries(configurations, plan).map((one) => webhookStatus(one, state, plan))
  const authority =
    stored.holds === 'state'
      ? authorityStatus(stored, { webhooks, plan, known, nowMs })
      : troubleOf(stored, input.files !== undefined)
  const files = input.files === undefined ? {} : { files: filesStatus(input.files, input.replicas) }
  const replicas = input.replicas.map(replicaStatus)
  return { store: place, installation: plan.name, authority, ...files, replicas, webhooks }
}

function filesStatus({ certFile, secret, isPinned }: ServedFiles, replicas: readonly Replica[]): FilesStatus {
  const saysSo = replicas.some(({ pinnedFiles }) => pinnedFiles > 0)
  return { certFile, ...(secret === undefined ? {} : { secret }), isPinned: isPinned || saysSo }
}

function replicaStatus({ pod, leaf }: Replica): ReplicaStatus {
  return { pod, ...(leaf === undefined ? {} : { fingerprint: leaf.fingerprint, notAfter: time(leaf.notAfterMs) }) }
}

function webhookStatus(
  { configuration, entry }: ReturnType<typeof ourEntries>[number],
  state: AuthorityState | undefined,
  { name }: Plan,
): WebhookStatus {
  const { caBundle } = entry.clientConfig
  const trust = readTrust(caBundle, name)
  return {
    configuration: titleOf(configuration),
    entry: entry.name,
    leadsTo: addressOf(entry),
    verdict: state === undefined ? 'unknown' : judgeTrust(caBundle, trust, measureOf(state)),
    trusts: authoritiesIn(trust).map(trustedStatus),
  }
}

/** Whether nothing of it asks for a person: a bundle may lag behind while an authority is being changed. */
export function isHealthy({ authority, files, webhooks }: CertsStatus): boolean {
  // With certificates of others there is no authority of ours to compare with.
  if (files !== undefined) return !files.isPinned
  if (authority.holds !== 'state' || authority.expired) return false
  return webhooks.every(({ verdict }) => verdict === 'inSync' || verdict === 'different')
}

export const measureOf = ({ bundlePem, signer }: AuthorityState) => ({
  bundlePem,
  signerFingerprint: signer.certificate.fingerprint,
})

function troubleOf(stored: StoredAuthority, hasFiles: boolean): AuthorityTrouble {
  if (stored.holds === 'broken') return { holds: 'broken', why: stored.why }
  const why = hasFiles ? 'the serving certificate comes from files' : 'no server has made an authority yet'
  return { holds: 'nothing', why }
}

interface Surroundings {
  readonly webhooks: readonly WebhookStatus[]
  readonly plan: Plan
  readonly known: KnownSettings
  readonly nowMs: number
}

function authorityStatus(stored: StoredState, { webhooks, plan, known, nowMs }: Surroundings): AuthorityStatus {
  const { state } = stored
  const isTrusted = webhooks.every(({ verdict }) => verdict === 'inSync')
  const { what, why, atMs } = forecast(stored, { isTrusted, settings: settingsFor(stored, known), nowMs })
  return {
    holds: 'state',
    generation: state.generation,
    phase: state.phase,
    phaseSince: time(state.phaseSinceMs),
    signer: certificateStatus(state.signer.certificate, plan.name),
    bundle: splitCertificates(state.bundlePem).map((pem) => certificateStatus(readCertificate(pem), plan.name)),
    expired: nowMs >= state.signer.certificate.notAfterMs,
    next: { what, why, at: time(atMs) },
    history: parsedOr(state.history),
  }
}

/** The program makes no use of it, so it may be anything. */
function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return []
  }
}

function certificateStatus(
  { commonName, fingerprint, notAfterMs }: Pick<TrustedAuthority, 'commonName' | 'fingerprint' | 'notAfterMs'>,
  installation: string,
): CertificateStatus {
  return trustedStatus({ commonName, fingerprint, notAfterMs, generation: generationOf(commonName, installation) })
}

function trustedStatus({ commonName, generation, fingerprint, notAfterMs }: TrustedAuthority): CertificateStatus {
  return {
    commonName,
    ...(generation === undefined ? {} : { generation }),
    fingerprint,
    notAfter: time(notAfterMs),
  }
}

const authoritiesIn = (trust: BundleTrust): readonly TrustedAuthority[] =>
  trust.holds === 'authorities' ? trust.authorities : []

const time = (epochMs: number): string => new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, 'Z')
