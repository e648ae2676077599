/** Where in a template an expression stands, and the errors thrown from there. */
import { FunctionError, TemplateError, type Stage } from '../errors.ts'
import { quote } from '../go/quote.ts'
import { locate } from '../errors.ts'
import { printExpression, type Expression } from '../nodes.ts'

/** The template a program was compiled from. */
export interface Unit {
  /** Name of this template: of a `define`, or that of the text. */
  readonly templateName: string
  /** Name the text was parsed under. */
  readonly textName: string
  readonly text: string
}

export interface Site {
  readonly unit: Unit
  readonly node: Expression
}

/** @throws TemplateError with Go's prefix */
export function fail(site: Site, message: string, options: { stage?: Stage; cause?: unknown } = {}): never {
  const { unit, node } = site
  const place = { name: unit.textName, text: unit.text, at: node.at }
  const { line, column } = locate(place)
  const expression = printExpression(node)
  const where = `${unit.textName}:${line}:${column}: executing ${quote(unit.templateName)} at <${expression}>`
  throw new TemplateError(`template: ${where}: ${message}`, {
    stage: options.stage ?? 'exec',
    place,
    expression,
    cause: options.cause,
  })
}

/** Whether an error is a function's own, to be reported as Go's `error calling`. */
export const isFunctionError = (thrown: unknown): thrown is FunctionError => thrown instanceof FunctionError
