/** Flags and help of the commands that are ours: the one that was asked for is parsed and run, the others are listed. */
import { Command, CommanderError } from 'commander'
import type { CommandEntry, CommandModule, Example } from './commands.ts'
import { EXIT, PROGRAM_NAME, type CommandContext } from './output.ts'
import { packageVersion } from './package.ts'

const SUMMARY = 'Sidecar injection, validation and traffic redirection for Istio meshes.'

export interface Parsing {
  readonly context: CommandContext
  readonly commands: readonly CommandEntry[]
  /** Name of the command that was asked for, as it was typed. */
  readonly verb: string | undefined
  /** Its module; absent when there is no such command, or only help is wanted. */
  readonly loaded: CommandModule | undefined
}

/** Runs `argv`. Help and version are clean; a wrong flag or verb could not run, whatever commander's own code for it. */
export async function parseCommand(argv: readonly string[], parsing: Parsing): Promise<number> {
  try {
    return await parse(argv, parsing)
  } catch (err) {
    if (err instanceof CommanderError) return err.exitCode === 0 ? EXIT.clean : EXIT.failed
    throw err
  }
}

async function parse(argv: readonly string[], { context, commands, verb, loaded }: Parsing): Promise<number> {
  let exitCode: number = EXIT.clean
  const program = createRoot(context)
  for (const { name, summary } of commands) {
    const command = program.command(name).summary(summary).description(capitalised(summary))
    if (name !== verb || loaded === undefined) continue
    loaded.configure(command)
    command.addHelpText('after', examplesText(loaded.examples))
    command.action(async () => {
      exitCode = await loaded.run({ args: command.args, options: command.opts() }, context)
    })
  }
  if (argv.length === 0) {
    context.note(program.helpInformation())
    return EXIT.failed
  }
  await program.parseAsync(argv, { from: 'user' })
  return exitCode
}

/** Sub-commands inherit these settings, so they are made before any of them. */
function createRoot(context: CommandContext): Command {
  return new Command(PROGRAM_NAME)
    .description(SUMMARY)
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => context.print(text),
      writeErr: (text) => context.note(text),
      outputError: (text, write) => write(text.replace(/^error: /, `${PROGRAM_NAME}: `)),
    })
}

function examplesText(examples: readonly Example[]): string {
  const lines = examples.map(({ text, line }) => `  # ${text}\n  ${line}\n`)
  return lines.length === 0 ? '' : `\nExamples:\n${lines.join('\n')}`
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
