/** What the objects of an installation are called, from the flags that every operator's command has. */
import type { Command } from 'commander'

import type { CommandInput } from '../commands.ts'
import type { Plan } from '../manifests/plan.ts'
import { planInstallation } from '../manifests/plan.ts'
import { packageVersion } from '../package.ts'

export function addInstallationFlags(command: Command): void {
  command
    .option('--namespace <name>', 'namespace of the server (default: mesh-admission)')
    .option('--revision <name>', 'control plane revision (default: default)')
    .option('--istio-namespace <name>', "namespace of istiod's ConfigMaps (default: istio-system)")
    .option('--ca-secret <name>', 'Secret of our certificate authority (default: as manifests names it)')
}

/** The plan that `mesh-admission manifests` would write with the same flags. @throws ProjectError OPTION_INVALID */
export function installationNames(options: CommandInput['options']): Plan {
  const given = { namespace: options.namespace, revision: options.revision, istioNamespace: options.istioNamespace }
  const texts = Object.entries(given).filter((pair): pair is [string, string] => typeof pair[1] === 'string')
  const plan = planInstallation(Object.fromEntries(texts), packageVersion())
  return typeof options.caSecret === 'string' ? { ...plan, secret: options.caSecret } : plan
}

/** The flags that name this installation again, for commands that are printed; empty for the usual one. */
export function namingFlags({ namespace, revision, istioNamespace }: Plan): string {
  const flags = [
    namespace === 'mesh-admission' ? '' : ` --namespace ${namespace}`,
    revision === 'default' ? '' : ` --revision ${revision}`,
    istioNamespace === 'istio-system' ? '' : ` --istio-namespace ${istioNamespace}`,
  ]
  return flags.join('')
}
