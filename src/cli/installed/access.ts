/** The cluster that an operator's command works on. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

import type { Command } from 'commander'

import { systemClock } from '../../base/clock.ts'
import { ProjectError } from '../../base/errors.ts'
import type { KubeClient } from '../../kube/client.ts'
import { createKubeClient } from '../../kube/client.ts'
import { connectCluster } from '../../kube/config.ts'
import type { ServerClock } from '../../kube/server-clock.ts'
import { createServerClock } from '../../kube/server-clock.ts'
import type { CommandInput } from '../commands.ts'
import { packageVersion } from '../package.ts'

type Env = Readonly<Record<string, string | undefined>>

export interface ClusterAccess {
  readonly client: KubeClient
  /** Tells the API server's time from its first answer on. */
  readonly clock: ServerClock
}

/** Longer than a webhook may take (30 s): whoever waits for one reads the API server's own words. */
const TIMEOUT_MS = 45_000

export function addClusterFlags(command: Command): void {
  command
    .option(
      '--kubeconfig <file>',
      'cluster to work on (env: KUBECONFIG; default: the one of this pod, or ~/.kube/config)',
    )
    .option('--context <name>', 'context of the kubeconfig')
}

/** @throws ProjectError OPTION_INVALID without any cluster, KUBE_CONFIG_INVALID */
export async function reachCluster(options: CommandInput['options'], env: Env): Promise<ClusterAccess> {
  const kubeconfig = kubeconfigFile(options, env)
  const context = typeof options.context === 'string' ? options.context : undefined
  const connection = await connectCluster({ kubeconfig, context, env, clock: systemClock })
  if (connection === undefined)
    throw new ProjectError('OPTION_INVALID', '--kubeconfig: expected a file, got none, and this is no pod')
  const clock = createServerClock(systemClock)
  const client = createKubeClient({
    connection,
    userAgent: `mesh-admission/${packageVersion()}`,
    timeoutMs: TIMEOUT_MS,
    onServerTime: (serverMs) => clock.note(serverMs),
  })
  return { client, clock }
}

/** As kubectl: the flag, the variable, the pod's own account, the file in the home folder. */
function kubeconfigFile(options: CommandInput['options'], env: Env): string | undefined {
  if (typeof options.kubeconfig === 'string') return options.kubeconfig
  const named = env.KUBECONFIG ?? ''
  if (named.includes(':'))
    throw new ProjectError('OPTION_INVALID', `KUBECONFIG: expected one file, got ${named}: name one with --kubeconfig`)
  if (named !== '') return named
  const own = join(env.HOME ?? homedir(), '.kube', 'config')
  return env.KUBERNETES_SERVICE_HOST === undefined && existsSync(own) ? own : undefined
}
