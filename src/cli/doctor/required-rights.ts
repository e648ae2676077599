/** The rights of the manifests as single questions to the API server. */
import type { Configuration } from '../installed/configurations.ts'
import { isOurs } from '../installed/configurations.ts'
import type { Plan } from '../manifests/plan.ts'
import { rights } from '../manifests/rights.ts'
import type { Right } from './world.ts'

type RequiredRight = Omit<Right, 'isAllowed'>

interface Role {
  readonly kind: string
  readonly metadata: { readonly namespace?: string }
  readonly rules?: readonly {
    readonly apiGroups: readonly string[]
    readonly resources: readonly string[]
    readonly resourceNames?: readonly string[]
    readonly verbs: readonly string[]
  }[]
}

/** What the server's account needs for the configurations that are there. */
export function requiredRights(plan: Plan, configurations: readonly Configuration[]): RequiredRight[] {
  return (rights(withLiveNames(plan, configurations)) as Role[]).flatMap(rightsOf)
}

function rightsOf({ metadata: { namespace }, rules = [] }: Role): RequiredRight[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames = [undefined], verbs }) =>
    product(apiGroups, resources, resourceNames, verbs).map(([group, resource, name, verb]) => ({
      verb,
      group,
      resource,
      name,
      namespace,
    })),
  )
}

function product(
  groups: readonly string[],
  resources: readonly string[],
  names: readonly (string | undefined)[],
  verbs: readonly string[],
): [string, string, string | undefined, string][] {
  return groups.flatMap((group) =>
    resources.flatMap((resource) =>
      names.flatMap((name) =>
        verbs.map((verb): [string, string, string | undefined, string] => [group, resource, name, verb]),
      ),
    ),
  )
}

/** Tags are not told by flags here; the cluster knows them. */
function withLiveNames(plan: Plan, configurations: readonly Configuration[]): Plan {
  const ours = configurations.filter((one) => isOurs(one, plan))
  const named = <T extends { readonly name: string }>(kind: Configuration['kind'], [model]: readonly T[]): T[] =>
    model === undefined
      ? []
      : ours.filter((one) => one.kind === kind).map(({ metadata: { name } }) => ({ ...model, name }))
  const mutating = named('MutatingWebhookConfiguration', plan.configurations)
  const validating = named('ValidatingWebhookConfiguration', plan.validators)
  return {
    ...plan,
    configurations: mutating.length > 0 ? mutating : plan.configurations,
    validators: validating.length > 0 ? validating : plan.validators,
  }
}
