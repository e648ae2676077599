/** Rules -> text and arguments for iptables: restore, check, cleanup, guardrails. */
import type { Family } from './addresses.ts'
import type { Chain, Match, Rule, Table, Target } from './rule.ts'

/** A rule of one family as iptables takes it. */
export interface IptablesRule {
  readonly table: Table
  readonly chain: Chain
  readonly at?: number
  /** Matches and target, without the command and the chain. */
  readonly words: readonly string[]
}

const BUILT_IN: ReadonlySet<string> = new Set([
  'INPUT',
  'OUTPUT',
  'FORWARD',
  'PREROUTING',
  'POSTROUTING',
  'ACCEPT',
  'RETURN',
  'DROP',
])
const OURS = /^ISTIO_/

/** The rules of one family, in program order. */
export function iptablesRules(program: readonly Rule[], family: Family): IptablesRule[] {
  return program
    .filter(({ families }) => families.includes(family))
    .map(({ table, chain, at, match, target }) => {
      const words = [...match.flatMap((one) => matchWords(one, family)), ...targetWords(target)]
      return { table, chain, ...(at === undefined ? {} : { at }), words }
    })
}

function matchWords(match: Match, family: Family): string[] {
  const not = 'not' in match && match.not === true ? ['!'] : []
  switch (match.kind) {
    case 'interface':
      return [match.direction === 'in' ? '-i' : '-o', match.name]
    case 'protocol':
      return match.only === undefined ? ['-p', match.is] : []
    case 'port':
      if (match.is.length > 1) return ['-m', 'multiport', ...not, '--dports', match.is.join(',')]
      return [...not, '--dport', ...match.is]
    case 'protocolPort':
      return ['-p', match.protocol, match.side === 'source' ? '--sport' : '--dport', match.is]
    case 'address':
      return [...not, match.side === 'source' ? '-s' : '-d', match[family] ?? '']
    case 'owner':
      return ['-m', 'owner', ...not, `--${match.by}-owner`, match.is]
    case 'mark':
      return ['-m', 'mark', ...not, '--mark', match.is]
    case 'connectionMark':
      return ['-m', 'connmark', '--mark', match.is]
    case 'conntrack':
      return ['-m', 'conntrack', '--ctstate', match.states.join(',')]
  }
}

function targetWords(target: Target): string[] {
  switch (target.kind) {
    case 'return':
      return ['-j', 'RETURN']
    case 'accept':
      return ['-j', 'ACCEPT']
    case 'drop':
      return ['-j', 'DROP']
    case 'jump':
      return ['-j', target.chain]
    case 'redirect':
      // istiod: the UDP rule is spelled with the singular option, which means the same to iptables.
      return ['-j', 'REDIRECT', target.protocol === 'udp' ? '--to-port' : '--to-ports', target.port]
    case 'setMark':
      return ['-j', 'MARK', '--set-mark', target.mark]
    case 'tproxy':
      return ['-j', 'TPROXY', '--tproxy-mark', `${target.mark}/0xffffffff`, '--on-port', target.port]
    case 'saveMark':
      return ['-j', 'CONNMARK', '--save-mark']
    case 'restoreMark':
      return ['-j', 'CONNMARK', '--restore-mark']
    case 'zone':
      return ['-j', 'CT', '--zone', String(target.zone)]
  }
}

/** Input of `iptables-restore --noflush`. Empty when there are no rules. */
export function renderRestore(rules: readonly IptablesRule[]): string {
  return tablesOf(rules)
    .map((table) => {
      const own = rules.filter((rule) => rule.table === table)
      const chains = customChains(own).map((chain) => `-N ${chain}`)
      return [`* ${table}`, ...chains, ...own.map(ruleLine), 'COMMIT', ''].join('\n')
    })
    .join('')
}

function tablesOf(rules: readonly IptablesRule[]): Table[] {
  return [...new Set(rules.map(({ table }) => table))].sort()
}

/** One line of restore input. */
export function ruleLine({ chain, at, words }: IptablesRule): string {
  return [...(at === undefined ? ['-A', chain] : ['-I', chain, String(at)]), ...words].join(' ')
}

/** Chains of ours in one table: those with rules in their order, then those only jumped to. */
function customChains(rules: readonly IptablesRule[]): string[] {
  const jumpedTo = rules.map(({ words }) => (words.at(-2) === '-j' ? (words.at(-1) ?? '') : ''))
  const names = new Set([...rules.map(({ chain }) => chain), ...jumpedTo])
  return [...names].filter((name) => name !== '' && !BUILT_IN.has(name))
}

/** Arguments that ask whether a rule is there. */
export function checkArguments({ table, chain, words }: IptablesRule): string[] {
  return ['-t', table, '-C', chain, ...words]
}

/** Input of `iptables-restore --noflush` that changes nothing, and fails unless every rule is there. */
export function renderCheck(rules: readonly IptablesRule[]): string {
  return tablesOf(rules)
    .map((table) => {
      const own = rules.filter((rule) => rule.table === table)
      return [`*${table}`, ...own.map(({ chain, words }) => ['-C', chain, ...words].join(' ')), 'COMMIT', ''].join('\n')
    })
    .join('')
}

/** Kernel modules that the rules' matches and targets live in; without one of them the kernel refuses the rules. */
export function kernelModules(rules: readonly IptablesRule[]): string[] {
  const names = rules.flatMap(({ words }) =>
    words.flatMap((word, i) => {
      const name = words[i + 1] ?? ''
      const extension = word === '-m' || (word === '-j' && !BUILT_IN.has(name) && !OURS.test(name))
      return extension ? [`xt_${name}`] : []
    }),
  )
  return [...new Set(names)].sort()
}

/** Arguments of the commands that remove the rules again, in order; each may fail. */
export function cleanupArguments(rules: readonly IptablesRule[]): string[][] {
  const backwards = rules.toReversed()
  const deletions = backwards
    .filter(({ chain, words }) => !OURS.test(chain) || OURS.test(words.at(-1) ?? ''))
    .map(({ table, chain, words }) => ['-t', table, '-D', chain, ...words])
  const chains = new Set(
    backwards.filter(({ chain }) => !BUILT_IN.has(chain)).map(({ table, chain }) => `${table} ${chain}`),
  )
  const removals = [...chains].flatMap((key) => {
    const [table = '', chain = ''] = key.split(' ')
    return ['-F', '-X'].map((command) => ['-t', table, command, chain])
  })
  return [...deletions, ...removals]
}

const GUARDED = ['INPUT', 'FORWARD', 'OUTPUT'].flatMap((chain) =>
  ['tcp', 'udp'].map((protocol) => ({ chain, protocol })),
)

/** Arguments that block all traffic while rules are exchanged, or (`remove`) let it pass again. */
export function guardrailArguments(action: 'insert' | 'remove'): string[][] {
  const place = (chain: string): string[] => (action === 'insert' ? ['-I', chain, '1'] : ['-D', chain])
  return GUARDED.map(({ chain, protocol }) => ['-t', 'filter', ...place(chain), '-p', protocol, '-j', 'DROP'])
}
