/** ValidatingWebhookConfigurations: which mesh resources come to us. */
import type { Plan, ValidatorPlan } from './plan.ts'

/** istiod: these groups, in this order. */
const GROUPS = ['security.istio.io', 'networking.istio.io', 'telemetry.istio.io', 'extensions.istio.io']

/**
 * Validating webhooks are asked beside each other, after the mutating ones, and all of them share the 34 s of a write: half
 * the preset is more than any object needs.
 */
const TIMEOUT_SECONDS = 5

/** All validators of the plan. `caBundle` is left out: the running server fills it, and a re-apply leaves it alone. */
export function validatingConfigurations(plan: Plan): object[] {
  return plan.validators.map((validator) => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: validator.name, labels: validator.labels },
    webhooks: [webhook(validator, plan)],
  }))
}

/**
 * Every field that the API server would fill in is spelt out, so that applying again changes nothing. failurePolicy is
 * never written at run time either: what is under version control is what is in force.
 */
function webhook({ entryName, selects }: ValidatorPlan, plan: Plan): object {
  return {
    name: entryName,
    admissionReviewVersions: ['v1'],
    clientConfig: clientConfig(plan),
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector:
      selects === undefined ? {} : { matchExpressions: [{ key: 'istio.io/rev', operator: 'In', values: selects }] },
    rules: [
      { apiGroups: GROUPS, apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: ['*'], scope: '*' },
    ],
    sideEffects: 'None',
    timeoutSeconds: TIMEOUT_SECONDS,
  }
}

function clientConfig({ url, name, namespace }: Plan): object {
  return url === undefined ? { service: { name, namespace, path: '/validate', port: 443 } } : { url: besideInject(url) }
}

/** The address of the injector, with `/validate` in the place of `/inject` and what follows it. */
function besideInject(url: string): string {
  const { origin, pathname } = new URL(url)
  const prefix = /^(.*?)\/inject(?:\/|$)/.exec(pathname)?.[1] ?? pathname.replace(/\/$/, '')
  return `${origin}${prefix}/validate`
}
