/** Whether two webhook entries can be asked about the same pod. */
import type { Labels, LabelSelector, LabelSelectorRequirement } from '../../base/selector.ts'
import { compileSelector } from '../../base/selector.ts'
import type { Configuration, Entry } from '../installed/configurations.ts'

export interface Injector {
  readonly configuration: Configuration
  readonly entry: Entry
}

/** Entries that are asked about new pods in order to add a sidecar of the mesh; other mutating webhooks are not meant. */
export function injectorsIn(configurations: readonly Configuration[]): Injector[] {
  return configurations
    .filter(({ kind }) => kind === 'MutatingWebhookConfiguration')
    .flatMap((configuration) => configuration.webhooks.map((entry) => ({ configuration, entry })))
    .filter(({ entry }) => seesNewPods(entry))
    .filter(({ configuration, entry }) => isInjector(configuration, entry) && !isSwitchedOff(entry))
}

/** The smallest set of labels that all selectors match; undefined when there is none. Requirements on keys are independent. */
export function labelsFor(selectors: readonly (LabelSelector | undefined)[]): Labels | undefined {
  const byKey = new Map<string, LabelSelectorRequirement[]>()
  for (const requirement of selectors.flatMap(requirementsOf)) {
    const key = requirement.key ?? ''
    byKey.set(key, [...(byKey.get(key) ?? []), requirement])
  }
  const labels: Record<string, string> = {}
  for (const [key, requirements] of byKey) {
    const found = candidates(key, requirements).find((one) => matches({ matchExpressions: requirements }, one))
    if (found === undefined) return undefined
    Object.assign(labels, found)
  }
  return labels
}

/** A selector that is absent, or that the API server would not have taken, selects everything: nothing is overlooked. */
export function matches(selector: LabelSelector | undefined, labels: Labels): boolean {
  const compiled = compileSelector(selector ?? {})
  return 'problem' in compiled || compiled.matches(labels)
}

/** `istio-injection=enabled,istio.io/rev=x`, as kubectl takes it; empty for no labels. */
export const labelsText = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

/** istioctl: a configuration whose part another revision has taken selects a label that nothing carries. */
const isSwitchedOff = ({ namespaceSelector, matchConditions = [] }: Entry): boolean =>
  namespaceSelector?.matchLabels?.['istio.io/deactivated'] === 'never-match' ||
  matchConditions.some(({ expression }) => expression.trim() === 'false')

/** Whether something besides selectors decides who comes to the entry. */
export const isConditional = ({ matchConditions = [] }: Entry): boolean =>
  matchConditions.some(({ expression }) => expression.trim() !== 'true')

function seesNewPods({ rules = [] }: Entry): boolean {
  return rules.some(
    ({ apiGroups = [], operations = [], resources = [] }) =>
      isNamed(apiGroups, '') &&
      isNamed(operations, 'CREATE') &&
      (isNamed(resources, 'pods') || resources.includes('*/*')),
  )
}

const isNamed = (names: readonly string[], wanted: string): boolean => names.includes(wanted) || names.includes('*')

function isInjector({ metadata: { labels = {} } }: Configuration, { name, clientConfig }: Entry): boolean {
  const { url = '', service } = clientConfig
  const path = URL.canParse(url) ? new URL(url).pathname : (service?.path ?? '')
  return (
    /(?:^|\.)sidecar-injector\.(?:istio|mesh-admission)\.io$/.test(name) ||
    labels.app === 'sidecar-injector' ||
    /^\/inject(?:\/|$)/.test(path)
  )
}

function requirementsOf(selector: LabelSelector | undefined): LabelSelectorRequirement[] {
  const equalities = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: 'In',
    values: [value],
  }))
  return [...equalities, ...(selector?.matchExpressions ?? [])]
}

/** No such label, each value that is spoken of, and one that is not. */
function candidates(key: string, requirements: readonly LabelSelectorRequirement[]): Labels[] {
  const named = requirements.flatMap(({ values }) => values ?? [])
  let other = 'any'
  while (named.includes(other)) other += 'x'
  return [{}, ...[...named, other].map((value) => Object.fromEntries([[key, value]]))]
}
