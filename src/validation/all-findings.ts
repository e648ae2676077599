/** One list for people: what schema, CEL, rules and our own advice say, in the order of the document, nothing twice. */
import { pathText, ROOT } from './field-path.ts'
import type { FieldPath } from './field-path.ts'
import type { Finding } from './finding.ts'
import { nearestName } from './nearest-name.ts'
import type { UnknownField } from './schema/prune.ts'
import type { Validation } from './validate.ts'

/** `strict`: undeclared fields are errors, as for kubectl; else warnings, since the API server drops them. */
export function allFindings(validation: Validation, { strict }: { strict: boolean }): readonly Finding[] {
  const { schema, cel, unknown, findings, webhookAfterPruning } = validation
  // The API server knows nothing of a removed kind; what replaces it is all there is to say.
  if (findings.some(({ code }) => code === 'KIND_LEGACY')) return findings
  const bySchema = [
    ...schema.errors.map(({ at, message, type }) =>
      finding(type === 'NoMatch' ? 'KIND_UNKNOWN' : 'SCHEMA', at, message),
    ),
    ...cel.map(({ at, message }) => finding('CEL', at, message)),
  ]
  const refusedAlready = new Set(bySchema.map(({ path }) => path))
  // What does not decode was refused by the schema first, in better words; so was what it requires.
  const byRules = [...findings, ...webhookAfterPruning.advice].filter(
    ({ code, path }) => !(code === 'DECODE' && bySchema.length > 0) && !refusedAlready.has(path),
  )
  const byName = unknown.map(({ at, declared }, i) =>
    unknownField({ at, declared: i < MAX_HINTS ? declared : [] }, strict),
  )
  const all = [...byName, ...bySchema, ...byRules]
  return all.sort((a, b) => comparePaths(a.at, b.at))
}

const finding = (code: Finding['code'], at: FieldPath, text: string): Finding => ({
  code,
  severity: 'error',
  at,
  path: pathText(at),
  text,
})

/** Nobody misspells more names in one object; each costs a comparison with all that are declared. */
const MAX_HINTS = 100

/** With the declared name that is nearest. */
export function unknownField({ at, declared }: UnknownField, strict: boolean): Finding {
  const meant = nearestName(String(at.step), declared)
  const hint = meant === undefined ? '' : `, did you mean "${meant}"?`
  return {
    ...finding('FIELD_UNKNOWN', at, `unknown field "${at.step}"${hint}`),
    severity: strict ? 'error' : 'warning',
  }
}

/** Indexes by number, names by letter; a parent stands before its children. */
function comparePaths(a: FieldPath, b: FieldPath): number {
  const left = steps(a)
  const right = steps(b)
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x = '', y = ''] = [left[i], right[i]]
    if (x === y) continue
    if (typeof x === 'number' && typeof y === 'number') return x - y
    return String(x) < String(y) ? -1 : 1
  }
  return left.length - right.length
}

function steps(path: FieldPath): readonly (string | number)[] {
  const found: (string | number)[] = []
  for (let at: FieldPath | undefined = path; at !== undefined; at = at.parent) if (at !== ROOT) found.push(at.step)
  return found.reverse()
}
