/** Rules of iptables, as made here or as `iptables-save` prints them -> a ruleset that packets can be followed through. */
import { contains, parsePrefix, type Family } from '../addresses.ts'
import { ruleLine, type IptablesRule } from '../iptables.ts'
import {
  TABLE_ORDER,
  type Hook,
  type Ruleset,
  type TracedChain,
  type TracedRule,
  type TracedTable,
  type Travelling,
  type Verdict,
} from './packet.ts'

type Test = (packet: Travelling) => boolean

/** The ruleset of rules made here, in the order that inserts give them. */
export function rulesetOfRules(rules: readonly IptablesRule[]): Ruleset {
  const lines = rules.map((rule) => `${rule.table}\t${ruleLine(rule)}`)
  return rulesetOfLines(lines)
}

/** The ruleset that `iptables-save` (or ip6tables-save) printed. */
export function rulesetOfSave(text: string): Ruleset {
  let table = ''
  const lines: string[] = []
  for (const raw of text.split('\n')) {
    const line = raw.trim().replace(/^\[[0-9]+:[0-9]+\] /, '')
    if (line.startsWith('*')) table = line.slice(1).trim()
    else if (/^-[AI] /.test(line)) lines.push(`${table}\t${line}`)
  }
  return rulesetOfLines(lines)
}

function rulesetOfLines(lines: readonly string[]): Ruleset {
  const chains = new Map<string, TracedRule[]>()
  for (const line of lines) {
    const [table = '', text = ''] = line.split('\t')
    const [command, chain = '', ...rest] = text.split(/\s+/)
    const key = `${table} ${chain}`
    const rules = chains.get(key) ?? []
    const position = command === '-I' && /^[0-9]+$/.test(rest[0] ?? '') ? Number(rest.shift()) : 1
    const rule = readRule(text, rest)
    if (command === '-I') rules.splice(position - 1, 0, rule)
    else rules.push(rule)
    chains.set(key, rules)
  }
  const chain = (table: TracedTable, name: string): TracedChain | undefined => {
    const rules = chains.get(`${table} ${name}`)
    return rules === undefined ? undefined : { table, name, rules }
  }
  const entry = (hook: Hook): TracedChain[] =>
    TABLE_ORDER.map((table) => chain(table, hook)).filter((found) => found !== undefined)
  return { chain, entries: { PREROUTING: entry('PREROUTING'), OUTPUT: entry('OUTPUT') } }
}

/** The words of a rule, read from the left; `!` negates the next match. */
function readRule(text: string, words: readonly string[]): TracedRule {
  const tests: Test[] = []
  const options = new Map<string, string>()
  let negate = false
  let module = ''
  let unknown: string | undefined
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (word === '!') {
      negate = true
      continue
    }
    if (word === '-m') {
      module = words[++i] ?? ''
      continue
    }
    const next = words[i + 1] ?? ''
    const takesValue = !FLAGS.has(word) && next !== '' && (!next.startsWith('-') || word === '--uid-owner')
    if (takesValue) i++
    const test = word === '--mark' ? markTest(next, module) : MATCHES.get(word)?.(next)
    if (test !== undefined) tests.push(negate ? not(test) : test)
    else if (OPTIONS.has(word)) options.set(word, takesValue ? next : '')
    else unknown ??= `option ${word}`
    negate = false
  }
  const verdict = readVerdict(options)
  if (verdict === undefined) unknown ??= `target ${options.get('-j') ?? ''}`
  const matches = unknown === undefined ? (packet: Travelling) => tests.every((test) => test(packet)) : () => false
  return { text, matches, verdict: verdict ?? { do: 'continue' }, ...(unknown === undefined ? {} : { unknown }) }
}

const FLAGS: ReadonlySet<string> = new Set(['--save-mark', '--restore-mark'])
const OPTIONS: ReadonlySet<string> = new Set([
  '-j',
  '-g',
  '--to-ports',
  '--to-port',
  '--set-mark',
  '--set-xmark',
  '--on-port',
  '--on-ip',
  '--tproxy-mark',
  '--save-mark',
  '--restore-mark',
  '--nfmask',
  '--ctmask',
  '--zone',
])

const MATCHES: ReadonlyMap<string, (value: string) => Test | undefined> = new Map<
  string,
  (value: string) => Test | undefined
>([
  ['-p', (value) => (packet) => value === packet.protocol || value === 'all'],
  ['-i', (value) => (packet) => interfaceMatches(value, packet.inInterface)],
  ['-o', (value) => (packet) => interfaceMatches(value, packet.outInterface)],
  ['-s', (value) => addressTest(value, 'source')],
  ['-d', (value) => addressTest(value, 'destination')],
  ['--dport', (value) => portTest([value], 'destinationPort')],
  ['--sport', (value) => portTest([value], 'sourcePort')],
  ['--dports', (value) => portTest(value.split(','), 'destinationPort')],
  ['--sports', (value) => portTest(value.split(','), 'sourcePort')],
  ['--uid-owner', (value) => ownerTest(value, 'uid')],
  ['--gid-owner', (value) => ownerTest(value, 'gid')],
  ['--ctstate', (value) => (packet) => value.split(',').includes(packet.state)],
])

const not =
  (test: Test): Test =>
  (packet) =>
    !test(packet)

function interfaceMatches(pattern: string, name: string): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : pattern === name
}

function addressTest(text: string, side: 'source' | 'destination'): Test | undefined {
  const family: Family = text.includes(':') ? 'v6' : 'v4'
  const parsed = parsePrefix(text.includes('/') ? text : `${text}/${family === 'v4' ? 32 : 128}`)
  return parsed.ok ? (packet) => contains(parsed.prefix, packet[side]) : undefined
}

function portTest(values: readonly string[], side: 'sourcePort' | 'destinationPort'): Test | undefined {
  const ranges = values.map((value) => numberRange(value, ':'))
  if (ranges.includes(undefined)) return undefined
  return (packet) => ranges.some((range) => range !== undefined && inRange(range, packet[side]))
}

/** Only packets that are made here have an owner; one without matches neither this nor that uid. */
function ownerTest(value: string, by: 'uid' | 'gid'): Test | undefined {
  const range = numberRange(value, '-')
  if (range === undefined) return undefined
  return (packet) => {
    const id = packet[by]
    return id !== undefined && inRange(range, id)
  }
}

interface NumberRange {
  readonly from: number
  readonly to: number
}

function numberRange(text: string, separator: string): NumberRange | undefined {
  const [from = '', to = from] = text.split(separator)
  if (!/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(from) || !/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(to)) return undefined
  return { from: Number(from), to: Number(to) }
}

function inRange({ from, to }: NumberRange, value: number): boolean {
  return value >= from && value <= to
}

/** The option of the packet's mark and, behind `-m connmark`, of its connection's. */
function markTest(value: string, module: string): Test | undefined {
  const [wanted = '', mask = '0xffffffff'] = value.split('/')
  if (Number.isNaN(Number(wanted)) || Number.isNaN(Number(mask))) return undefined
  const side = module === 'connmark' ? 'connectionMark' : 'mark'
  return (packet) => (packet[side] & Number(mask)) >>> 0 === Number(wanted) >>> 0
}

function readVerdict(options: ReadonlyMap<string, string>): Verdict | undefined {
  const goto = options.get('-g')
  if (goto !== undefined) return { do: 'goto', chain: goto }
  const target = options.get('-j') ?? ''
  const number = (name: string): number => Number((options.get(name) ?? '').split('/')[0])
  switch (target) {
    case 'RETURN':
      return { do: 'return' }
    case 'ACCEPT':
      return { do: 'accept' }
    case 'DROP':
      return { do: 'drop' }
    case 'REDIRECT':
      return { do: 'redirect', port: number(options.has('--to-ports') ? '--to-ports' : '--to-port') }
    case 'MARK':
      return { do: 'setMark', mark: number(options.has('--set-xmark') ? '--set-xmark' : '--set-mark') }
    case 'TPROXY':
      return { do: 'tproxy', port: number('--on-port'), mark: number('--tproxy-mark') }
    case 'CONNMARK':
      return { do: options.has('--save-mark') ? 'saveMark' : 'restoreMark' }
    case 'CT':
      return { do: 'continue' }
    default:
      return target === '' || /^[A-Z]+$/.test(target) ? undefined : { do: 'jump', chain: target }
  }
}
