/** Parameters in the path of an injection request: which cluster and network a remote webhook speaks for. */
import { VARIABLE } from '../api/names.ts'
import { upperChar } from './template/go/unicode.ts'

const DEPRECATED_MARK = ':ENV:'
const ESCAPED_SLASH = '--slash--'
const VARIABLE_OF_KEY: ReadonlyMap<string, string> = new Map([
  ['cluster', VARIABLE.clusterId],
  ['net', VARIABLE.network],
])

export interface PathParameters {
  /** Variable name -> value. */
  readonly variables: ReadonlyMap<string, string>
  /** A last key without a value; it is ignored. */
  readonly dangling?: string
}

/** Reads the percent-decoded path of a request, `/inject/cluster/c1/net/n1`. Later duplicates win. */
export function parsePathParameters(path: string): PathParameters {
  const text = parameterText(path)
  if (text === undefined) return { variables: new Map() }
  if (text.startsWith(DEPRECATED_MARK)) return { variables: toVariables(markedPairs(text)) }
  const words = text.split('/')
  const variables = toVariables(slashPairs(words))
  const dangling = words.length % 2 === 1 ? words.at(-1) : undefined
  return dangling === undefined ? { variables } : { variables, dangling }
}

/** What follows the second segment; undefined when there is nothing. */
function parameterText(path: string): string | undefined {
  const trimmed = path.endsWith('/') ? path.slice(0, -1) : path
  const first = trimmed.indexOf('/')
  const second = first < 0 ? -1 : trimmed.indexOf('/', first + 1)
  return second < 0 ? undefined : trimmed.slice(second + 1)
}

function* markedPairs(text: string): Iterable<readonly [string, string]> {
  for (const piece of text.split(DEPRECATED_MARK).slice(1)) {
    const equals = piece.indexOf('=')
    if (equals > 0) yield [piece.slice(0, equals), piece.slice(equals + 1)]
  }
}

function* slashPairs(words: readonly string[]): Iterable<readonly [string, string]> {
  for (let at = 0; at + 1 < words.length; at += 2) {
    yield [words[at] ?? '', (words[at + 1] ?? '').replaceAll(ESCAPED_SLASH, '/')]
  }
}

function toVariables(pairs: Iterable<readonly [string, string]>): ReadonlyMap<string, string> {
  const variables = new Map<string, string>()
  for (const [key, value] of pairs) {
    const name = VARIABLE_OF_KEY.get(key) ?? Array.from(key, upperChar).join('')
    if (name !== '') variables.set(name, value)
  }
  return variables
}
