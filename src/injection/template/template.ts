/**
 * Go's text/template: parse once, render often. Knows nothing of Istio; functions are handed in.
 *
 * Output whose bytes are no valid UTF-8 is a string with lone surrogates (go/byte-text.ts); `encodeOutput` gives the
 * bytes. Data is plain JSON, or a TypedValue (value.ts); it is never changed.
 */
import { BUILTINS } from './builtins.ts'
import { TemplateError } from './errors.ts'
import { checkNesting, compileProgram, isRootFixed } from './exec/compile.ts'
import { Machine, type Program, type Programs } from './exec/machine.ts'
import { Memories } from './exec/memory.ts'
import { startOf, type Recurring, type Survey } from './exec/recurring.ts'
import type { FunctionTable, TemplateFunction } from './function-table.ts'
import { normalizeBytes, replaceLoneSurrogates, toBytes } from './go/byte-text.ts'
import type { Unit } from './exec/site.ts'
import { DEFAULT_LIMITS, LimitReached, type Limits } from './limits.ts'
import { parse } from './parse.ts'
import { copyForChanges } from './value.ts'

export interface Template {
  /**
   * The text with its actions carried out on `data`.
   * @throws TemplateError of stage `exec`, or `limit`
   */
  readonly render: (data: unknown, options?: { readonly limits?: Partial<Limits> }) => string
}

export interface TemplateOptions {
  readonly functions: FunctionTable
  /** What of the data recurs; what follows from that alone is worked out once. Absent: nothing does. */
  readonly recurring?: Recurring
}

/**
 * Parses and compiles a text.
 * @throws TemplateError of stage `parse`, or `limit` for texts that are nested too deeply
 */
export function parseTemplate(name: string, given: string, { functions, recurring }: TemplateOptions): Template {
  const text = replaceLoneSurrogates(given)
  const table = new Map<string, TemplateFunction>([...BUILTINS, ...functions])
  const used = new Set<string>()
  const hasFunction = (asked: string): boolean => {
    used.add(asked)
    return table.has(asked)
  }
  const changing = new Set<string>()
  const keys = new Set<string>()
  const trees = limited({ name, text }, () => {
    const found = parse(text, { name, hasFunction, onChange: (variable) => changing.add(variable) })
    for (const { nodes } of found.values()) checkNesting(nodes)
    return found
  })
  const changesData = [...used].some((one) => table.get(one)?.mutates === true)
  const memories = recurring === undefined || changesData ? undefined : new Memories(recurring, keys)
  let programs: Programs | undefined
  return {
    render: (data, options) =>
      limited({ name, text }, () => {
        // most of a configuration's templates are never asked for
        programs ??= compileAll({ trees, name, text, table, recurring, changing, keys })
        const main = programs.withData.get(name) ?? { name, instructions: [] }
        const limits = { ...DEFAULT_LIMITS, ...options?.limits }
        const machine = new Machine(main, {
          programs,
          data: (changesData ? copyForChanges(data) : data) ?? undefined,
          limits,
          memory: memories?.find(data),
        })
        return normalizeBytes(machine.run())
      }),
  }
}

/** The bytes of a rendered text. */
export const encodeOutput = (output: string): Uint8Array => toBytes(output)

interface Source {
  readonly trees: ReturnType<typeof parse>
  readonly name: string
  readonly text: string
  readonly table: FunctionTable
  readonly recurring: Recurring | undefined
  readonly changing: ReadonlySet<string>
  readonly keys: Set<string>
}

/** Compiles what a rendering with the data itself may run. */
function compileAll(source: Source): Programs {
  const { trees, table, recurring } = source
  const withAny = laterPrograms(source)
  if (recurring === undefined) return { withData: withAny, withAny }
  const at = startOf(surveyOf(source, recurring))
  const withData = new Map<string, Program>()
  for (const [templateName, { nodes }] of trees) {
    withData.set(templateName, compileProgram(nodes, unitOf(source, templateName), { functions: table, at }))
  }
  return { withData, withAny }
}

/** Programs that are compiled when they are first asked for. */
function laterPrograms(source: Source): Programs['withAny'] {
  const { trees, table } = source
  const compiled = new Map<string, Program>()
  return {
    get: (templateName) => {
      const tree = trees.get(templateName)
      const known = compiled.get(templateName)
      if (tree === undefined || known !== undefined) return known
      const program = compileProgram(tree.nodes, unitOf(source, templateName), { functions: table })
      compiled.set(templateName, program)
      return program
    },
  }
}

const unitOf = ({ name, text }: Source, templateName: string): Unit => ({ templateName, textName: name, text })

const surveyOf = ({ trees, text, table, changing, keys }: Source, recurring: Recurring): Survey => ({
  recurring,
  functions: table,
  trees,
  keys,
  rootIsFixed: isRootFixed(text),
  changing,
  fixedNodes: new Map(),
  fixedTrees: new Map(),
  slots: 0,
})

/** Turns what ran into a limit, the real stack's included, into an error of stage `limit`. */
function limited<T>(source: { name: string; text: string }, run: () => T): T {
  try {
    return run()
  } catch (thrown) {
    if (!(thrown instanceof LimitReached) && !(thrown instanceof RangeError)) throw thrown
    throw new TemplateError(`template: ${source.name}: ${thrown.message}`, {
      stage: 'limit',
      place: { ...source, at: 0 },
      cause: thrown,
    })
  }
}
