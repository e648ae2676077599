/** What a server takes from its cluster: configuration, the world of a pod, the authority; and what it gives: caBundle. */
import { setMaxListeners } from 'node:events'
import { hostname } from 'node:os'

import type { Clock } from '../../base/clock.ts'
import { ProjectError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { CaBundleOptions, ConfigurationPlace } from '../../certificates/ca-bundle.ts'
import { lookAtBundles } from '../../certificates/ca-bundle.ts'
import type { KeeperOptions } from '../../certificates/keeper.ts'
import { createSecretStore } from '../../certificates/secret-store.ts'
import { supportsNativeSidecars } from '../../injection/native-sidecars.ts'
import { createKubeClient } from '../../kube/client.ts'
import { watchNamespaces, watchNodes, watchProxyConfigs } from '../../kube/cluster-objects.ts'
import type { WatchDeps } from '../../kube/cluster-objects.ts'
import { connectCluster } from '../../kube/config.ts'
import type { WatchedConfigMaps } from '../../kube/config-maps.ts'
import { watchConfigMaps } from '../../kube/config-maps.ts'
import type { RecordEvent } from '../../kube/event-recorder.ts'
import { createEventRecorder } from '../../kube/event-recorder.ts'
import type { Leader } from '../../kube/leader.ts'
import { runLeader } from '../../kube/leader.ts'
import type { ObjectPlace } from '../../kube/resource.ts'
import { MUTATING_WEBHOOKS, SECRETS, VALIDATING_WEBHOOKS } from '../../kube/resource.ts'
import type { ServerClock } from '../../kube/server-clock.ts'
import { createServerClock } from '../../kube/server-clock.ts'
import { packageVersion } from '../package.ts'
import type { Configuration, ConfigurationSource, KubeObject, World } from './configuration.ts'
import { configMapNames, configuredFiles, readTexts } from './file-source.ts'
import type { Env, ServeOptions } from './options.ts'
import { watchFiles } from './watch-files.ts'

export interface Cluster {
  readonly source: ConfigurationSource
  /** Our Services, whose names the serving certificate must carry. */
  readonly services: CaBundleOptions['own']['services']
  /** Where the authority is kept, and what callers trust. */
  authority(own: CaBundleOptions['own']): Pick<KeeperOptions, 'store' | 'look'>
  /** Everything about caBundle but what it should be, and who writes it. */
  bundles(own: CaBundleOptions['own']): Omit<CaBundleOptions, 'wanted' | 'onWantedChange' | 'tell' | 'writer'>
  /** Which replica writes; asked for from the first call on. */
  leader(): Leader
  readonly record: RecordEvent
  /** The API server's time. */
  readonly clock: ServerClock
  /** Secret of the authority. */
  readonly secret: ObjectPlace
}

export interface ClusterDeps {
  readonly env: Env
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

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
  const serverClock = createServerClock(clock)
  const client = createKubeClient({
    connection,
    userAgent: `mesh-admission/${packageVersion()}`,
    onServerTime: (serverMs) => serverClock.note(serverMs),
  })
  // One listener a watch in progress, and they are many: Node takes more than ten for a leak.
  setMaxListeners(0, signal)
  const { namespace } = connection
  const services = options.services.map((name) => ({ name, namespace }))
  const secret = { resource: SECRETS, namespace, name: options.caSecret }
  const reporting = { client, clock: serverClock, log, signal }
  let leader: Leader | undefined
  const shared = { client, configurations: configurationsOf(options), installation: options.installation }
  return {
    source: createClusterSource(options, { client, clock, log, signal }),
    services,
    authority: (own) => ({
      store: createSecretStore({ client, namespace, name: options.caSecret, clock, log }),
      look: (bundlePem, asked) => lookAtBundles({ ...shared, own }, bundlePem, asked),
    }),
    bundles: (own) => ({ ...shared, own, clock: serverClock, log, signal }),
    // Named as what it is for.
    leader: () => (leader ??= runLeader({ ...reporting, namespace, name: options.caSecret, identity: identity() })),
    record: createEventRecorder({ ...reporting, component: options.installation }),
    clock: serverClock,
    secret,
  }
}

/** Of a pod its name, so that a container that is started again need not wait for its own Lease to end. */
const identity = (): string => `${hostname()}_${process.pid}`

function configurationsOf({ webhookConfigurations, validationConfigurations }: ServeOptions): ConfigurationPlace[] {
  return [
    ...webhookConfigurations.map((name) => ({ resource: MUTATING_WEBHOOKS, name })),
    ...validationConfigurations.map((name) => ({ resource: VALIDATING_WEBHOOKS, name })),
  ]
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
