/** Structured logs: the type that every part is handed, and the fields that lines share. */
import { pino, type DestinationStream } from 'pino'
import { describeError } from './errors.ts'

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/**
 * The variable parts of a line. One name means one thing everywhere; never a body, a key or a token.
 * `error` means a person must act, `warn` we carry on, `info` once per request or change of state, `debug` the rest.
 */
export interface LogFields {
  /** What was thrown; logged where it stops travelling, and only there. */
  readonly err?: unknown
  /** Code of a ProjectError. */
  readonly code?: string
  /** `request.uid` of the review. */
  readonly uid?: string
  readonly namespace?: string
  /** Pod name, or the prefix of a name that is not known yet. */
  readonly pod?: string
  /** Name of a mesh resource, or the prefix of one that is not known yet. */
  readonly name?: string
  /** `request.userInfo.username`. */
  readonly user?: string
  /** `request.operation`. */
  readonly operation?: string
  readonly path?: string
  readonly decision?: string
  readonly reason?: string
  readonly durationMs?: number
  readonly [field: string]: unknown
}

/** A place to write lines to. The text is constant; what varies is a field. */
export interface Log {
  debug(fields: LogFields, text: string): void
  info(fields: LogFields, text: string): void
  warn(fields: LogFields, text: string): void
  error(fields: LogFields, text: string): void
}

export interface LogOptions {
  /** @default info */
  readonly level?: LogLevel
  /** @default standard error */
  readonly destination?: DestinationStream
}

const STDERR = 2

/** One JSON object a line: level as a word, time as RFC 3339, an error as what `describeError` makes of it. */
export function createLog({ level = 'info', destination }: LogOptions = {}): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    // Written at once: a line that explains why the process ended must not be lost in a buffer.
    destination ?? pino.destination({ dest: STDERR, sync: true }),
  )
}

/** For callers that want no lines. */
export const SILENT: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function ignore(): void {}
