/** The effective ProxyConfig of a pod, laid together from up to six layers. */
import { ProjectError, messageOf } from '../../base/errors.ts'
import { readYaml } from '../yaml/read.ts'
import { DEFAULT_PROXY_CONFIG } from './defaults.ts'
import type { Message } from './message-type.ts'
import { PROXY_CONFIG } from './messages.ts'
import { readMessage } from './proto-json.ts'
import { applyProxyConfigText, mergeProxyConfig } from './proxy-config-merge.ts'
import type { ProxyConfigResource } from './proxy-config-resources.ts'
import { indexProxyConfigs, matchingLayer } from './proxy-config-resources.ts'

/** What of a pod its ProxyConfig depends on. */
export interface ProxyConfigPod {
  readonly podNamespace: string
  readonly podLabels: Readonly<Record<string, string>>
  /** Text of the annotation `proxy.istio.io/config`. */
  readonly annotation?: string | undefined
}

export type ProxyConfigResolver = (pod: ProxyConfigPod) => Message

/**
 * Prepares the layers that do not depend on a pod. The function it returns gives pods without annotation and without
 * a matching resource the same object each time.
 */
export function compileProxyConfigs(options: {
  mesh: Message
  resources: readonly ProxyConfigResource[]
}): ProxyConfigResolver {
  const { mesh } = options
  const { byNamespace } = indexProxyConfigs(options.resources)
  const rootNamespace = (mesh['rootNamespace'] as string | undefined) ?? ''
  const meshWide = mergeProxyConfig(DEFAULT_PROXY_CONFIG, meshDefault(mesh))
  const root = layered(meshWide, rootNamespace === '' ? undefined : byNamespace.get(rootNamespace)?.general)
  const bases = new Map<string, Message>()
  for (const [namespace, { general }] of byNamespace) {
    bases.set(namespace, namespace === rootNamespace ? root : layered(root, general))
  }
  return ({ podNamespace, podLabels, annotation }) => {
    const base = bases.get(podNamespace) ?? root
    const matching = matchingLayer(byNamespace.get(podNamespace), podLabels)
    return layered(layered(base, annotation === undefined ? undefined : annotationLayer(annotation)), matching)
  }
}

const resolvers = new WeakMap<Message, WeakMap<readonly ProxyConfigResource[], ProxyConfigResolver>>()

/**
 * The effective ProxyConfig of a pod, weakest layer first: built-in defaults, mesh `defaultConfig`, resource without
 * selector of the root namespace, that of the pod's namespace, annotation, matching resource of the pod's namespace.
 * What does not depend on the pod is kept per `mesh` and `resources` object, so hand in the same ones until they change.
 * istiod: a broken annotation is ignored here; its validation refuses the pod.
 */
export function effectiveProxyConfig(
  options: ProxyConfigPod & { readonly mesh: Message; readonly resources: readonly ProxyConfigResource[] },
): Message {
  const { mesh, resources } = options
  const byResources = resolvers.get(mesh) ?? new WeakMap<readonly ProxyConfigResource[], ProxyConfigResolver>()
  resolvers.set(mesh, byResources)
  const resolver = byResources.get(resources) ?? compileProxyConfigs({ mesh, resources })
  byResources.set(resources, resolver)
  return resolver(options)
}

/**
 * The ProxyConfig of the offline command.
 * istiod: it knows no resources and applies the annotation directly, so plain fields can be set back to zero.
 * @throws ProjectError MESH_MESSAGE `could not parse proxy config: …`
 */
export function offlineProxyConfig({ mesh, annotation }: { mesh: Message; annotation?: string | undefined }): Message {
  const base = meshDefault(mesh)
  if (annotation === undefined) return base
  try {
    return applyProxyConfigText(base, annotation)
  } catch (err) {
    throw new ProjectError('MESH_MESSAGE', `could not parse proxy config: ${messageOf(err)}`, { cause: err })
  }
}

/**
 * Whether the application waits for the proxy, which decides the order of containers.
 * istiod: only mesh `defaultConfig` with the annotation on top, and Values; an annotation cannot undo a true in Values.
 * @throws ProjectError MESH_MESSAGE `could not parse proxy config: …`
 */
export function holdsApplication(options: {
  mesh: Message
  annotation?: string | undefined
  /** The typed view of the values. */
  values: Message
}): boolean {
  const config = offlineProxyConfig(options)
  const global = options.values['global'] as Message | undefined
  const proxy = global?.['proxy'] as Message | undefined
  return isTrue(config['holdApplicationUntilProxyStarts']) || isTrue(proxy?.['holdApplicationUntilProxyStarts'])
}

const isTrue = (wrapper: unknown): boolean => (wrapper as { value?: unknown } | undefined)?.value === true

const meshDefault = (mesh: Message): Message => (mesh['defaultConfig'] as Message | undefined) ?? {}

const layered = (base: Message, layer: Message | undefined): Message =>
  layer === undefined ? base : mergeProxyConfig(base, layer)

function annotationLayer(text: string): Message | undefined {
  try {
    return readMessage(PROXY_CONFIG, readYaml(text))
  } catch (err) {
    if (err instanceof ProjectError) return undefined
    throw err
  }
}
