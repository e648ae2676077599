/** Whether an agent that ends shall take the plugin off its node. */
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { hasStatus, type KubeClient } from '../../kube/client.ts'
import { runInformer } from '../../kube/informer.ts'
import { DAEMON_SETS, NAMESPACES, type ObjectPlace } from '../../kube/resource.ts'
import { Store } from '../../kube/store.ts'
import type { CniAgentOptions } from './options.ts'

const DAEMON_SET = 'istio-cni-node'
const ANSWER_LIMIT_MS = 5000

export interface RemovalWatch {
  /**
   * True when the DaemonSet is gone or going: nobody will come after us. While it stays, so does the plugin: pods that
   * start before the next agent is there wait, instead of starting without redirection. In doubt it stays. Ends the watch.
   */
  readonly mustRemove: () => Promise<boolean>
}

export interface RemovalOptions {
  readonly client: KubeClient
  readonly options: Pick<CniAgentOptions, 'compat' | 'podNamespace'>
  readonly clock: Clock
  readonly log: Log
}

/**
 * Watches the DaemonSet from the start: who uninstalls takes the agent's account and rights away with it, so that it
 * could not ask any more when it ends.
 * istiod: without ambient the plugin is always removed.
 */
export function watchRemoval({ client, options, clock, log }: RemovalOptions): RemovalWatch {
  const { compat, podNamespace: namespace } = options
  if (compat === 'istiod' || namespace === '') return { mustRemove: () => Promise.resolve(true) }
  const ended = new AbortController()
  const isGoing = new Store<boolean>()
  void runInformer<{ metadata: { name: string; deletionTimestamp?: string } }, boolean>({
    client,
    place: { resource: DAEMON_SETS, namespace },
    fieldSelector: `metadata.name=${DAEMON_SET}`,
    keep: ({ metadata }) => metadata.deletionTimestamp !== undefined,
    store: isGoing,
    clock,
    log,
    signal: ended.signal,
  })
  const hasGone = (): boolean => isGoing.synced && isGoing.get(`${namespace}/${DAEMON_SET}`) !== false
  return {
    mustRemove: async () => {
      try {
        return hasGone() || (await isGone(client, namespace))
      } catch (err) {
        await Promise.race([untilChanged(isGoing), clock.wait(ANSWER_LIMIT_MS, ended.signal)])
        if (hasGone()) return true
        log.error({ err }, 'cannot tell whether the agent is uninstalled; the plugin stays on the node')
        return false
      } finally {
        ended.abort()
      }
    },
  }
}

/** The DaemonSet, or the namespace with all that is in it. */
async function isGone(client: KubeClient, namespace: string): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS)
  const isGoing = async (place: ObjectPlace): Promise<boolean> => {
    try {
      return (await client.get(place, signal)).metadata.deletionTimestamp !== undefined
    } catch (err) {
      if (hasStatus(err, 404)) return true
      throw err
    }
  }
  return (
    (await isGoing({ resource: DAEMON_SETS, namespace, name: DAEMON_SET })) ||
    (await isGoing({ resource: NAMESPACES, name: namespace }))
  )
}

function untilChanged(store: Store<boolean>): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.onChange(() => {
      stop()
      resolve()
    })
  })
}
