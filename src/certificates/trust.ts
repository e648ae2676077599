/** What a caBundle trusts, seen from our own authority: for people who ask, not for the keeper of the bundles. */
import { messageOf } from '../base/errors.ts'
import { bundleIdentity, readCertificate, splitCertificates } from './x509.ts'

export interface TrustedAuthority {
  readonly commonName: string
  /** Generation of our authority; undefined for one that is not ours. */
  readonly generation: number | undefined
  readonly fingerprint: string
  readonly notAfterMs: number
}

export type BundleTrust =
  /** The API server falls back to the roots of its own host. */
  | { readonly holds: 'nothing' }
  /** Text that no API server can use: every call fails. */
  | { readonly holds: 'garbage'; readonly why: string }
  | { readonly holds: 'authorities'; readonly authorities: readonly TrustedAuthority[] }

/** How a bundle stands to the authority in force. */
export type BundleVerdict =
  /** Exactly what it must be. */
  | 'inSync'
  /** The signer is trusted, but something is missing or too much. */
  | 'different'
  /** Authorities of ours, but not the one that signs now. */
  | 'outdated'
  /** Authorities of others only. */
  | 'foreign'
  | 'missing'
  | 'unreadable'

/** The authority in force, as far as a bundle is measured by it. */
export interface Measure {
  readonly bundlePem: string
  readonly signerFingerprint: string
}

/** Reads a `caBundle` as the API server has it: base64 of PEM. */
export function readTrust(caBundle: string | undefined, installation: string): BundleTrust {
  if (caBundle === undefined || caBundle === '') return { holds: 'nothing' }
  const blocks = splitCertificates(decoded(caBundle))
  if (blocks.length === 0) return { holds: 'garbage', why: 'no PEM certificate in it' }
  try {
    return { holds: 'authorities', authorities: blocks.map((pem) => readAuthority(pem, installation)) }
  } catch (err) {
    return { holds: 'garbage', why: messageOf(err) }
  }
}

export function judgeTrust(caBundle: string | undefined, trust: BundleTrust, measure: Measure): BundleVerdict {
  if (trust.holds === 'nothing') return 'missing'
  if (trust.holds === 'garbage') return 'unreadable'
  if (bundleIdentity(decoded(caBundle ?? '')) === bundleIdentity(measure.bundlePem)) return 'inSync'
  if (trust.authorities.some(({ fingerprint }) => fingerprint === measure.signerFingerprint)) return 'different'
  return trust.authorities.some(({ generation }) => generation !== undefined) ? 'outdated' : 'foreign'
}

/** The generation in the common name of an authority that `installation` made; undefined for any other name. */
export function generationOf(commonName: string, installation: string): number | undefined {
  const prefix = `${installation}-webhook-ca-g`
  const digits = commonName.startsWith(prefix) ? /^(\d{1,15})-/.exec(commonName.slice(prefix.length))?.[1] : undefined
  return digits === undefined ? undefined : Number(digits)
}

const decoded = (caBundle: string): string => Buffer.from(caBundle, 'base64').toString('utf8')

function readAuthority(pem: string, installation: string): TrustedAuthority {
  const { commonName, fingerprint, notAfterMs } = readCertificate(pem)
  return { commonName, generation: generationOf(commonName, installation), fingerprint, notAfterMs }
}
