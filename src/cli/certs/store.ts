/** Where `certs` finds the authority: the Secret of an installation, or the folder of a server without a cluster. */
import type { Command } from 'commander'

import { systemClock } from '../../base/clock.ts'
import { SILENT } from '../../base/log.ts'
import { createFileStore } from '../../certificates/file-store.ts'
import { createSecretStore } from '../../certificates/secret-store.ts'
import type { AuthorityStore } from '../../certificates/store.ts'
import type { CommandInput } from '../commands.ts'
import type { ClusterAccess } from '../installed/access.ts'
import { addClusterFlags, reachCluster } from '../installed/access.ts'
import { addInstallationFlags, installationNames } from '../installed/names.ts'
import type { Plan } from '../manifests/plan.ts'

export interface CertsPlace {
  readonly plan: Plan
  readonly store: AuthorityStore
  /** Undefined for a folder. */
  readonly cluster: ClusterAccess | undefined
}

export function addPlaceFlags(command: Command): void {
  addClusterFlags(command)
  addInstallationFlags(command)
  command.option('--state-dir <folder>', 'the authority of a server without a cluster, instead of the Secret')
}

/** @throws ProjectError OPTION_INVALID, KUBE_CONFIG_INVALID */
export async function findPlace(
  options: CommandInput['options'],
  env: Readonly<Record<string, string | undefined>>,
): Promise<CertsPlace> {
  const plan = installationNames(options)
  if (typeof options.stateDir === 'string')
    return { plan, store: createFileStore(options.stateDir), cluster: undefined }
  const cluster = await reachCluster(options, env)
  const { namespace, secret: name } = plan
  const store = createSecretStore({ client: cluster.client, namespace, name, clock: systemClock, log: SILENT })
  return { plan, store, cluster }
}
