/**
 * A shell that entered a network namespace and runs tools there, one after the other. A process of ours for each tool
 * would copy our memory map every time; a shell has next to none, and a pod waits for the difference.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Run, RunResult } from '../run.ts'

export interface EnterOptions {
  /** Path of the namespace's file; also the lock of iptables' legacy tools, so that pods do not wait for each other. */
  readonly namespace: string
  /** Kills the shell and the tool that runs. */
  readonly signal: AbortSignal
}

export interface NamespaceShell {
  readonly run: Run
  /** Text of a file as the namespace shows it; empty when it cannot be read. */
  readonly read: (path: string) => Promise<string>
  /** Resolves when the shell has ended, and every tool with it. */
  readonly close: () => Promise<void>
}

/** Shells for one namespace after the other; one waits in advance. */
export interface Shells {
  /** A shell in the namespace. What goes wrong with it is the result of the tools that were to run. */
  readonly enter: (options: EnterOptions) => NamespaceShell
  /** Ends the one that waits. */
  readonly close: () => void
}

type Shell = ChildProcessWithoutNullStreams

const NOT_FOUND = 127
const CANNOT_RUN = 126
/** Tools print rules; whatever is longer is a tool gone wrong. */
const MAX_OUTPUT_CHARACTERS = 16 * 1024 * 1024

/** Shells that find their tools in the folders of `path`. */
export function createShells({ path }: { path: string }): Shells {
  let spare: Shell | undefined
  let closed = false
  const enter = (options: EnterOptions): NamespaceShell => {
    const shell = isUsable(spare) ? spare : startShell(path)
    spare = undefined
    const entered = enterNamespace(shell, options)
    return {
      ...entered,
      close: async () => {
        await entered.close()
        // Not before this call has got all it needs; the next one then does not wait for a shell to start.
        if (!closed) spare ??= startShell(path)
      },
    }
  }
  return {
    enter,
    close: () => {
      closed = true
      spare?.stdin.end()
    },
  }
}

function isUsable(shell: Shell | undefined): shell is Shell {
  return shell !== undefined && shell.exitCode === null && shell.signalCode === null && shell.pid !== undefined
}

/** Enters the namespace whose path is the first line of its input, and takes the rest of it for commands there. */
const ENTER = 'IFS= read -r namespace && export XTABLES_LOCKFILE="$namespace" && exec nsenter --net="$namespace" -- sh'

/** A process group of its own: a tool must not outlive the call that wanted it. */
function startShell(path: string): Shell {
  const shell = spawn('sh', ['-c', ENTER], { env: { PATH: path }, detached: true })
  shell.on('error', () => undefined)
  shell.stdin.on('error', () => undefined)
  return shell
}

function enterNamespace(shell: Shell, { namespace, signal }: EnterOptions): NamespaceShell {
  const ended = new Promise<void>((resolve) => {
    shell.on('close', () => resolve())
    shell.on('error', () => resolve())
  })
  const kill = (): void => killGroup(shell)
  signal.addEventListener('abort', kill, { once: true })
  if (signal.aborted) kill()
  const conversation = new Conversation(shell, () => (signal.aborted ? 'the call is over' : undefined))
  shell.stdin.write(`${namespace}\n`)
  return {
    run: (file, args, { stdin } = {}) => conversation.ask(commandText([file, ...args], stdin)),
    read: async (path) => (await conversation.ask(readText(path))).stdout,
    close: async () => {
      shell.stdin.end()
      await ended
      signal.removeEventListener('abort', kill)
    },
  }
}

function killGroup({ pid }: Shell): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** Behind a command's output comes its exit status between two NUL, which no tool prints. */
const END = `printf '\\0%s\\0' "$?"; printf '\\0' >&2\n`

/** A command in the shell's language, or undefined when it cannot be said. */
function commandText(words: readonly string[], stdin: string | undefined): string | undefined {
  if ([...words, stdin ?? ''].some((text) => text.includes('\0'))) return undefined
  const command = words.map(quote).join(' ')
  if (stdin === undefined || stdin === '') return `${command} </dev/null; ${END}`
  const mark = `END-${randomBytes(8).toString('hex')}`
  return `${command} <<'${mark}'\n${stdin}${stdin.endsWith('\n') ? '' : '\n'}${mark}\n${END}`
}

/** The shell's own words: a tool for it would cost a millisecond. */
function readText(path: string): string {
  return `while IFS= read -r line; do printf '%s\\n' "$line"; done <${quote(path)}; ${END}`
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

interface Pending {
  readonly resolve: (result: RunResult) => void
}

/** Questions to a shell and their answers, in order. */
class Conversation {
  readonly #shell: Shell
  readonly #whyOver: () => string | undefined
  readonly #pending: Pending[] = []
  #stdout = ''
  #stderr = ''
  #end: { exitCode: number; reason: string; missing: boolean } | undefined

  constructor(shell: Shell, whyOver: () => string | undefined) {
    this.#shell = shell
    this.#whyOver = whyOver
    shell.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#settle()
    })
    shell.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#settle()
    })
    shell.on('error', (error: NodeJS.ErrnoException) =>
      this.#finish({ exitCode: CANNOT_RUN, reason: error.message, missing: error.code === 'ENOENT' }),
    )
    shell.on('close', (code) =>
      this.#finish({ exitCode: code === null || code === 0 ? CANNOT_RUN : code, reason: this.#stderr, missing: false }),
    )
  }

  ask(command: string | undefined): Promise<RunResult> {
    return new Promise((resolve) => {
      if (command === undefined) resolve(failed(CANNOT_RUN, 'a NUL in an argument or in the input'))
      else if (this.#end !== undefined) resolve(this.#endResult())
      else {
        this.#pending.push({ resolve })
        this.#shell.stdin.write(command)
      }
    })
  }

  #settle(): void {
    if (this.#stdout.length + this.#stderr.length > MAX_OUTPUT_CHARACTERS) killGroup(this.#shell)
    for (;;) {
      const out = this.#stdout.indexOf('\0')
      const status = this.#stdout.indexOf('\0', out + 1)
      const err = this.#stderr.indexOf('\0')
      const [asked] = this.#pending
      if (out < 0 || status < 0 || err < 0 || asked === undefined) return
      const exitCode = Number(this.#stdout.slice(out + 1, status))
      const result = { exitCode, stdout: this.#stdout.slice(0, out), stderr: this.#stderr.slice(0, err) }
      this.#stdout = this.#stdout.slice(status + 1)
      this.#stderr = this.#stderr.slice(err + 1)
      this.#pending.shift()
      asked.resolve({ ...result, missing: exitCode === NOT_FOUND })
    }
  }

  #finish(end: { exitCode: number; reason: string; missing: boolean }): void {
    this.#end ??= end
    for (const { resolve } of this.#pending.splice(0)) resolve(this.#endResult())
  }

  #endResult(): RunResult {
    const { exitCode = CANNOT_RUN, reason = '', missing = false } = this.#end ?? {}
    return { ...failed(exitCode, this.#whyOver() ?? reason), missing }
  }
}

function failed(exitCode: number, stderr: string): RunResult {
  return { exitCode, stdout: '', stderr, missing: false }
}
