/** Turns a template text into trees, one per `define`. Knows no data. Rules: Go, text/template/parse/parse.go. */
import { LimitReached, MAX_NESTING } from './limits.ts'
import { TemplateError } from './errors.ts'
import { quote, unquote } from './go/quote.ts'
import { describe, lex, type Token, type TokenKind } from './lex.ts'
import { parseNumber } from './literals.ts'
import { printExpression, type Branch, type CommandNode, type Node, type Operand, type PipeNode } from './nodes.ts'

/** Where a declaration is nothing of its own. */
const ASIDE: ReadonlySet<string> = new Set(['parenthesized pipeline', 'block clause', 'template clause'])

export interface Tree {
  readonly name: string
  readonly nodes: readonly Node[]
}

export interface ParseOptions {
  /** Name of the text, in messages and of the tree outside all `define`s. */
  readonly name: string
  readonly hasFunction: (name: string) => boolean
  /** Told of variables (with `$`) whose value at a place does not follow from the blocks around it: assigned ones, those declared within an expression. */
  readonly onChange?: (variable: string) => void
}

/** Go's limit of nested parentheses. */
const GO_MAX_PARENS = 10_000

/** All trees of a text by name, its own among them. @throws TemplateError of stage `parse`, or `limit` when nested too deeply */
export function parse(text: string, options: ParseOptions): ReadonlyMap<string, Tree> {
  return new Parser(text, options).run()
}

/** A block that was opened and waits for its `end`. */
interface Block {
  readonly kind: 'root' | 'define' | 'block' | 'if' | 'with' | 'range'
  readonly at: number
  readonly name: string
  readonly branches: Branch[]
  readonly pipe: PipeNode | undefined
  /** Number of variables visible outside. */
  readonly outerVariables: number
  body: Node[]
  rangeBody: Node[] | undefined
  inElse: boolean
}

interface Scope {
  readonly variables: string[]
  rangeDepth: number
}

const OPERAND_STARTS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'bool',
  'charConstant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  'leftParen',
])

/** Blocks are kept on a stack of our own, so that deep nesting cannot overflow the real one. */
class Parser {
  private readonly text: string
  private readonly options: ParseOptions
  private readonly tokens: readonly Token[]
  private next = 0
  private readonly trees = new Map<string, Tree>()
  private readonly blocks: Block[] = []
  private readonly scopes: Scope[] = [{ variables: ['$'], rangeDepth: 0 }]
  private parens = 0
  private actionLine = 0

  constructor(text: string, options: ParseOptions) {
    this.text = text
    this.options = options
    this.tokens = lex(text)
  }

  run(): ReadonlyMap<string, Tree> {
    this.open('root', { name: this.options.name })
    for (;;) {
      const token = this.take()
      if (token.kind === 'eof' && this.blocks.length === 1) break
      this.readItem(token)
    }
    this.addTree(this.options.name, this.top().body)
    return this.trees
  }

  private readItem(token: Token): void {
    if (token.kind === 'text') this.append({ kind: 'text', at: token.at, text: token.value })
    else if (token.kind === 'leftDelim') this.readAction(token.line)
    else if (token.kind === 'eof') this.fail('unexpected EOF')
    else this.unexpected(token, 'input')
  }

  private readAction(line: number): void {
    this.actionLine = line
    const token = this.takeNonSpace()
    switch (token.kind) {
      case 'define':
        return this.blocks.length > 1 ? this.readPipeline() : this.readDefine()
      case 'block':
        return this.readBlock()
      case 'template':
        return this.readTemplate()
      case 'break':
      case 'continue':
        return this.readJump(token, token.kind)
      case 'if':
      case 'with':
      case 'range':
        return this.readControl(token, token.kind)
      case 'else':
        return this.readElse()
      case 'end':
        return this.readEnd(token)
      default:
        return this.readPipeline()
    }
  }

  private readPipeline(): void {
    this.next--
    const { at } = this.peek()
    this.append({ kind: 'action', at, pipe: this.pipeline('command', 'rightDelim') })
  }

  private readDefine(): void {
    const name = this.templateName('define clause')
    this.expect('rightDelim', 'define clause')
    this.openTree('define', name)
  }

  private readBlock(): void {
    const token = this.peekNonSpace()
    const name = this.templateName('block clause')
    const pipe = this.pipeline('block clause', 'rightDelim')
    this.append({ kind: 'template', at: token.at, name, pipe })
    this.openTree('block', name)
  }

  private openTree(kind: 'define' | 'block', name: string): void {
    this.scopes.push({ variables: ['$'], rangeDepth: 0 })
    this.open(kind, { name })
  }

  private readTemplate(): void {
    const token = this.peekNonSpace()
    const name = this.templateName('template clause')
    const isBare = this.peekNonSpace().kind === 'rightDelim'
    if (isBare) this.takeNonSpace()
    const pipe = isBare ? undefined : this.pipeline('template clause', 'rightDelim')
    this.append({ kind: 'template', at: token.at, name, pipe })
  }

  private templateName(context: string): string {
    const token = this.takeNonSpace()
    if (token.kind !== 'string' && token.kind !== 'rawString') this.unexpected(token, context)
    return unquote(token.value) ?? this.fail('invalid syntax')
  }

  private readJump(token: Token, kind: 'break' | 'continue'): void {
    const close = this.takeNonSpace()
    if (close.kind !== 'rightDelim') this.unexpected(close, `{{${kind}}}`)
    if (this.scope().rangeDepth === 0) this.fail(`{{${kind}}} outside {{range}}`)
    this.append({ kind, at: token.at })
  }

  private readControl(token: Token, kind: 'if' | 'with' | 'range'): void {
    const outerVariables = this.scope().variables.length
    const pipe = this.pipeline(kind, 'rightDelim')
    this.open(kind, { pipe, at: token.at, outerVariables })
    if (kind === 'range') this.scope().rangeDepth++
  }

  private readElse(): void {
    const block = this.top()
    const next = this.peekNonSpace()
    const chained = next.kind === 'if' || next.kind === 'with' ? next.kind : undefined
    if (chained === undefined) this.expect('rightDelim', 'else')
    if (block.kind === 'root') this.fail('unexpected {{else}}')
    if (block.kind === 'define' || block.kind === 'block') this.fail(`unexpected {{else}} in ${block.kind} clause`)
    if (block.inElse) this.fail('expected end; found {{else}}')
    if (chained !== undefined && chained === block.kind) return this.readChained(block)
    this.closeBranch(block)
    block.inElse = true
    if (chained !== undefined) this.unexpected(this.takeNonSpace(), 'input')
  }

  private readChained(block: Block): void {
    this.takeNonSpace()
    this.closeBranch(block)
    const pipe = this.pipeline(block.kind, 'rightDelim')
    block.branches.push({ pipe, body: block.body })
  }

  /** The body so far belongs to the condition; what follows starts afresh. */
  private closeBranch(block: Block): void {
    if (block.kind === 'range') {
      block.rangeBody = block.body
      this.scope().rangeDepth--
    }
    block.body = []
  }

  private readEnd(token: Token): void {
    this.expect('rightDelim', 'end')
    const block = this.top()
    if (block.kind === 'root') this.fail('unexpected {{end}}')
    this.blocks.pop()
    if (block.kind === 'define' || block.kind === 'block') {
      this.addTree(block.name, block.body, token)
      this.scopes.pop()
      return
    }
    if (block.kind === 'range' && !block.inElse) this.scope().rangeDepth--
    this.scope().variables.length = block.outerVariables
    this.append(this.closed(block))
  }

  private closed(block: Block): Node {
    const otherwise = block.inElse ? block.body : undefined
    if (block.kind === 'if' || block.kind === 'with') {
      return { kind: block.kind, at: block.at, branches: block.branches, otherwise }
    }
    const pipe = block.pipe ?? this.fail('range without pipeline')
    return { kind: 'range', at: block.at, pipe, body: block.rangeBody ?? block.body, otherwise }
  }

  private open(kind: Block['kind'], options: Partial<Pick<Block, 'name' | 'at' | 'pipe' | 'outerVariables'>>): void {
    const body: Node[] = []
    const { name = '', at = 0, pipe, outerVariables = 1 } = options
    const branches = pipe === undefined || kind === 'range' ? [] : [{ pipe, body }]
    this.blocks.push({ kind, at, name, pipe, outerVariables, branches, body, rangeBody: undefined, inElse: false })
  }

  private addTree(name: string, nodes: readonly Node[], token?: Token): void {
    const known = this.trees.get(name)
    if (known === undefined || isEmpty(known.nodes)) this.trees.set(name, { name, nodes })
    else if (!isEmpty(nodes)) this.fail(`template: multiple definition of template ${quote(name)}`, token)
  }

  private append(node: Node): void {
    this.top().body.push(node)
  }

  private top = (): Block => this.blocks.at(-1) ?? this.fail('no open block')
  private scope = (): Scope => this.scopes.at(-1) ?? this.fail('no open scope')

  private pipeline(context: string, end: TokenKind): PipeNode {
    const at = this.peekNonSpace().at
    const { variables, isAssign } = this.declarations(context)
    if (isAssign || ASIDE.has(context)) for (const name of variables) this.options.onChange?.(name)
    const commands: CommandNode[] = []
    for (;;) {
      const token = this.takeNonSpace()
      if (token.kind === end) break
      if (!OPERAND_STARTS.has(token.kind)) this.unexpected(token, context)
      this.next--
      commands.push(this.command())
    }
    this.checkPipeline(commands, context)
    return { kind: 'pipe', at, isAssign, variables, commands }
  }

  private declarations(context: string): { variables: string[]; isAssign: boolean } {
    const variables: string[] = []
    while (this.peekNonSpace().kind === 'variable') {
      const start = this.next
      const { value } = this.takeNonSpace()
      const { kind, value: sign } = this.peekNonSpace()
      if (kind === 'assign' || kind === 'declare') {
        this.takeNonSpace()
        this.declare(variables, value)
        return { variables, isAssign: kind === 'assign' }
      }
      if (kind !== 'char' || sign !== ',') {
        this.next = start
        break
      }
      this.takeNonSpace()
      this.declare(variables, value)
      this.checkSecond(context, variables.length)
    }
    return { variables, isAssign: false }
  }

  private declare(variables: string[], name: string): void {
    variables.push(name)
    this.scope().variables.push(name)
  }

  private checkSecond(context: string, count: number): void {
    if (context !== 'range' || count > 1) this.fail(`too many declarations in ${context}`)
    const { kind } = this.peekNonSpace()
    if (kind !== 'variable' && kind !== 'rightDelim' && kind !== 'rightParen') {
      this.fail('range can only initialize variables')
    }
  }

  private checkPipeline(commands: readonly CommandNode[], context: string): void {
    if (commands.length === 0) this.fail(`missing value for ${context}`)
    for (const [i, { operands }] of commands.entries()) {
      const isConstant = ['bool', 'dot', 'nil', 'number', 'string'].includes(operands[0].kind)
      if (i > 0 && isConstant) this.fail(`non executable command in pipeline stage ${i + 1}`)
    }
  }

  private command(): CommandNode {
    const at = this.peekNonSpace().at
    const operands: Operand[] = []
    for (;;) {
      this.peekNonSpace()
      const operand = this.operand()
      if (operand !== undefined) operands.push(operand)
      const token = this.take()
      if (token.kind === 'space') continue
      if (token.kind === 'rightDelim' || token.kind === 'rightParen') this.next--
      else if (token.kind !== 'pipe') this.unexpected(token, 'operand')
      break
    }
    const [first, ...rest] = operands
    return { kind: 'command', at, operands: [first ?? this.fail('empty command'), ...rest] }
  }

  private operand(): Operand | undefined {
    const node = this.term()
    const at = this.peek().at
    if (node === undefined || this.peek().kind !== 'field') return node
    const names: string[] = []
    while (this.peek().kind === 'field') names.push(this.take().value.slice(1))
    switch (node.kind) {
      case 'field':
        return { ...node, at, names: [...node.names, ...names] }
      case 'variable':
        return { ...node, at, names }
      case 'bool':
      case 'string':
      case 'number':
      case 'nil':
      case 'dot':
        return this.fail(`unexpected . after term ${quote(printExpression(node))}`)
      default:
        return { kind: 'chain', at, operand: node, names }
    }
  }

  private term(): Operand | undefined {
    const token = this.takeNonSpace()
    const { at, value } = token
    switch (token.kind) {
      case 'identifier':
        if (!this.options.hasFunction(value)) this.fail(`function ${quote(value)} not defined`)
        return { kind: 'identifier', at, name: value }
      case 'dot':
      case 'nil':
        return { kind: token.kind, at }
      case 'variable':
        if (!this.scope().variables.includes(value)) this.fail(`undefined variable ${quote(value)}`)
        return { kind: 'variable', at, variable: value, names: [] }
      case 'field':
        return { kind: 'field', at, names: [value.slice(1)] }
      case 'bool':
        return { kind: 'bool', at, value: value === 'true' }
      case 'charConstant':
      case 'complex':
      case 'number': {
        const number = parseNumber(value, at)
        return typeof number === 'string' ? this.fail(number) : number
      }
      case 'leftParen':
        return this.parenthesized()
      case 'string':
      case 'rawString':
        return { kind: 'string', at, quoted: value, text: unquote(value) ?? this.fail('invalid syntax') }
      default:
        this.next--
        return undefined
    }
  }

  private parenthesized(): PipeNode {
    if (++this.parens > MAX_NESTING) this.refuseParens()
    const pipe = this.pipeline('parenthesized pipeline', 'rightParen')
    this.parens--
    return pipe
  }

  /** Deeper than we go: Go's own error if that text is too deep for Go as well. */
  private refuseParens(): never {
    let depth = this.parens
    for (let i = this.next; i < this.tokens.length && depth <= GO_MAX_PARENS; i++) {
      const kind = this.tokens[i]?.kind
      depth += kind === 'leftParen' ? 1 : kind === 'rightParen' ? -1 : 0
      if (kind === 'rightDelim') break
    }
    if (depth > GO_MAX_PARENS) this.fail('max expression depth exceeded')
    throw new LimitReached(`parentheses nested deeper than ${MAX_NESTING}`)
  }

  private peek(): Token {
    return this.tokens[Math.min(this.next, this.tokens.length - 1)] ?? { kind: 'eof', value: '', at: 0, line: 1 }
  }

  private take(): Token {
    const token = this.peek()
    this.next++
    return token
  }

  private peekNonSpace(): Token {
    while (this.peek().kind === 'space') this.next++
    return this.peek()
  }

  private takeNonSpace(): Token {
    this.peekNonSpace()
    return this.take()
  }

  private expect(kind: TokenKind, context: string): void {
    const token = this.takeNonSpace()
    if (token.kind !== kind) this.unexpected(token, context)
  }

  private unexpected(token: Token, context: string): never {
    if (token.kind !== 'error') this.fail(`unexpected ${describe(token)} in ${context}`, token)
    let extra = ''
    if (this.actionLine !== 0 && this.actionLine !== token.line) {
      extra = ` in action started at ${this.options.name}:${this.actionLine}`
      if (token.value.endsWith(' action')) extra = extra.slice(' in action'.length)
    }
    this.fail(describe(token) + extra, token)
  }

  private fail(message: string, at: Token = this.tokens[Math.max(0, this.next - 1)] ?? this.peek()): never {
    const { name } = this.options
    throw new TemplateError(`template: ${name}:${at.line}: ${message}`, {
      stage: 'parse',
      place: { name, text: this.text, at: at.at },
    })
  }
}

/** Only white space: such a definition gives way to another of its name. */
function isEmpty(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.kind === 'text' && node.text.trim() === '')
}
