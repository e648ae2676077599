/** `certs rotate`: asks the servers for a new authority, by an annotation on the Secret, and follows what they do. */
import { randomBytes } from 'node:crypto'

import type { Clock } from '../../base/clock.ts'
import { ProjectError } from '../../base/errors.ts'
import { OWNERSHIP_LABEL } from '../../certificates/secret-store.ts'
import type { AuthorityStore } from '../../certificates/store.ts'
import { ROTATE_ANNOTATION } from '../../certificates/store.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { KubeObject } from '../../kube/resource.ts'
import { SECRETS } from '../../kube/resource.ts'
import type { StoredState } from './forecast.ts'

const FIELD_MANAGER = 'mesh-admission-cli'
const POLL_MS = 1000

export interface RotateRequest {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly token: string
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

/** A text that was never asked before: the servers rotate once for each. */
export function newToken(nowMs: number, isEmergency: boolean): string {
  const moment = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
  return `${isEmergency ? 'emergency-' : ''}${moment}-${randomBytes(3).toString('hex')}`
}

/**
 * Writes the annotation on the version of the Secret that was looked at.
 * @throws ProjectError CERT_STORE_FOREIGN for a Secret that is not ours; KUBE_REFUSED, also when a server wrote meanwhile
 */
export async function requestRotation({
  client,
  namespace,
  name,
  token,
  dryRun,
  signal,
}: RotateRequest): Promise<void> {
  const place = { resource: SECRETS, namespace, name }
  const { metadata } = await client.get<KubeObject>(place, signal)
  if (metadata.labels?.[OWNERSHIP_LABEL] !== 'true')
    throw new ProjectError(
      'CERT_STORE_FOREIGN',
      `Secret ${namespace}/${name}: expected the label ${OWNERSHIP_LABEL}=true`,
    )
  const patch = { metadata: { resourceVersion: metadata.resourceVersion, annotations: { [ROTATE_ANNOTATION]: token } } }
  await client.patch(place, patch, { fieldManager: FIELD_MANAGER, dryRun, signal })
}

export interface FollowOptions {
  readonly store: AuthorityStore
  /** Before the rotation was asked for. */
  readonly from: StoredState
  readonly onStep: (stored: StoredState) => void
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Tells of every step until a later authority is trusted alone, or `signal` aborts: true when it was reached. */
export async function followRotation({ store, from, onStep, clock, signal }: FollowOptions): Promise<boolean> {
  let told = stepOf(from)
  while (!signal.aborted) {
    const stored = await store.read(signal)
    if (stored.holds === 'state') {
      if (stepOf(stored) !== told) onStep(stored)
      told = stepOf(stored)
      if (stored.state.phase === 'stable' && stored.state.generation > from.state.generation) return true
    }
    await clock.wait(POLL_MS, signal)
  }
  return false
}

const stepOf = ({ state: { generation, phase, signer } }: StoredState): string =>
  `${generation} ${phase} ${signer.certificate.fingerprint}`
