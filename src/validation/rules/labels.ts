/** Label maps, the two shapes of selectors, and target references. */
import { isDnsLabel } from '../../base/host-names.ts'
import { entry, field, index } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { keysOf } from '../schema/keys.ts'
import type { MatchLabelsSelector } from '../schema/kinds/destination-rule.ts'
import type { LabelsSelector } from '../schema/kinds/sidecar.ts'

const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/

/** istiod: values have no upper length here, unlike in Kubernetes. */
export function checkLabels(labels: Readonly<Record<string, string>> | undefined, at: FieldPath, report: Report): void {
  if (labels === undefined) return
  for (const key of keysOf(labels)) {
    if (report.isFull()) return
    const value = labels[key] ?? ''
    if (!isLabelKey(key)) report.error('LABEL_INVALID', entry(at, key), `invalid tag key: "${key}"`)
    if (value !== '' && !NAME.test(value))
      report.error('LABEL_INVALID', entry(at, key), `invalid tag value: "${value}"`)
  }
}

function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/')
  const name = key.slice(slash + 1)
  if (name.length > 63 || !NAME.test(name)) return false
  if (slash === -1) return true
  const prefix = key.slice(0, slash)
  return prefix.length <= 253 && prefix.split('.').every(isDnsLabel)
}

/** `workloadSelector.labels`. False when it is broken: istiod looks at nothing else of the object then. */
export function checkLabelsSelector(
  selector: LabelsSelector | undefined,
  { at, subject, report }: { at: FieldPath; subject: string; report: Report },
): boolean {
  if (selector === undefined) return true
  const labels = field(at, 'labels')
  const before = report.errorCount()
  const { labels: wanted = {} } = selector
  for (const key of keysOf(wanted)) {
    if (report.isFull()) return false
    const value = wanted[key] ?? ''
    if (key === '') report.error('SELECTOR_INVALID', labels, `empty key is not supported in selector: "=${value}"`)
    else if (key.includes('*') || value.includes('*')) {
      report.error('SELECTOR_INVALID', entry(labels, key), `wildcard is not supported in selector: "${key}=${value}"`)
    }
  }
  if (report.errorCount() > before) return false
  if (selector.labels === undefined) {
    report.warn(
      'SELECTOR_EMPTY',
      at,
      `${subject}: workload selector specified without labels, will be applied to all services in namespace`,
    )
  }
  return true
}

/** `selector.matchLabels` and `workloadSelector.matchLabels`. */
export function checkMatchLabels(selector: MatchLabelsSelector | undefined, at: FieldPath, report: Report): void {
  if (selector === undefined) return
  const labels = field(at, 'matchLabels')
  const { matchLabels = {} } = selector
  for (const key of keysOf(matchLabels)) {
    if (report.isFull()) return
    const value = matchLabels[key] ?? ''
    if (key === '') report.error('SELECTOR_INVALID', labels, `empty key is not supported in selector: "=${value}"`)
    if (key.includes('*') || value.includes('*')) {
      report.error('SELECTOR_INVALID', entry(labels, key), `wildcard is not supported in selector: "${key}=${value}"`)
    }
  }
  if (selector.matchLabels === undefined)
    report.warn('SELECTOR_EMPTY', at, 'workload selector specified without labels')
}

interface TargetRef {
  readonly group?: string | undefined
  readonly kind?: string | undefined
  readonly name?: string | undefined
  readonly namespace?: string | undefined
}
interface Targeting {
  readonly selector?: MatchLabelsSelector | undefined
  readonly targetRef?: TargetRef | undefined
  readonly targetRefs?: readonly TargetRef[] | undefined
}
const ALLOWED_TARGETS: ReadonlySet<string> = new Set([
  'core/Service',
  'networking.istio.io/ServiceEntry',
  'gateway.networking.k8s.io/Gateway',
  'gateway.networking.k8s.io/GatewayClass',
])
const ALLOWED_TEXT =
  '[core/v1/Service networking.istio.io/v1/ServiceEntry gateway.networking.k8s.io/v1/Gateway gateway.networking.k8s.io/v1/GatewayClass]'

/** One way to select, then the selector, then the references: the same for all policies that can target. */
export function checkTargeting(
  { selector, targetRef, targetRefs = [] }: Targeting,
  at: FieldPath,
  report: Report,
): void {
  const ways = Number(selector !== undefined) + Number(targetRef !== undefined) + Number(targetRefs.length > 0)
  if (ways > 1) report.error('TARGET_AMBIGUOUS', at, 'only one of targetRefs or workloadSelector can be set')
  checkMatchLabels(selector, field(at, 'selector'), report)
  if (targetRef !== undefined) checkTargetRef(targetRef, field(at, 'targetRef'), report)
  for (const [i, ref] of targetRefs.entries()) checkTargetRef(ref, index(field(at, 'targetRefs'), i), report)
}

function checkTargetRef(
  { group = '', kind = '', name = '', namespace = '' }: TargetRef,
  at: FieldPath,
  report: Report,
): void {
  if (name === '') report.error('TARGET_REF_INVALID', field(at, 'name'), 'targetRef name must be set')
  if (namespace !== '') {
    report.error(
      'TARGET_REF_INVALID',
      field(at, 'namespace'),
      'targetRef namespace must not be set; cross namespace referencing is not supported',
    )
  }
  if (!ALLOWED_TARGETS.has(`${group === '' ? 'core' : group}/${kind}`)) {
    report.error(
      'TARGET_REF_INVALID',
      field(at, 'kind'),
      `targetRef must be to one of ${ALLOWED_TEXT} but was ${group}/${kind}`,
    )
  }
}
