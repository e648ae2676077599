/** The server's account and what it may do: no more than it does. */
import type { Plan } from './plan.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

const RBAC = 'rbac.authorization.k8s.io'
const RBAC_VERSION = `${RBAC}/v1`

export function rights(plan: Plan): object[] {
  const { name, namespace, labels } = plan
  const clusterWide = { name, labels }
  const inNamespace = { name, namespace, labels }
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: inNamespace, automountServiceAccountToken: false },
    { apiVersion: RBAC_VERSION, kind: 'ClusterRole', metadata: clusterWide, rules: clusterRules(plan) },
    { apiVersion: RBAC_VERSION, kind: 'ClusterRoleBinding', metadata: clusterWide, ...binding('ClusterRole', plan) },
    { apiVersion: RBAC_VERSION, kind: 'Role', metadata: inNamespace, rules: ownRules(plan) },
    { apiVersion: RBAC_VERSION, kind: 'RoleBinding', metadata: inNamespace, ...binding('Role', plan) },
  ]
}

/**
 * Webhook configurations by name only: who may patch all of them has the whole cluster. The ConfigMaps by name, but not by
 * namespace: a Role could not be applied before istiod's namespace exists.
 */
function clusterRules({ configurations, validators, configMaps }: Plan): Rule[] {
  return [
    bundleRule('mutatingwebhookconfigurations', configurations),
    bundleRule('validatingwebhookconfigurations', validators),
    { apiGroups: [''], resources: ['configmaps'], resourceNames: configMaps, verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['namespaces', 'nodes'], verbs: ['list', 'watch'] },
    { apiGroups: ['networking.istio.io'], resources: ['proxyconfigs'], verbs: ['list', 'watch'] },
    // Those about webhook configurations belong to the namespace `default`.
    { apiGroups: [''], resources: ['events'], verbs: ['create'] },
  ]
}

function bundleRule(resource: string, configurations: readonly { readonly name: string }[]): Rule {
  return {
    apiGroups: ['admissionregistration.k8s.io'],
    resources: [resource],
    resourceNames: configurations.map(({ name }) => name),
    verbs: ['get', 'list', 'watch', 'patch'],
  }
}

/** The authority's Secret, and the Lease of the same name. `create` knows no names. */
function ownRules({ secret }: Plan): Rule[] {
  const [secrets, leases] = [
    { apiGroups: [''], resources: ['secrets'] },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'] },
  ]
  return [
    { ...secrets, resourceNames: [secret], verbs: ['get', 'list', 'watch', 'update'] },
    { ...secrets, verbs: ['create'] },
    { ...leases, resourceNames: [secret], verbs: ['get', 'update'] },
    { ...leases, verbs: ['create'] },
  ]
}

function binding(kind: 'Role' | 'ClusterRole', { name, namespace }: Plan): object {
  return {
    roleRef: { apiGroup: RBAC, kind, name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  }
}
