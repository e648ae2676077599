/** The syntax tree of a template. Nodes print themselves, as Go does in error messages. */
import { quote } from './go/quote.ts'

interface Base {
  /** Index into the text. */
  readonly at: number
}

/** A constant of a template: what it may stand for, by its spelling. */
export interface NumberNode extends Base {
  readonly kind: 'number'
  readonly text: string
  readonly int?: bigint
  readonly uint?: bigint
  readonly float?: number
  /** Imaginary part; the real one is `float`. */
  readonly imaginary?: number
}
export interface StringNode extends Base {
  readonly kind: 'string'
  readonly quoted: string
  readonly text: string
}
export interface BoolNode extends Base {
  readonly kind: 'bool'
  readonly value: boolean
}
export interface NilNode extends Base {
  readonly kind: 'nil'
}
export interface DotNode extends Base {
  readonly kind: 'dot'
}
export interface FieldNode extends Base {
  readonly kind: 'field'
  readonly names: readonly string[]
}
export interface VariableNode extends Base {
  readonly kind: 'variable'
  /** With its `$`. */
  readonly variable: string
  readonly names: readonly string[]
}
export interface IdentifierNode extends Base {
  readonly kind: 'identifier'
  readonly name: string
}
export interface ChainNode extends Base {
  readonly kind: 'chain'
  readonly operand: Operand
  readonly names: readonly string[]
}
export interface PipeNode extends Base {
  readonly kind: 'pipe'
  readonly isAssign: boolean
  /** Variables declared or assigned, with their `$`. */
  readonly variables: readonly string[]
  readonly commands: readonly CommandNode[]
}
export interface CommandNode extends Base {
  readonly kind: 'command'
  readonly operands: readonly [Operand, ...Operand[]]
}

export type Operand =
  | NumberNode
  | StringNode
  | BoolNode
  | NilNode
  | DotNode
  | FieldNode
  | VariableNode
  | IdentifierNode
  | ChainNode
  | PipeNode

export interface TextNode extends Base {
  readonly kind: 'text'
  readonly text: string
}
export interface ActionNode extends Base {
  readonly kind: 'action'
  readonly pipe: PipeNode
}
export interface TemplateNode extends Base {
  readonly kind: 'template'
  readonly name: string
  readonly pipe: PipeNode | undefined
}
export interface JumpNode extends Base {
  readonly kind: 'break' | 'continue'
}
/** `else if` and `else with` are further branches of the same node, so that long chains do not nest. */
export interface BranchNode extends Base {
  readonly kind: 'if' | 'with'
  readonly branches: readonly Branch[]
  readonly otherwise: readonly Node[] | undefined
}
export interface Branch {
  readonly pipe: PipeNode
  readonly body: readonly Node[]
}
export interface RangeNode extends Base {
  readonly kind: 'range'
  readonly pipe: PipeNode
  readonly body: readonly Node[]
  readonly otherwise: readonly Node[] | undefined
}

export type Node = TextNode | ActionNode | TemplateNode | JumpNode | BranchNode | RangeNode

export type Expression = Operand | CommandNode | TemplateNode

/** An expression as Go writes it in messages. */
export function printExpression(node: Expression): string {
  switch (node.kind) {
    case 'number':
      return node.text
    case 'string':
      return node.quoted
    case 'bool':
      return String(node.value)
    case 'nil':
      return 'nil'
    case 'dot':
      return '.'
    case 'field':
      return '.' + node.names.join('.')
    case 'variable':
      return [node.variable, ...node.names].join('.')
    case 'identifier':
      return node.name
    case 'chain':
      return `${printOperand(node.operand)}.${node.names.join('.')}`
    case 'pipe':
      return printPipe(node)
    case 'command':
      return node.operands.map(printOperand).join(' ')
    case 'template':
      return `{{template ${quote(node.name)}${node.pipe === undefined ? '' : ' ' + printPipe(node.pipe)}}}`
  }
}

const printOperand = (node: Operand): string => (node.kind === 'pipe' ? `(${printPipe(node)})` : printExpression(node))

function printPipe({ variables, isAssign, commands }: PipeNode): string {
  const declared = variables.length === 0 ? '' : `${variables.join(', ')} ${isAssign ? '=' : ':='} `
  return declared + commands.map(printExpression).join(' | ')
}

/** Nodes as a template text that parses to the same tree; text that holds delimiters becomes an action. */
export function printNodes(nodes: readonly Node[]): string {
  return nodes.map(printNode).join('')
}

function printNode(node: Node): string {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'action':
      return `{{${printPipe(node.pipe)}}}`
    case 'template':
      return printExpression(node)
    case 'break':
    case 'continue':
      return `{{${node.kind}}}`
    case 'if':
    case 'with':
      return printBranches(node)
    case 'range':
      return `{{range ${printPipe(node.pipe)}}}${printNodes(node.body)}${printElse(node.otherwise)}{{end}}`
  }
}

function printBranches({ kind, branches, otherwise }: BranchNode): string {
  const parts = branches.map(({ pipe, body }) => `${kind} ${printPipe(pipe)}}}${printNodes(body)}`)
  return `{{${parts.join('{{else ')}${printElse(otherwise)}{{end}}`
}

const printElse = (nodes: readonly Node[] | undefined): string =>
  nodes === undefined ? '' : '{{else}}' + printNodes(nodes)
