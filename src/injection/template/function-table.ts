/** How functions of templates are declared: parameter types, so that arguments are checked in one place. */
import { ANY, BOOL, FLOAT64, INT, STRING, STRING_MAP, UNTYPED_MAP, type GoType } from './types.ts'
import type { PlainMap, TypedValue } from './value.ts'

/**
 * A parameter; `T` is what the function gets. `value` takes everything as it is, also no value at all, as functions
 * with a `reflect.Value` do in Go; `message` takes every protobuf message.
 */
export interface Param<T> {
  readonly type: GoType | 'value' | 'message'
  /** Only for inference; never set. */
  readonly gives?: T
}

export interface TemplateFunction {
  readonly params: readonly Param<unknown>[]
  /** Type of further arguments of a variadic function. */
  readonly rest: Param<unknown> | undefined
  /** Changes its arguments in place; texts that use it work on a copy of the caller's data. */
  readonly mutates: boolean
  /** `and` (false) and `or` (true): the truth at which evaluation of arguments stops. */
  readonly shortCircuit?: boolean
  /** Gives more than what follows from its arguments: asks the clock or the environment, or tells somebody. */
  readonly unsteady?: boolean
  /**
   * Asks nothing of its first argument but the text of one key, the second argument, in the map of texts below these Go
   * names.
   */
  readonly looksUp?: readonly string[]
  readonly call: (...args: readonly unknown[]) => unknown
}

/** By name. A Map, so that no name reaches a prototype. */
export type FunctionTable = ReadonlyMap<string, TemplateFunction>

/** interface{}; nil is null. */
export const any: Param<unknown> = { type: ANY }
export const text: Param<string> = { type: STRING }
export const bool: Param<boolean> = { type: BOOL }
/** int, as a number: digits beyond 2^53 are lost, which is far above every limit. */
export const integer: Param<number> = { type: INT }
export const float: Param<number> = { type: FLOAT64 }
/** map[string]interface{}; nil is null. */
export const map: Param<PlainMap | null> = { type: UNTYPED_MAP }
/** map[string]string; nil is null. */
export const textMap: Param<Readonly<Record<string, string>> | null> = { type: STRING_MAP }
export const value: Param<unknown> = { type: 'value' }
/** Any message, with its type; nil is null. */
export const message: Param<TypedValue | null> = { type: 'message' }

type Given<P> = { -readonly [K in keyof P]: P[K] extends Param<infer T> ? T : never }

/** A function with a fixed number of parameters. */
export function fn<const P extends readonly Param<unknown>[]>(
  params: P,
  call: (...args: Given<P>) => unknown,
): TemplateFunction {
  // Arguments are checked against `params` before every call.
  return { params, rest: undefined, mutates: false, call: call as TemplateFunction['call'] }
}

/** A variadic function: its fixed parameters, then any number of `rest`. */
export function variadic<const P extends readonly Param<unknown>[], R>(
  params: P,
  rest: Param<R>,
  call: (...args: [...Given<P>, ...R[]]) => unknown,
): TemplateFunction {
  // As above.
  return { params, rest, mutates: false, call: call as TemplateFunction['call'] }
}

/** The same function, marked as one that changes its arguments. */
export const mutating = (declared: TemplateFunction): TemplateFunction => ({ ...declared, mutates: true })

/** The same function, marked as one that gives more than what follows from its arguments. */
export const unsteady = (declared: TemplateFunction): TemplateFunction => ({ ...declared, unsteady: true })

/** The same function, marked as one that looks up its second argument in its first, or below it. */
export const lookup = (declared: TemplateFunction, ...below: readonly string[]): TemplateFunction => ({
  ...declared,
  looksUp: below,
})

/** A table of named functions. */
export const tableOf = (functions: Readonly<Record<string, TemplateFunction>>): FunctionTable =>
  new Map(Object.entries(functions))
