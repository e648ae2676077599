/** Reading values of objects whose shape nobody has checked. */

export type Bag = Readonly<Record<string, unknown>>
const NONE: Bag = Object.freeze({})

export const bagOf = (value: unknown): Bag =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Bag) : NONE
export const hasBag = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
export const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as readonly unknown[]) : []
export const bagsOf = (value: unknown): readonly Bag[] => listOf(value).map(bagOf)
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
export const textsOf = (value: unknown): readonly string[] => listOf(value).map(textOf)
export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)
export const isText = (value: unknown): value is string => typeof value === 'string'

/** Labels, annotations and the like; what is no text is left out. */
export function textMapOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(bagOf(value)).filter((pair): pair is [string, string] => isText(pair[1])))
}
