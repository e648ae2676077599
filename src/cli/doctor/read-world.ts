/** Reads the cluster for `doctor`: everything that the checks look at, and why where it could not be had. */
import { ProjectError, messageOf } from '../../base/errors.ts'
import { SILENT } from '../../base/log.ts'
import { createSecretStore } from '../../certificates/secret-store.ts'
import { readCertificate } from '../../certificates/x509.ts'
import type { KubeClient } from '../../kube/client.ts'
import { hasStatus } from '../../kube/client.ts'
import type { ServerClock } from '../../kube/server-clock.ts'
import type { KubeObject, ObjectPlace } from '../../kube/resource.ts'
import {
  ACCESS_REVIEWS,
  CONFIG_MAPS,
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  NAMESPACES,
  NODES,
  PODS,
  SECRETS,
  SERVICES,
} from '../../kube/resource.ts'
import { listConfigurations, ourEntries } from '../installed/configurations.ts'
import { readReplicas } from '../installed/replicas.ts'
import { servedFiles } from '../installed/served-files.ts'
import type { Plan } from '../manifests/plan.ts'
import { isReady } from './checks/endpoints.ts'
import { probeTargets, runProbes } from './probe.ts'
import { requiredRights } from './required-rights.ts'
import { runValidationProbes, validationTargets } from './validation-probe.ts'
import type {
  ConfigMap,
  Deployment,
  EndpointSlice,
  Namespace,
  Provider,
  Reading,
  Readings,
  Right,
  Service,
  UnreadyReplica,
  World,
} from './world.ts'

export interface ReadOptions {
  readonly client: KubeClient
  readonly plan: Plan
  readonly clock: ServerClock
  readonly signal: AbortSignal
}

const NOT_FOUND = 404
const HEALTH_PORT = 8080

/** @throws ProjectError KUBE_UNREACHABLE, KUBE_REFUSED when not even the webhook configurations can be read */
export async function readWorld(options: ReadOptions): Promise<Readings> {
  const { client, plan, clock, signal } = options
  const configurations = await listConfigurations(client, signal)
  const namespaces = await reading(() => list<Namespace>(options, { resource: NAMESPACES }))
  const slices = await reading(() =>
    list<EndpointSlice>(options, inOwn(plan, ENDPOINT_SLICES), `kubernetes.io/service-name=${plan.name}`),
  )
  const deployment = await reading(() =>
    getOrNothing<Deployment>(options, { ...inOwn(plan, DEPLOYMENTS), name: plan.name }),
  )
  const isInCluster = ourEntries(configurations, plan).some(({ entry }) => entry.clientConfig.service !== undefined)
  return {
    plan: { value: plan },
    nowMs: { value: clock.nowMs() },
    skewMs: { value: clock.skewMs() ?? 0 },
    configurations: { value: configurations },
    namespaces,
    authority: await reading(() => readAuthority(options)),
    service: await reading(() => getOrNothing<Service>(options, { ...inOwn(plan, SERVICES), name: plan.name })),
    endpointSlices: slices,
    unreadyReplicas: await onReading(slices, (value) => unreadyReplicas(value, options)),
    deployment,
    replicas: await reading(() => readReplicas(client, plan, signal)),
    servedFiles: await onReading(deployment, (value) => readServedFiles(value, options)),
    configMaps: await reading(() => readConfigMaps(options)),
    istiods: await reading(() =>
      list<Deployment>(options, { resource: DEPLOYMENTS, namespace: plan.istioNamespace }, 'app=istiod'),
    ),
    // A server outside the cluster has its rights from elsewhere.
    rights: isInCluster ? await reading(() => readRights(configurations, options)) : { value: [] },
    probes: await onReading(namespaces, (value) => runProbes(probeTargets(configurations, value, plan), options)),
    validationProbes: await onReading(namespaces, (value) =>
      runValidationProbes(validationTargets(configurations, value, plan), options),
    ),
    provider: { value: await readProvider(options) },
  }
}

/** A refusal leaves a part unread; without an API server nothing can be said at all. */
async function reading<T>(read: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { value: await read() }
  } catch (err) {
    if (err instanceof ProjectError && (err.code === 'KUBE_REFUSED' || err.code === 'CERT_STORE_UNREADABLE'))
      return { unread: messageOf(err) }
    throw err
  }
}

async function onReading<T, U>(before: Reading<T>, read: (value: T) => Promise<U>): Promise<Reading<U>> {
  return 'unread' in before ? before : reading(() => read(before.value))
}

const inOwn = ({ namespace }: Plan, resource: ObjectPlace['resource']): ObjectPlace => ({ resource, namespace })

async function list<T extends KubeObject>(
  { client, signal }: ReadOptions,
  place: ObjectPlace,
  labelSelector?: string,
): Promise<readonly T[]> {
  return (await client.list<T>(place, { signal, ...(labelSelector === undefined ? {} : { labelSelector }) })).items
}

async function getOrNothing<T extends KubeObject>(
  { client, signal }: ReadOptions,
  place: ObjectPlace,
): Promise<T | undefined> {
  try {
    return await client.get<T>(place, signal)
  } catch (err) {
    if (hasStatus(err, NOT_FOUND)) return undefined
    throw err
  }
}

async function readAuthority({ client, plan, clock, signal }: ReadOptions): Promise<World['authority']> {
  const store = createSecretStore({ client, namespace: plan.namespace, name: plan.secret, clock, log: SILENT })
  try {
    return await store.read(signal)
  } catch (err) {
    if (err instanceof ProjectError && err.code === 'CERT_STORE_FOREIGN') return { holds: 'foreign', why: err.message }
    throw err
  }
}

interface TlsSecret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

/** With the certificate that the Secret holds now, where we may read it. */
async function readServedFiles(
  deployment: Deployment | undefined,
  options: ReadOptions,
): Promise<World['servedFiles']> {
  const files = servedFiles(deployment)
  if (files === undefined) return undefined
  return { ...files, secretFingerprint: await fingerprintIn(files.secret, options) }
}

async function fingerprintIn(name: string | undefined, options: ReadOptions): Promise<string | undefined> {
  if (name === undefined) return undefined
  const place = { ...inOwn(options.plan, SECRETS), name }
  const secret = await reading(() => getOrNothing<TlsSecret>(options, place))
  const base64 = 'value' in secret ? secret.value?.data?.['tls.crt'] : undefined
  try {
    return base64 === undefined ? undefined : readCertificate(Buffer.from(base64, 'base64').toString()).fingerprint
  } catch {
    return undefined
  }
}

async function readConfigMaps(options: ReadOptions): Promise<World['configMaps']> {
  const { configMaps, istioNamespace: namespace } = options.plan
  const found = await Promise.all(
    configMaps.map((name) => getOrNothing<ConfigMap>(options, { resource: CONFIG_MAPS, namespace, name })),
  )
  return new Map(found.flatMap((map) => (map === undefined ? [] : [[map.metadata.name, map]])))
}

/** Their own words come by the API server's proxy to their health port, where that is allowed. */
async function unreadyReplicas(slices: readonly EndpointSlice[], options: ReadOptions): Promise<UnreadyReplica[]> {
  const endpoints = slices.flatMap(({ endpoints: listed }) => listed ?? []).filter((one) => !isReady(one))
  return Promise.all(
    endpoints.map(async ({ targetRef, addresses = [] }) => {
      const name = targetRef?.name ?? addresses[0] ?? 'unknown'
      return { name, why: targetRef === undefined ? undefined : await failedChecks(name, options) }
    }),
  )
}

async function failedChecks(pod: string, { client, plan, signal }: ReadOptions): Promise<string | undefined> {
  const place = { ...inOwn(plan, PODS), name: `${pod}:${HEALTH_PORT}`, subresource: 'proxy/readyz' }
  const words = await client.get(place, signal).then(() => '', messageOf)
  const failed = [...words.matchAll(/\[-\](\S+) ([^\n]*)/g)].map(([, check, problem]) => `${check}: ${problem}`)
  return failed.length === 0 ? undefined : failed.join('; ')
}

interface AccessReview extends KubeObject {
  readonly status?: { readonly allowed?: boolean }
}

async function readRights(
  configurations: Parameters<typeof requiredRights>[1],
  { client, plan, signal }: ReadOptions,
): Promise<Right[]> {
  const { namespace: own, name: account } = plan
  const user = `system:serviceaccount:${own}:${account}`
  const groups = ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${own}`]
  return Promise.all(
    requiredRights(plan, configurations).map(async (right) => {
      const { verb, group, resource, name, namespace } = right
      const review = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        metadata: { name: '' },
        spec: { user, groups, resourceAttributes: { verb, group, resource, name, namespace } },
      }
      const { status } = await client.create<AccessReview>({ resource: ACCESS_REVIEWS }, review, { signal })
      return { ...right, isAllowed: status?.allowed === true }
    }),
  )
}

const PROVIDER_LABELS = [
  { label: 'cloud.google.com/gke-nodepool', provider: 'gke' },
  { label: 'eks.amazonaws.com/nodegroup', provider: 'eks' },
  { label: 'kubernetes.azure.com/cluster', provider: 'aks' },
] as const

/** Only words of advice depend on it: not being allowed to look is no trouble. */
async function readProvider({ client, signal }: ReadOptions): Promise<Provider> {
  const nodes = await reading(() => client.list({ resource: NODES }, { metadataOnly: true, signal }))
  if ('unread' in nodes) return undefined
  const labels = nodes.value.items.flatMap(({ metadata }) => Object.keys(metadata.labels ?? {}))
  return PROVIDER_LABELS.find(({ label }) => labels.includes(label))?.provider
}
