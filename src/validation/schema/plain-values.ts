/** What the generated code asks of single values. */
import { parseDurationNs } from '../../base/duration.ts'
import { isBytesText } from './structure.ts'

export const formats = {
  'go-duration': (text: string): boolean => parseDurationNs(text) !== undefined,
  base64: isBytesText,
} as const

/** Whether all elements are objects, and no two have the same text or number as their `key`. */
export function isDistinctBy(list: readonly unknown[], key: string): boolean {
  const seen = new Set<unknown>()
  for (const element of list) {
    if (typeof element !== 'object' || element === null) return false
    seen.add((element as Readonly<Record<string, unknown>>)[key])
  }
  return seen.size === list.length
}
