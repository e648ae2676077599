/** ProxyConfig resources: which of them reach a pod, and what they contribute. */
import { messageOf } from '../../base/errors.ts'
import type { Message } from './message-type.ts'
import { PROXY_CONFIG_RESOURCE } from './messages.ts'
import { compareBytes } from './proto-json-write.ts'
import { readMessage } from './proto-json.ts'

/** A resource networking.istio.io/v1beta1 ProxyConfig as the API server gives it. */
export interface ProxyConfigResource {
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    /** RFC 3339. */
    readonly creationTimestamp?: string | null
  }
  readonly spec?: unknown
}

/** The resources of one namespace, ready to be asked. */
export interface NamespaceProxyConfigs {
  /** Contribution of the first resource without selector. */
  readonly general: Message | undefined
  /** Resources with labels to match, in order; the first that matches counts. */
  readonly selecting: readonly { readonly labels: readonly (readonly [string, string])[]; readonly layer: Message }[]
}

/**
 * Resources by namespace, oldest first, then by name. Resources that do not fit their type are left out and named in
 * `warnings`.
 * istiod: a selector that is present but names no labels makes the resource reach nobody.
 */
export function indexProxyConfigs(resources: readonly ProxyConfigResource[]): {
  byNamespace: ReadonlyMap<string, NamespaceProxyConfigs>
  warnings: string[]
} {
  const byNamespace = new Map<string, Collected>()
  const warnings: string[] = []
  for (const resource of [...resources].sort(byAge)) {
    const namespace = resource.metadata?.namespace ?? ''
    const known = byNamespace.get(namespace) ?? { general: undefined, selecting: [] }
    byNamespace.set(namespace, known)
    try {
      addResource(known, readMessage(PROXY_CONFIG_RESOURCE, resource.spec))
    } catch (err) {
      warnings.push(`ProxyConfig ${namespace}/${resource.metadata?.name ?? ''}: ignored: ${messageOf(err)}`)
    }
  }
  return { byNamespace, warnings }
}

interface Collected extends NamespaceProxyConfigs {
  general: Message | undefined
  readonly selecting: NamespaceProxyConfigs['selecting'][number][]
}

function addResource(known: Collected, spec: Message): void {
  const layer = layerOf(spec)
  if (spec['selector'] === undefined) {
    known.general ??= layer
    return
  }
  const labels = Object.entries((spec['selector'] as Message)['matchLabels'] ?? {}) as [string, string][]
  if (labels.length > 0) known.selecting.push({ labels, layer })
}

/** The contribution of the first resource whose labels the pod has. */
export function matchingLayer(
  configs: NamespaceProxyConfigs | undefined,
  podLabels: Readonly<Record<string, string>>,
): Message | undefined {
  return configs?.selecting.find(({ labels }) =>
    labels.every(([key, value]) => Object.hasOwn(podLabels, key) && podLabels[key] === value),
  )?.layer
}

/** istiod: a resource contributes only concurrency, environmentVariables and image. */
function layerOf(spec: Message): Message {
  const layer: Record<string, unknown> = {}
  if (spec['concurrency'] !== undefined) layer['concurrency'] = spec['concurrency']
  if (spec['environmentVariables'] !== undefined) layer['proxyMetadata'] = spec['environmentVariables']
  if (spec['image'] !== undefined) layer['image'] = spec['image']
  return layer
}

function byAge(a: ProxyConfigResource, b: ProxyConfigResource): number {
  const age = createdAt(a) - createdAt(b)
  if (age !== 0) return age
  return (
    compareBytes(a.metadata?.name ?? '', b.metadata?.name ?? '') ||
    compareBytes(a.metadata?.namespace ?? '', b.metadata?.namespace ?? '')
  )
}

/** Unix milliseconds; a resource without a readable time counts as the oldest. */
function createdAt(resource: ProxyConfigResource): number {
  const time = Date.parse(resource.metadata?.creationTimestamp ?? '')
  return Number.isNaN(time) ? 0 : time
}
