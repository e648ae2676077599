/** Errors of templates: stage, place, Go's message and a caret. */
import { ProjectError, type ErrorCode } from '../../base/errors.ts'
import { byteLength } from './go/byte-text.ts'

/** `parse`: the text is wrong. `exec`: it failed on this data, as in Go. `limit`: refused by this engine alone. */
export type Stage = 'parse' | 'exec' | 'limit'

const CODES: Readonly<Record<Stage, ErrorCode>> = {
  parse: 'TEMPLATE_PARSE',
  exec: 'TEMPLATE_EXEC',
  limit: 'TEMPLATE_LIMIT',
}

export interface Place {
  /** Name the text was parsed under. */
  readonly name: string
  readonly text: string
  /** Index into the text. */
  readonly at: number
}

export interface TemplateErrorDetails {
  readonly stage: Stage
  readonly place: Place
  /** The expression that failed, as it prints itself. */
  readonly expression?: string
  readonly cause?: unknown
}

/** A template that does not parse or cannot be rendered. The message is Go's. */
export class TemplateError extends ProjectError {
  readonly stage: Stage
  /** 1-based. */
  readonly line: number
  /** In bytes from the start of the line, 0-based as in Go's messages. */
  readonly column: number
  readonly expression: string | undefined
  /** The line of the text and a caret below the place. */
  readonly caretText: string

  constructor(message: string, { stage, place, expression, cause }: TemplateErrorDetails) {
    const { line, column, caretText } = locate(place)
    super(CODES[stage], message, { cause, details: { template: place.name, line, column } })
    this.stage = stage
    this.line = line
    this.column = column
    this.expression = expression
    this.caretText = caretText
  }
}

/** An error inside a function; its message goes behind `error calling <name>: `. */
export class FunctionError extends Error {}

/** Line and column of a place, as Go counts. */
export function locate({ text, at }: Place): { line: number; column: number; caretText: string } {
  const before = text.slice(0, at)
  const lineStart = before.lastIndexOf('\n') + 1
  const lineEnd = text.indexOf('\n', at)
  const source = text.slice(lineStart, lineEnd === -1 ? undefined : lineEnd)
  const line = before.split('\n').length
  const from = Math.max(0, at - lineStart - CARET_CONTEXT)
  const shown = source.slice(from, from + 2 * CARET_CONTEXT)
  return {
    line,
    column: byteLength(before.slice(lineStart)),
    caretText: `${shown}\n${' '.repeat(at - lineStart - from)}^`,
  }
}

/** Characters shown on each side of the caret. */
const CARET_CONTEXT = 60
