/** Annotations that refuse an object of any kind, before its spec is looked at. */
import { entry, field, METADATA } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { ObjectMeta } from '../schema/object-meta.ts'

const DRY_RUN = 'istio.io/dry-run'
const GO_BOOLEANS: ReadonlySet<string> = new Set([
  '1',
  't',
  'T',
  'TRUE',
  'true',
  'True',
  '0',
  'f',
  'F',
  'FALSE',
  'false',
  'False',
])
const RESERVED = [
  ['internal.istio.io/webhook-always-reject', 'annotation found, rejecting'],
  ['internal.istio.io/parent-namespace', 'annotation found, this may not be set by users'],
  ['internal.istio.io/parents', 'annotation found, this may not be set by users'],
] as const

/** False when an annotation refuses the object; istiod stops at the first. `action` is an AuthorizationPolicy's. */
export function checkMetadata(
  meta: ObjectMeta,
  { action, report }: { action: string | undefined; report: Report },
): boolean {
  const at = (name: string) => entry(field(METADATA, 'annotations'), name)
  const dryRun = Object.hasOwn(meta.annotations, DRY_RUN) ? wrongDryRun(meta, action) : undefined
  if (dryRun !== undefined) {
    report.error('ANNOTATION_REFUSED', at(DRY_RUN), dryRun)
    return false
  }
  for (const [name, text] of RESERVED) {
    if (!Object.hasOwn(meta.annotations, name)) continue
    report.error('ANNOTATION_REFUSED', at(name), `"${name}" ${text}`)
    return false
  }
  return true
}

function wrongDryRun({ namespace, name, annotations }: ObjectMeta, action: string | undefined): string | undefined {
  const subject = `${namespace}/${name}`
  if (action === undefined) return `${subject} has unsupported annotation ${DRY_RUN}, please remove the annotation`
  if (action !== 'ALLOW' && action !== 'DENY')
    return `the annotation ${DRY_RUN} currently only supports action ALLOW/DENY, found ${action} in ${subject}`
  const value = annotations[DRY_RUN] ?? ''
  if (GO_BOOLEANS.has(value)) return undefined
  return `${subject} has annotation ${DRY_RUN} with invalid value (${value}): parsing "${value}": invalid syntax`
}
