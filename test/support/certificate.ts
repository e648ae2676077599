/** A certificate authority and a serving certificate for tests that speak TLS. */
import { newAuthorityState } from '../../src/certificates/authority.ts'
import { issueLeaf, servingNames, type CertificatePair } from '../../src/certificates/leaf.ts'

export interface TestCertificates {
  /** What a client must trust. */
  readonly caPem: string
  readonly pair: CertificatePair
  /** Another leaf of the same authority. */
  readonly issue: (lifetimeMs?: number) => CertificatePair
}

export function testCertificates(): TestCertificates {
  const nowMs = Date.now()
  const state = newAuthorityState({ installation: 'test', generation: 1, nowMs })
  const issue = (lifetimeMs?: number): CertificatePair =>
    issueLeaf({
      authority: state.signer,
      names: servingNames({}),
      nowMs,
      ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
    })
  return { caPem: state.bundlePem, pair: issue(), issue }
}
