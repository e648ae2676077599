/** What an installation consists of, in the order in which it goes: what could block first, what it could come back by last. */
import { ProjectError } from '../../base/errors.ts'
import { OWNERSHIP_LABEL } from '../../certificates/secret-store.ts'
import type { KubeClient } from '../../kube/client.ts'
import { hasStatus } from '../../kube/client.ts'
import type { KubeObject, ObjectPlace, Resource } from '../../kube/resource.ts'
import {
  CLUSTER_ROLES,
  CLUSTER_ROLE_BINDINGS,
  CONFIG_MAPS,
  DEPLOYMENTS,
  DISRUPTION_BUDGETS,
  LEASES,
  NAMESPACES,
  ROLES,
  ROLE_BINDINGS,
  SECRETS,
  SERVICES,
  SERVICE_ACCOUNTS,
} from '../../kube/resource.ts'
import type { Configuration } from '../installed/configurations.ts'
import { isOurs, listConfigurations, ourEntries, RESOURCE_OF, titleOf } from '../installed/configurations.ts'
import type { Plan } from '../manifests/plan.ts'

export interface RemovalOptions {
  readonly client: KubeClient
  readonly plan: Plan
  readonly dryRun: boolean
  /** Told of everything that went, or would go: `kind/name`. */
  readonly onRemoved: (title: string) => void
  readonly signal: AbortSignal
}

export interface RemovalOutcome {
  /** Configurations of others that lead to our Service: with it gone they would block, so everything else was left. */
  readonly blockers: readonly { readonly configuration: string; readonly entries: readonly string[] }[]
  /** Why the namespace stays; undefined: it went, or was not ours. */
  readonly keptNamespace: string | undefined
}

const PART_OF = 'app.kubernetes.io/part-of'
const INSTANCE = 'app.kubernetes.io/instance'
const PROJECT = 'mesh-admission'
const NOT_FOUND = 404

/** After the webhook configurations. Rights go before the Secret: a replica on its way out would write it again. */
const NAMESPACED: readonly Resource[] = [DISRUPTION_BUDGETS, DEPLOYMENTS, SERVICES, ROLE_BINDINGS, ROLES]
const CLUSTER_WIDE: readonly Resource[] = [CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES]
/** What tells that a namespace is used by others as well. */
const SIGNS_OF_USE: readonly Resource[] = [DEPLOYMENTS, SERVICES, SECRETS, CONFIG_MAPS]
/** ConfigMaps that a cluster or an istiod writes into every namespace. */
const EVERYWHERE = ['kube-root-ca.crt', 'istio-ca-root-cert']

/**
 * Removes what our manifests installed, told by our labels; a second run finds nothing. Nobody else's object is touched.
 * @throws ProjectError KUBE_*; what went before stays gone, and the next run goes on
 */
export async function removeInstallation(options: RemovalOptions): Promise<RemovalOutcome> {
  const { client, plan, signal } = options
  const { namespace } = plan
  const configurations = await listConfigurations(client, signal)
  for (const one of configurations.filter((each) => isOurs(each, plan))) {
    await remove({ resource: RESOURCE_OF[one.kind] }, one, options)
  }
  const blockers = blockersIn(configurations, plan)
  if (blockers.length > 0) return { blockers, keptNamespace: undefined }
  for (const resource of NAMESPACED) await removeAll({ resource, namespace }, options)
  for (const resource of CLUSTER_WIDE) await removeAll({ resource }, options)
  await removeAll({ resource: SERVICE_ACCOUNTS, namespace }, options)
  await removeAuthority(options)
  return { blockers: [], keptNamespace: await removeNamespace(options) }
}

function blockersIn(configurations: readonly Configuration[], plan: Plan): RemovalOutcome['blockers'] {
  const foreign = configurations.filter((one) => !isOurs(one, plan))
  return foreign.flatMap((one) => {
    const entries = ourEntries([one], plan).map(({ entry }) => entry.name)
    return entries.length === 0 ? [] : [{ configuration: titleOf(one), entries }]
  })
}

async function removeAll(place: ObjectPlace, options: RemovalOptions): Promise<void> {
  for (const one of await listOwn(place, options)) await remove(place, one, options)
}

async function listOwn(place: ObjectPlace, { client, plan, signal }: RemovalOptions): Promise<readonly KubeObject[]> {
  const labelSelector = `${PART_OF}=${PROJECT},${INSTANCE}=${plan.name}`
  return (await client.list(place, { labelSelector, metadataOnly: true, signal })).items
}

/** Exactly the object that was looked at: one of the same name that came since is somebody's new one. */
async function remove(place: ObjectPlace, { metadata }: KubeObject, options: RemovalOptions): Promise<void> {
  const { client, dryRun, onRemoved, signal } = options
  const { name, uid } = metadata
  const title = `${kindOf(place.resource)}/${name}`
  if (dryRun) {
    onRemoved(title)
    return
  }
  try {
    await client.delete({ ...place, name }, signal, uid === undefined ? undefined : { uid })
    onRemoved(title)
  } catch (err) {
    if (!hasStatus(err, NOT_FOUND)) throw err
  }
}

const kindOf = ({ plural, group }: Resource): string =>
  group === '' || !group.includes('.') ? plural.replace(/s$/, '') : `${plural.replace(/s$/, '')}.${group}`

/** The Secret, if it is ours, and the Lease of the same name that its writers share. */
async function removeAuthority(options: RemovalOptions): Promise<void> {
  const { namespace, secret: name } = options.plan
  const secret = await getOrNothing({ resource: SECRETS, namespace, name }, options)
  if (secret !== undefined && secret.metadata.labels?.[OWNERSHIP_LABEL] !== 'true') return
  if (secret !== undefined) await remove({ resource: SECRETS, namespace }, secret, options)
  const lease = await getOrNothing({ resource: LEASES, namespace, name }, options)
  if (lease !== undefined) await remove({ resource: LEASES, namespace }, lease, options)
}

/** Only a namespace that our manifests made, and that nobody else uses. */
async function removeNamespace(options: RemovalOptions): Promise<string | undefined> {
  const { plan } = options
  const found = await getOrNothing({ resource: NAMESPACES, name: plan.namespace }, options)
  if (found?.metadata.labels?.[PART_OF] !== PROJECT || found.metadata.deletionTimestamp !== undefined) return undefined
  for (const resource of SIGNS_OF_USE) {
    const other = await firstOfOthers(resource, options)
    if (other !== undefined) return `${kindOf(resource)}/${other} is in it`
  }
  await remove({ resource: NAMESPACES }, found, options)
  return undefined
}

async function firstOfOthers(
  resource: Resource,
  { client, plan, signal }: RemovalOptions,
): Promise<string | undefined> {
  const place = { resource, namespace: plan.namespace }
  const { items } = await client.list(place, { metadataOnly: true, signal })
  const others = items.filter(({ metadata: { name, labels = {} } }) => {
    const isOwn = labels[INSTANCE] === plan.name && labels[PART_OF] === PROJECT
    return !isOwn && name !== plan.secret && !EVERYWHERE.includes(name)
  })
  return others[0]?.metadata.name
}

async function getOrNothing(place: ObjectPlace, { client, signal }: RemovalOptions): Promise<KubeObject | undefined> {
  try {
    return await client.get(place, signal)
  } catch (err) {
    if (err instanceof ProjectError && hasStatus(err, NOT_FOUND)) return undefined
    throw err
  }
}
