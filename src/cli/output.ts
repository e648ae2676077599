/** What a command writes to and reads from: results on standard output, everything else on standard error. */
import type { Readable, Writable } from 'node:stream'

/** 0: clean. 1: findings. 2: could not run. Verbs with a contract of their own keep their codes. */
export const EXIT = { clean: 0, findings: 1, failed: 2 } as const

/** What messages and help call this program. */
export const PROGRAM_NAME = 'mesh-admission'

/** A command's surroundings, so that tests can watch it. */
export interface CommandContext {
  readonly stdin: Readable
  readonly env: Readonly<Record<string, string | undefined>>
  /** Results. */
  print(text: string): void
  /** Everything else: progress, warnings, errors. */
  note(text: string): void
  /** Replaces the line that the cursor of standard error is on; undefined where that is no terminal. */
  readonly overwrite?: (line: string) => void
  /** Whether results may be coloured. */
  readonly color: boolean
}

export interface Streams {
  readonly stdin: Readable
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The context of the process itself. */
export function processContext(): CommandContext {
  return createContext(process)
}

/** A reader that went away (`| head`) is no error: what it does not want is dropped. */
export function createContext(streams: Streams): CommandContext {
  const { stdout, stderr, env } = streams
  tolerateClosedPipe(stdout)
  tolerateClosedPipe(stderr)
  return {
    // Opened by whoever reads it: few commands do.
    get stdin() {
      return streams.stdin
    },
    env,
    print: (text) => void stdout.write(text),
    note: (text) => void stderr.write(text),
    ...(stderr.isTTY === true && { overwrite: (line: string) => void stderr.write(`\r${line}\u001b[K`) }),
    color: wantsColor(stdout, env),
  }
}

function tolerateClosedPipe(stream: Writable): void {
  stream.on('error', (err: NodeJS.ErrnoException) => {
    if (err.code !== 'EPIPE') throw err
  })
}

/** NO_COLOR (any text but none) wins; see no-color.org. */
function wantsColor(stdout: { readonly isTTY?: boolean }, env: Streams['env']): boolean {
  const refused = env.NO_COLOR !== undefined && env.NO_COLOR !== ''
  return !refused && env.TERM !== 'dumb' && stdout.isTTY === true
}

/** SGR codes of the few colours that results use. */
const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, bold: 1, dim: 2 } as const

/** `text` in a colour, or as it is where colours are not wanted. */
export function paint(
  text: string,
  color: keyof typeof CODES,
  { color: wanted }: Pick<CommandContext, 'color'>,
): string {
  return wanted ? `\u001b[${CODES[color]}m${text}\u001b[0m` : text
}
