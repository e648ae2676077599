/** Log lines without a library, for a command that ends within milliseconds: loading one would take longer than its work. */
import { describeError } from './errors.ts'
import type { Log, LogFields } from './log.ts'

/** Lines of the form that `createLog` gives them, from level `info` on; each is handed to `write`, with its end. */
export function createPlainLog(write: (line: string) => void): Log {
  const log =
    (level: string) =>
    ({ err, ...fields }: LogFields, msg: string): void => {
      const error = err === undefined ? {} : { err: describeError(err) }
      write(`${JSON.stringify({ level, time: new Date().toISOString(), ...error, ...fields, msg })}\n`)
    }
  return { debug: () => undefined, info: log('info'), warn: log('warn'), error: log('error') }
}
