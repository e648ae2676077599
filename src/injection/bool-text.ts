/** Bools in annotations, as Go reads them. */

const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False'])

/** The bool a text stands for, undefined for a missing or any other text. Source: Go's strconv.ParseBool. */
export function readBool(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined
  if (TRUE.has(text)) return true
  return FALSE.has(text) ? false : undefined
}
