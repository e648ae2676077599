/** Tools that do nothing but remember what they were given. */
import type { Run } from './run.ts'

export interface Recorder {
  readonly run: Run
  /** What was called, in order: the input of a tool that has one, else its command line. */
  readonly lines: string[]
  /** Input of the tools, by name. */
  readonly inputs: { readonly tool: string; readonly text: string }[]
}

/** A namespace in which nothing is there yet and everything works. */
export function createRecorder(): Recorder {
  const lines: string[] = []
  const inputs: Recorder['inputs'] = []
  const run: Run = (file, args, { stdin } = {}) => {
    if (stdin === undefined) lines.push([file, ...args].join(' '))
    else {
      lines.push(...stdin.split('\n').filter((line) => line !== ''))
      inputs.push({ tool: file, text: stdin })
    }
    return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', missing: false })
  }
  return { run, lines, inputs }
}
