/** A command's surroundings, kept in memory. */
import { Readable } from 'node:stream'
import type { CommandContext } from '../../src/cli/output.ts'

export interface RecordedContext extends CommandContext {
  /** What was printed so far. */
  readonly out: () => string
  /** What was noted so far. */
  readonly err: () => string
}

export function recordedContext(env: Readonly<Record<string, string>> = {}, stdin = ''): RecordedContext {
  let out = ''
  let err = ''
  return {
    env,
    stdin: Readable.from([stdin]),
    color: false,
    print: (text) => {
      out += text
    },
    note: (text) => {
      err += text
    },
    out: () => out,
    err: () => err,
  }
}
