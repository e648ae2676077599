/** MutatingWebhookConfigurations: which pods of which namespaces come to us. */
import type { ConfigurationPlan, Plan } from './plan.ts'

interface Expression {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values?: readonly string[]
}

interface Entry {
  readonly prefix: string
  readonly namespaces: readonly Expression[]
  readonly pods: readonly Expression[]
}

const REVISION = 'istio.io/rev'
const INJECTION = 'istio-injection'
const INJECT = 'sidecar.istio.io/inject'
const NAMESPACE_NAME = 'kubernetes.io/metadata.name'
/** A cluster that is coming up again must not wait for us there. istiod: these, in this order. */
export const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']

const absent = (key: string): Expression => ({ key, operator: 'DoesNotExist' })
const one = (key: string, value: string): Expression => ({ key, operator: 'In', values: [value] })
const not = (key: string, ...values: readonly string[]): Expression => ({ key, operator: 'NotIn', values })

/** All configurations of the plan. `caBundle` is left out: the running server fills it, and a re-apply leaves it alone. */
export function webhookConfigurations(plan: Plan): object[] {
  return plan.configurations.map((configuration) => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: configuration.name, labels: configuration.labels },
    webhooks: entriesOf(configuration, plan).map((entry) => webhook(entry, plan)),
  }))
}

/** istiod: the same entries, selectors and order of expressions; `auto.` leaves our own namespace out besides. */
function entriesOf({ selects, isDefault }: ConfigurationPlan, plan: Plan): Entry[] {
  const notOptedOut = not(INJECT, 'false')
  const entries: Entry[] = [
    { prefix: 'rev.namespace.', namespaces: [one(REVISION, selects), absent(INJECTION)], pods: [notOptedOut] },
    {
      prefix: 'rev.object.',
      namespaces: [absent(REVISION), absent(INJECTION)],
      pods: [notOptedOut, one(REVISION, selects)],
    },
  ]
  if (!isDefault) return entries
  entries.push(
    { prefix: 'namespace.', namespaces: [one(INJECTION, 'enabled')], pods: [notOptedOut] },
    {
      prefix: 'object.',
      namespaces: [absent(INJECTION), absent(REVISION)],
      pods: [one(INJECT, 'true'), absent(REVISION)],
    },
  )
  if (plan.enableNamespacesByDefault) {
    entries.push({
      prefix: 'auto.',
      namespaces: [absent(INJECTION), absent(REVISION), not(NAMESPACE_NAME, ...neverWaiting(plan))],
      pods: [absent(INJECT), absent(REVISION)],
    })
  }
  return entries
}

/** Ours too, which istiod's chart does not leave out: whatever the server starts with must not wait for the server. */
const neverWaiting = ({ namespace, url }: Plan): readonly string[] =>
  url === undefined ? [...new Set([...SYSTEM_NAMESPACES, namespace])] : SYSTEM_NAMESPACES

/** Every field that the API server would fill in is spelt out, so that applying again changes nothing. */
function webhook({ prefix, namespaces, pods }: Entry, plan: Plan): object {
  return {
    name: `${prefix}${plan.entrySuffix}`,
    admissionReviewVersions: ['v1'],
    clientConfig: clientConfig(plan),
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: { matchExpressions: namespaces },
    objectSelector: { matchExpressions: pods },
    reinvocationPolicy: 'Never',
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: '*' }],
    sideEffects: 'None',
    timeoutSeconds: 10,
  }
}

function clientConfig({ url, name, namespace }: Plan): object {
  return url === undefined ? { service: { name, namespace, path: '/inject', port: 443 } } : { url }
}
