/** Where in an object a finding is: a linked list that becomes text only when somebody reports something. */

export interface FieldPath {
  readonly parent: FieldPath | undefined
  /** A number is the index of a list element; text is a field, or a map key when `entry` is set. */
  readonly step: string | number
  readonly entry: boolean
}

export const SPEC: FieldPath = { parent: undefined, step: 'spec', entry: false }
export const METADATA: FieldPath = { parent: undefined, step: 'metadata', entry: false }
/** The object itself; prints as the empty text. */
export const ROOT: FieldPath = { parent: undefined, step: '', entry: false }

export const field = (parent: FieldPath, step: string): FieldPath => ({ parent, step, entry: false })
export const index = (parent: FieldPath, step: number): FieldPath => ({ parent, step, entry: false })
export const entry = (parent: FieldPath, step: string): FieldPath => ({ parent, step, entry: true })

/** `spec.http[0].headers[x-a]`: indexes and map keys in brackets. */
export const pathText = (path: FieldPath): string => print(path, true)

/** As `pathText`, with map keys as if they were fields: how the API server's structural check writes them. */
export const dottedPathText = (path: FieldPath): string => print(path, false)

function print(path: FieldPath, bracketKeys: boolean): string {
  const parts: string[] = []
  for (let at: FieldPath | undefined = path; at !== undefined; at = at.parent) {
    if (typeof at.step === 'number' || (at.entry && bracketKeys)) parts.push(`[${at.step}]`)
    else if (at !== ROOT) parts.push(at.parent === undefined || at.parent === ROOT ? at.step : `.${at.step}`)
  }
  return parts.reverse().join('')
}

/** The steps from the object down, for those who look a position up in a document. */
export function pathSteps(path: FieldPath): readonly (string | number)[] {
  const steps: (string | number)[] = []
  for (let at: FieldPath | undefined = path; at !== undefined; at = at.parent) if (at !== ROOT) steps.unshift(at.step)
  return steps
}
