/** Renders a text with all functions of the injector, for tests. */
import { injectorFunctions } from '../../../src/injection/functions/functions.ts'
import { TemplateError } from '../../../src/injection/template/errors.ts'
import { parseTemplate } from '../../../src/injection/template/template.ts'

export const FUNCTIONS = injectorFunctions({ env: () => undefined, warn: () => undefined })

export function render(text: string, data: unknown = undefined): string {
  return parseTemplate('inject', text, { functions: FUNCTIONS }).render(data)
}

/** The error a text ends with. */
export function errorOf(run: () => unknown): TemplateError {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof TemplateError) return thrown
    throw thrown
  }
  throw new Error('expected a TemplateError, got a result')
}
