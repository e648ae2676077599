/** What a server takes from its cluster: configuration, the world of a pod, the authority; and what it gives: caBundle. */
import { setMaxListeners } from 'node:events'

import type { Clock } from '../../base/clock.ts'
import { ProjectError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { CaBundleOptions, ConfigurationPlace } from '../../certificates/ca-bundle.ts'
import { trustedGeneration } from '../../certificates/ca-bundle.ts'
import type { KeeperOptions } from '../../certificates/keeper.ts'
import { createSecretStore } from '../../certificates/secret-store.ts'
import { supportsNativeSidecars } from '../../injection/native-sidecars.ts'
import { createKubeClient, hasStatus } from '../../kube/client.ts'
import { watchNamespaces, watchNodes, watchProxyConfigs } from '../../kube/cluster-objects.ts'
import type { WatchDeps } from '../../kube/cluster-objects.ts'
import { connectCluster } from '../../kube/config.ts'
import type { WatchedConfigMaps } from '../../kube/config-maps.ts'
import { watchConfigMaps } from '../../kube/config-maps.ts'
import { MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS } from '../../kube/resource.ts'
import { packageVersion } from '../package.ts'
import type { Configuration, ConfigurationSource, KubeObject, World } from './configuration.ts'
import { configMapNames, configuredFiles, readTexts } from './file-source.ts'
import type { Env, ServeOptions } from './options.ts'
import { watchFiles } from './watch-files.ts'

export interface Cluster {
  readonly source: ConfigurationSource
  /** Our Services, whose names the serving certificate must carry. */
  readonly services: CaBundleOptions['own']['services']
  /** Where the authority is kept, and how a new one is numbered. */
  authority(own: CaBundleOptions['own']): Pick<KeeperOptions, 'store' | 'trustedGeneration'>
  /** Everything about caBundle but what it should be. */
  bundles(own: CaBundleOptions['own']): Omit<CaBundleOptions, 'wanted' | 'onWantedChange' | 'onWrite'>
}

export interface ClusterDeps {
  readonly env: Env
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

const FORBIDDEN = 403

/**
 * The cluster of --kubeconfig, or the one this pod runs in; undefined without either, and where --objects stand for one.
 * Nothing is asked yet: an API server that is away is waited for by whoever needs an answer.
 * @throws ProjectError KUBE_CONFIG_INVALID
 */
export async function openCluster(options: ServeOptions, deps: ClusterDeps): Promise<Cluster | undefined> {
  if (options.objects !== undefined) return undefined
  const { env, clock, log, signal } = deps
  const connection = await connectCluster({ kubeconfig: options.kubeconfig, env, clock })
  if (connection === undefined) return undefined
  const client = createKubeClient({ connection, userAgent: `mesh-admission/${packageVersion()}` })
  // One listener a watch in progress, and they are many: Node takes more than ten for a leak.
  setMaxListeners(0, signal)
  const { namespace } = connection
  const services = options.services.map((name) => ({ name, namespace }))
  const shared = { client, configurations: configurationsOf(options), installation: options.installation }
  return {
    source: createClusterSource(options, { client, clock, log, signal }),
    services,
    authority: (own) => ({
      store: createSecretStore({ client, namespace, name: options.caSecret, clock, log }),
      trustedGeneration: (asked) => trustedOrNone({ ...shared, own }, asked),
    }),
    bundles: (own) => ({ ...shared, own, clock, log, signal }),
  }
}

function configurationsOf({ webhookConfigurations, validationConfigurations }: ServeOptions): ConfigurationPlace[] {
  return [
    ...webhookConfigurations.map((name) => ({ resource: MUTATING_WEBHOOKS, name })),
    ...validationConfigurations.map((name) => ({ resource: VALIDATING_WEBHOOKS, name })),
  ]
}

/** Where there is no right to look, nothing is known of former authorities, and the first generation is as good as any. */
async function trustedOrNone(options: Parameters<typeof trustedGeneration>[0], signal: AbortSignal): Promise<number> {
  let highest = 0
  for (const place of options.configurations) {
    try {
      highest = Math.max(highest, await trustedGeneration({ ...options, configurations: [place] }, signal))
    } catch (err) {
      if (!hasStatus(err, FORBIDDEN)) throw err
    }
  }
  return highest
}

/** Files that were named win over ConfigMaps; where there is neither, what is shipped is used. */
function createClusterSource(options: ServeOptions, deps: WatchDeps): ConfigurationSource {
  const { signal } = deps
  const names = configMapNames(options)
  const maps = watchConfigMaps({
    ...deps,
    namespace: options.istioNamespace,
    names: [names.injector, ...names.meshes],
    keepDeleted: [names.injector],
  })
  const surroundings = watchSurroundings(options, deps)
  return {
    isRequired: false,
    read: async (): Promise<Configuration> => {
      await Promise.all([maps.untilSynced(signal), surroundings.untilSynced()])
      if (signal.aborted) throw new ProjectError('CONFIG_UNREADABLE', 'cluster: ended before it was read')
      const objects = [names.injector, ...names.meshes].flatMap((name) => asObject(name, options.istioNamespace, maps))
      return { ...(await readTexts(options, objects)), ...surroundings.current() }
    },
    watch: (changed, end) => {
      const note = coalesce(changed)
      const ends = [maps.onChange(note), surroundings.onChange(note)]
      watchFiles({ paths: configuredFiles(options), signal: end, changed })
      end.addEventListener('abort', () => ends.forEach((stop) => stop()), { once: true })
    },
  }
}

function asObject(name: string, namespace: string, maps: WatchedConfigMaps): KubeObject[] {
  const data = maps.get(name)
  return data === undefined ? [] : [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }]
}

interface Surroundings {
  current(): { readonly world: World; readonly worldVersion: string }
  onChange(listener: () => void): () => void
  untilSynced(): Promise<void>
}

/** Only what these options can make use of. istiod: namespaces count on OpenShift, nodes unless the mode is fixed. */
function watchSurroundings({ platform, nativeSidecars }: ServeOptions, deps: WatchDeps): Surroundings {
  const proxyConfigs = watchProxyConfigs(deps)
  const nodes = nativeSidecars === 'auto' ? watchNodes(deps, supportsNativeSidecars) : undefined
  const namespaces = platform === 'openshift' ? watchNamespaces(deps) : undefined
  const stores = [proxyConfigs, nodes?.store, namespaces].filter((store) => store !== undefined)
  let version = 0
  let resources: World['proxyConfigs'] | undefined
  // A new version forgets all answers; nodes come and go all the time, and almost never matter.
  const renew = (): void => void version++
  nodes?.onSupportChange(renew)
  namespaces?.onChange(renew)
  proxyConfigs.onChange(() => {
    resources = undefined
    renew()
  })
  return {
    current: () => ({
      world: {
        proxyConfigs: (resources ??= [...proxyConfigs.values()]),
        nodes: nodes === undefined ? undefined : { kubeletOf: nodes.kubeletOf, anyUnsupported: nodes.anyUnsupported },
        namespaceAnnotations: (name) => namespaces?.get(name)?.annotations,
      },
      worldVersion: String(version),
    }),
    onChange: (listener) => {
      const ends = stores.map((store) => store.onChange(listener))
      return () => ends.forEach((end) => end())
    },
    untilSynced: async () => {
      await Promise.all(stores.map((store) => store.untilSynced(deps.signal)))
    },
  }
}

/** One call for all changes of one turn of the event loop: a list brings many. */
function coalesce(changed: () => void): () => void {
  let isPending = false
  return () => {
    if (isPending) return
    isPending = true
    setImmediate(() => {
      isPending = false
      changed()
    })
  }
}
