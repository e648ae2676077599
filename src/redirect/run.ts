/** How tools are run: the port, and its implementation with child processes. */
import { spawn } from 'node:child_process'

export interface RunOptions {
  readonly stdin?: string
  /** The whole environment of the tool; ours when absent. */
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface RunResult {
  /** 127 when the tool is missing. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** The tool is not there at all. */
  readonly missing: boolean
}

/** Runs a tool to its end. Never throws for what the tool does: the caller knows which failures matter. */
export type Run = (file: string, args: readonly string[], options?: RunOptions) => Promise<RunResult>

/** Tools print rules, not files; whatever is longer is a tool gone wrong. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Runs real tools. */
export const runTool: Run = (file, args, { stdin, env, signal } = {}) =>
  new Promise((resolve) => {
    const child = spawn(file, args, { env: env ?? process.env, ...(signal === undefined ? {} : { signal }) })
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    child.on('error', (error: NodeJS.ErrnoException) => {
      const missing = error.code === 'ENOENT'
      resolve({ exitCode: missing ? 127 : 126, stdout: stdout(), stderr: error.message, missing })
    })
    child.on('close', (code) => resolve({ exitCode: code ?? 1, stdout: stdout(), stderr: stderr(), missing: false }))
    // A tool that refuses its arguments may be gone before it has read its input: its exit code tells enough.
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin ?? '')
  })

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= MAX_OUTPUT_BYTES) chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString('utf8')
}
