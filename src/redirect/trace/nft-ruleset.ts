/** `nft -j list ruleset` -> a ruleset that packets can be followed through. */
import { ProjectError } from '../../base/errors.ts'
import { contains, parseAddress, parsePrefix, type Prefix } from '../addresses.ts'
import type { Hook, Ruleset, TracedChain, TracedRule, TracedTable, Travelling, Verdict } from './packet.ts'

type Json = Readonly<Record<string, unknown>>
type Test = (packet: Travelling) => boolean

interface Chain {
  readonly key: string
  readonly hook: Hook | undefined
  readonly table: TracedTable
  readonly priority: number
  readonly rules: TracedRule[]
}

/** Below it, hooks run before connections are tracked. */
const CONNTRACK_PRIORITY = -200

/**
 * Reads the output of nft.
 * @throws ProjectError OPTION_INVALID when the text is not of that form
 */
export function rulesetOfNft(text: string): Ruleset {
  const chains = new Map<string, Chain>()
  for (const item of readItems(text)) {
    if (isObject(item.chain)) addChain(chains, item.chain)
    if (isObject(item.rule)) addRule(chains, item.rule)
  }
  const traced = ({ table, key, rules }: Chain): TracedChain => ({ table, name: key, rules })
  const entry = (hook: Hook): TracedChain[] =>
    [...chains.values()]
      .filter((chain) => chain.hook === hook)
      .sort((a, b) => a.priority - b.priority)
      .map(traced)
  return {
    entries: { PREROUTING: entry('PREROUTING'), OUTPUT: entry('OUTPUT') },
    chain: (_table, name) => {
      const found = chains.get(name)
      return found === undefined ? undefined : traced(found)
    },
  }
}

function readItems(text: string): Json[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new ProjectError('OPTION_INVALID', 'ruleset: expected the output of `nft -j list ruleset`', { cause: error })
  }
  const items = isObject(parsed) ? parsed.nftables : undefined
  if (!Array.isArray(items))
    throw new ProjectError('OPTION_INVALID', 'ruleset: expected an object with the list "nftables"')
  return items.filter(isObject)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const HOOKS: ReadonlyMap<unknown, Hook> = new Map<unknown, Hook>([
  ['prerouting', 'PREROUTING'],
  ['output', 'OUTPUT'],
])

function keyOf(family: unknown, table: unknown, chain: unknown): string {
  return `${String(family)} ${String(table)} ${String(chain)}`
}

function addChain(chains: Map<string, Chain>, { family, table, name, type, hook, prio }: Json): void {
  const key = keyOf(family, table, name)
  const priority = typeof prio === 'number' ? prio : 0
  const kind: TracedTable = type === 'nat' ? 'nat' : priority < CONNTRACK_PRIORITY ? 'raw' : 'mangle'
  chains.set(key, { key, hook: HOOKS.get(hook), table: kind, priority, rules: [] })
}

function addRule(chains: Map<string, Chain>, { family, table, chain, expr }: Json): void {
  const found = chains.get(keyOf(family, table, chain))
  if (found === undefined) return
  const statements = Array.isArray(expr) ? expr.filter(isObject) : []
  found.rules.push(readRule(statements, { family: String(family), prefix: `${String(family)} ${String(table)}` }))
}

interface Place {
  readonly family: string
  /** What the names of chains begin with. */
  readonly prefix: string
}

function readRule(statements: readonly Json[], { family, prefix }: Place): TracedRule {
  const tests: Test[] = []
  if (family !== 'inet') tests.push((packet) => packet.family === (family === 'ip6' ? 'v6' : 'v4'))
  let verdict: Verdict = { do: 'continue' }
  let unknown: string | undefined
  for (const statement of statements) {
    const [kind = '', value] = Object.entries(statement)[0] ?? []
    if (kind === 'match') {
      const test = isObject(value) ? readMatch(value) : undefined
      if (test === undefined) unknown ??= `match ${JSON.stringify(value)}`
      else tests.push(test)
      continue
    }
    const read = readVerdict(kind, { value, prefix })
    if (read === undefined) unknown ??= `statement ${kind}`
    else verdict = combine(verdict, read)
  }
  const matches = unknown === undefined ? (packet: Travelling) => tests.every((test) => test(packet)) : () => false
  return { text: textOf(statements), matches, verdict, ...(unknown === undefined ? {} : { unknown }) }
}

function textOf(statements: readonly Json[]): string {
  return statements
    .filter((one) => !('counter' in one))
    .map((one) => JSON.stringify(one))
    .join(' ')
}

/** A rule that hands over to a proxy also sets a mark and accepts: what counts is where the packet goes. */
function combine(before: Verdict, next: Verdict): Verdict {
  if (next.do === 'continue') return before
  if (before.do !== 'tproxy') return next
  return next.do === 'setMark' ? { ...before, mark: next.mark } : before
}

/** A field of a header is there only in packets that have the header: that is asked first, also by a negated match. */
function readMatch({ op, left, right }: Json): Test | undefined {
  if (!isObject(left)) return undefined
  const test = readSide(left, right)
  if (test === undefined || (op !== '!=' && op !== '==' && op !== 'in')) return undefined
  const hasHeader = headerTest(left)
  const wanted = op !== '!='
  return (packet) => hasHeader(packet) && test(packet) === wanted
}

function headerTest({ payload }: Json): Test {
  switch (isObject(payload) ? payload.protocol : undefined) {
    case 'tcp':
      return (packet) => packet.protocol === 'tcp'
    case 'udp':
      return (packet) => packet.protocol === 'udp'
    case 'ip':
      return (packet) => packet.family === 'v4'
    case 'ip6':
      return (packet) => packet.family === 'v6'
    default:
      return () => true
  }
}

function readSide(left: Json, right: unknown): Test | undefined {
  const { meta, payload, ct } = left
  if (isObject(meta)) return metaTest(String(meta.key), right)
  if (isObject(ct)) return ctTest(String(ct.key), right)
  if (isObject(payload)) return payloadTest({ protocol: String(payload.protocol), field: String(payload.field) }, right)
  return undefined
}

function metaTest(key: string, right: unknown): Test | undefined {
  switch (key) {
    case 'l4proto':
      return (packet) => packet.protocol === right
    case 'iifname':
      return nameTest('inInterface', right)
    case 'oifname':
      return nameTest('outInterface', right)
    case 'skuid':
      return numberTest((packet) => packet.uid, right)
    case 'skgid':
      return numberTest((packet) => packet.gid, right)
    case 'mark':
      return numberTest((packet) => packet.mark, right)
    default:
      return undefined
  }
}

function nameTest(side: 'inInterface' | 'outInterface', right: unknown): Test | undefined {
  if (typeof right !== 'string') return undefined
  if (right.endsWith('*')) return (packet) => packet[side].startsWith(right.slice(0, -1))
  return (packet) => packet[side] === right
}

/** Names of accounts are printed for those that exist; root is the one that every host has. */
function numberTest(read: (packet: Travelling) => number | undefined, right: unknown): Test | undefined {
  const values = isObject(right) && Array.isArray(right.set) ? (right.set as unknown[]) : [right]
  const ranges = values.map((value) => {
    if (value === 'root') return [0, 0]
    if (typeof value === 'number') return [value, value]
    const range = isObject(value) ? value.range : undefined
    return Array.isArray(range) ? range.map(Number) : undefined
  })
  if (ranges.includes(undefined)) return undefined
  return (packet) => {
    const number = read(packet)
    return number !== undefined && ranges.some(([from = 0, to = 0] = []) => number >= from && number <= to)
  }
}

function ctTest(key: string, right: unknown): Test | undefined {
  if (key === 'mark') return numberTest((packet) => packet.connectionMark, right)
  if (key !== 'state') return undefined
  const set = isObject(right) ? right.set : right
  const states: readonly unknown[] = Array.isArray(set) ? (set as unknown[]) : [set]
  return (packet) => states.includes(packet.state.toLowerCase())
}

function payloadTest({ protocol, field }: { protocol: string; field: string }, right: unknown): Test | undefined {
  if (protocol === 'tcp' || protocol === 'udp') {
    const side = field === 'dport' ? 'destinationPort' : 'sourcePort'
    return numberTest((packet) => packet[side], right)
  }
  const prefix = readPrefix(right)
  if (prefix === undefined || (field !== 'saddr' && field !== 'daddr')) return undefined
  return (packet) => contains(prefix, field === 'saddr' ? packet.source : packet.destination)
}

function readPrefix(right: unknown): Prefix | undefined {
  const range =
    isObject(right) && isObject(right.prefix) ? `${String(right.prefix.addr)}/${String(right.prefix.len)}` : undefined
  const address = typeof right === 'string' ? parseAddress(right) : undefined
  const text = address === undefined ? range : `${String(right)}/${address.bytes.length * 8}`
  const parsed = text === undefined ? undefined : parsePrefix(text)
  return parsed?.ok === true ? parsed.prefix : undefined
}

function readVerdict(kind: string, { value, prefix }: { value: unknown; prefix: string }): Verdict | undefined {
  switch (kind) {
    case 'return':
    case 'accept':
    case 'drop':
      return { do: kind }
    case 'counter':
      return { do: 'continue' }
    case 'jump':
    case 'goto':
      return isObject(value) ? { do: kind, chain: `${prefix} ${String(value.target)}` } : undefined
    case 'redirect':
      return isObject(value) ? { do: 'redirect', port: Number(value.port) } : undefined
    case 'tproxy':
      return isObject(value) ? { do: 'tproxy', port: Number(value.port), mark: undefined } : undefined
    case 'mangle':
      return isObject(value) ? readMangle(value) : undefined
    default:
      return undefined
  }
}

function readMangle({ key, value }: Json): Verdict | undefined {
  const target = isObject(key) ? key : {}
  if (isObject(target.ct)) return { do: target.ct.key === 'mark' ? 'saveMark' : 'continue' }
  if (!isObject(target.meta) || target.meta.key !== 'mark') return undefined
  return typeof value === 'number' ? { do: 'setMark', mark: value } : { do: 'restoreMark' }
}
