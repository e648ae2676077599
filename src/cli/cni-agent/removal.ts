/** Whether an agent that ends shall take the plugin off its node. */
import type { Log } from '../../base/log.ts'
import { hasStatus, type KubeClient } from '../../kube/client.ts'
import { DAEMON_SETS } from '../../kube/resource.ts'
import type { CniAgentOptions } from './options.ts'

const DAEMON_SET = 'istio-cni-node'
const ANSWER_LIMIT_MS = 5000

/**
 * True when the DaemonSet is gone or going: nobody will come after us. While it stays, so does the plugin: pods that
 * start before the next agent is there wait, instead of starting without redirection. In doubt it stays.
 * istiod: without ambient the plugin is always removed.
 */
export async function mustRemovePlugin(client: KubeClient, options: CniAgentOptions, log: Log): Promise<boolean> {
  const { compat, podNamespace: namespace } = options
  if (compat === 'istiod' || namespace === '') return true
  try {
    const place = { resource: DAEMON_SETS, namespace, name: DAEMON_SET }
    const { metadata } = await client.get(place, AbortSignal.timeout(ANSWER_LIMIT_MS))
    return metadata.deletionTimestamp !== undefined
  } catch (err) {
    if (hasStatus(err, 404)) return true
    log.error({ err }, 'cannot tell whether the agent is uninstalled; the plugin stays on the node')
    return false
  }
}
