/** `mesh-admission validate`: looks at files as the API server and the webhook would, without a cluster. */
import { Option } from 'commander'
import { stringify } from 'yaml'
import { ProjectError } from '../base/errors.ts'
import type { CommandInput, CommandModule } from './commands.ts'
import type { CommandContext } from './output.ts'
import { EXIT, paint } from './output.ts'
import type { FileCheck, FileFinding } from './validate/check.ts'
import { checkText } from './validate/check.ts'
import { createProgress } from './validate/progress.ts'
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
    const summary = { files: 0, checked: 0, skipped: 0, errors: 0, warnings: 0 }
    const sources = await findSources(filenames, context.stdin)
    const progress = createProgress(context, { total: sources.length, nowMs: () => performance.now() })
    // One file at a time, and no finding kept that has been printed: memory does not grow with the number of files.
    for (const source of sources) {
      const found = checkText(await source.read(), { file: source.name, strict })
      addUp(summary, found)
      if (format !== 'text') findings.push(...found.findings)
      else if (found.findings.length > 0) {
        progress.clear()
        for (const finding of found.findings) context.print(lineOf(finding, context))
      }
      progress.step(summary.files)
    }
    progress.clear()
    if (format === 'json') context.print(`${JSON.stringify({ findings, summary }, undefined, 2)}\n`)
    if (format === 'yaml') context.print(stringify({ findings, summary }))
    context.note(summaryLine(summary))
    const { errors, warnings } = summary
    return errors > 0 || (failOn === 'warning' && warnings > 0) ? EXIT.findings : EXIT.clean
  },
}

function addUp(summary: Summary, { findings, checked, skipped }: FileCheck): void {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  summary.files += 1
  summary.checked += checked
  summary.skipped += skipped
  summary.errors += errors
  summary.warnings += findings.length - errors
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
  files: number
  checked: number
  skipped: number
  errors: number
  warnings: number
}

function summaryLine({ files, checked, skipped, errors, warnings }: Summary): string {
  const others = skipped === 0 ? '' : `, ${skipped} of other kinds skipped`
  return `${count(checked, 'object')} in ${count(files, 'file')}${others}: ${count(errors, 'error')}, ${count(warnings, 'warning')}\n`
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`
