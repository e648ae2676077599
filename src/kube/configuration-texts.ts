/** The texts of the mesh's configuration, from the ConfigMaps that istiod reads too. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { KubeClient } from './client.ts'
import { runInformer } from './informer.ts'
import type { KubeObject } from './resource.ts'
import { CONFIG_MAPS } from './resource.ts'
import { Store } from './store.ts'

/** What the ConfigMaps hold; undefined where there is no such ConfigMap or key. */
export interface ConfigurationTexts {
  /** Key `config` of `istio-sidecar-injector[-rev]`. */
  readonly config: string | undefined
  /** Key `values` of the same. */
  readonly values: string | undefined
  /** Key `mesh` of the shared user ConfigMap, then of `istio[-rev]`: later ones win. */
  readonly meshes: readonly string[]
}

export interface ConfigurationTextsOptions {
  readonly client: KubeClient
  /** istiod's namespace. */
  readonly namespace: string
  /** Empty or `default`: the ConfigMaps without a suffix. */
  readonly revision: string
  /** Replaces the name that the revision gives. istiod: SHARED_MESH_CONFIG names a second one, for the user. */
  readonly names?: { readonly injector?: string; readonly mesh?: string; readonly sharedMesh?: string }
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

export interface WatchedTexts {
  current(): ConfigurationTexts
  /** Hears of every later change, until the returned function is called. */
  onChange(listener: (texts: ConfigurationTexts) => void): () => void
  /** Resolves once all ConfigMaps were read, found or not, or `signal` aborted. */
  untilSynced(): Promise<void>
}

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

type Texts = Readonly<Record<string, string>>

/**
 * Watches the ConfigMaps, each by its name, until `signal` aborts.
 * istiod: an injector ConfigMap that disappears leaves its last content in force; a missing mesh ConfigMap means defaults.
 */
export function watchConfigurationTexts(options: ConfigurationTextsOptions): WatchedTexts {
  const { revision, names = {}, signal } = options
  const suffix = revision === '' || revision === 'default' ? '' : `-${revision}`
  const injector = watchConfigMap(names.injector ?? `istio-sidecar-injector${suffix}`, options)
  const meshes = [names.sharedMesh, names.mesh ?? `istio${suffix}`]
    .filter((name): name is string => name !== undefined && name !== '')
    .map((name) => watchConfigMap(name, options))
  const listeners = new Set<(texts: ConfigurationTexts) => void>()
  let lastInjector: Texts = {}
  const current = (): ConfigurationTexts => {
    lastInjector = onlyOf(injector) ?? lastInjector
    const meshTexts = meshes.map((store) => onlyOf(store)?.mesh).filter((text): text is string => text !== undefined)
    return { config: lastInjector.config, values: lastInjector.values, meshes: meshTexts }
  }
  for (const store of [injector, ...meshes]) {
    store.onChange(() => {
      for (const listener of [...listeners]) listener(current())
    })
  }
  return {
    current,
    onChange: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    untilSynced: async () => {
      await Promise.all([injector, ...meshes].map((store) => store.untilSynced(signal)))
    },
  }
}

function watchConfigMap(name: string, options: ConfigurationTextsOptions): Store<Texts> {
  const { client, namespace, clock, log, signal } = options
  const store = new Store<Texts>()
  void runInformer<ConfigMap, Texts>({
    client,
    place: { resource: CONFIG_MAPS, namespace },
    fieldSelector: `metadata.name=${name}`,
    keep: ({ data = {} }) => data,
    store,
    clock,
    log,
    signal,
  })
  return store
}

function onlyOf(store: Store<Texts>): Texts | undefined {
  const [texts] = store.values()
  return texts
}
