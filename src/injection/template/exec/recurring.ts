/**
 * Tells which parts of a template give the same for many renderings, because they read nothing but data that recurs:
 * the caller's settings, and single keys of one map of texts (a pod's annotations).
 */
import type { FunctionTable } from '../function-table.ts'
import { MAX_NESTING } from '../limits.ts'
import type { CommandNode, IdentifierNode, Node, Operand, PipeNode, TemplateNode } from '../nodes.ts'

/** What of the data recurs. */
export interface Recurring {
  /** Fields of the data by Go name, and how their values are read. The same values again mean the same data below them. */
  readonly fields: ReadonlyMap<string, (data: unknown) => unknown>
  /** A map of texts of which templates look up single keys, by its Go names. */
  readonly texts: {
    readonly path: readonly string[]
    readonly read: (data: unknown) => Readonly<Record<string, string>> | null | undefined
  }
}

/** What is known of the templates of one text. */
export interface Survey {
  readonly recurring: Recurring
  readonly functions: FunctionTable
  readonly trees: ReadonlyMap<string, { readonly nodes: readonly Node[] }>
  /** Keys of `recurring.texts` that templates ask for. */
  readonly keys: Set<string>
  /** Whether `$` is never declared or assigned. */
  readonly rootIsFixed: boolean
  /** Variables whose value at a place does not follow from the blocks around it. */
  readonly changing: ReadonlySet<string>
  readonly fixedNodes: Map<Node, boolean>
  readonly fixedTrees: Map<string, boolean>
  /** Number of results that can be remembered so far. */
  slots: number
}

interface Binding {
  readonly name: string
  readonly fact: Fact
  readonly outer: Binding | undefined
}

/** Where an expression stands. */
export interface Standpoint {
  readonly survey: Survey
  readonly dot: Fact
  readonly variables: Binding | undefined
  /** Blocks around it. */
  readonly depth: number
}

/** `fixed`: the same whenever the data recurs; `path`: that place in the data; `free`: anything. */
type Fact =
  | { readonly kind: 'fixed'; readonly text?: string }
  | { readonly kind: 'path'; readonly names: readonly string[] }
  | { readonly kind: 'free' }

const FIXED: Fact = { kind: 'fixed' }
const FREE: Fact = { kind: 'free' }
const DATA: Fact = { kind: 'path', names: [] }

/** Where a template begins that is called with the data itself. */
export const startOf = (survey: Survey): Standpoint => ({ survey, dot: DATA, variables: undefined, depth: 0 })

/** The standpoint behind a pipeline that may declare variables, and where `with` sets the dot to its value. */
export function behindPipe(pipe: PipeNode, at: Standpoint, setsDot = false): Standpoint {
  const fact = pipe.variables.length === 0 && !setsDot ? FREE : pipeFact({ ...pipe, variables: [] }, at)
  let { variables } = at
  if (!pipe.isAssign) for (const name of pipe.variables) variables = { name, fact, outer: variables }
  return { ...at, variables, dot: setsDot ? fact : at.dot }
}

/** The standpoint in the body of a range: its dot and variables change from round to round. */
export function insideRange(pipe: PipeNode, at: Standpoint): Standpoint {
  let { variables } = at
  for (const name of pipe.variables) variables = { name, fact: FREE, outer: variables }
  return { ...at, variables, dot: FREE }
}

export const isFixedPipe = (node: PipeNode, at: Standpoint): boolean => pipeFact(node, at).kind === 'fixed'
export const isFixedOperand = (node: Operand, at: Standpoint): boolean => operandFact(node, at).kind === 'fixed'

/** Whether a template is called with the data itself. */
export const takesData = ({ pipe }: TemplateNode, at: Standpoint): boolean => {
  const fact = pipe === undefined ? FREE : pipeFact(pipe, at)
  return fact.kind === 'path' && fact.names.length === 0
}

/** Whether what a node writes is fixed, and it does nothing else. */
export function isFixedNode(node: Node, at: Standpoint): boolean {
  const { fixedNodes } = at.survey
  const known = fixedNodes.get(node)
  if (known !== undefined) return known
  // deeper texts are refused when they are compiled
  if (at.depth > MAX_NESTING) return false
  const isFixed = surveyNode(node, { ...at, depth: at.depth + 1 })
  fixedNodes.set(node, isFixed)
  return isFixed
}

function surveyNode(node: Node, at: Standpoint): boolean {
  switch (node.kind) {
    case 'text':
      return true
    case 'action':
      return node.pipe.variables.length === 0 && isFixedPipe(node.pipe, at)
    case 'template':
      return takesData(node, at) && isFixedTree(node.name, at)
    case 'if':
    case 'with': {
      const { branches, otherwise, kind } = node
      let here = at
      const areFixed = branches.every(({ pipe, body }) => {
        if (pipe.isAssign || !isFixedPipe({ ...pipe, variables: [] }, here)) return false
        const inside = behindPipe(pipe, here, kind === 'with')
        here = { ...inside, dot: here.dot }
        return areFixedNodes(body, inside)
      })
      return areFixed && areFixedNodes(otherwise ?? [], here)
    }
    default:
      return false
  }
}

/** Of a list, declarations of variables included, as these end with it. */
function areFixedNodes(nodes: readonly Node[], at: Standpoint): boolean {
  let here = at
  return nodes.every((node) => {
    if (node.kind !== 'action' || node.pipe.variables.length === 0) return isFixedNode(node, here)
    const isFixed = !node.pipe.isAssign && isFixedPipe({ ...node.pipe, variables: [] }, here)
    here = behindPipe(node.pipe, here)
    return isFixed
  })
}

function isFixedTree(name: string, { survey, depth }: Standpoint): boolean {
  const known = survey.fixedTrees.get(name)
  if (known !== undefined) return known
  survey.fixedTrees.set(name, false) // a template within itself is not looked into
  const nodes = survey.trees.get(name)?.nodes
  const isFixed = nodes !== undefined && areFixedNodes(nodes, { ...startOf(survey), depth })
  survey.fixedTrees.set(name, isFixed)
  return isFixed
}

function pipeFact({ variables, commands }: PipeNode, at: Standpoint): Fact {
  const [first, ...rest] = commands
  if (variables.length > 0 || first === undefined) return FREE
  const fact = commandFact(first, at)
  if (rest.length === 0) return fact
  const areFixed = rest.every(
    ({ operands: [called, ...given] }) => called.kind === 'identifier' && isFixedCall(called, given, at),
  )
  return fact.kind === 'fixed' && areFixed ? FIXED : FREE
}

function commandFact({ operands: [first, ...rest] }: CommandNode, at: Standpoint): Fact {
  if (first.kind !== 'identifier') return rest.length === 0 ? operandFact(first, at) : FREE
  return isKeyLookup(first, rest, at) || isFixedCall(first, rest, at) ? FIXED : FREE
}

function isFixedCall({ name }: IdentifierNode, operands: readonly Operand[], at: Standpoint): boolean {
  const declared = at.survey.functions.get(name)
  return declared !== undefined && declared.unsteady !== true && operands.every((one) => isFixedOperand(one, at))
}

/** Functions that ask the map of texts for one key that the template names. */
function isKeyLookup({ name }: IdentifierNode, operands: readonly Operand[], at: Standpoint): boolean {
  const { functions, recurring, keys } = at.survey
  const below = functions.get(name)?.looksUp
  const [map, key, ...rest] = operands
  if (below === undefined || map === undefined || key === undefined) return false
  const [mapFact, keyFact] = [operandFact(map, at), operandFact(key, at)]
  if (mapFact.kind !== 'path' || keyFact.kind !== 'fixed' || keyFact.text === undefined) return false
  const path = [...mapFact.names, ...below]
  const { path: wanted } = recurring.texts
  const isIt = path.length === wanted.length && path.every((one, i) => one === wanted[i])
  if (!isIt || !rest.every((one) => isFixedOperand(one, at))) return false
  keys.add(keyFact.text)
  return true
}

function operandFact(node: Operand, at: Standpoint): Fact {
  switch (node.kind) {
    case 'string':
      return { kind: 'fixed', text: node.text }
    case 'bool':
    case 'number':
    case 'nil':
      return FIXED
    case 'dot':
      return at.dot
    case 'field':
      return stepFact(at.dot, node.names, at)
    case 'variable':
      return stepFact(variableFact(node.variable, at), node.names, at)
    case 'chain':
      return stepFact(operandFact(node.operand, at), node.names, at)
    case 'pipe':
      return pipeFact(node, at)
    case 'identifier':
      return isFixedCall(node, [], at) ? FIXED : FREE
  }
}

function variableFact(variable: string, { survey, variables }: Standpoint): Fact {
  if (variable === '$') return survey.rootIsFixed ? DATA : FREE
  if (survey.changing.has(variable)) return FREE
  for (let one = variables; one !== undefined; one = one.outer) if (one.name === variable) return one.fact
  return FREE
}

function stepFact(from: Fact, names: readonly string[], { survey }: Standpoint): Fact {
  if (names.length === 0) return from
  if (from.kind !== 'path') return from.kind === 'fixed' ? FIXED : FREE
  const path = [...from.names, ...names]
  return survey.recurring.fields.has(path[0] ?? '') ? FIXED : { kind: 'path', names: path }
}
