/** `mesh-admission istio-iptables` (alias `init`): the init container's command, with the arguments and exit codes of the original. */
import { writeFile } from 'node:fs/promises'
import { createPlainLog } from '../base/plain-log.ts'
import { createRecorder, type Recorder } from '../redirect/dry-run.ts'
import { FLAGS, type Compat, type Flag } from '../redirect/flags.ts'
import { legacyTablesExist, realHost } from '../redirect/host.ts'
import { runInit, type InitOutcome } from '../redirect/init.ts'
import { ipNetwork } from '../redirect/ip-tool.ts'
import { runTool } from '../redirect/run.ts'
import { sandboxedRun } from '../redirect/sandbox.ts'
import type { CommandContext } from './output.ts'

const WRONG_ARGUMENTS = 255

/** Runs the command. 0 done, 1 failed, 126 not redirected (`--run-validation`), 255 wrong arguments. */
export async function runForeign(args: readonly string[], context: CommandContext): Promise<number> {
  const { asked, rest } = takeCompat(args)
  if (!isCompat(asked)) {
    context.note(`istio-iptables: compat: expected "istiod" or "off", got ${JSON.stringify(asked)}\n`)
    return WRONG_ARGUMENTS
  }
  const recorder = createRecorder()
  const log = createPlainLog((line) => context.note(line))
  const path = context.env.PATH ?? ''
  const outcome = await runInit(
    { args: rest, env: context.env, compat: asked },
    {
      host: realHost,
      legacyInUse: legacyTablesExist,
      run: runTool,
      recordRun: recorder.run,
      sandboxedRun: (lockFile) => sandboxedRun({ run: runTool, lockFile, path, log }),
      network: ipNetwork(runTool),
      // Only when asked for: it loads what a run without validation does not need.
      probe: async (config) => (await import('../redirect/probe.ts')).probeRedirection(config),
      log,
    },
  )
  await tell(outcome, { recorder, context })
  return outcome.exit
}

const COMPAT_FLAG = /^--compat(?:=(.*))?$/

/** `--compat=istiod` (or `off`) is ours, wherever it stands; the original's parser never sees it. */
function takeCompat(args: readonly string[]): { asked: string; rest: readonly string[] } {
  const at = args.findIndex((arg) => COMPAT_FLAG.test(arg))
  if (at < 0) return { asked: 'off', rest: args }
  const glued = COMPAT_FLAG.exec(args[at] ?? '')?.[1]
  const asked = glued ?? args[at + 1] ?? ''
  return { asked, rest: args.toSpliced(at, glued === undefined ? 2 : 1) }
}

function isCompat(asked: string): asked is Compat {
  return asked === 'istiod' || asked === 'off'
}

interface Told {
  readonly recorder: Recorder
  readonly context: CommandContext
}

async function tell({ help, error, stage }: InitOutcome, { recorder, context }: Told): Promise<void> {
  if (help === true) context.print(helpText())
  for (const { tool, text } of recorder.inputs) context.print(`# ${tool}\n${text}`)
  if (error !== undefined) context.note(`istio-iptables: ${stage ?? 'failed'}: ${error}\n`)
  const path = context.env.DRY_RUN_FILE_PATH ?? ''
  if (recorder.lines.length > 0 && path !== '') await writeFile(path, `${recorder.lines.join('\n')}\n`, { mode: 0o644 })
}

function helpText(): string {
  const lines = FLAGS.map((flag) => `  ${flagText(flag)}${flag.help}${variablesText(flag)}`)
  return `Redirects the traffic of this network namespace to the proxy.\n\nUsage: mesh-admission istio-iptables [flags]\n\n${lines.join('\n')}
      --compat=istiod                         do as the original does where we would behave better\n`
}

function flagText({ short, long, type }: Flag): string {
  const value = type === 'bool' ? '' : ` ${type}`
  return `${short === undefined ? '    ' : `-${short}, `}--${long}${value}`.padEnd(44)
}

function variablesText({ env }: Flag): string {
  return env.length === 0 ? '' : ` (${env.join(', then ')})`
}
