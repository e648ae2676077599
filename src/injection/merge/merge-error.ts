/** The exception of strategic merges, and Go's text for the JSON its messages quote. */
import { ProjectError } from '../../base/errors.ts'
import { isJsonObject } from '../model/members.ts'
import { floatText } from '../yaml/go-float.ts'

/** A patch that cannot be applied; the message is Kubernetes' text. */
export class MergeError extends ProjectError {
  constructor(message: string) {
    super('MERGE_INVALID', message)
  }
}

/** An element of a list that is merged by key has no such key. */
export const noMergeKey = (element: unknown, key: string): MergeError =>
  new MergeError(`map: ${goText(element)} does not contain declared merge key: ${key}`)

/** A list element or directive is of another type than it must be. */
export const wrongType = (expected: string, actual: unknown): MergeError =>
  new MergeError(`expected a ${expected}, but received a ${goTypeText(actual)}`)

export const MAP_TYPE = 'map[string]interface {}'
export const LIST_TYPE = '[]interface {}'

/** What Go prints for untyped JSON (`map[a:1 b:[x y]]`). */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (isJsonObject(value)) {
    const names = Object.keys(value).sort((a, b) => (a < b ? -1 : 1))
    return `map[${names.map((name) => `${name}:${goText(value[name])}`).join(' ')}]`
  }
  if (typeof value === 'number') return floatText(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Name of the Go type that holds a value of untyped JSON. */
function goTypeText(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)'
  if (Array.isArray(value)) return LIST_TYPE
  if (typeof value === 'number') return 'float64'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'string' ? 'string' : MAP_TYPE
}
