/** Compiles pipelines to closures. Rules: Go, text/template/exec.go, evalPipeline and below. */
import { FunctionError, TemplateError } from '../errors.ts'
import type { FunctionTable, Param, TemplateFunction } from '../function-table.ts'
import { LimitReached } from '../limits.ts'
import { printExpression, type CommandNode, type Expression, type Operand, type PipeNode } from '../nodes.ts'
import type { Method } from '../types.ts'
import { isTrue, wrap } from '../value.ts'
import { fit, fitConstant, idealConstant } from './arguments.ts'
import { chainOf, stepThrough, type CallMethod } from './fields.ts'
import type { Machine } from './machine.ts'
import { isFixedOperand, isFixedPipe, type Standpoint } from './recurring.ts'
import { fail, type Site, type Unit } from './site.ts'

/** Evaluates; `final` is the value that comes from the command before, if there is one. */
export type Evaluate = (machine: Machine, final?: unknown) => unknown

export interface Context {
  readonly unit: Unit
  readonly functions: FunctionTable
  /** The text never declares or assigns `$`. */
  readonly rootIsFixed: boolean
  /** Where the expression stands, as far as that is known. */
  readonly at?: Standpoint | undefined
}

/** A pipeline; nil results come out as missing. Declared variables are pushed. */
export function compilePipe(node: PipeNode, context: Context): Evaluate {
  const commands = node.commands.map((command, i) => compileCommand(command, i > 0, context))
  const [first, ...rest] = commands
  if (first === undefined) return () => undefined
  const anew = rest.length === 0 ? (machine: Machine) => first(machine) ?? undefined : chain(first, rest)
  const { at } = context
  const isFixed = at !== undefined && isWorthRemembering(node) && isFixedPipe({ ...node, variables: [] }, at)
  const evaluate = isFixed ? recalling(anew, at) : anew
  if (node.variables.length === 0) return evaluate
  const { variables, isAssign } = node
  const site = { unit: context.unit, node: node.commands.at(-1)?.operands[0] ?? node }
  return (machine) => {
    const value = evaluate(machine)
    for (const name of variables) {
      if (!isAssign) machine.push(name, value)
      else if (!machine.assign(name, value)) fail(site, `undefined variable: ${name}`)
    }
    return value
  }
}

/** Constants are faster than memory. */
function isWorthRemembering({ commands: [first, ...rest] }: PipeNode): boolean {
  if (first === undefined || rest.length > 0 || first.operands.length > 1) return true
  const { kind } = first.operands[0]
  return kind !== 'string' && kind !== 'bool' && kind !== 'number' && kind !== 'nil' && kind !== 'dot'
}

/** Evaluates once for all renderings with the same recurring data. */
function recalling(evaluate: Evaluate, { survey }: Standpoint): Evaluate {
  const slot = survey.slots++
  return (machine) => machine.recalled(slot, evaluate)
}

function chain(first: Evaluate, rest: readonly Evaluate[]): Evaluate {
  return (machine) => {
    let value = first(machine) ?? undefined
    for (const command of rest) value = command(machine, value) ?? undefined
    return value
  }
}

function compileCommand(command: CommandNode, hasFinal: boolean, context: Context): Evaluate {
  const { operands } = command
  const [first, ...rest] = operands
  const takesArguments = rest.length > 0 || hasFinal
  const site = { unit: context.unit, node: first }
  if (first.kind === 'identifier') {
    return compileCall({ name: first.name, operands: rest, hasFinal, node: command }, context)
  }
  const hasNames =
    first.kind === 'field' || first.kind === 'chain' || (first.kind === 'variable' && first.names.length > 0)
  if (hasNames && takesArguments)
    return compileSteps(first, context, methodArguments(rest, { hasFinal, site, context }))
  if (takesArguments) return () => fail(site, `can't give argument to non-function ${printArgument(first)}`)
  if (first.kind === 'nil') return () => fail(site, 'nil is not a command')
  return compileOperand(first, context)
}

const printArgument = (node: Operand): string => printExpression(node)

/** An operand without arguments. */
function compileOperand(node: Operand, context: Context): Evaluate {
  const site = { unit: context.unit, node }
  switch (node.kind) {
    case 'string':
    case 'bool':
    case 'number': {
      const constant = idealConstant(node, site)
      return typeof constant === 'function' ? (constant as () => never) : () => constant
    }
    case 'nil':
      return () => undefined
    case 'dot':
      return (machine) => machine.dot
    case 'pipe':
      return compilePipe(node, context)
    case 'identifier':
      return compileCall({ name: node.name, operands: [], hasFinal: false, node }, context)
    case 'variable':
      return node.names.length > 0 ? compileSteps(node, context) : compileVariable(node.variable, site, context)
    case 'field':
    case 'chain':
      return compileSteps(node, context)
  }
}

function compileVariable(name: string, site: Site, { rootIsFixed }: Context): Evaluate {
  if (name === '$' && rootIsFixed) return (machine) => machine.root
  return (machine) => {
    const at = machine.find(name)
    return at < 0 ? fail(site, `undefined variable: ${name}`) : machine.valueAt(at)
  }
}

/** Gives the method at the end of a chain its arguments. */
type BindArguments = (machine: Machine, final: unknown) => CallMethod

function compileSteps(node: Operand, context: Context, bind?: BindArguments): Evaluate {
  const { start, names } = startOf(node, context)
  const chain = chainOf({ unit: context.unit, node }, names)
  if (bind !== undefined) return (machine, final) => stepThrough(start(machine), chain, bind(machine, final))
  return node.kind === 'field'
    ? (machine) => stepThrough(machine.dot, chain)
    : (machine) => stepThrough(start(machine), chain)
}

function startOf(node: Operand, context: Context): { start: Evaluate; names: readonly string[] } {
  const site = { unit: context.unit, node }
  if (node.kind === 'field') return { start: (machine) => machine.dot, names: node.names }
  if (node.kind === 'variable') return { start: compileVariable(node.variable, site, context), names: node.names }
  if (node.kind !== 'chain') return { start: () => undefined, names: [] }
  if (node.operand.kind !== 'nil') return { start: compileOperand(node.operand, context), names: node.names }
  return { start: () => fail(site, `indirection through explicit nil in ${printExpression(node)}`), names: node.names }
}

interface MethodArguments {
  readonly hasFinal: boolean
  readonly site: Site
  readonly context: Context
}

function methodArguments(operands: readonly Operand[], { hasFinal, site, context }: MethodArguments): BindArguments {
  return (machine, final) => (method, self, name) =>
    callMethod(method, self, {
      name,
      site,
      given: operands.map((operand) => (param: Param<unknown>) => compileArgument(operand, param, context)(machine)),
      final: hasFinal ? [final] : [],
    })
}

interface MethodCall {
  readonly name: string
  readonly site: Site
  readonly given: readonly ((param: Param<unknown>) => unknown)[]
  readonly final: readonly unknown[]
}

function callMethod(method: Method, self: unknown, { name, site, given, final }: MethodCall): unknown {
  const count = given.length + final.length
  if (count !== method.params.length)
    fail(site, `wrong number of args for ${name}: want ${method.params.length} got ${count}`)
  const params = method.params.map((type): Param<unknown> => ({ type }))
  const values = given.map((argument, i) => argument(params[i] ?? { type: 'value' }))
  for (const value of final) values.push(fit(value, params[count - 1] ?? { type: 'value' }, site))
  return guarded(() => wrap(method.result, method.call(self, values)), { name, site })
}

interface Call {
  readonly name: string
  readonly operands: readonly Operand[]
  readonly hasFinal: boolean
  readonly node: Expression
}

function compileCall(call: Call, context: Context): Evaluate {
  const { name, operands, hasFinal, node } = call
  const site = { unit: context.unit, node }
  const declared = context.functions.get(name)
  if (declared === undefined) return () => fail(site, `${name} is not a defined function`)
  const wrongCount = countProblem(declared, name, { count: operands.length, hasFinal })
  if (wrongCount !== undefined) {
    const atName: Site = { unit: context.unit, node: { kind: 'identifier', at: node.at, name } }
    return () => fail(atName, wrongCount)
  }
  const given = operands.map((operand, i) => compileArgument(operand, paramAt(declared, i), context))
  if (declared.params.length === 1 && declared.shortCircuit !== undefined) {
    return compileShortCircuit(given, { hasFinal, stopsAt: declared.shortCircuit, site })
  }
  const last = paramAt(declared, operands.length)
  const lastSite = { unit: context.unit, node: operands.at(-1) ?? node }
  return compileInvocation(declared, {
    given,
    name,
    site,
    fitFinal: hasFinal ? (final) => fit(final, last, lastSite) : undefined,
  })
}

function paramAt({ params, rest }: TemplateFunction, index: number): Param<unknown> {
  return params[index] ?? rest ?? { type: 'value' }
}

function countProblem(
  { params, rest }: TemplateFunction,
  name: string,
  { count, hasFinal }: { count: number; hasFinal: boolean },
): string | undefined {
  const total = count + (hasFinal ? 1 : 0)
  if (rest === undefined) {
    return total === params.length ? undefined : `wrong number of args for ${name}: want ${params.length} got ${total}`
  }
  return total >= params.length
    ? undefined
    : `wrong number of args for ${name}: want at least ${params.length} got ${count}`
}

/** One argument of a call, checked against its parameter. */
function compileArgument(node: Operand, param: Param<unknown>, context: Context): Evaluate {
  const site = { unit: context.unit, node }
  const constant = fitConstant(node, param, site)
  if (constant !== undefined) return constant
  const { at } = context
  const anew = compileOperand(node, context)
  const isFixed = at !== undefined && node.kind !== 'dot' && node.kind !== 'pipe' && isFixedOperand(node, at)
  const evaluate = isFixed ? recalling(anew, at) : anew
  return (machine) => fit(evaluate(machine), param, site)
}

/** `and` and `or`: evaluates only as far as needed and gives an operand. */
function compileShortCircuit(
  given: readonly Evaluate[],
  { hasFinal, stopsAt, site }: { hasFinal: boolean; stopsAt: boolean; site: Site },
): Evaluate {
  return (machine, final) => {
    let value: unknown
    for (const argument of given) {
      value = argument(machine)
      if (isTrue(value) === stopsAt) return value
    }
    return hasFinal ? fit(final, { type: 'value' }, site) : value
  }
}

interface Invocation {
  readonly given: readonly Evaluate[]
  readonly name: string
  readonly site: Site
  readonly fitFinal: ((final: unknown) => unknown) | undefined
}

/** The common arities without a list in between. */
function compileInvocation({ call }: TemplateFunction, { given, name, site, fitFinal }: Invocation): Evaluate {
  const [first, second] = given
  const invoke = (machine: Machine, ...values: unknown[]): unknown => {
    try {
      const result = call(...values)
      machine.charge(costOf(result))
      return result
    } catch (thrown) {
      return rethrow(thrown, { name, site })
    }
  }
  if (fitFinal === undefined) {
    if (first === undefined) return (machine) => invoke(machine)
    if (second === undefined) return (machine) => invoke(machine, first(machine))
    if (given.length === 2) return (machine) => invoke(machine, first(machine), second(machine))
    return (machine) => invoke(machine, ...given.map((argument) => argument(machine)))
  }
  if (first === undefined) return (machine, final) => invoke(machine, fitFinal(final))
  if (second === undefined) return (machine, final) => invoke(machine, first(machine), fitFinal(final))
  return (machine, final) => invoke(machine, ...given.map((argument) => argument(machine)), fitFinal(final))
}

function costOf(result: unknown): number {
  if (typeof result === 'string') return 1 + (result.length >> 6)
  return Array.isArray(result) ? 1 + (result.length >> 4) : 1
}

function guarded(run: () => unknown, where: { name: string; site: Site }): unknown {
  try {
    return run()
  } catch (thrown) {
    return rethrow(thrown, where)
  }
}

function rethrow(thrown: unknown, { name, site }: { name: string; site: Site }): never {
  if (thrown instanceof TemplateError) throw thrown
  const isLimit = thrown instanceof LimitReached || thrown instanceof RangeError
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  if (isLimit || thrown instanceof FunctionError) {
    fail(site, `error calling ${name}: ${message}`, { stage: isLimit ? 'limit' : 'exec', cause: thrown })
  }
  throw thrown
}
