/** The injection engine: compiled once per configuration, asked once per pod. */
import { ANNOTATION } from '../api/names.ts'
import type { Pod } from '../api/pod.ts'
import { ProjectError, messageOf } from '../base/errors.ts'
import { readInjectorConfig } from './config.ts'
import type { InjectorConfig } from './config.ts'
import { decide, wishOf } from './decision.ts'
import type { SkipReason } from './decision.ts'
import { injectorFunctions } from './functions/functions.ts'
import { injectPod } from './inject.ts'
import type { Compatibility, PodInput, PodSettings } from './inject.ts'
import { effectiveMeshConfig } from './mesh/mesh-config.ts'
import type { Message, MessageType } from './mesh/message-type.ts'
import { protoToJson } from './mesh/proto-to-json.ts'
import type { ProxyConfigResource } from './mesh/proxy-config-resources.ts'
import { effectiveProxyConfig, holdsApplication } from './mesh/proxy-config.ts'
import { decodeTyped } from './model/decode.ts'
import { isJsonObject, without } from './model/members.ts'
import { POD } from './model/pod.ts'
import { nativeSidecarsSetting, wantsNativeSidecars } from './native-sidecars.ts'
import type { NodeFacts } from './native-sidecars.ts'
import { createPatch } from './patch.ts'
import type { Operation } from './patch.ts'
import { RECURRING } from './parameters.ts'
import { parsePathParameters } from './path-parameters.ts'
import { DEFAULT_PROXY_IDS, proxyIdsOf, resetStampedIds } from './proxy-ids.ts'
import { readInjectionValues } from './settings.ts'
import { parseTemplate } from './template/template.ts'
import type { StructType } from './template/types.ts'
import { workloadOf } from './workload.ts'

export interface InjectorInputs {
  /** Key `config` of the injector's ConfigMap. */
  readonly configText: string
  /** Key `values` of the injector's ConfigMap. */
  readonly valuesText: string
  /** Mesh configurations, weakest first. */
  readonly meshTexts: readonly string[]
  readonly revision: string
  /** `auto`, `true` or `false`; any other text counts as `false`. */
  readonly nativeSidecars: string
  /** `openshift` takes the proxy's ids from the namespace. */
  readonly platform: string
  readonly compliancePolicy: string
  readonly compat: Compatibility
  /** What `compileConfig` made of `configText` before; without it the text is compiled. */
  readonly compiled?: CompiledConfig
  /** Variables of the process, as the template function `env` may read them. */
  readonly env: (name: string) => string | undefined
  /** Takes what an operator should know; one line each. */
  readonly warn: (text: string) => void
}

export interface InjectionRequest {
  /** `request.object` of the review, as it came. */
  readonly pod: unknown
  /** `request.namespace`; used where the pod names none. */
  readonly namespace: string
  /** Percent-decoded path of the request. */
  readonly path?: string
}

/** What injection reads from the cluster. */
export interface InjectionWorld {
  /** ProxyConfig resources of all namespaces. Hand in the same list until it changes: what depends on it alone is computed once. */
  readonly proxyConfigs: readonly ProxyConfigResource[]
  /** Absent: there is no client for the pod's cluster. */
  readonly nodes?: NodeFacts
  /** Annotations of the pod's namespace; asked for on OpenShift only. */
  readonly namespaceAnnotations?: Readonly<Record<string, string>>
}

export type InjectionResult =
  | { readonly injected: true; readonly patch: readonly Operation[] }
  | { readonly injected: false; readonly reason: SkipReason }
  | { readonly denied: string }

export interface Injector {
  readonly config: InjectorConfig
  /** Never throws for what a pod holds: what cannot be injected is denied. */
  readonly inject: (request: InjectionRequest, world: InjectionWorld) => InjectionResult
}

/**
 * Compiles templates, selectors, values and mesh configuration.
 * @throws ProjectError INJECTION_CONFIG_INVALID, TemplateError with istiod's text; `details.part` says which input is at fault
 */
export function createInjector(inputs: InjectorInputs): Injector {
  const compiled = compileSettings(inputs)
  return {
    config: compiled.config,
    inject: (request, world) => {
      try {
        return injectRequest(request, { world, inputs, compiled })
      } catch (thrown) {
        return { denied: messageOf(thrown) }
      }
    },
  }
}

/** Where the agent of a ProxyConfig serves health and metrics; 0 where it does not say. */
export const statusPortOf = (config: Message | undefined): number => (config?.['statusPort'] as number | undefined) ?? 0

export interface CompiledConfig {
  readonly config: InjectorConfig
  readonly templates: PodSettings['choice']['templates']
}

export interface CompiledSettings {
  readonly config: InjectorConfig
  readonly settings: PodSettings
}

/** All that is the same for every pod, also of the offline command. @throws as `createInjector` */
export function compileSettings(inputs: Omit<InjectorInputs, 'nativeSidecars' | 'platform'>): CompiledSettings {
  const { config, templates } = inputs.compiled ?? compileConfig(inputs)
  const values = blame('values', () => readInjectionValues(inputs.valuesText))
  const { mesh, warnings } = effectiveMeshConfig(inputs.meshTexts)
  for (const warning of [...config.warnings, ...warnings]) inputs.warn(warning)
  const { aliases, defaultTemplates, injectedAnnotations } = config
  return {
    config,
    settings: {
      choice: { templates, aliases, defaultTemplates },
      injectedAnnotations,
      values,
      mesh,
      statusPort: statusPortOf(mesh['defaultConfig'] as Message | undefined),
      revision: inputs.revision,
      compliancePolicy: inputs.compliancePolicy,
      compat: inputs.compat,
      warn: inputs.warn,
    },
  }
}

/**
 * Reads the configuration document and compiles its templates, the most costly part of an injector.
 * @throws ProjectError INJECTION_CONFIG_INVALID with `details.part` `config`
 */
export function compileConfig(inputs: Pick<InjectorInputs, 'configText' | 'env' | 'warn'>): CompiledConfig {
  return blame('config', () => compileTemplates(inputs))
}

function compileTemplates({
  configText,
  env,
  warn,
}: Pick<InjectorInputs, 'configText' | 'env' | 'warn'>): CompiledConfig {
  const config = readInjectorConfig(configText)
  // only messages reach protoToJSON, and all of them are described in mesh/
  const messageJson = (type: StructType, value: unknown): string => protoToJson(type as MessageType, value as Message)
  const functions = injectorFunctions({ env, warn, messageJson })
  // istiod: every text is named "inject", so messages never say which one failed
  const templates = new Map(
    [...config.templates].map(([name, text]) => [
      name,
      parseTemplate('inject', text, { functions, recurring: RECURRING }),
    ]),
  )
  return { config, templates }
}

function blame<T>(part: 'config' | 'values', run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw new ProjectError('INJECTION_CONFIG_INVALID', messageOf(cause), { cause, details: { part } })
  }
}

interface RequestContext {
  readonly world: InjectionWorld
  readonly inputs: InjectorInputs
  readonly compiled: CompiledSettings
}

function injectRequest(request: InjectionRequest, { world, inputs, compiled }: RequestContext): InjectionResult {
  const decoded = decodeTyped(POD, request.pod, { unknownFields: 'keep' })
  const raw = withoutManagedFields(request.pod)
  const received = withNamespace(withoutManagedFields(decoded) as Pod, request.namespace)
  const { unreadable } = wishOf(received)
  if (unreadable !== undefined) inputs.warn(`cannot read ${ANNOTATION.inject} value ${JSON.stringify(unreadable)}`)
  const decision = decide(received, compiled.config)
  if (!decision.inject) return { injected: false, reason: decision.reason }
  const isOpenShift = inputs.platform === 'openshift'
  const pod = isOpenShift ? resetStampedIds(received) : received
  const { settings } = compiled
  const { variables, dangling } = parsePathParameters(request.path ?? '')
  if (dangling !== undefined) inputs.warn(`ignoring path parameter ${JSON.stringify(dangling)}: it has no value`)
  const annotation = pod.metadata?.annotations?.[ANNOTATION.proxyConfig]
  const input: PodInput = {
    pod,
    workload: workloadOf(pod),
    proxyConfig: effectiveProxyConfig({
      mesh: settings.mesh,
      resources: world.proxyConfigs,
      podLabels: pod.metadata?.labels ?? {},
      podNamespace: pod.metadata?.namespace ?? '',
      annotation,
    }),
    holdsApplication: () => holdsApplication({ mesh: settings.mesh, annotation, values: settings.values.typed }),
    pathVariables: variables,
    nativeSidecars: wantsNativeSidecars(nativeSidecarsSetting(inputs.nativeSidecars), world.nodes, pod.spec?.nodeName),
    proxyIds: isOpenShift && world.namespaceAnnotations ? proxyIdsOf(world.namespaceAnnotations) : DEFAULT_PROXY_IDS,
  }
  return { injected: true, patch: createPatch(raw, withNamespaceOf(injectPod(input, settings), raw)) }
}

/** They can be extremely large and mean nothing to injection; since the patch is made without them, they stay. */
function withoutManagedFields(pod: unknown): unknown {
  if (!isJsonObject(pod) || !isJsonObject(pod['metadata']) || !Object.hasOwn(pod['metadata'], 'managedFields'))
    return pod
  return { ...pod, metadata: without(pod['metadata'], 'managedFields') }
}

function withNamespace(pod: Pod, namespace: string): Pod {
  if ((pod.metadata?.namespace ?? '') !== '' || namespace === '') return pod
  return { ...pod, metadata: { ...pod.metadata, namespace } }
}

/** istiod: a namespace that came from the request is on both sides of the difference, so never in the patch. */
function withNamespaceOf(pod: Pod, raw: unknown): unknown {
  const given = isJsonObject(raw) && isJsonObject(raw['metadata']) ? raw['metadata']['namespace'] : undefined
  const metadata = pod.metadata ?? {}
  return { ...pod, metadata: given === undefined ? without(metadata, 'namespace') : { ...metadata, namespace: given } }
}
