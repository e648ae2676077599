/** Compiles trees to programs: flat lists of instructions with jumps. Rules: Go, text/template/exec.go, walk. */
import { formatValue } from '../format.ts'
import { compareText } from '../go/byte-text.ts'
import { LimitReached, MAX_NESTING, MAX_TEMPLATE_DEPTH } from '../limits.ts'
import type { BranchNode, Node, Operand, PipeNode, RangeNode, TemplateNode } from '../nodes.ts'
import { quote } from '../go/quote.ts'
import { isInteger } from '../type-names.ts'
import { elementsOf, int, isPlainMap, isTrue, TypedValue, wrap, type PlainMap } from '../value.ts'
import type { FunctionTable } from '../function-table.ts'
import { compilePipe, type Context, type Evaluate } from './expressions.ts'
import type { Instruction, Loop, Machine, Program, Rounds } from './machine.ts'
import { behindPipe, insideRange, isFixedNode, takesData, type Standpoint } from './recurring.ts'
import { fail, type Unit } from './site.ts'

/** @throws LimitReached when blocks are nested too deeply to be compiled */
export function checkNesting(nodes: readonly Node[], depth = 1): void {
  if (depth > MAX_NESTING) throw new LimitReached(`blocks nested deeper than ${MAX_NESTING}`)
  for (const node of nodes) {
    if (node.kind === 'if' || node.kind === 'with') for (const { body } of node.branches) checkNesting(body, depth + 1)
    else if (node.kind === 'range') checkNesting(node.body, depth + 1)
    else continue
    if (node.otherwise !== undefined) checkNesting(node.otherwise, depth + 1)
  }
}

/** Compiles one template whose nesting was checked. */
export function compileProgram(
  nodes: readonly Node[],
  unit: Unit,
  { functions, at }: { functions: FunctionTable; at?: Standpoint },
): Program {
  const context = { unit, functions, at, rootIsFixed: isRootFixed(unit.text) }
  const compiler = new Compiler(context)
  compiler.list(nodes)
  return { name: unit.templateName, instructions: compiler.instructions }
}

/** Whether a text never declares or assigns `$`. */
export const isRootFixed = (text: string): boolean => !/\$[ \t\r\n]*(?::?=|,)/.test(text)

/** Where `break` and `continue` lead; filled in when the instruction's place is known. */
interface Target {
  at: number
}

interface JumpTargets {
  readonly onBreak: Target
  readonly onContinue: Target
  /** Ranges in whose else parts `continue` stands, to be ended by it. */
  readonly endedByContinue: number
}

/** Collects the instructions of one template. */
class Compiler {
  readonly instructions: Instruction[] = []
  private context: Context
  private readonly targets: JumpTargets[] = []
  private isInStretch = false

  constructor(context: Context) {
    this.context = context
  }

  list(nodes: readonly Node[]): void {
    const { context } = this
    for (let i = 0; i < nodes.length;) {
      const end = this.endOfStretch(nodes, i)
      if (end > i) this.stretch(nodes.slice(i, end))
      else this.node(nodes[i] as Node) // within the list
      i = Math.max(end, i + 1)
    }
    this.context = context
  }

  /** The nodes from `start` on whose text recurs. */
  private endOfStretch(nodes: readonly Node[], start: number): number {
    const { at } = this.context
    if (at === undefined || this.isInStretch) return start
    let end = start
    for (let node = nodes[end]; node !== undefined && isFixedNode(node, at);) node = nodes[++end]
    // a lone text or action gains nothing
    const first = nodes[start]?.kind
    return end === start + 1 && (first === 'text' || first === 'action') ? start : end
  }

  /** Nodes whose text is written from memory once it is known. */
  private stretch(nodes: readonly Node[]): void {
    const survey = this.context.at?.survey
    const slot = survey === undefined ? 0 : survey.slots++
    const end = { at: 0 }
    this.emit((machine) => {
      if (machine.writeKnown(slot)) machine.next = end.at
    })
    this.isInStretch = true
    for (const node of nodes) this.node(node)
    this.isInStretch = false
    this.emit((machine) => machine.endStretch(slot))
    this.land(end)
  }

  /** From here on the variables are known that a pipeline declares. */
  private behind(pipe: PipeNode, setsDot = false): void {
    const { at } = this.context
    if (at !== undefined) this.context = { ...this.context, at: behindPipe(pipe, at, setsDot) }
  }

  private node(node: Node): void {
    switch (node.kind) {
      case 'text':
        return this.text(node.text)
      case 'action':
        return this.action(node.pipe)
      case 'template':
        return this.template(node)
      case 'break':
      case 'continue':
        return this.jumpOut(node.kind)
      case 'if':
      case 'with':
        return this.branches(node)
      case 'range':
        return this.range(node)
    }
  }

  private emit(instruction: Instruction): void {
    this.instructions.push(instruction)
  }

  private jump(): Target {
    const target = { at: 0 }
    this.emit((machine) => {
      machine.next = target.at
    })
    return target
  }

  private land(...targets: readonly Target[]): void {
    for (const target of targets) target.at = this.instructions.length
  }

  private text(text: string): void {
    this.emit((machine) => machine.write(text))
  }

  private action(pipe: PipeNode): void {
    const evaluate = compilePipe(pipe, this.context)
    if (pipe.variables.length > 0) {
      this.emit((machine) => void evaluate(machine))
      this.behind(pipe)
    } else {
      this.emit((machine) => {
        const value = evaluate(machine)
        machine.write(typeof value === 'string' ? value : printed(value))
      })
    }
  }

  private template(node: TemplateNode): void {
    const evaluate = node.pipe === undefined ? () => undefined : compilePipe(node.pipe, this.context)
    const { unit, at } = this.context
    const site = { unit, node }
    const kind = at !== undefined && takesData(node, at) ? 'withData' : 'withAny'
    this.emit((machine) => {
      const program = machine.programs[kind].get(node.name)
      if (program === undefined) fail(site, `template ${quote(node.name)} not defined`)
      if (machine.enterTemplate(program, evaluate(machine))) return
      fail(site, `exceeded maximum template depth (${MAX_TEMPLATE_DEPTH})`)
    })
  }

  private branches({ kind, branches, otherwise }: BranchNode): void {
    const { context } = this
    const ends: Target[] = []
    this.emit((machine) => machine.enterScope())
    for (const { pipe, body } of branches) {
      const next = this.condition(compilePipe(pipe, this.context), kind === 'with')
      const outside = this.context
      this.behind(pipe, kind === 'with')
      this.list(body)
      this.context = outside
      this.behind(pipe)
      ends.push(this.jump())
      this.land(next)
    }
    if (otherwise !== undefined) this.list(otherwise)
    this.context = context
    this.land(...ends)
    this.emit((machine) => machine.leaveScope())
  }

  /** Goes on if the condition holds, else to the target. */
  private condition(evaluate: Evaluate, setsDot: boolean): Target {
    const target = { at: 0 }
    this.emit((machine) => {
      const value = evaluate(machine)
      if (!isTrue(value)) machine.next = target.at
      else if (setsDot) machine.dot = value
    })
    return target
  }

  private range(node: RangeNode): void {
    const targets = { onBreak: { at: 0 }, onContinue: { at: 0 }, endedByContinue: 0 }
    const otherwise = { at: 0 }
    this.emit((machine) => machine.enterScope())
    this.emit(startRange(node, this.context, otherwise))
    this.land(targets.onContinue)
    this.emit(nextRound(node, this.context, targets.onBreak))
    this.targets.push(targets)
    this.rangeBody(node)
    this.targets.pop()
    this.emit((machine) => {
      machine.next = targets.onContinue.at
    })
    this.land(otherwise)
    if (node.otherwise !== undefined) this.rangeElse(node.otherwise, node.pipe, targets)
    this.land(targets.onBreak)
    this.emit(endRange)
  }

  private rangeBody({ pipe, body }: RangeNode): void {
    const { context } = this
    if (context.at !== undefined) this.context = { ...context, at: insideRange(pipe, context.at) }
    this.list(body)
    this.context = context
  }

  /** istiod: `break` in the else part of a range ends that range, `continue` goes on with the range around it. */
  private rangeElse(nodes: readonly Node[], pipe: PipeNode, inner: JumpTargets): void {
    const outer = this.targets.at(-1)
    const { context } = this
    if (context.at !== undefined) {
      this.context = { ...context, at: { ...insideRange(pipe, context.at), dot: context.at.dot } }
    }
    this.targets.push({
      onBreak: inner.onBreak,
      onContinue: outer?.onContinue ?? inner.onBreak,
      endedByContinue: (outer?.endedByContinue ?? 0) + 1,
    })
    this.list(nodes)
    this.context = context
    this.targets.pop()
  }

  private jumpOut(kind: 'break' | 'continue'): void {
    const targets = this.targets.at(-1)
    if (targets === undefined) return // the parser refuses jumps outside of a range
    const target = kind === 'break' ? targets.onBreak : targets.onContinue
    const ended = kind === 'break' ? 0 : targets.endedByContinue
    this.emit((machine) => {
      machine.loops.length -= ended
      machine.next = target.at
    })
  }
}

/** The text an action writes for a value that is no string. */
function printed(value: unknown): string {
  return value === undefined || value === null ? '<no value>' : formatValue(value)
}

function startRange(node: RangeNode, context: Context, otherwise: Target): Instruction {
  const evaluate = compilePipe(node.pipe, context)
  const site = { unit: context.unit, node: lastOperand(node.pipe) }
  const takesTwo = node.pipe.variables.length > 1
  return (machine) => {
    const value = dereference(evaluate(machine))
    const rounds = roundsOver(value)
    if (rounds === undefined) fail(site, `range can't iterate over ${printed(value)}`)
    if (rounds.integers !== undefined && takesTwo) {
      fail(site, `can't use ${printed(value)} to iterate over more than one variable`)
    }
    machine.startLoop(rounds)
    if (rounds.count <= 0) machine.next = otherwise.at
  }
}

/** What Go has evaluated last when a pipeline is done: the innermost last argument of its last command. */
function lastOperand(pipe: PipeNode): Operand {
  const last = pipe.commands.at(-1)?.operands.at(-1) ?? pipe
  return last.kind === 'pipe' && last !== pipe ? lastOperand(last) : last
}

/** What a pointer leads to; a nil one stays. */
function dereference(value: unknown): unknown {
  let target = value
  while (target instanceof TypedValue && target.type.kind === 'pointer' && target.value !== null) {
    target = wrap(target.type.elem, target.value, true)
  }
  return target
}

const NO_ROUNDS: Rounds = { items: [], keys: undefined, integers: undefined, count: 0 }

/** undefined: nothing a range can go over. */
function roundsOver(value: unknown): Rounds | undefined {
  if (value === undefined) return NO_ROUNDS
  const items = elementsOf(value)
  if (items !== undefined) return { ...NO_ROUNDS, items, count: items.length }
  if (isPlainMap(value)) return mapRounds(value)
  if (!(value instanceof TypedValue)) return undefined
  const { type } = value
  if (isInteger(type)) return { ...NO_ROUNDS, integers: type, count: value.value as number | bigint }
  if (type.kind !== 'map') return undefined
  const rounds = mapRounds((value.value ?? {}) as PlainMap)
  const keys = rounds.keys?.map((key) => wrap(type.key, key))
  return { ...rounds, keys, items: rounds.items.map((item) => wrap(type.elem, item)) }
}

function mapRounds(map: PlainMap): Rounds {
  const keys = Object.keys(map).sort(compareText)
  return { items: keys.map((key) => map[key]), keys, integers: undefined, count: keys.length }
}

function nextRound(node: RangeNode, context: Context, end: Target): Instruction {
  const setVariables = variableSetter(node, context)
  return (machine) => {
    const loop = machine.nextRound()
    if (loop === undefined) {
      machine.next = end.at
      return
    }
    const { rounds, index } = loop
    const item = rounds.integers === undefined ? rounds.items[index] : new TypedValue(rounds.integers, index)
    setVariables?.(machine, item, loop)
    machine.dot = item
  }
}

type SetVariables = (machine: Machine, item: unknown, loop: Loop) => void

/** One variable is the element; of two, the first is the index or key. */
function variableSetter({ pipe }: RangeNode, { unit }: Context): SetVariables | undefined {
  const [first, second] = pipe.variables
  if (first === undefined) return undefined
  if (!pipe.isAssign) {
    return (machine, item, loop) => {
      machine.setTop(1, item)
      if (second !== undefined) machine.setTop(2, keyOf(loop))
    }
  }
  const site = { unit, node: lastOperand(pipe) }
  const assign = (machine: Machine, name: string, value: unknown): void => {
    if (!machine.assign(name, value)) fail(site, `undefined variable: ${name}`)
  }
  return (machine, item, loop) => {
    assign(machine, first, second === undefined ? item : keyOf(loop))
    if (second !== undefined) assign(machine, second, item)
  }
}

const keyOf = ({ rounds, index }: Loop): unknown => (rounds.keys === undefined ? int(index) : rounds.keys[index])

const endRange: Instruction = (machine) => machine.endLoop()
