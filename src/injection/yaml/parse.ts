/** Builds the nodes of a text's first document from its tokens, by libyaml's grammar. */
import { lineError, type Mark } from './cursor.ts'
import { Scanner } from './scanner.ts'
import type { Token, TokenType } from './tokens.ts'
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

/** What may follow at once where a node is left out. */
const AFTER_BLOCK_ENTRY: ReadonlySet<TokenType> = new Set<TokenType>(['block-entry', 'block-end'])
const AFTER_INDENTLESS_ENTRY: ReadonlySet<TokenType> = new Set<TokenType>(['block-entry', 'key', 'value', 'block-end'])
const AFTER_BLOCK_KEY: ReadonlySet<TokenType> = new Set<TokenType>(['key', 'value', 'block-end'])
const FLOW_ENDS = ['flow-entry', 'flow-sequence-end', 'flow-mapping-end'] as const
const AFTER_FLOW_KEY: ReadonlySet<TokenType> = new Set<TokenType>(['value', ...FLOW_ENDS])
const AFTER_FLOW_VALUE: ReadonlySet<TokenType> = new Set<TokenType>(FLOW_ENDS)

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
        if (token.value !== '1.1') this.#fail('found incompatible YAML document')
        hasVersion = true
      } else if (token.type === 'tag-directive') {
        if (declared.has(token.value)) this.#fail('found duplicate %TAG directive')
        declared.add(token.value)
        this.#handles.set(token.value, token.suffix)
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
    if (first.type === 'scalar') return this.#scalar(first)
    const { anchor, tag } = this.#properties()
    const content = this.#content(place, anchor, tag)
    if (content !== undefined) return content
    if (anchor === undefined && tag === undefined) this.#fail('did not find expected node content', first.start)
    return this.#named({ ...EMPTY, tag: tag ?? '', isPlain: tag === undefined }, anchor)
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
      else if (token.type === 'tag' && tag === undefined) tag = this.#fullTag(token)
      else return { anchor, tag }
      this.#scanner.skip()
    }
  }

  #fullTag({ value, suffix }: Token): string {
    if (value === '') return suffix
    const prefix = this.#handles.get(value)
    return prefix === undefined ? this.#fail('found undefined tag handle') : prefix + suffix
  }

  /** The node that begins here; undefined where none does. What is in it may refer to its anchor. */
  #content(place: Place, anchor: string | undefined, tag: string | undefined): Node | undefined {
    const token = this.#scanner.peek()
    const list = (): ListNode => this.#named<ListNode>({ kind: 'list', items: [] }, anchor)
    const map = (): MapNode => this.#named<MapNode>({ kind: 'map', entries: [] }, anchor)
    if (place === 'indentless' && token.type === 'block-entry') return this.#indentlessList(list())
    if (token.type === 'scalar') return this.#named(this.#scalar(token, tag), anchor)
    if (token.type === 'flow-sequence-start') return this.#flowList(list(), token.start)
    if (token.type === 'flow-mapping-start') return this.#flowMap(map(), token.start)
    if (place === 'flow') return undefined
    if (token.type === 'block-sequence-start') return this.#blockList(list(), token.start)
    return token.type === 'block-mapping-start' ? this.#blockMap(map(), token.start) : undefined
  }

  #scalar({ value, isPlain }: Token, tag = ''): ScalarNode {
    this.#scanner.skip()
    if (tag === '!') return { kind: 'scalar', value, tag: '', isPlain: true }
    return { kind: 'scalar', value, tag, isPlain: isPlain && tag === '' }
  }

  /** A node, or an empty one where one of `ends` follows at once. */
  #nodeUnless(place: Place, ends: ReadonlySet<TokenType>): Node {
    return ends.has(this.#scanner.peek().type) ? EMPTY : this.#node(place)
  }

  #blockList(list: ListNode, start: Mark): ListNode {
    this.#scanner.skip()
    while (!this.#accepts('block-end')) {
      if (!this.#accepts('block-entry')) this.#fail("did not find expected '-' indicator", start)
      list.items.push(this.#nodeUnless('block', AFTER_BLOCK_ENTRY))
    }
    return list
  }

  #indentlessList(list: ListNode): ListNode {
    while (this.#accepts('block-entry')) {
      list.items.push(this.#nodeUnless('block', AFTER_INDENTLESS_ENTRY))
    }
    return list
  }

  #blockMap(map: MapNode, start: Mark): MapNode {
    this.#scanner.skip()
    while (!this.#accepts('block-end')) {
      if (!this.#accepts('key')) this.#fail('did not find expected key', start)
      const key = this.#nodeUnless('indentless', AFTER_BLOCK_KEY)
      const value = this.#accepts('value') ? this.#nodeUnless('indentless', AFTER_BLOCK_KEY) : EMPTY
      map.entries.push({ key, value })
    }
    return map
  }

  #flowList(list: ListNode, start: Mark): ListNode {
    this.#scanner.skip()
    for (let isFirst = true; !this.#accepts('flow-sequence-end'); isFirst = false) {
      if (!isFirst && !this.#accepts('flow-entry')) this.#fail("did not find expected ',' or ']'", start)
      if (this.#accepts('key')) list.items.push(this.#flowPair())
      else if (!this.#sees('flow-sequence-end')) list.items.push(this.#node('flow'))
    }
    return list
  }

  /** A map of one entry, written in a list without braces. */
  #flowPair(): MapNode {
    const key = this.#nodeUnless('flow', AFTER_FLOW_KEY)
    const value = this.#accepts('value') ? this.#nodeUnless('flow', AFTER_FLOW_VALUE) : EMPTY
    return { kind: 'map', entries: [{ key, value }] }
  }

  #flowMap(map: MapNode, start: Mark): MapNode {
    this.#scanner.skip()
    for (let isFirst = true; !this.#accepts('flow-mapping-end'); isFirst = false) {
      if (!isFirst && !this.#accepts('flow-entry')) this.#fail("did not find expected ',' or '}'", start)
      if (this.#accepts('key')) map.entries.push(this.#flowEntry())
      else if (!this.#sees('flow-mapping-end')) map.entries.push({ key: this.#node('flow'), value: EMPTY })
    }
    return map
  }

  #flowEntry(): MapNode['entries'][number] {
    const key = this.#nodeUnless('flow', AFTER_FLOW_KEY)
    const value = this.#accepts('value') ? this.#nodeUnless('flow', AFTER_FLOW_VALUE) : EMPTY
    return { key, value }
  }
}
