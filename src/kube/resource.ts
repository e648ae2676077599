/** The kinds of objects this project reads or writes in a cluster, and where the API server has them. */

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
}

export interface KubeList<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string }
  readonly items: readonly T[]
}

export interface Resource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
}

export interface ObjectPlace {
  readonly resource: Resource
  /** Absent: cluster-wide, or all namespaces. */
  readonly namespace?: string
  readonly name?: string
  /** Part of the object that has a path of its own, such as `status`. */
  readonly subresource?: string
}

export const CONFIG_MAPS: Resource = { group: '', version: 'v1', plural: 'configmaps' }
export const DAEMON_SETS: Resource = { group: 'apps', version: 'v1', plural: 'daemonsets' }
export const EVENTS: Resource = { group: '', version: 'v1', plural: 'events' }
export const NAMESPACES: Resource = { group: '', version: 'v1', plural: 'namespaces' }
export const NODES: Resource = { group: '', version: 'v1', plural: 'nodes' }
export const PODS: Resource = { group: '', version: 'v1', plural: 'pods' }
export const SECRETS: Resource = { group: '', version: 'v1', plural: 'secrets' }
export const SERVICES: Resource = { group: '', version: 'v1', plural: 'services' }
export const SERVICE_ACCOUNTS: Resource = { group: '', version: 'v1', plural: 'serviceaccounts' }
export const DEPLOYMENTS: Resource = { group: 'apps', version: 'v1', plural: 'deployments' }
export const DISRUPTION_BUDGETS: Resource = { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets' }
export const ENDPOINT_SLICES: Resource = { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' }
export const LEASES: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' }
export const ROLES: Resource = { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'roles' }
export const ROLE_BINDINGS: Resource = { ...ROLES, plural: 'rolebindings' }
export const CLUSTER_ROLES: Resource = { ...ROLES, plural: 'clusterroles' }
export const CLUSTER_ROLE_BINDINGS: Resource = { ...ROLES, plural: 'clusterrolebindings' }
export const ACCESS_REVIEWS: Resource = { group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews' }
export const PROXY_CONFIGS: Resource = { group: 'networking.istio.io', version: 'v1beta1', plural: 'proxyconfigs' }
export const MUTATING_WEBHOOKS: Resource = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'mutatingwebhookconfigurations',
}
export const VALIDATING_WEBHOOKS: Resource = { ...MUTATING_WEBHOOKS, plural: 'validatingwebhookconfigurations' }

/** Path of an object or a collection below the API server's root. */
export function pathOf({ resource, namespace, name, subresource }: ObjectPlace): string {
  const { group, version, plural } = resource
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`
  const part = subresource === undefined ? '' : `/${subresource}`
  return `${root}${scope}/${plural}${object}${part}`
}

/** `plural.group namespace/name`, for people. */
export function describePlace({ resource, namespace, name }: ObjectPlace): string {
  const kind = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
  const object = [namespace, name].filter((part) => part !== undefined).join('/')
  return object === '' ? kind : `${kind} ${object}`
}
