/** What a network namespace holds, as its own tools tell, without counters, dates and what is empty. */
import type { Run } from '../../src/redirect/run.ts'

const SAVE_TOOLS = ['iptables-legacy-save', 'ip6tables-legacy-save', 'iptables-nft-save', 'ip6tables-nft-save'] as const
const ROUTING = [
  ['-4', 'rule'],
  ['-6', 'rule'],
  ['-4', 'route', 'show', 'table', 'all', 'type', 'local'],
  ['-6', 'route', 'show', 'table', 'all', 'type', 'local'],
  ['-o', 'addr', 'show', 'lo'],
] as const

export interface NamespaceState {
  /** Of all back ends. */
  readonly rules: string
  /** Policy rules, local routes that somebody added and the addresses of `lo`. */
  readonly routing: string
}

/** Asks with tools that `run` starts in the namespace. */
export async function namespaceState(run: Run): Promise<NamespaceState> {
  const saved = SAVE_TOOLS.map(async (tool) => `== ${tool}\n${savedTables((await run(tool, [])).stdout)}`)
  const listed = run('nft', ['-s', 'list', 'ruleset'])
  const routing = await Promise.all(ROUTING.map((args) => run('ip', args)))
  return {
    rules: [...(await Promise.all(saved)), `== nft\n${nftTables((await listed).stdout)}`].join('\n'),
    // The kernel's own routes come and go with addresses and cables, in its own time.
    routing: routing.map(({ stdout }) => stdout.replaceAll(/_lft \S+| tentative|^.*proto kernel.*\n/gm, '')).join(''),
  }
}

/** The kernel lists legacy tables in the order in which they were used first. */
function savedTables(text: string): string {
  return text
    .split(/^(?=\*)/m)
    .map((table) =>
      table.split('\n').filter((line) => line !== '' && !/^(?:#|COMMIT|:[A-Z]+ (?:ACCEPT|DROP))/.test(line)),
    )
    .filter((lines) => lines.length > 1)
    .map((lines) => lines.join('\n').replaceAll(/\[[0-9]+:[0-9]+\]/g, ''))
    .sort()
    .join('\n')
}

/** An empty base chain is nothing to anybody; iptables leaves those that it made. */
function nftTables(text: string): string {
  return text
    .replaceAll(/\tchain \S+ \{\n\t\ttype [^\n]*accept;\n\t\}\n/g, '')
    .split(/^(?=table )/m)
    .filter((table) => table.includes('\tchain'))
    .map((table) => table.trim().replaceAll(/\n\s*\n/g, '\n'))
    .join('\n')
}
