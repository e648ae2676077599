/** The cluster's objects that an injection may depend on, each watched and cut down to what is needed. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { KubeClient } from './client.ts'
import { runInformer } from './informer.ts'
import type { KubeObject, ObjectMeta } from './resource.ts'
import { NAMESPACES, NODES, PROXY_CONFIGS } from './resource.ts'
import { Store } from './store.ts'

export interface WatchDeps {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** Kubelet versions of the cluster's nodes, with the one question about all of them answered without a scan. */
export interface WatchedNodes {
  readonly store: Store<string>
  readonly kubeletOf: (nodeName: string) => string | undefined
  /** Some node's version is not supported. */
  readonly anyUnsupported: boolean
  /** Hears when what a pod is told of nodes may be another than before: few nodes that come or go change that. */
  readonly onSupportChange: (listener: () => void) => void
}

/** A ProxyConfig resource, as far as injection reads it. */
export interface ProxyConfigObject extends KubeObject {
  readonly spec?: unknown
}

interface Node extends KubeObject {
  readonly status?: { readonly nodeInfo?: { readonly kubeletVersion?: string } }
}

/** Labels and annotations of all namespaces; nothing else of them is fetched. */
export function watchNamespaces(deps: WatchDeps): Store<Pick<ObjectMeta, 'labels' | 'annotations'>> {
  const store = new Store<Pick<ObjectMeta, 'labels' | 'annotations'>>()
  void runInformer({
    ...deps,
    place: { resource: NAMESPACES },
    metadataOnly: true,
    keep: ({ metadata: { labels = {}, annotations = {} } }) => ({ labels, annotations }),
    store,
  })
  return store
}

/** @param isSupported whether a kubelet version is new enough; unreadable versions arrive as they are, missing ones empty */
export function watchNodes(deps: WatchDeps, isSupported: (kubeletVersion: string) => boolean): WatchedNodes {
  const store = new Store<string>()
  const listeners: (() => void)[] = []
  let unsupported = 0
  // A pod that names a node nobody knows counts as one that names none.
  const supportOf = (kubelet: string | undefined): boolean =>
    kubelet === undefined ? unsupported === 0 : isSupported(kubelet)
  store.onChange(({ before, after }) => {
    const [former, formerOfAll] = [supportOf(before), unsupported === 0]
    if (before !== undefined && !isSupported(before)) unsupported--
    if (after !== undefined && !isSupported(after)) unsupported++
    if (supportOf(after) !== former || (unsupported === 0) !== formerOfAll) for (const listener of listeners) listener()
  })
  void runInformer<Node, string>({
    ...deps,
    place: { resource: NODES },
    keep: ({ status }) => status?.nodeInfo?.kubeletVersion ?? '',
    store,
  })
  return {
    store,
    kubeletOf: (name) => store.get(name),
    get anyUnsupported() {
      return unsupported > 0
    },
    onSupportChange: (listener) => void listeners.push(listener),
  }
}

/** All ProxyConfig resources; empty while the cluster does not know the kind. */
export function watchProxyConfigs(deps: WatchDeps): Store<ProxyConfigObject> {
  const store = new Store<ProxyConfigObject>()
  void runInformer<ProxyConfigObject, ProxyConfigObject>({
    ...deps,
    place: { resource: PROXY_CONFIGS },
    keep: ({ metadata, spec }) => ({ metadata: withoutHistory(metadata), spec }),
    store,
  })
  return store
}

/** Who wrote which field is most of an object's metadata, and of no use here. */
function withoutHistory(metadata: ObjectMeta): ObjectMeta {
  const { managedFields: _, ...rest } = metadata as ObjectMeta & { managedFields?: unknown }
  return rest
}
