/** How to reach the API server: from inside a pod, or by a kubeconfig. */
import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { Agent } from 'node:https'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'

import type { Clock } from '../base/clock.ts'
import { ProjectError, messageOf } from '../base/errors.ts'
import { AGENT_OPTIONS } from './agent.ts'

/** The API server and who we are to it. */
export interface ClusterConnection {
  /** Base address; a path is kept. */
  readonly server: string
  /** Namespace of the pod or of the kubeconfig's context. */
  readonly namespace: string
  /** Agent, credentials and trust for the next request; asked every time because tokens are renewed on disk. */
  requestOptions(): Promise<RequestOptions>
}

export interface ConnectOptions {
  /** File to use; a pod's own account when absent. */
  readonly kubeconfig?: string | undefined
  /** Context of the kubeconfig. @default its current one */
  readonly context?: string | undefined
  /** KUBERNETES_SERVICE_HOST and _PORT of the process. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Folder of the pod's account. @default where the kubelet mounts it */
  readonly accountFolder?: string
}

const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'
/** The kubelet renews tokens long before they end; a minute is what client-go keeps one. */
const TOKEN_LIFE_MS = 60_000

/**
 * The cluster named by the options: the kubeconfig if one is given, else the one this pod runs in, else none.
 * @throws ProjectError KUBE_CONFIG_INVALID
 */
export async function connectCluster(options: ConnectOptions): Promise<ClusterConnection | undefined> {
  try {
    if (options.kubeconfig !== undefined) {
      // Loaded when it is needed: the library behind it costs 70 ms and 20 MB even as part of a bundle.
      const { connectByKubeconfig } = await import('./kubeconfig.ts')
      return connectByKubeconfig(options.kubeconfig, options.context)
    }
    return await fromPod(options)
  } catch (err) {
    if (err instanceof ProjectError) throw err
    const subject = options.kubeconfig ?? 'service account of the pod'
    throw new ProjectError('KUBE_CONFIG_INVALID', `${subject}: ${messageOf(err)}`, { cause: err })
  }
}

/** Read here and not by the client library: a pod's start need not wait for 1.5 MB of code. */
async function fromPod(options: ConnectOptions): Promise<ClusterConnection | undefined> {
  const { env, clock, accountFolder = ACCOUNT_FOLDER } = options
  const [host, port] = [env.KUBERNETES_SERVICE_HOST ?? '', env.KUBERNETES_SERVICE_PORT ?? '']
  if (host === '' || port === '') return undefined
  let account = await readAccount(accountFolder)
  let readAtMs = clock.nowMs()
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: account.namespace,
    requestOptions: async () => {
      if (clock.nowMs() - readAtMs > TOKEN_LIFE_MS) {
        account = await readAccount(accountFolder, account)
        readAtMs = clock.nowMs()
      }
      return { agent: account.agent, headers: { authorization: `Bearer ${account.token}` } }
    },
  }
}

interface Account {
  readonly namespace: string
  readonly token: string
  readonly caPem: string
  readonly agent: Agent
}

async function readAccount(folder: string, before?: Account): Promise<Account> {
  const [namespace, token, caPem] = await Promise.all(
    ['namespace', 'token', 'ca.crt'].map(async (file) => (await readFile(join(folder, file), 'utf8')).trim()),
  )
  if (!namespace || !token || !caPem)
    throw new Error(`${folder}: expected namespace, token and ca.crt, got an empty file`)
  const agent = before?.caPem === caPem ? before.agent : new Agent({ ...AGENT_OPTIONS, ca: caPem })
  return { namespace, token, caPem, agent }
}
