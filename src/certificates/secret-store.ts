/** Keeps the certificate authority in one Secret: for servers in a cluster. */
import type { Clock } from '../base/clock.ts'
import { ProjectError, messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { KubeClient } from '../kube/client.ts'
import { hasStatus } from '../kube/client.ts'
import { runInformer } from '../kube/informer.ts'
import type { KubeObject, ObjectMeta } from '../kube/resource.ts'
import { SECRETS } from '../kube/resource.ts'
import { Store } from '../kube/store.ts'
import type { AuthorityState } from './authority.ts'
import { decodeAuthorityState, encodeAuthorityState } from './authority.ts'
import type { AuthorityStore, StoredAuthority } from './store.ts'
import { FIELD_MANAGER, ROTATE_ANNOTATION } from './store.ts'

export interface SecretStoreOptions {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly clock: Clock
  readonly log: Log
}

/** Marks the Secret as ours. */
export const OWNERSHIP_LABEL = 'mesh-admission.io/webhook-ca'

interface Secret extends KubeObject {
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
}

// No label of a GitOps tool, or it would prune the Secret; no owner, or deleting the Deployment would delete the authority.
const LABELS = {
  [OWNERSHIP_LABEL]: 'true',
  'app.kubernetes.io/component': 'webhook-ca',
  'app.kubernetes.io/name': 'mesh-admission',
}
const RELIST_MS = 600_000
const NOT_FOUND = 404
const CONFLICT = 409

/** Writes are fenced by the Secret's `resourceVersion`; without our label only an empty Secret is taken over. */
export function createSecretStore(options: SecretStoreOptions): AuthorityStore {
  const { client, namespace, name } = options
  const place = { resource: SECRETS, namespace, name }
  const title = `Secret ${namespace}/${name}`
  // What others wrote on the Secret stays when we replace it.
  let lastRead: ObjectMeta | undefined
  return {
    place: title,
    read: (signal) =>
      inSecret(title, async () => {
        const secret = await orNothing(client.get<Secret>(place, signal), NOT_FOUND)
        lastRead = secret?.metadata
        return secret === undefined ? { holds: 'nothing' } : readSecret(secret, title)
      }),
    write: (state, over, signal) =>
      inSecret(title, async () => {
        const kept = lastRead?.resourceVersion === over ? lastRead : undefined
        const secret = secretOf(state, { namespace, name, over, kept })
        const writeOptions = { fieldManager: FIELD_MANAGER, signal }
        const written =
          over === undefined
            ? client.create<Secret>({ resource: SECRETS, namespace }, secret, writeOptions)
            : client.replace<Secret>(place, secret, writeOptions)
        return (await orNothing(written, CONFLICT, NOT_FOUND)) !== undefined
      }),
    watch: (changed, signal) => watchSecret(options, changed, signal),
  }
}

function readSecret({ metadata, data = {} }: Secret, title: string): StoredAuthority {
  const version = metadata.resourceVersion ?? ''
  const isEmpty = Object.keys(data).length === 0
  if (!isEmpty && metadata.labels?.[OWNERSHIP_LABEL] !== 'true') {
    const what = `expected the label ${OWNERSHIP_LABEL}=true on a Secret that is not empty; it is not ours and stays as it is`
    throw new ProjectError('CERT_STORE_FOREIGN', `${title}: ${what}`)
  }
  const token = metadata.annotations?.[ROTATE_ANNOTATION] ?? ''
  const asked = token === '' ? {} : { asked: token }
  if (isEmpty) return { holds: 'broken', why: 'empty', version, ...asked }
  const texts = Object.fromEntries(
    Object.entries(data).map(([key, base64]) => [key, Buffer.from(base64, 'base64').toString('utf8')]),
  )
  try {
    return { holds: 'state', state: decodeAuthorityState(texts), version, ...asked }
  } catch (err) {
    if (err instanceof ProjectError && err.code === 'CERT_STORE_FOREIGN') throw err
    return { holds: 'broken', why: messageOf(err), version, ...asked }
  }
}

interface SecretPlace {
  readonly namespace: string
  readonly name: string
  readonly over: string | undefined
  readonly kept: ObjectMeta | undefined
}

function secretOf(state: AuthorityState, { namespace, name, over, kept }: SecretPlace): Secret {
  const data = Object.fromEntries(
    Object.entries(encodeAuthorityState(state)).map(([key, text]) => [
      key,
      Buffer.from(text, 'utf8').toString('base64'),
    ]),
  )
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace,
      name,
      ...(over === undefined ? {} : { resourceVersion: over }),
      ...(kept?.annotations === undefined ? {} : { annotations: kept.annotations }),
      labels: { ...kept?.labels, ...LABELS },
    },
    type: 'Opaque',
    data,
  }
}

function watchSecret(options: SecretStoreOptions, changed: () => void, signal: AbortSignal): void {
  const { client, namespace, name, clock, log } = options
  // Only the fact of a change is kept: the keys stay with whoever reads.
  const store = new Store<string>()
  store.onChange(changed)
  void runInformer<Secret, string>({
    client,
    place: { resource: SECRETS, namespace },
    fieldSelector: `metadata.name=${name}`,
    metadataOnly: true,
    keep: ({ metadata }) => metadata.resourceVersion ?? '',
    store,
    relistMs: RELIST_MS,
    clock,
    log,
    signal,
  })
}

async function orNothing<T>(answer: Promise<T>, ...statuses: readonly number[]): Promise<T | undefined> {
  try {
    return await answer
  } catch (err) {
    if (statuses.some((status) => hasStatus(err, status))) return undefined
    throw err
  }
}

async function inSecret<T>(title: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (err) {
    if (err instanceof ProjectError && err.code === 'CERT_STORE_FOREIGN') throw err
    throw new ProjectError('CERT_STORE_UNREADABLE', `${title}: ${messageOf(err)}`, { cause: err })
  }
}
