/** `mesh-admission doctor`: looks for what is wrong with an installation, and says what to do about it. */
import { setMaxListeners } from 'node:events'

import type { CommandInput, CommandModule } from './commands.ts'
import type { Diagnosis } from './doctor/check.ts'
import { diagnose } from './doctor/check.ts'
import { CHECKS } from './doctor/checks/all.ts'
import { severityOf } from './doctor/finding.ts'
import { readWorld } from './doctor/read-world.ts'
import type { Format } from './format.ts'
import { addFormatFlag, structured } from './format.ts'
import { addClusterFlags, reachCluster } from './installed/access.ts'
import { addInstallationFlags, installationNames } from './installed/names.ts'
import type { CommandContext } from './output.ts'
import { EXIT, paint } from './output.ts'

export const command: CommandModule = {
  examples: [
    { text: 'Everything that hinders injection, with the next command for each', line: 'mesh-admission doctor' },
    { text: 'A revision, for a program', line: 'mesh-admission doctor --revision canary -o json' },
  ],
  configure: (command) => {
    addClusterFlags(command)
    addInstallationFlags(command)
    addFormatFlag(command)
  },
  run: async ({ options }: CommandInput, context: CommandContext) => {
    const plan = installationNames(options)
    const { client, clock } = await reachCluster(options, context.env)
    const { signal } = new AbortController()
    // One listener a question in flight, and the rights alone are dozens: Node takes more than ten for a leak.
    setMaxListeners(0, signal)
    const diagnosis = diagnose(await readWorld({ client, plan, clock, signal }), CHECKS)
    report(diagnosis, options.output as Format, context)
    return exitCodeOf(diagnosis)
  },
}

/** What could not be looked at is not clean. */
export function exitCodeOf({ findings, skipped }: Diagnosis): number {
  if (findings.length > 0) return EXIT.findings
  return skipped.length > 0 ? EXIT.failed : EXIT.clean
}

export function report(diagnosis: Diagnosis, format: Format, context: CommandContext): void {
  const { findings, skipped, checks } = diagnosis
  const told = findings.map((one) => ({ severity: severityOf(one.code), ...one }))
  const errors = told.filter(({ severity }) => severity === 'error').length
  const summary = { checks, skipped: skipped.length, errors, warnings: told.length - errors }
  if (format !== 'text') {
    context.print(structured({ findings: told, skipped, summary }, format))
    return
  }
  for (const { severity, code, subject, message, next } of told) {
    const head = paint(severity, severity === 'error' ? 'red' : 'yellow', context)
    context.print(`${head} ${code}: ${subject}\n  ${message}\n  next: ${paint(next, 'cyan', context)}\n\n`)
  }
  for (const { check, why } of skipped) context.note(`not checked: ${check}: ${why}\n`)
  context.note(`${checks - skipped.length} checks: ${summary.errors} errors, ${summary.warnings} warnings\n`)
}
