/** Builds the nodes of a text's first document from its tokens, by libyaml's grammar. */
import { lineError, type Mark } from './cursor.ts'
import { Scanner } from './scanner.ts'
import type { Token, TokenContent } from './tokens.ts'
import { YamlError } from './yaml-error.ts'

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly value: string
  /** Full tag; empty where the text has none. */
  readonly tag: string
  /** Its kind follows from the text: plain and without a tag. */
  readonly isPlain: boolean
}

export interface ListNode {
  readonly kind: 'list'
  readonly items: Node[]
}

export interface MapNode {
  readonly kind: 'map'
  readonly entries: { readonly key: Node; readonly value: Node }[]
}

export interface AliasNode {
  readonly kind: 'alias'
  readonly name: string
  readonly target: Node
}

export type Node = ScalarNode | ListNode | MapNode | AliasNode

/** The root of the first document; undefined where the text holds none. @throws YamlError with go-yaml's text */
export function parseYaml(text: string): Node | undefined {
  return new Parser(text).document()
}

const EMPTY: ScalarNode = { kind: 'scalar', value: '', tag: '', isPlain: true }
const YAML_TAGS = 'tag:yaml.org,2002:'

type TokenType = TokenContent['type']

/** Where a node stands: in a block, there also without indentation of its own (a list below its key), or in a flow. */
type Place = 'block' | 'indentless' | 'flow'

class Parser {
  readonly #scanner: Scanner
  readonly #anchors = new Map<string, Node>()
  readonly #handles = new Map([
    ['!', '!'],
    ['!!', YAML_TAGS],
  ])

  constructor(text: string) {
    this.#scanner = new Scanner(text)
  }

  document(): Node | undefined {
    if (this.#sees('stream-end')) return undefined
    const isExplicit = this.#directives() || this.#sees('document-start')
    if (isExplicit) this.#expectDocumentStart()
    const isEmpty =
      isExplicit && this.#sees('version-directive', 'tag-directive', 'document-start', 'document-end', 'stream-end')
    const root = isEmpty ? EMPTY : this.#node('block')
    // Go looks at what follows, and so refuses what cannot be a token there.
    this.#scanner.peek()
    return root
  }

  #sees(...types: readonly TokenType[]): boolean {
    return types.includes(this.#scanner.peek().type)
  }

  /** Takes the token if it is of that type. */
  #accepts(type: TokenType): boolean {
    const isIt = this.#scanner.peek().type === type
    if (isIt) this.#scanner.skip()
    return isIt
  }

  #fail(problem: string, context?: Mark): never {
    const { line } = this.#scanner.peek().start
    throw lineError(line === 0 ? (context?.line ?? 0) : line, problem)
  }

  #directives(): boolean {
    let hasVersion = false
    const declared = new Set<string>()
    for (;;) {
      const token = this.#scanner.peek()
      if (token.type === 'version-directive') {
        if (hasVersion) this.#fail('found duplicate %YAML directive')
        if (token.major !== 1 || token.minor !== 1) this.#fail('found incompatible YAML document')
        hasVersion = true
      } else if (token.type === 'tag-directive') {
        if (declared.has(token.handle)) this.#fail('found duplicate %TAG directive')
        declared.add(token.handle)
        this.#handles.set(token.handle, token.prefix)
      } else return hasVersion || declared.size > 0
      this.#scanner.skip()
    }
  }

  #expectDocumentStart(): void {
    if (!this.#accepts('document-start')) this.#fail('did not find expected <document start>')
  }

  #node(place: Place): Node {
    const first = this.#scanner.peek()
    if (first.type === 'alias') return this.#alias(first.value)
    const { anchor, tag } = this.#properties()
    const content = this.#content(place, tag)
    if (content === undefined) {
      if (anchor === undefined && tag === undefined) this.#fail('did not find expected node content', first.start)
      return this.#named({ ...EMPTY, tag: tag ?? '', isPlain: tag === undefined }, anchor)
    }
    this.#named(content.node, anchor)
    content.fill()
    return content.node
  }

  #named<T extends Node>(node: T, anchor: string | undefined): T {
    if (anchor !== undefined) this.#anchors.set(anchor, node)
    return node
  }

  #alias(name: string): AliasNode {
    const target = this.#anchors.get(name)
    if (target === undefined) throw new YamlError(`yaml: unknown anchor '${name}' referenced`)
    this.#scanner.skip()
    return { kind: 'alias', name, target }
  }

  /** Anchor and tag, in either order, each at most once. */
  #properties(): { anchor: string | undefined; tag: string | undefined } {
    let anchor: string | undefined
    let tag: string | undefined
    for (;;) {
      const token = this.#scanner.peek()
      if (token.type === 'anchor' && anchor === undefined) anchor = token.value
      else if (token.type === 'tag' && tag === undefined) tag = this.#fullTag(token.handle, token.suffix)
      else return { anchor, tag }
      this.#scanner.skip()
    }
  }

  #fullTag(handle: string, suffix: string): string {
    if (handle === '') return suffix
    const prefix = this.#handles.get(handle)
    return prefix === undefined ? this.#fail('found undefined tag handle') : prefix + suffix
  }

  /** The node that begins here, and how to read what is in it: its anchor must be known by then. */
  #content(place: Place, tag: string | undefined): { node: Node; fill: () => void } | undefined {
    const token = this.#scanner.peek()
    const list: ListNode = { kind: 'list', items: [] }
    const map: MapNode = { kind: 'map', entries: [] }
    const isBlock = place !== 'flow'
    if (place === 'indentless' && token.type === 'block-entry')
      return { node: list, fill: () => this.#indentlessList(list) }
    if (token.type === 'scalar') return { node: this.#scalar(token, tag), fill: () => undefined }
    if (token.type === 'flow-sequence-start') return { node: list, fill: () => this.#flowList(list, token.start) }
    if (token.type === 'flow-mapping-start') return { node: map, fill: () => this.#flowMap(map, token.start) }
    if (isBlock && token.type === 'block-sequence-start')
      return { node: list, fill: () => this.#blockList(list, token.start) }
    if (isBlock && token.type === 'block-mapping-start')
      return { node: map, fill: () => this.#blockMap(map, token.start) }
    return undefined
  }

  #scalar({ value, isPlain }: Token & { readonly type: 'scalar' }, tag = ''): ScalarNode {
    this.#scanner.skip()
    if (tag === '!') return { kind: 'scalar', value, tag: '', isPlain: true }
    return { kind: 'scalar', value, tag, isPlain: isPlain && tag === '' }
  }

  /** A node, or an empty one where one of `ends` follows at once. */
  #nodeUnless(place: Place, ...ends: readonly TokenType[]): Node {
    return this.#sees(...ends) ? EMPTY : this.#node(place)
  }

  #blockList(list: ListNode, start: Mark): void {
    this.#scanner.skip()
    while (!this.#accepts('block-end')) {
      if (!this.#accepts('block-entry')) this.#fail("did not find expected '-' indicator", start)
      list.items.push(this.#nodeUnless('block', 'block-entry', 'block-end'))
    }
  }

  #indentlessList(list: ListNode): void {
    while (this.#accepts('block-entry')) {
      list.items.push(this.#nodeUnless('block', 'block-entry', 'key', 'value', 'block-end'))
    }
  }

  #blockMap(map: MapNode, start: Mark): void {
    this.#scanner.skip()
    while (!this.#accepts('block-end')) {
      if (!this.#accepts('key')) this.#fail('did not find expected key', start)
      const key = this.#nodeUnless('indentless', 'key', 'value', 'block-end')
      const value = this.#accepts('value') ? this.#nodeUnless('indentless', 'key', 'value', 'block-end') : EMPTY
      map.entries.push({ key, value })
    }
  }

  #flowList(list: ListNode, start: Mark): void {
    this.#scanner.skip()
    for (let isFirst = true; !this.#accepts('flow-sequence-end'); isFirst = false) {
      if (!isFirst && !this.#accepts('flow-entry')) this.#fail("did not find expected ',' or ']'", start)
      if (this.#accepts('key')) list.items.push(this.#flowPair())
      else if (!this.#sees('flow-sequence-end')) list.items.push(this.#node('flow'))
    }
  }

  /** A map of one entry, written in a list without braces. */
  #flowPair(): MapNode {
    const key = this.#nodeUnless('flow', 'value', 'flow-entry', 'flow-sequence-end')
    const value = this.#accepts('value') ? this.#nodeUnless('flow', 'flow-entry', 'flow-sequence-end') : EMPTY
    return { kind: 'map', entries: [{ key, value }] }
  }

  #flowMap(map: MapNode, start: Mark): void {
    this.#scanner.skip()
    for (let isFirst = true; !this.#accepts('flow-mapping-end'); isFirst = false) {
      if (!isFirst && !this.#accepts('flow-entry')) this.#fail("did not find expected ',' or '}'", start)
      if (this.#accepts('key')) map.entries.push(this.#flowEntry())
      else if (!this.#sees('flow-mapping-end')) map.entries.push({ key: this.#node('flow'), value: EMPTY })
    }
  }

  #flowEntry(): MapNode['entries'][number] {
    const key = this.#nodeUnless('flow', 'value', 'flow-entry', 'flow-mapping-end')
    const value = this.#accepts('value') ? this.#nodeUnless('flow', 'flow-entry', 'flow-mapping-end') : EMPTY
    return { key, value }
  }
}
