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

/** @param nowMs when they are made, epoch milliseconds */
export function testCertificates(nowMs = Date.now()): TestCertificates {
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
