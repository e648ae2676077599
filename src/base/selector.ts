/** Kubernetes label selectors, compiled to a predicate on labels. */

export interface LabelSelectorRequirement {
  readonly key?: string
  readonly operator?: string
  readonly values?: readonly string[] | null
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>> | null
  readonly matchExpressions?: readonly LabelSelectorRequirement[] | null
}

export type Labels = Readonly<Record<string, string>>

export interface CompiledSelector {
  /** It has no requirement at all, so it matches everything. */
  readonly isEmpty: boolean
  readonly matches: (labels: Labels) => boolean
}

type Requirement = (labels: Labels) => boolean

const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/
const NAME_PART = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/
const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/
const MAX_VALUE_LENGTH = 63
const MAX_PREFIX_LENGTH = 253

/**
 * Compiles a selector, or says why Kubernetes would refuse it.
 * Source: apimachinery's LabelSelectorAsSelector. A nil selector matches nothing there; the caller decides what absence means.
 */
export function compileSelector(selector: LabelSelector): CompiledSelector | { readonly problem: string } {
  const requirements: Requirement[] = []
  for (const requirement of requirementsOf(selector)) {
    const compiled = compileRequirement(requirement)
    if (typeof compiled === 'string') return { problem: compiled }
    requirements.push(compiled)
  }
  return {
    isEmpty: requirements.length === 0,
    matches: (labels) => requirements.every((holds) => holds(labels)),
  }
}

function* requirementsOf(selector: LabelSelector): Iterable<LabelSelectorRequirement> {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) yield { key, operator: 'In', values: [value] }
  yield* selector.matchExpressions ?? []
}

function compileRequirement({ key = '', operator, values }: LabelSelectorRequirement): Requirement | string {
  const given = values ?? []
  if (!isQualifiedName(key)) return `key: Invalid value: ${JSON.stringify(key)}`
  switch (operator) {
    case 'In':
    case 'NotIn':
      return compileSetRequirement(key, operator === 'In', given)
    case 'Exists':
    case 'DoesNotExist': {
      if (given.length > 0) return `values set must be empty for ${operator}`
      const wanted = operator === 'Exists'
      return (labels) => Object.hasOwn(labels, key) === wanted
    }
    default:
      return `${JSON.stringify(operator ?? '')} is not a valid label selector operator`
  }
}

function compileSetRequirement(key: string, isIn: boolean, values: readonly string[]): Requirement | string {
  if (values.length === 0) return "for 'in', 'notin' operators, values set can't be empty"
  const wrong = values.find((value) => value.length > MAX_VALUE_LENGTH || !LABEL_VALUE.test(value))
  if (wrong !== undefined) return `values: Invalid value: ${JSON.stringify(wrong)}`
  const wanted = new Set(values)
  return (labels) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined
    return value === undefined ? !isIn : wanted.has(value) === isIn
  }
}

function isQualifiedName(key: string): boolean {
  const slash = key.indexOf('/')
  if (slash < 0) return isNamePart(key)
  const prefix = key.slice(0, slash)
  return (
    prefix.length <= MAX_PREFIX_LENGTH &&
    prefix.split('.').every((l) => DNS_LABEL.test(l)) &&
    isNamePart(key.slice(slash + 1))
  )
}

const isNamePart = (name: string): boolean => name.length <= MAX_VALUE_LENGTH && NAME_PART.test(name)
