/** A few ConfigMaps of one namespace, each followed by its name. */
import type { WatchDeps } from './cluster-objects.ts'
import { runInformer } from './informer.ts'
import type { KubeObject } from './resource.ts'
import { CONFIG_MAPS } from './resource.ts'
import { Store } from './store.ts'

export type ConfigMapData = Readonly<Record<string, string>>

export interface ConfigMapsOptions extends WatchDeps {
  readonly namespace: string
  readonly names: readonly string[]
  /** Of these the last content stays in force when they are deleted. */
  readonly keepDeleted: readonly string[]
}

export interface WatchedConfigMaps {
  /** Undefined: there is no such ConfigMap. */
  get(name: string): ConfigMapData | undefined
  /** Hears of every later change, until the returned function is called. */
  onChange(listener: () => void): () => void
  /** Resolves once all were read, found or not, or `signal` aborted. */
  untilSynced(signal: AbortSignal): Promise<void>
}

interface ConfigMap extends KubeObject {
  readonly data?: ConfigMapData
}

/** Watches until `signal` aborts. By name, because rights on all ConfigMaps of a namespace are more than it takes. */
export function watchConfigMaps(options: ConfigMapsOptions): WatchedConfigMaps {
  const stores = new Map(options.names.map((name) => [name, watchOne(name, options)]))
  const kept = new Map<string, ConfigMapData>()
  for (const name of options.keepDeleted) {
    stores.get(name)?.onChange(({ after }) => {
      if (after !== undefined) kept.set(name, after)
    })
  }
  return {
    get: (name) => onlyOf(stores.get(name)) ?? kept.get(name),
    onChange: (listener) => {
      const ends = [...stores.values()].map((store) => store.onChange(listener))
      return () => {
        for (const end of ends) end()
      }
    },
    untilSynced: async (signal) => {
      await Promise.all([...stores.values()].map((store) => store.untilSynced(signal)))
    },
  }
}

function watchOne(name: string, { namespace, client, clock, log, signal }: ConfigMapsOptions): Store<ConfigMapData> {
  const store = new Store<ConfigMapData>()
  void runInformer<ConfigMap, ConfigMapData>({
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

function onlyOf(store: Store<ConfigMapData> | undefined): ConfigMapData | undefined {
  const [data] = store?.values() ?? []
  return data
}
