/** `mesh-admission validate`: looks at files as the API server and the webhook would, without a cluster. */
import { Option } from 'commander'
import { stringify } from 'yaml'
import { ProjectError } from '../base/errors.ts'
import type { CommandInput, CommandModule } from './commands.ts'
import type { CommandContext } from './output.ts'
import { EXIT, paint } from './output.ts'
import type { FileFinding } from './validate/check.ts'
import { checkText } from './validate/check.ts'
import { findSources } from './validate/sources.ts'

type Format = 'text' | 'json' | 'yaml'
interface Options {
  readonly filenames: readonly string[]
  readonly format: Format
  readonly failOn: 'error' | 'warning'
  readonly strict: boolean
}

export const command: CommandModule = {
  examples: [
    { text: 'A file, and all files below a folder', line: 'mesh-admission validate -f gateway.yaml -f policies/' },
    { text: 'What a chart renders', line: 'helm template . | mesh-admission validate -f -' },
    {
      text: 'For a pipeline that tolerates no warnings',
      line: "mesh-admission validate -f 'mesh/**/*.yaml' -o json --fail-on warning",
    },
  ],
  configure: (command) => {
    command
      .option('-f, --filename <path...>', 'file, folder, pattern or - for standard input; repeatable')
      .addOption(
        new Option('-o, --output <format>', 'how findings are printed')
          .choices(['text', 'json', 'yaml'])
          .default('text'),
      )
      .addOption(
        new Option('--fail-on <severity>', 'what makes the exit code 1').choices(['error', 'warning']).default('error'),
      )
      .option(
        '--lenient',
        'fields the CRD does not declare are warnings, as for clients without strict field validation',
      )
  },
  run: async ({ options }: CommandInput, context: CommandContext) => {
    const { filenames, format, failOn, strict } = readOptions(options)
    const findings: FileFinding[] = []
    const counts = { files: 0, checked: 0, skipped: 0 }
    for (const source of await findSources(filenames, context.stdin)) {
      const { findings: found, checked, skipped } = checkText(await source.read(), { file: source.name, strict })
      counts.files += 1
      counts.checked += checked
      counts.skipped += skipped
      if (format === 'text') for (const finding of found) context.print(lineOf(finding, context))
      findings.push(...found)
    }
    const errors = findings.filter(({ severity }) => severity === 'error').length
    const summary = { ...counts, errors, warnings: findings.length - errors }
    if (format === 'json') context.print(`${JSON.stringify({ findings, summary }, undefined, 2)}\n`)
    if (format === 'yaml') context.print(stringify({ findings, summary }))
    context.note(summaryLine(summary))
    return errors > 0 || (failOn === 'warning' && findings.length > 0) ? EXIT.findings : EXIT.clean
  },
}

function readOptions(options: CommandInput['options']): Options {
  const filenames = (options['filename'] as readonly string[] | undefined) ?? []
  if (filenames.length === 0) {
    throw new ProjectError(
      'OPTION_INVALID',
      '--filename: expected files, folders or -, as in: mesh-admission validate -f policies/',
    )
  }
  return {
    filenames,
    format: options['output'] as Format,
    failOn: options['failOn'] as Options['failOn'],
    strict: options['lenient'] !== true,
  }
}

function lineOf({ file, line, column, severity, code, object, message }: FileFinding, context: CommandContext): string {
  const place = `${file}:${line}:${column}: `
  const subject = object === '' ? '' : `${object}: `
  return `${place}${paint(severity, severity === 'error' ? 'red' : 'yellow', context)}: ${subject}${message} [${code}]\n`
}

interface Summary {
  readonly files: number
  readonly checked: number
  readonly skipped: number
  readonly errors: number
  readonly warnings: number
}

function summaryLine({ files, checked, skipped, errors, warnings }: Summary): string {
  const others = skipped === 0 ? '' : `, ${skipped} of other kinds skipped`
  return `${checked} objects in ${files} files${others}: ${errors} errors, ${warnings} warnings\n`
}
