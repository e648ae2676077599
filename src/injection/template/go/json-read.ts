/** Go's `json.Unmarshal` into an untyped value. */
import { FunctionError } from '../errors.ts'
import { LimitReached } from '../limits.ts'
import { newMap, setKey, type PlainMap } from '../value.ts'
import { replaceLoneSurrogates, replaceRawBytes } from './byte-text.ts'

/** Nesting that Go still reads. */
const GO_MAX_DEPTH = 10_000

/** The value a JSON text stands for; objects have no prototype. @throws FunctionError; LimitReached when nested too deeply */
export function readJson(text: string): unknown {
  const valid = replaceRawBytes(text)
  checkNesting(valid)
  try {
    return JSON.parse(valid, reviver)
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw new FunctionError(goMessage(valid))
    throw thrown
  }
}

function reviver(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return replaceLoneSurrogates(value)
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new FunctionError('json: cannot unmarshal number into Go value of type float64')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const map = newMap()
  for (const key of Object.keys(value)) setKey(map, replaceLoneSurrogates(key), (value as PlainMap)[key])
  return map
}

/** JSON.parse and its reviver recurse; a text nested deeper than this engine walks is refused first. */
function checkNesting(text: string): void {
  let depth = 0
  let deepest = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[[\]{}]/gs)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth)
    else if (token === ']' || token === '}') depth--
  }
  if (deepest > GO_MAX_DEPTH) throw new FunctionError('exceeded max depth')
  if (deepest > MAX_JSON_DEPTH) throw new LimitReached(`JSON nested deeper than ${MAX_JSON_DEPTH}`)
}

const MAX_JSON_DEPTH = 1000

const goMessage = (text: string): string =>
  text.trim() === '' ? 'unexpected end of JSON input' : 'invalid character in JSON input'
