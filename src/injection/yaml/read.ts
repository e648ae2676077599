/** YAML as go-yaml v2 reads it (YAML 1.1 with Go's habits), turned into JSON. */
import { FAILSAFE_SCHEMA, load, type Schema, Type, YAMLException } from 'js-yaml'
import { type JsonObject, setMember } from '../model/members.ts'
import { resolvePlain } from './resolve.ts'
import { YamlError } from './yaml-error.ts'

/**
 * The first document of `text` as JSON; null where it is empty. Keys become text, of duplicate ones the last counts.
 * @throws YamlError for broken YAML, null keys, numbers JSON has no form for, and aliases that expand without measure
 */
export function readYaml(text: string): unknown {
  try {
    return settle(load(firstDocument(text), { schema: SCHEMA, json: true }), new Map(), 0).value
  } catch (thrown) {
    if (thrown instanceof YAMLException) throw new YamlError(yamlText(thrown), thrown)
    if (thrown instanceof RangeError) throw new YamlError('yaml: exceeded max depth of 10000', thrown)
    throw thrown
  }
}

/** Go's reader never looks behind the first document, whatever stands there. */
function firstDocument(text: string): string {
  const start = /^(?:[ \t]*(?:#[^\n]*|%[^\n]*)?\r?\n)*---(?=[ \t\r\n]|$)/.exec(text)?.[0].length ?? 0
  const end = /^(?:---|\.\.\.)(?=[ \t\r\n]|$)/m.exec(
    text.slice(start).replace(/^[^\n]*/, (line) => ' '.repeat(line.length)),
  )
  return end === null ? text : text.slice(0, start + end.index)
}

/** Null while the text is read: js-yaml would take a plain null for the key `null`, where Go refuses. */
class NullScalar {
  readonly [Symbol.toStringTag] = 'NullScalar'
  toString(): string {
    throw new YamlError('yaml: unsupported map key of type null')
  }
}
const NULL = new NullScalar()

/** One resolver for all plain scalars: go-yaml's rules know no order of types. */
const scalar = (tag: string, matches: (value: unknown) => boolean): Type =>
  new Type(`tag:yaml.org,2002:${tag}`, {
    kind: 'scalar',
    resolve: (text: string | null) => matches(resolvePlain(text ?? '')),
    construct: (text: string | null) => resolvePlain(text ?? '') ?? NULL,
  })

const SCHEMA: Schema = FAILSAFE_SCHEMA.extend({
  implicit: [
    scalar('null', (value) => value === null),
    scalar('bool', (value) => typeof value === 'boolean'),
    scalar('int', (value) => typeof value === 'number' && Number.isInteger(value)),
    scalar('float', (value) => typeof value === 'number'),
    new Type('tag:yaml.org,2002:merge', { kind: 'scalar', resolve: (text: unknown) => text === '<<' || text === null }),
  ],
  explicit: (['scalar', 'sequence', 'mapping'] as const).map(
    (kind) => new Type('!', { kind, multi: true, construct: (value: unknown) => value }),
  ),
})

/** Nested deeper, a text is refused: what comes after reads JSON recursively. */
const MAX_DEPTH = 1000
/** A text may grow that far by its aliases; the largest pod Kubernetes stores has less. */
const MAX_NODES = 400_000

interface Settled {
  readonly value: unknown
  /** Nodes of the value, each alias counted again. */
  readonly nodes: number
}

/** Puts null in its place and measures; `known` holds the collections already seen, undefined while they are open. */
function settle(value: unknown, known: Map<object, number | undefined>, depth: number): Settled {
  if (value === undefined || value === NULL) return { value: null, nodes: 1 }
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new YamlError(`json: unsupported value: ${goFloat(value)}`)
  if (typeof value !== 'object' || value === null) return { value, nodes: 1 }
  const nodes = known.has(value) ? known.get(value) : settleMembers(value as JsonObject, known, depth)
  if (nodes === undefined) throw new YamlError('yaml: anchor value contains itself')
  if (nodes > MAX_NODES) throw new YamlError('yaml: document contains excessive aliasing')
  return { value, nodes }
}

function settleMembers(object: JsonObject, known: Map<object, number | undefined>, depth: number): number {
  if (depth > MAX_DEPTH) throw new YamlError(`yaml: exceeded max depth of ${MAX_DEPTH}`)
  known.set(object, undefined)
  let nodes = 1
  for (const name of Object.keys(object)) {
    const member = settle(object[name], known, depth + 1)
    if (member.value !== object[name]) setMember(object, name, member.value)
    nodes += member.nodes
  }
  known.set(object, nodes)
  return nodes
}

const goFloat = (value: number): string => (Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf')

const yamlText = ({ mark, reason }: YAMLException): string => `yaml: line ${mark.line + 1}: ${reason}`
