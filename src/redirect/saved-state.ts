/** What `iptables-save` printed, and how far it is from the rules wanted. */
import type { IptablesRule } from './iptables.ts'
import { ruleLine } from './iptables.ts'

/** Table -> chain -> the chain's rules as printed, without the command and the chain. */
export type SavedState = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>

const TABLES: ReadonlySet<string> = new Set(['filter', 'nat', 'mangle', 'raw'])
const OURS = /^ISTIO/
const RULE = /^(?:\[[0-9]+:[0-9]+\]\s+)?(?:-A|--append|-I|--insert)\s+(\S+)\s*(.*)$/

/** Chains of ours and every chain with a rule. istiod: a rule of anybody in a built-in chain counts as something found. */
export function parseSaved(text: string): SavedState {
  const tables = new Map<string, Map<string, string[]>>()
  let table: Map<string, string[]> | undefined
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line.startsWith('*')) {
      const name = line.slice(1).trim()
      table = TABLES.has(name) ? (tables.get(name) ?? new Map<string, string[]>()) : undefined
      if (table !== undefined) tables.set(name, table)
      continue
    }
    if (table !== undefined) readLine(table, line)
  }
  return tables
}

function readLine(table: Map<string, string[]>, line: string): void {
  const declared = /^(?::|-N\s+)(\S+)/.exec(line)?.[1]
  if (declared !== undefined) {
    const name = unquote(declared)
    if (OURS.test(name) && !table.has(name)) table.set(name, [])
    return
  }
  const [, chain, rest = ''] = RULE.exec(line) ?? []
  if (chain === undefined) return
  const rules = table.get(unquote(chain)) ?? []
  rules.push(rest)
  table.set(unquote(chain), rules)
}

function unquote(name: string): string {
  return name.replaceAll(/^["']|["']$/g, '')
}

/** Whether anything was found at all. */
export function hasResidue(state: SavedState): boolean {
  return [...state.values()].some((chains) => chains.size > 0)
}

/** Whether a chain of ours was found. */
export function holdsOurChains(state: SavedState): boolean {
  return [...state.values()].some((chains) => [...chains.keys()].some((name) => OURS.test(name)))
}

/** Whether chains or their lengths differ from what `rules` make. Order and options are the tool's to compare. */
export function differsInShape(state: SavedState, rules: readonly IptablesRule[]): boolean {
  const expected = countRules(rules)
  for (const [table, chains] of expected) {
    for (const [chain, count] of chains) {
      const found = state.get(table)?.get(chain)
      if (found === undefined || (OURS.test(chain) && found.length !== count)) return true
    }
  }
  return [...state].some(([table, chains]) =>
    [...chains.keys()].some((chain) => OURS.test(chain) && expected.get(table)?.has(chain) !== true),
  )
}

function countRules(rules: readonly IptablesRule[]): Map<string, Map<string, number>> {
  const counts = new Map<string, Map<string, number>>()
  for (const { table, chain } of rules) {
    const chains = counts.get(table) ?? new Map<string, number>()
    chains.set(chain, (chains.get(chain) ?? 0) + 1)
    counts.set(table, chains)
  }
  return counts
}

export interface Replacement {
  /** What the namespace holds now. */
  readonly state: SavedState
  /** What it shall hold; empty removes everything of ours. */
  readonly rules: readonly IptablesRule[]
  /** Rules outside our chains that do not jump to one and are in place now. */
  readonly present: readonly IptablesRule[]
}

/**
 * Restore input that replaces whatever is there of ours, each table in one commit.
 * Rules of others in built-in chains are kept.
 */
export function renderReplacement({ state, rules, present }: Replacement): string {
  const names = [...rules, ...present].map(({ table }) => table as string)
  const withShapes = holdsOurChains(state)
  const held = [...state].filter(([, chains]) => holdsOurs(chains, withShapes)).map(([table]) => table)
  return [...new Set([...names, ...held])]
    .sort()
    .map((table) => {
      const mine = (list: readonly IptablesRule[]): IptablesRule[] => list.filter((rule) => rule.table === table)
      return replaceTable(table, {
        chains: state.get(table) ?? new Map(),
        rules: mine(rules),
        present: withShapes ? [] : mine(present),
        withShapes,
      })
    })
    .join('')
}

function holdsOurs(chains: ReadonlyMap<string, readonly string[]>, withShapes: boolean): boolean {
  return [...chains].some(([name, lines]) => OURS.test(name) || lines.some((line) => isOutsideRule(line, withShapes)))
}

interface TableReplacement {
  readonly chains: ReadonlyMap<string, readonly string[]>
  readonly rules: readonly IptablesRule[]
  readonly present: readonly IptablesRule[]
  /** Rules outside our chains are told by their shape. */
  readonly withShapes: boolean
}

/** Rules that the program puts into built-in chains without a jump to a chain of ours, as `iptables-save` prints them. */
const SHAPES: readonly RegExp[] = [
  /^-[io] \S+ -j RETURN$/,
  /^-p tcp -m mark --mark \S+ -j CONNMARK --save-mark/,
  /^-o lo -p tcp -m mark --mark \S+ -j RETURN$/,
  /^! -d \S+ -o lo -p tcp -m owner --[ug]id-owner \S+ -j MARK --set-xmark 0x53a\/0xffffffff$/,
  /^-p tcp -m connmark --mark \S+ -j CONNMARK --restore-mark/,
]

/** Whether a rule of a built-in chain is ours. Beside chains of ours, so is one of the program's shapes, whatever its values. */
export function isOutsideRule(line: string, withShapes: boolean): boolean {
  return /(?:-j|-g) ISTIO_/.test(line) || (withShapes && SHAPES.some((shape) => shape.test(line)))
}

function replaceTable(table: string, { chains, rules, present, withShapes }: TableReplacement): string {
  const planned = new Set(rules.map(({ chain }) => chain as string).filter((name) => OURS.test(name)))
  const existing = [...chains.keys()].filter((name) => OURS.test(name))
  const obsolete = existing.filter((name) => !planned.has(name))
  const outside = [...chains]
    .filter(([chain]) => !OURS.test(chain))
    .flatMap(([chain, lines]) =>
      lines.filter((line) => isOutsideRule(line, withShapes)).map((line) => `-D ${chain} ${line}`),
    )
  return [
    `*${table}`,
    ...[...planned].map((name) => `:${name} - [0:0]`),
    ...outside,
    ...present.map(({ chain, words }) => ['-D', chain, ...words].join(' ')),
    ...obsolete.map((name) => `-F ${name}`),
    ...obsolete.map((name) => `-X ${name}`),
    ...rules.map(ruleLine),
    'COMMIT',
    '',
  ].join('\n')
}
