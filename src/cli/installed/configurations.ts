/** The webhook configurations of a cluster, and which entries are ours. */
import type { LabelSelector } from '../../base/selector.ts'
import type { WebhookConfiguration, WebhookEntry } from '../../certificates/ca-bundle.ts'
import { leadsToUs } from '../../certificates/ca-bundle.ts'
import type { KubeClient } from '../../kube/client.ts'
import { MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS } from '../../kube/resource.ts'
import type { Plan } from '../manifests/plan.ts'

export type ConfigurationKind = 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration'

/** An entry as far as operators' commands read it. */
export interface Entry extends WebhookEntry {
  readonly clientConfig: WebhookEntry['clientConfig'] & {
    readonly service?: {
      readonly name: string
      readonly namespace: string
      readonly port?: number
      readonly path?: string
    }
  }
  readonly namespaceSelector?: LabelSelector
  readonly objectSelector?: LabelSelector
  readonly rules?: readonly Rule[]
  readonly failurePolicy?: string
  readonly timeoutSeconds?: number
  readonly matchConditions?: readonly MatchCondition[]
}

/** A CEL expression that must be true for the entry to be called. */
interface MatchCondition {
  readonly name: string
  readonly expression: string
}

interface Rule {
  readonly apiGroups?: readonly string[]
  readonly apiVersions?: readonly string[]
  readonly operations?: readonly string[]
  readonly resources?: readonly string[]
}

export interface Configuration extends WebhookConfiguration {
  readonly kind: ConfigurationKind
  readonly webhooks: readonly Entry[]
}

export const RESOURCE_OF = {
  MutatingWebhookConfiguration: MUTATING_WEBHOOKS,
  ValidatingWebhookConfiguration: VALIDATING_WEBHOOKS,
} as const

const OWN_LABEL = 'mesh-admission.io/webhook'
const INSTANCE_LABEL = 'app.kubernetes.io/instance'

/** All of both kinds, ours or not, by name. @throws ProjectError KUBE_* */
export async function listConfigurations(client: KubeClient, signal: AbortSignal): Promise<Configuration[]> {
  const lists = await Promise.all(
    (Object.keys(RESOURCE_OF) as ConfigurationKind[]).map(async (kind) => {
      const { items } = await client.list<WebhookConfiguration>({ resource: RESOURCE_OF[kind] }, { signal })
      return items.map((item) => ({ ...item, kind, webhooks: item.webhooks ?? [] }))
    }),
  )
  return lists.flat().sort((a, b) => a.kind.localeCompare(b.kind) || a.metadata.name.localeCompare(b.metadata.name))
}

/** Whether our manifests wrote it, for this installation. */
export function isOurs({ metadata: { labels = {} } }: Configuration, { name }: Pick<Plan, 'name'>): boolean {
  return labels[OWN_LABEL] === 'true' && labels[INSTANCE_LABEL] === name
}

/** Whether the entry leads to our server: by its Service, or by URL in a configuration of ours. */
export function isOurEntry(
  entry: Entry,
  configuration: Configuration,
  plan: Pick<Plan, 'name' | 'namespace'>,
): boolean {
  const servesHost = (): boolean => isOurs(configuration, plan)
  return leadsToUs(entry, { services: [{ name: plan.name, namespace: plan.namespace }], servesHost })
}

/** Our entries, each with its configuration. */
export function ourEntries(
  configurations: readonly Configuration[],
  plan: Pick<Plan, 'name' | 'namespace'>,
): { readonly configuration: Configuration; readonly entry: Entry }[] {
  return configurations.flatMap((configuration) =>
    configuration.webhooks
      .filter((entry) => isOurEntry(entry, configuration, plan))
      .map((entry) => ({ configuration, entry })),
  )
}

/** `mutatingwebhookconfiguration/name`, as kubectl takes it. */
export const titleOf = ({ kind, metadata: { name } }: Configuration): string => `${kind.toLowerCase()}/${name}`

/** Where an entry leads, for people. */
export function addressOf({ clientConfig: { url, service } }: Entry): string {
  return url ?? `${service?.name}.${service?.namespace}.svc:${service?.port ?? 443}`
}
