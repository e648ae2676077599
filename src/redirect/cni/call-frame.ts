/** How a call and its reply travel over the agent's socket; the forwarder is the other end. */
import { ProjectError } from '../../base/errors.ts'

/** One call of the executable on the host. */
export interface ForwardedCall {
  /** Its CNI_ variables. */
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
  /** The caller's process id on the host. */
  readonly pid: number
}

export interface Reply {
  readonly exit: 0 | 1
  readonly stdout: string
  readonly stderr: string
}

/** `mesh-cni 1 <pid> <bytes of variables> <bytes of input>` */
const HEAD = /^mesh-cni 1 ([0-9]{1,10}) ([0-9]{1,9}) ([0-9]{1,9})$/
const MAX_HEAD_BYTES = 96
/** The kernel hands a process at most 128 KiB a variable; ours are far shorter. */
const MAX_VARIABLES_BYTES = 256 * 1024
/** As the forwarder's own limit. */
const MAX_INPUT_BYTES = 4 * 1024 * 1024
const NEWLINE = 0x0a

/**
 * Reads a call from its first bytes; undefined while some are missing.
 * @throws ProjectError CNI_CALL_INVALID when this is no call, or a too large one
 */
export function readCall(bytes: Uint8Array): ForwardedCall | undefined {
  const headEnd = bytes.subarray(0, MAX_HEAD_BYTES).indexOf(NEWLINE)
  if (headEnd < 0) {
    if (bytes.length >= MAX_HEAD_BYTES) throw invalid('no head')
    return undefined
  }
  const head = HEAD.exec(textOf(bytes.subarray(0, headEnd)))
  if (head === null) throw invalid('head: expected "mesh-cni 1" and three numbers')
  const [pid = 0, variablesLength = 0, inputLength = 0] = head.slice(1).map(Number)
  if (variablesLength > MAX_VARIABLES_BYTES || inputLength > MAX_INPUT_BYTES) throw invalid('too large')
  const inputStart = headEnd + 1 + variablesLength
  if (bytes.length < inputStart + inputLength) return undefined
  return {
    pid,
    env: readVariables(textOf(bytes.subarray(headEnd + 1, inputStart))),
    stdin: textOf(bytes.subarray(inputStart, inputStart + inputLength)),
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

function readVariables(text: string): Record<string, string> {
  const pairs = text
    .split('\0')
    .filter((entry) => entry.includes('='))
    .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const)
  return Object.fromEntries(pairs)
}

function invalid(why: string): ProjectError {
  return new ProjectError('CNI_CALL_INVALID', `call of the plugin: ${why}`)
}

/** A reply as bytes: `<exit> <bytes of output> <bytes of error output>`, then both. */
export function writeReply({ exit, stdout, stderr }: Reply): Uint8Array {
  const [out, err] = [new TextEncoder().encode(stdout), new TextEncoder().encode(stderr)]
  const head = new TextEncoder().encode(`${exit} ${out.length} ${err.length}\n`)
  const bytes = new Uint8Array(head.length + out.length + err.length)
  bytes.set(head)
  bytes.set(out, head.length)
  bytes.set(err, head.length + out.length)
  return bytes
}
