/** Turns YAML nodes into JSON the way sigs.k8s.io/yaml does: keys become text, scalars follow the type they are for. */
import { isJsonObject, type JsonObject, setMember } from '../model/members.ts'
import type { GoType, StructType } from '../template/types.ts'
import { float32Text, floatText } from './go-float.ts'
import type { AliasNode, MapNode, Node, ScalarNode } from './parse.ts'
import { type Resolved, resolvePlain } from './resolve.ts'
import { YamlError } from './yaml-error.ts'

/**
 * JSON of a node. Numbers and bools for which `target` has a string become strings; without a target they stay what
 * they are. @throws YamlError
 */
export const nodeToJson = (node: Node, target?: GoType): unknown => new Converter().convert(node, target)

class Converter {
  readonly #open = new Set<Node>()
  /** Nodes converted so far, and how many of them by way of an alias. */
  #count = 0
  #aliased = 0
  #aliasDepth = 0

  convert(node: Node, given: GoType | undefined): unknown {
    this.#measure()
    const target = concrete(given)
    switch (node.kind) {
      case 'scalar':
        return scalarJson(resolveScalar(node), target)
      case 'list':
        return node.items.map((item) => this.convert(item, target?.kind === 'slice' ? target.elem : undefined))
      case 'map': {
        const object: JsonObject = {}
        this.#fill(object, node, target)
        return object
      }
      case 'alias':
        return this.#follow(node, (aliased) => this.convert(aliased, target))
    }
  }

  /** istiod: aliases may make up 99 % of a small text's nodes, of a large one's less. */
  #measure(): void {
    this.#count++
    if (this.#aliasDepth > 0) this.#aliased++
    if (this.#aliased <= 100 || this.#count <= 1000) return
    const size = Math.min(Math.max((this.#count - 400_000) / 3_600_000, 0), 1)
    if (this.#aliased / this.#count > 0.99 - 0.89 * size)
      throw new YamlError('yaml: document contains excessive aliasing')
  }

  #follow<T>(alias: AliasNode, read: (target: Node) => T): T {
    if (this.#open.has(alias)) throw new YamlError(`yaml: anchor '${alias.name}' value contains itself`)
    this.#open.add(alias)
    this.#aliasDepth++
    const result = read(alias.target)
    this.#aliasDepth--
    this.#open.delete(alias)
    return result
  }

  #fill(object: JsonObject, { entries }: MapNode, target: GoType | undefined): void {
    for (const { key, value } of entries) {
      if (isMergeKey(key)) {
        this.#merge(object, value, target)
        continue
      }
      this.#measure()
      const name = this.#keyText(key, value)
      setMember(object, name, this.convert(value, memberType(target, name)))
    }
  }

  /** Merged maps win over what stands before them; of several the first wins. */
  #merge(object: JsonObject, node: Node, target: GoType | undefined): void {
    const sources = node.kind === 'list' ? [...node.items].reverse() : [node]
    for (const source of sources) {
      const isMap = source.kind === 'map' || (source.kind === 'alias' && source.target.kind === 'map')
      if (!isMap) throw new YamlError('yaml: map merge requires map or sequence of maps as the value')
      this.#measure()
      if (source.kind === 'map') this.#fill(object, source, target)
      else this.#follow(source, (aliased) => aliased.kind === 'map' && this.#fill(object, aliased, target))
    }
  }

  #keyText(node: Node, value: Node): string {
    if (node.kind === 'alias') return this.#follow(node, (aliased) => this.#keyText(aliased, value))
    if (node.kind !== 'scalar') throw new YamlError(`yaml: invalid map key: ${goSyntax(this.convert(node, undefined))}`)
    const resolved = resolveScalar(node)
    switch (resolved.kind) {
      case 'null':
        throw new YamlError(
          `unsupported map key of type: %!s(<nil>), key: <nil>, value: ${goSyntax(this.convert(value, undefined), '<nil>')}`,
        )
      case 'float':
        return INFINITE_KEYS.get(float32Text(resolved.value)) ?? float32Text(resolved.value)
      default:
        return String(resolved.value)
    }
  }
}

const INFINITE_KEYS: ReadonlyMap<string, string> = new Map([
  ['+Inf', '.inf'],
  ['-Inf', '-.inf'],
  ['NaN', '.nan'],
])

const YAML_TAGS = 'tag:yaml.org,2002:'

const isMergeKey = (key: Node): boolean =>
  key.kind === 'scalar' && key.value === '<<' && (key.isPlain || key.tag === `${YAML_TAGS}merge`)

const RESOLVABLE = new Set(['bool', 'int', 'float', 'null', 'timestamp'].map((name) => YAML_TAGS + name))
const DATE = /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ][0-9].*)?$/

/** A quoted text is a text; a tag asks for one kind of value; all else follows from the text itself. */
function resolveScalar({ value, tag, isPlain }: ScalarNode): Resolved {
  if (tag === '') return isPlain ? resolvePlain(value) : { kind: 'str', value }
  if (tag === `${YAML_TAGS}binary`) return { kind: 'str', value: decodeBase64(value) }
  if (!RESOLVABLE.has(tag)) return { kind: 'str', value }
  const resolved = resolvePlain(value)
  const wanted = tag.slice(YAML_TAGS.length)
  if (resolved.kind === wanted || (wanted === 'timestamp' && DATE.test(value))) return resolved
  if (wanted === 'float' && resolved.kind === 'int') return { kind: 'float', value: Number(resolved.value) }
  throw new YamlError(`yaml: cannot decode !!${resolved.kind} \`${value}\` as a !!${wanted}`)
}

function decodeBase64(text: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)))
  } catch {
    throw new YamlError('yaml: !!binary value contains invalid base64 data')
  }
}

function scalarJson(resolved: Resolved, target: GoType | undefined): unknown {
  const isText = target?.kind === 'string'
  switch (resolved.kind) {
    case 'int':
      return isText ? String(resolved.value) : Number(resolved.value)
    case 'bool':
      return isText ? String(resolved.value) : resolved.value
    case 'float':
      if (isText) return floatText(resolved.value)
      if (Number.isFinite(resolved.value)) return resolved.value
      throw new YamlError(`json: unsupported value: ${floatText(resolved.value)}`)
    default:
      return resolved.value
  }
}

/** The type behind pointers. A struct with a reader of its own has no say in how a scalar is to be read. */
function concrete(type: GoType | undefined): GoType | undefined {
  if (type?.kind === 'pointer') return concrete(type.elem)
  return type?.kind === 'struct' && type.opaque !== undefined ? undefined : type
}

function memberType(target: GoType | undefined, name: string): GoType | undefined {
  if (target?.kind === 'map') return target.elem
  return target?.kind === 'struct' ? fieldType(target, name) : undefined
}

/**
 * istiod: for a field of an inlined struct the library takes the struct itself for the field's type, so that scalars
 * below `httpGet` or a volume's `configMap` are not turned into text.
 */
function fieldType(struct: StructType, name: string): GoType | undefined {
  const exact = struct.fields.find((field) => field.json === name)
  if (exact !== undefined) return exact.type
  const inlined = struct.fields.find(({ json, type }) => json === '' && type.kind === 'struct' && hasField(type, name))
  if (inlined !== undefined) return inlined.type
  return struct.fields.find(({ json }) => json.toLowerCase() === name.toLowerCase())?.type
}

const hasField = (struct: StructType, name: string): boolean =>
  struct.fields.some(
    ({ json, type }) => json === name || (json === '' && type.kind === 'struct' && hasField(type, name)),
  )

/** What Go's `%#v` prints. */
function goSyntax(value: unknown, nil = 'interface {}(nil)'): string {
  if (value === null || value === undefined) return nil
  if (Array.isArray(value)) return `[]interface {}{${value.map((one) => goSyntax(one)).join(', ')}}`
  if (!isJsonObject(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${goSyntax(value[name])}`)
  return `map[interface {}]interface {}{${members.join(', ')}}`
}
