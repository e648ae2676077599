/** Injection as the offline command does it: one pod template at a time, without a cluster behind it. */
import { ANNOTATION } from '../api/names.ts'
import type { Pod } from '../api/pod.ts'
import { readInjectorConfig } from './config.ts'
import { decide } from './decision.ts'
import type { SkipReason } from './decision.ts'
import { compileSettings, statusPortOf } from './index.ts'
import type { InjectorInputs } from './index.ts'
import { injectPod } from './inject.ts'
import type { PodSettings } from './inject.ts'
import { holdsApplication, offlineProxyConfig } from './mesh/proxy-config.ts'
import { DEFAULT_PROXY_IDS } from './proxy-ids.ts'
import type { Workload } from './workload.ts'

/** Inputs of the command. `configText` may be a configuration document or the bare text of the template `sidecar`. */
export type OfflineInputs = Omit<InjectorInputs, 'platform'>

export type OfflineResult =
  { readonly injected: true; readonly pod: Pod } | { readonly injected: false; readonly reason: SkipReason }

/** Injects a typed pod. @throws ProjectError with istiod's text */
export type OfflineInjector = (pod: Pod, workload: Workload) => OfflineResult

/** istiod: policy, selectors, default templates, aliases and annotations of the configuration do not count here. */
const POLICY = { policy: 'enabled', never: [], always: [] }
const CHOICE = { aliases: new Map<string, readonly string[]>(), defaultTemplates: ['sidecar'] }

/**
 * Compiles the inputs once for any number of pods.
 * @throws ProjectError INJECTION_CONFIG_INVALID
 */
export function createOfflineInjector(inputs: OfflineInputs): OfflineInjector {
  const { settings: shared } = compileSettings({
    ...inputs,
    configText: asDocument(inputs.configText),
    revision: inputs.revision === 'default' ? '' : inputs.revision,
  })
  const settings: PodSettings = { ...shared, choice: { ...shared.choice, ...CHOICE }, injectedAnnotations: {} }
  return (pod, workload) => {
    const decision = decide(pod, POLICY)
    if (!decision.inject && decision.reason === 'host_network') return { injected: false, reason: decision.reason }
    // istiod: an annotation that cannot be read is an error even where injection is switched off
    const own = withOwnConfig(settings, pod.metadata?.annotations?.[ANNOTATION.proxyConfig])
    if (!decision.inject) return { injected: false, reason: decision.reason }
    const { mesh, values } = own
    const injected = injectPod(
      {
        pod,
        workload,
        proxyConfig: offlineProxyConfig({ mesh }),
        holdsApplication: () => holdsApplication({ mesh, values: values.typed }),
        pathVariables: new Map(),
        nativeSidecars: inputs.nativeSidecars === 'true', // istiod: "auto" means no here
        proxyIds: DEFAULT_PROXY_IDS,
      },
      own,
    )
    return { injected: true, pod: injected }
  }
}

/**
 * Settings with the pod's ProxyConfig as the mesh's default.
 * istiod: so, unlike in the webhook, an annotated status port is also that of scraping and of rewritten probes.
 */
function withOwnConfig(settings: PodSettings, annotation: string | undefined): PodSettings {
  if (annotation === undefined) return settings
  const { mesh } = settings
  const defaultConfig = offlineProxyConfig({ mesh, annotation })
  return { ...settings, mesh: { ...mesh, defaultConfig }, statusPort: statusPortOf(defaultConfig) }
}

/** istiod: what is no configuration document, or one without templates, is a template. */
function asDocument(text: string): string {
  try {
    if (readInjectorConfig(text).templates.size > 0) return text
  } catch {
    // no configuration document
  }
  return JSON.stringify({ templates: { sidecar: text } })
}
