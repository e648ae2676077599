import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ProjectError } from '../../src/base/errors.ts'
import { COMMANDS, type CommandEntry } from '../../src/cli/commands.ts'
import { runProgram } from '../../src/cli/program.ts'
import { recordedContext } from '../support/command.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

/** Loaded commands, in order; a test clears it. */
const loaded: string[] = []

const commands: readonly CommandEntry[] = [
  {
    name: 'check',
    summary: 'look at things',
    load: () => {
      loaded.push('check')
      return Promise.resolve({
        command: {
          examples: [{ text: 'Everything:', line: 'mesh-admission check --deep' }],
          configure: (command) => void command.argument('[file...]').option('--deep').option('--code <n>'),
          run: ({ args, options }, context) => {
            if (options.deep === true) throw new ProjectError('OPTION_INVALID', '--deep: too deep')
            context.print(`${args.join()}\n`)
            return Promise.resolve(Number(options.code ?? 0))
          },
        },
      })
    },
  },
  {
    name: 'foreign',
    summary: 'somebody else’s contract',
    loadForeign: () =>
      Promise.resolve({ runForeign: (args, context) => Promise.resolve((context.print(args.join(' ')), 42)) }),
  },
]

interface Row {
  readonly name: string
  readonly argv: readonly string[]
  readonly code: number
  readonly out?: RegExp
  readonly err?: RegExp
}

const NOTHING = /^$/
const rows: readonly Row[] = [
  { name: 'a clean run', argv: ['check', 'a', 'b'], code: 0, out: /^a,b\n$/, err: NOTHING },
  { name: 'findings', argv: ['check', '--code', '1'], code: 1 },
  {
    name: 'what a command throws',
    argv: ['check', '--deep'],
    code: 2,
    out: NOTHING,
    err: /^mesh-admission: --deep: too deep \[OPTION_INVALID\]\n$/,
  },
  { name: 'no command', argv: [], code: 2, out: NOTHING, err: /Usage: mesh-admission/ },
  {
    name: 'a verb with a typo',
    argv: ['chek'],
    code: 2,
    out: NOTHING,
    err: /^mesh-admission: unknown command 'chek'\n\(Did you mean check\?\)/,
  },
  {
    name: 'a flag with a typo',
    argv: ['check', '--deap'],
    code: 2,
    out: NOTHING,
    err: /unknown option '--deap'\n\(Did you mean --deep\?\)/,
  },
  { name: 'a flag without its value', argv: ['check', '--code'], code: 2, err: /argument missing/ },
  { name: 'help', argv: ['--help'], code: 0, out: /check .*look at things[^]*foreign/, err: NOTHING },
  {
    name: 'help of a command',
    argv: ['check', '--help'],
    code: 0,
    out: /Look at things\.[^]*Examples:\n {2}# Everything:\n {2}mesh-admission check --deep/,
  },
  { name: 'help of a command, the other way', argv: ['help', 'check'], code: 0, out: /--code <n>/ },
  {
    name: 'a foreign command gets its arguments as they are',
    argv: ['foreign', '-p', '--help', '--'],
    code: 42,
    out: /^-p --help --$/,
  },
]

for (const { name, argv, code, out, err } of rows) {
  test(`runProgram: ${name} ends with ${code}`, async () => {
    const context = recordedContext()
    assert.equal(await runProgram(argv, context, commands), code)
    if (out !== undefined) assert.match(context.out(), out)
    if (err !== undefined) assert.match(context.err(), err)
  })
}

test('runProgram: only the command that runs is loaded', async () => {
  loaded.length = 0
  await runProgram(['--help'], recordedContext(), commands)
  await runProgram(['foreign'], recordedContext(), commands)
  assert.deepEqual(loaded, [])
  await runProgram(['check'], recordedContext(), commands)
  assert.deepEqual(loaded, ['check'])
})

test('runProgram: --version prints the version of the package', async () => {
  const context = recordedContext()
  assert.equal(await runProgram(['--version'], context), 0)
  const { version } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { version: string }
  assert.equal(context.out(), `${version}\n`)
})

for (const entry of COMMANDS) {
  if (!('load' in entry)) continue
  test(`${entry.name}: every example parses`, async () => {
    const { command } = await entry.load()
    assert.ok(command.examples.length > 0)
    for (const { line } of command.examples) {
      const ours = line.split(' | ').find((part) => part.startsWith('mesh-admission '))
      const argv = (ours ?? assert.fail(line)).split(/\s+/).slice(1)
      // The same flags and arguments, but nothing is run.
      const parsed: CommandEntry = {
        ...entry,
        load: () => Promise.resolve({ command: { ...command, run: () => Promise.resolve(0) } }),
      }
      const context = recordedContext()
      assert.equal(await runProgram(argv, context, [parsed]), 0, `${line}\n${context.err()}`)
    }
  })
}
