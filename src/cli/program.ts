/** The command line: finds the verb, loads its file, parses its flags, runs it, turns the outcome into an exit code. */
import { Command, CommanderError } from 'commander'
import { ProjectError, messageOf } from '../base/errors.ts'
import { COMMANDS, type CommandEntry, type CommandModule, type Example } from './commands.ts'
import { EXIT, type CommandContext } from './output.ts'
import { packageVersion } from './package.ts'

const NAME = 'mesh-admission'
const SUMMARY = 'Sidecar injection, validation and traffic redirection for Istio meshes.'

/** Runs the command that `argv` (without node and script) names. Never throws; resolves with the exit code. */
export async function runProgram(
  argv: readonly string[],
  context: CommandContext,
  commands: readonly CommandEntry[] = COMMANDS,
): Promise<number> {
  try {
    const verb = argv[0] === 'help' ? argv[1] : argv[0]
    const entry = commands.find(({ name }) => name === verb)
    if (entry !== undefined && 'loadForeign' in entry && argv[0] !== 'help') {
      return await (await entry.loadForeign()).runForeign(argv.slice(1), context)
    }
    const loaded = entry !== undefined && 'load' in entry ? (await entry.load()).command : undefined
    return await parse(argv, { context, commands, verb, loaded })
  } catch (err) {
    return exitCodeOf(err, context)
  }
}

interface Parsing {
  readonly context: CommandContext
  readonly commands: readonly CommandEntry[]
  readonly verb: string | undefined
  readonly loaded: CommandModule | undefined
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
  return new Command(NAME)
    .description(SUMMARY)
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => context.print(text),
      writeErr: (text) => context.note(text),
      outputError: (text, write) => write(text.replace(/^error: /, `${NAME}: `)),
    })
}

function examplesText(examples: readonly Example[]): string {
  const lines = examples.map(({ text, line }) => `  # ${text}\n  ${line}\n`)
  return lines.length === 0 ? '' : `\nExamples:\n${lines.join('\n')}`
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** Help and version are clean; a wrong flag or verb could not run, whatever commander's own code for it. */
function exitCodeOf(err: unknown, context: CommandContext): number {
  if (err instanceof CommanderError) return err.exitCode === 0 ? EXIT.clean : EXIT.failed
  const code = err instanceof ProjectError ? ` [${err.code}]` : ''
  context.note(`${NAME}: ${messageOf(err)}${code}\n`)
  return EXIT.failed
}
