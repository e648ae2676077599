/**
 * Whether a pod gets a sidecar.
 *
 * | asked for      | never selector | always selector | policy enabled | policy disabled | other policy |
 * |----------------|----------------|-----------------|----------------|-----------------|--------------|
 * | yes            | (not looked at)| (not looked at) | inject         | inject          | skip         |
 * | no             | (not looked at)| (not looked at) | skip           | skip            | skip         |
 * | nothing        | matches        | (not looked at) | skip           | skip            | skip         |
 * | nothing        |                | matches         | inject         | inject          | skip         |
 * | nothing        |                |                 | inject         | skip            | skip         |
 *
 * Host network and the ignored namespaces come before all of it.
 */
import { ANNOTATION, LABEL } from '../api/names.ts'
import type { Pod } from '../api/pod.ts'
import type { CompiledSelector } from '../base/selector.ts'

/** Codes of the reasons; they label metrics and logs. */
export const SKIP_REASONS = {
  host_network: 'the pod uses the host network',
  ignored_namespace: 'its namespace is a system namespace',
  explicit_false: 'its label or annotation sidecar.istio.io/inject is "false"',
  never_selector: 'a neverInjectSelector matches its labels',
  policy_disabled: 'the injection policy is "disabled" and nothing asks for injection',
  policy_invalid: 'the injection policy is neither "enabled" nor "disabled"',
} as const

export type SkipReason = keyof typeof SKIP_REASONS

export type Decision = { readonly inject: true } | { readonly inject: false; readonly reason: SkipReason }

export interface InjectionPolicy {
  /** `enabled` or `disabled`; any other text switches injection off. */
  readonly policy: string
  readonly never: readonly CompiledSelector[]
  readonly always: readonly CompiledSelector[]
}

/** istiod: a fixed list. */
const IGNORED_NAMESPACES: ReadonlySet<string> = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
])

const INJECT: Decision = { inject: true }
const skip = (reason: SkipReason): Decision => ({ inject: false, reason })

/** Whether this pod gets a sidecar. The first rule that applies decides, in istiod's order. */
export function decide(pod: Pod, policy: InjectionPolicy): Decision {
  if (pod.spec?.hostNetwork === true) return skip('host_network')
  if (IGNORED_NAMESPACES.has(pod.metadata?.namespace ?? '')) return skip('ignored_namespace')
  const asked = wishOf(pod).asked
  if (asked === false) return skip('explicit_false')
  const labels = pod.metadata?.labels ?? {}
  const matches = (selector: CompiledSelector): boolean => !selector.isEmpty && selector.matches(labels)
  if (asked === undefined && policy.never.some(matches)) return skip('never_selector')
  switch (policy.policy) {
    case 'enabled':
      return INJECT
    case 'disabled':
      return asked === true || policy.always.some(matches) ? INJECT : skip('policy_disabled')
    default: // istiod: any other text, a missing one too, beats even an explicit "true"
      return skip('policy_invalid')
  }
}

/**
 * What the pod itself asks for. istiod: a label hides the annotation even when its own text is empty or no bool.
 * `unreadable` is a text that is neither, worth a warning.
 */
export function wishOf(pod: Pod): { readonly asked: boolean | undefined; readonly unreadable?: string } {
  const wish = pod.metadata?.labels?.[LABEL.inject] ?? pod.metadata?.annotations?.[ANNOTATION.inject] ?? ''
  if (wish === 'true') return { asked: true }
  if (wish === 'false') return { asked: false }
  return wish === '' ? { asked: undefined } : { asked: undefined, unreadable: wish }
}
