/** What every kind's rules are given beside the spec. */
import type { Report } from '../report.ts'
import type { ObjectMeta } from '../schema/object-meta.ts'

export interface RuleContext {
  /** `namespace` is never empty: an object without one is taken to be in `default`. */
  readonly meta: ObjectMeta
  readonly report: Report
}

/** The rules of one kind. */
export type KindRules<Spec> = (spec: Spec, context: RuleContext) => void

/** istiod: relaxes rules for objects it generates itself; a user may write it, too. */
export const hasGatewaySemantics = (
  { annotations }: ObjectMeta,
  name: 'gateway-semantics' | 'route-semantics',
): boolean => annotations[`internal.istio.io/${name}`] === 'gateway'
