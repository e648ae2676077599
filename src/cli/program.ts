/** The command line: finds the verb, loads its file, has its flags parsed, turns the outcome into an exit code. */
import { ProjectError, messageOf } from '../base/errors.ts'
import { COMMANDS, type CommandEntry } from './commands.ts'
import { EXIT, PROGRAM_NAME, type CommandContext } from './output.ts'

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
    // Only here: a pod waits for the initializer, which needs none of it.
    const { parseCommand } = await import('./parse-command.ts')
    return await parseCommand(argv, { context, commands, verb, loaded })
  } catch (err) {
    const code = err instanceof ProjectError ? ` [${err.code}]` : ''
    context.note(`${PROGRAM_NAME}: ${messageOf(err)}${code}\n`)
    return EXIT.failed
  }
}
