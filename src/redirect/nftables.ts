/** Rules -> one nft transaction for both families. */
import type { Family } from './addresses.ts'
import type { Chain, Match, Rule, Table, Target } from './rule.ts'

export interface NftOptions {
  readonly ipv6: boolean
  /**
   * Has the same result over the rules of an earlier run, whatever they were. istiod: tables without rules are left as
   * they are, and rules are inserted by an index for which nft also counts the rules that the same input flushes.
   */
  readonly repeatable?: boolean
}

interface Hook {
  readonly chain: Chain
  readonly declaration: string
}

const TABLES: readonly Table[] = ['nat', 'mangle', 'raw']
const HOOKS: Readonly<Record<Table, readonly Hook[]>> = {
  nat: [
    { chain: 'PREROUTING', declaration: '{ type nat hook prerouting priority -100 ; }' },
    { chain: 'OUTPUT', declaration: '{ type nat hook output priority -100 ; }' },
  ],
  mangle: [
    { chain: 'PREROUTING', declaration: '{ type filter hook prerouting priority -150 ; }' },
    { chain: 'OUTPUT', declaration: '{ type route hook output priority -150 ; }' },
  ],
  raw: [
    { chain: 'PREROUTING', declaration: '{ type filter hook prerouting priority -300 ; }' },
    { chain: 'OUTPUT', declaration: '{ type filter hook output priority -300 ; }' },
  ],
}
const CHAINS: Readonly<Record<Table, readonly Chain[]>> = {
  nat: ['ISTIO_INBOUND', 'ISTIO_REDIRECT', 'ISTIO_IN_REDIRECT', 'ISTIO_OUTPUT', 'ISTIO_OUTPUT_DNS'],
  mangle: ['ISTIO_DIVERT', 'ISTIO_TPROXY', 'ISTIO_INBOUND', 'ISTIO_DROP'],
  raw: ['ISTIO_INBOUND', 'ISTIO_OUTPUT_DNS'],
}

/** Input of `nft -f -` that puts exactly these rules in place, all or nothing. */
export function renderTransaction(program: readonly Rule[], { ipv6, repeatable = false }: NftOptions): string {
  return TABLES.map((table) => {
    const rules = program.filter((rule) => rule.table === table && rule.families.length > 0)
    const lines = rules.flatMap((rule) => familyTexts(rule, ipv6).map((text) => ({ rule, text })))
    if (lines.length === 0) return repeatable ? removal(table) : ''
    return renderTable(table, repeatable ? inFinalOrder(lines) : lines)
  }).join('')
}

/** Input of `nft -f -` that removes all tables; absence is no error. */
export function renderRemoval(): string {
  return TABLES.map(removal).join('')
}

function removal(table: Table): string {
  return `add table ${tableName(table)}\ndelete table ${tableName(table)}\n`
}

interface Line {
  readonly rule: Rule
  readonly text: string
}

function renderTable(table: Table, lines: readonly Line[]): string {
  const name = tableName(table)
  const used = new Set(lines.map(({ rule }) => rule.chain))
  const hooks = HOOKS[table]
    .filter(({ chain }) => used.has(chain))
    .map(({ chain, declaration }) => `add chain ${name} ${chainName(chain)} ${declaration}`)
  const chains = CHAINS[table]
    .filter((chain) => used.has(chain))
    .map((chain) => `add chain ${name} ${chainName(chain)}`)
  return [`add table ${name}`, `flush table ${name}`, ...hooks, ...chains, ...ruleLines(name, lines), ''].join('\n')
}

/** The rules as they stand in their chains in the end; none is inserted any more. */
function inFinalOrder(lines: readonly Line[]): Line[] {
  const chains = new Map<Chain, Line[]>()
  for (const { rule, text } of lines) {
    const { at, ...rest } = rule
    const chain = chains.get(rule.chain) ?? []
    chain.splice(at === undefined ? chain.length : at - 1, 0, { rule: rest, text })
    chains.set(rule.chain, chain)
  }
  return [...chains.values()].flat()
}

/** nft refuses to insert behind the end of a chain; there the rule is added instead. */
function ruleLines(name: string, lines: readonly Line[]): string[] {
  const counts = new Map<Chain, number>()
  return lines.map(({ rule: { chain, at }, text }) => {
    const count = counts.get(chain) ?? 0
    counts.set(chain, count + 1)
    const index = at === undefined ? count : at - 1
    if (index >= count) return `add rule ${name} ${chainName(chain)} ${text}`
    return `insert rule ${name} ${chainName(chain)} index ${index} ${text}`
  })
}

function tableName(table: Table): string {
  return `inet istio-proxy-${table}`
}

function chainName(chain: Chain): string {
  return chain.toLowerCase().replaceAll('_', '-')
}

/** One text for both families, unless the rule names an address: then one a family, IPv6 only where it is enabled. */
function familyTexts(rule: Rule, ipv6: boolean): string[] {
  const byFamily = rule.target.kind === 'tproxy' || rule.match.some(({ kind }) => kind === 'address')
  if (!byFamily) return [ruleText(rule, 'v4')]
  return rule.families.filter((family) => family === 'v4' || ipv6).map((family) => ruleText(rule, family))
}

function ruleText(rule: Rule, family: Family): string {
  const matches = inNftOrder(rule).map((match) => matchText(match, { family, table: rule.table }))
  return [...matches, targetText(rule.target, family)].filter((text) => text !== '').join(' ')
}

const RANK: Readonly<Record<Match['kind'], number>> = {
  interface: 0,
  protocol: 1,
  conntrack: 2,
  address: 3,
  port: 4,
  protocolPort: 4,
  mark: 5,
  connectionMark: 5,
  owner: 6,
}

/** istiod: nft text has an order of its own, except in the raw table, which keeps the program's. */
function inNftOrder({ table, match }: Rule): readonly Match[] {
  return table === 'raw' ? match : match.toSorted((a, b) => RANK[a.kind] - RANK[b.kind])
}

function matchText(match: Match, { family, table }: { family: Family; table: Table }): string {
  const not = 'not' in match && match.not === true ? '!= ' : ''
  switch (match.kind) {
    case 'interface':
      return `${match.direction === 'in' ? 'iifname' : 'oifname'} ${match.name}`
    case 'protocol':
      return `meta l4proto ${match.is}`
    case 'port':
      return `tcp dport ${not}${match.is.length > 1 ? `{ ${match.is.join(', ')} }` : match.is.join('')}`
    case 'protocolPort':
      return `${match.protocol} ${match.side === 'source' ? 'sport' : 'dport'} ${match.is}`
    case 'address':
      return `${family === 'v4' ? 'ip' : 'ip6'} ${match.side === 'source' ? 'saddr' : 'daddr'} ${not}${match[family] ?? ''}`
    case 'owner':
      return `${table === 'raw' ? 'meta ' : ''}${match.by === 'uid' ? 'skuid' : 'skgid'} ${not}${match.is}`
    case 'mark':
      return `mark ${not}${match.is}`
    case 'connectionMark':
      return `ct mark ${match.is}`
    case 'conntrack':
      return `ct state ${match.states.join(',').toLowerCase()}`
  }
}

function targetText(target: Target, family: Family): string {
  switch (target.kind) {
    case 'return':
    case 'accept':
    case 'drop':
      return `counter ${target.kind}`
    case 'jump':
      return `counter jump ${chainName(target.chain)}`
    case 'redirect':
      return `counter redirect to :${target.port}`
    case 'setMark':
      return `counter meta mark set ${target.mark}`
    case 'tproxy':
      return `tproxy ${family === 'v4' ? 'ip' : 'ip6'} to :${target.port} meta mark set ${target.mark} counter accept`
    case 'saveMark':
      return 'counter ct mark set mark'
    case 'restoreMark':
      return 'counter meta mark set ct mark'
    case 'zone':
      return `counter ct zone set ${target.zone}`
  }
}
