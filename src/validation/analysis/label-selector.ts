/** Kubernetes' label selectors, as webhook configurations write them. */
import { bagOf, bagsOf, textMapOf, textOf, textsOf } from './read.ts'

export type Labels = Readonly<Record<string, string | undefined>>

/** A selector that is absent, or empty, holds for everything. */
export function selectorHolds(selector: unknown, labels: Labels): boolean {
  const { matchLabels, matchExpressions } = bagOf(selector)
  if (!Object.entries(textMapOf(matchLabels)).every(([key, value]) => labels[key] === value)) return false
  return bagsOf(matchExpressions).every(({ key, operator, values }) => {
    const value = labels[textOf(key)]
    if (operator === 'In') return value !== undefined && textsOf(values).includes(value)
    if (operator === 'NotIn') return value === undefined || !textsOf(values).includes(value)
    return (operator === 'Exists') === (value !== undefined)
  })
}
