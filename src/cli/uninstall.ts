/** `mesh-admission uninstall`: takes an installation away, so that at no moment anything is left that blocks. */
import type { CommandInput, CommandModule } from './commands.ts'
import { addClusterFlags, reachCluster } from './installed/access.ts'
import { addInstallationFlags, installationNames } from './installed/names.ts'
import type { CommandContext } from './output.ts'
import { EXIT } from './output.ts'
import { removeInstallation } from './uninstall/removal.ts'

export const command: CommandModule = {
  examples: [
    { text: 'What would go, in order', line: 'mesh-admission uninstall --dry-run' },
    { text: 'One revision; the others stay', line: 'mesh-admission uninstall --revision canary' },
  ],
  configure: (command) => {
    addClusterFlags(command)
    addInstallationFlags(command)
    command.option('--dry-run', 'tell what would go, and remove nothing')
  },
  run: async ({ options }: CommandInput, context: CommandContext) => {
    const plan = installationNames(options)
    const { client } = await reachCluster(options, context.env)
    const dryRun = options.dryRun === true
    let count = 0
    const onRemoved = (title: string): void => {
      count++
      context.print(`${title} ${dryRun ? 'would be removed' : 'removed'}\n`)
    }
    const { signal } = new AbortController()
    const { blockers, keptNamespace } = await removeInstallation({ client, plan, dryRun, onRemoved, signal })
    for (const { configuration, entries } of blockers) {
      context.note(
        `${configuration} is not ours, but ${entries.join(', ')} of it leads to our Service: with that gone it would block.\n`,
      )
      context.note(`  next: kubectl delete ${configuration.replace('/', ' ')}\n`)
    }
    if (blockers.length > 0) {
      context.note('The rest of the installation was left as it is.\n')
      return EXIT.findings
    }
    if (keptNamespace !== undefined) context.note(`namespace/${plan.namespace} stays: ${keptNamespace}\n`)
    if (count === 0) context.note(`nothing of ${plan.name} is left\n`)
    return EXIT.clean
  },
}
