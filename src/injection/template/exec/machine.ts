/** Runs compiled templates: a flat list of instructions with stacks of its own, so that templates cannot overflow the real one. */
import type { GoType } from '../types.ts'
import { LimitReached, MAX_TEMPLATE_DEPTH, type Limits } from '../limits.ts'
import type { Memory } from './memory.ts'

export type Instruction = (machine: Machine) => void

/** One compiled template. */
export interface Program {
  readonly name: string
  readonly instructions: readonly Instruction[]
}

/** What a `range` goes over. */
export interface Rounds {
  readonly items: readonly unknown[]
  /** Keys of a map, undefined otherwise. */
  readonly keys: readonly unknown[] | undefined
  /** Type of the numbers 0 to count-1, when a number is ranged over. */
  readonly integers: GoType | undefined
  readonly count: number | bigint
}

/** A `range` under way. */
export interface Loop {
  readonly rounds: Rounds
  /** Of the running round; -1 before the first. */
  index: number
  readonly scopeDepth: number
  readonly variableCount: number
}

interface Frame {
  readonly program: Program
  readonly next: number
  readonly dot: unknown
  readonly variableBase: number
}

/** Programs by name; those of `withData` are for calls with the data itself. */
export interface Programs {
  readonly withData: Pick<ReadonlyMap<string, Program>, 'get'>
  readonly withAny: Pick<ReadonlyMap<string, Program>, 'get'>
}

/** Where a stretch of text began whose result will be remembered. */
interface Stretch {
  readonly outputAt: number
  readonly stepsLeft: number
}

/** The state of one rendering. */
export class Machine {
  output = ''
  dot: unknown
  /** Index of the next instruction of the running program. */
  next = 0
  readonly loops: Loop[] = []
  readonly programs: Programs
  /** What former renderings with the same recurring data found out. */
  readonly memory: Memory | undefined
  private readonly stretches: Stretch[] = []
  private program: Program
  private readonly frames: Frame[] = []
  private readonly names: string[] = []
  private readonly values: unknown[] = []
  private variableBase = 0
  private readonly scopeVariables: number[] = []
  private readonly scopeDots: unknown[] = []
  private stepsLeft: number
  private readonly outputLength: number

  constructor(
    program: Program,
    options: { programs: Programs; data: unknown; limits: Limits; memory?: Memory | undefined },
  ) {
    this.program = program
    this.programs = options.programs
    this.memory = options.memory
    this.dot = options.data
    this.stepsLeft = options.limits.steps
    this.outputLength = options.limits.outputLength
    this.push('$', options.data)
  }

  /** @throws TemplateError; LimitReached */
  run(): string {
    for (;;) {
      const instruction = this.program.instructions[this.next++]
      if (instruction !== undefined) instruction(this)
      else if (!this.leaveTemplate()) return this.output
    }
  }

  write(text: string): void {
    this.output += text
    if (this.output.length > this.outputLength) {
      throw new LimitReached(`output longer than ${this.outputLength} characters`)
    }
  }

  /** Pays for work done. @throws LimitReached when the template has done too much */
  charge(steps: number): void {
    this.stepsLeft -= steps
    if (this.stepsLeft < 0) throw new LimitReached('too many steps')
  }

  /** Writes what a stretch of text wrote before; false where it is not remembered and must be worked out. */
  writeKnown(slot: number): boolean {
    const known = this.memory?.recall(slot)
    if (known === undefined) {
      this.stretches.push({ outputAt: this.output.length, stepsLeft: this.stepsLeft })
      return false
    }
    this.charge(known.steps)
    this.write(known.value as string) // only `endStretch` fills slots of stretches
    return true
  }

  endStretch(slot: number): void {
    const began = this.stretches.pop()
    if (began === undefined) return
    this.memory?.remember(slot, this.output.slice(began.outputAt), began.stepsLeft - this.stepsLeft)
  }

  /** A result that recurs, from memory where it is there. */
  recalled(slot: number, evaluate: (machine: Machine) => unknown): unknown {
    const { memory, stepsLeft } = this
    if (memory === undefined) return evaluate(this)
    const known = memory.recall(slot)
    if (known !== undefined) {
      this.charge(known.steps)
      return known.value
    }
    const value = evaluate(this)
    memory.remember(slot, value, stepsLeft - this.stepsLeft)
    return value
  }

  /** False when templates are nested as deep as Go allows. */
  enterTemplate(program: Program, dot: unknown): boolean {
    if (this.frames.length >= MAX_TEMPLATE_DEPTH) return false
    this.charge(1)
    this.frames.push({ program: this.program, next: this.next, dot: this.dot, variableBase: this.variableBase })
    this.variableBase = this.names.length
    this.program = program
    this.next = 0
    this.dot = dot
    this.push('$', dot)
    return true
  }

  private leaveTemplate(): boolean {
    const frame = this.frames.pop()
    if (frame === undefined) return false
    this.names.length = this.values.length = this.variableBase
    this.program = frame.program
    this.next = frame.next
    this.dot = frame.dot
    this.variableBase = frame.variableBase
    return true
  }

  enterScope(): void {
    this.scopeVariables.push(this.names.length)
    this.scopeDots.push(this.dot)
  }

  leaveScope(): void {
    this.dropVariables(this.scopeVariables.pop() ?? 0)
    this.dot = this.scopeDots.pop()
  }

  startLoop(rounds: Rounds): void {
    this.loops.push({ rounds, index: -1, scopeDepth: this.scopeDots.length, variableCount: this.names.length })
  }

  /** The running loop, set to its next round; undefined when there is none left. */
  nextRound(): Loop | undefined {
    const loop = this.loops.at(-1)
    if (loop === undefined || ++loop.index >= loop.rounds.count) return undefined
    this.charge(1)
    this.dropScopes(loop.scopeDepth)
    this.dropVariables(loop.variableCount)
    return loop
  }

  endLoop(): void {
    this.dropScopes(this.loops.pop()?.scopeDepth ?? 0)
    this.leaveScope()
  }

  /** Forgets the scopes that a round or a jump left open. */
  private dropScopes(depth: number): void {
    if (this.scopeDots.length !== depth) this.scopeVariables.length = this.scopeDots.length = depth
  }

  private dropVariables(count: number): void {
    if (this.names.length !== count) this.names.length = this.values.length = count
  }

  push(name: string, value: unknown): void {
    this.names.push(name)
    this.values.push(value)
  }

  /** Sets the n-th variable from the top, 1 being the last declared. */
  setTop(n: number, value: unknown): void {
    this.values[this.values.length - n] = value
  }

  /** False if there is no such variable. */
  assign(name: string, value: unknown): boolean {
    const at = this.find(name)
    if (at >= 0) this.values[at] = value
    return at >= 0
  }

  /** Index for `valueAt`, -1 if there is no such variable. */
  find(name: string): number {
    for (let i = this.names.length - 1; i >= this.variableBase; i--) if (this.names[i] === name) return i
    return -1
  }

  valueAt(index: number): unknown {
    return this.values[index]
  }

  /** `$`, for texts that never declare it anew. */
  get root(): unknown {
    return this.values[this.variableBase]
  }
}
