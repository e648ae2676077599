/**
 * A network namespace in memory: iptables of one variant for both families, nft and routing, as far as the project uses
 * them. Each table is committed whole or not at all; a chosen change fails.
 */
import type { Network } from '../../src/redirect/routes.ts'
import type { Run, RunResult } from '../../src/redirect/run.ts'

/** Table -> chain -> rules, in the kernel's spelling. */
type Tables = Record<string, Record<string, string[]>>

export interface FakeNamespace {
  readonly run: Run
  readonly network: Network
  /** All that is in it, as text. */
  readonly state: () => string
  /** How many changes were tried so far. */
  readonly changes: () => number
}

export interface FakeNamespaceOptions {
  /** Rules that are there from the start, as restore input, by family. */
  readonly v4?: string
  readonly v6?: string
  /** Which change fails, from 1. @default none */
  readonly failing?: number
}

interface World {
  families: Record<'v4' | 'v6', Tables>
  nft: Record<string, string>
  readonly routing: Set<string>
  changes: number
  readonly failing: number
}

const OK: RunResult = { exitCode: 0, stdout: '', stderr: '', missing: false }
const FAILED: RunResult = { exitCode: 1, stdout: '', stderr: 'simulated failure', missing: false }

export function createFakeNamespace({ v4 = '', v6 = '', failing = 0 }: FakeNamespaceOptions = {}): FakeNamespace {
  const world: World = { families: { v4: {}, v6: {} }, nft: {}, routing: new Set(), changes: 0, failing: 0 }
  restore(world, 'v4', v4)
  restore(world, 'v6', v6)
  const real: World = { ...world, changes: 0, failing }
  return {
    run: (file, args, { stdin = '' } = {}) => Promise.resolve(call(real, { file, args, stdin })),
    network: fakeNetwork(real),
    state: () => JSON.stringify([real.families, real.nft, [...real.routing].sort()].map(sorted), undefined, 1),
    changes: () => real.changes,
  }
}

/** Without empty tables, which nobody notices, and with names in order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value)
    .map(([key, one]) => [key, sorted(one)] as const)
    .filter(([key, one]) => !(isBuiltIn(key) && Array.isArray(one) && one.length === 0) && !isEmptyObject(one))
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

function isBuiltIn(chain: string): boolean {
  return /^(?:INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING)$/.test(chain)
}

interface Call {
  readonly file: string
  readonly args: readonly string[]
  readonly stdin: string
}

function call(world: World, { file, args, stdin }: Call): RunResult {
  if (args.includes('--version')) return { ...OK, stdout: `${file} v1.8.9 (nf_tables)` }
  if (file === 'nft') return callNft(world, args, stdin)
  // One variant exists: what the other one would hold is always empty.
  if (file.includes('-legacy')) return file.endsWith('-save') ? OK : FAILED
  const family = file.startsWith('ip6') ? 'v6' : 'v4'
  if (file.endsWith('-save')) return { ...OK, stdout: saved(world.families[family]) }
  if (file.endsWith('-restore')) return restore(world, family, stdin, args.includes('--test'))
  const [, table = '', ...rest] = args
  return restore(world, family, `*${table}\n${rest.join(' ')}\nCOMMIT\n`)
}

/** Whether the change may be made; checks and tests are none. */
function mayChange(world: World): boolean {
  return ++world.changes !== world.failing
}

function callNft(world: World, args: readonly string[], stdin: string): RunResult {
  if (args.includes('--check')) return OK
  if (args[0] === 'list') return FAILED
  if (!mayChange(world)) return FAILED
  const next = { ...world.nft }
  for (const line of stdin.split('\n')) {
    const [verb, kind, , table = ''] = line.split(' ')
    if (kind === 'table') next[table] = verb === 'add' ? (next[table] ?? '') : ''
    else if (kind !== undefined) next[table] = `${next[table] ?? ''}${line}\n`
  }
  world.nft = Object.fromEntries(Object.entries(next).filter(([, text]) => text !== ''))
  return OK
}

function saved(tables: Tables): string {
  return Object.entries(tables)
    .map(([table, chains]) => {
      const heads = Object.keys(chains).map((chain) => `:${chain} ${isBuiltIn(chain) ? 'ACCEPT' : '-'} [0:0]`)
      const rules = Object.entries(chains).flatMap(([chain, list]) => list.map((rule) => `-A ${chain} ${rule}`))
      return [`*${table}`, ...heads, ...rules, 'COMMIT', ''].join('\n')
    })
    .join('')
}

function restore(world: World, family: 'v4' | 'v6', text: string, isTest = false): RunResult {
  let table = ''
  let draft: Record<string, string[]> = {}
  let isChange = false
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line.startsWith('*')) {
      table = line.slice(1).trim()
      draft = structuredClone(world.families[family][table] ?? {})
      isChange = false
    } else if (line === 'COMMIT') {
      if (isChange && !isTest && !mayChange(world)) return FAILED
      if (!isTest) world.families = { ...world.families, [family]: { ...world.families[family], [table]: draft } }
    } else if (line !== '' && !line.startsWith('#')) {
      if (!obey(draft, line)) return { ...FAILED, stderr: `refused: ${line}` }
      isChange ||= !line.startsWith('-C')
    }
  }
  return OK
}

/** Whether the kernel would take the line. */
function obey(chains: Record<string, string[]>, line: string): boolean {
  const [command = '', name = '', ...words] = line.split(/\s+/)
  if (command.startsWith(':')) {
    chains[command.slice(1)] = []
    return true
  }
  if (isBuiltIn(name)) chains[name] ??= []
  const rules = chains[name]
  if (command === '-N') {
    if (rules !== undefined) return false
    chains[name] = []
    return true
  }
  if (rules === undefined) return false
  return change({ chains, name, rules }, command, words)
}

interface Place {
  readonly chains: Record<string, string[]>
  readonly name: string
  readonly rules: string[]
}

function change({ chains, name, rules }: Place, command: string, words: readonly string[]): boolean {
  const found = rules.indexOf(kernelSpelling(words))
  switch (command) {
    case '-A':
      return rules.push(kernelSpelling(words)) > 0
    case '-I':
      if (Number(words[0]) > rules.length + 1) return false
      rules.splice(Number(words[0]) - 1, 0, kernelSpelling(words.slice(1)))
      return true
    case '-C':
      return found >= 0
    case '-D':
      return found >= 0 && rules.splice(found, 1).length === 1
    case '-F':
      rules.length = 0
      return true
    case '-X':
      if (rules.length > 0 || isJumpedTo(chains, name)) return false
      return delete chains[name]
    default:
      return false
  }
}

function isJumpedTo(chains: Record<string, string[]>, name: string): boolean {
  return Object.values(chains).some((rules) => rules.some((rule) => rule.endsWith(`-j ${name}`)))
}

/** Addresses, interfaces and protocol first, marks in hexadecimal, as `iptables-save` prints them. */
export function kernelSpelling(words: readonly string[]): string {
  const first = new Map<string, string>()
  const rest: string[] = []
  for (let i = 0; i < words.length; i++) {
    const not = words[i] === '!' ? '! ' : ''
    const word = words[not === '' ? i : i + 1] ?? ''
    if (['-s', '-d', '-i', '-o', '-p'].includes(word)) {
      const value = words[not === '' ? i + 1 : i + 2] ?? ''
      first.set(word, `${not}${word} ${value}`)
      i += not === '' ? 1 : 2
    } else rest.push(words[i] ?? '')
  }
  const head = ['-s', '-d', '-i', '-o', '-p'].map((word) => first.get(word)).filter((text) => text !== undefined)
  return [...head, ...rest]
    .join(' ')
    .replaceAll(/--mark ([0-9]+)\b/g, (_, mark: string) => `--mark 0x${Number(mark).toString(16)}`)
    .replaceAll(/--set-mark ([0-9]+)\b/g, (_, mark: string) => `--set-xmark 0x${Number(mark).toString(16)}/0xffffffff`)
}

function fakeNetwork(world: World): Network {
  const add = (what: string): Promise<boolean> => {
    if (!mayChange(world)) return Promise.reject(new Error('simulated failure'))
    const isNew = !world.routing.has(what)
    world.routing.add(what)
    return Promise.resolve(isNew)
  }
  const remove = (what: string): Promise<void> => {
    if (!mayChange(world)) return Promise.reject(new Error('simulated failure'))
    world.routing.delete(what)
    return Promise.resolve()
  }
  const rule = (one: object): string => `rule ${JSON.stringify(one)}`
  const route = (one: object): string => `route ${JSON.stringify(one)}`
  return {
    addLoopbackAddress: (cidr) => add(cidr),
    removeLoopbackAddress: (cidr) => remove(cidr),
    addPolicyRule: (one) => add(rule(one)),
    removePolicyRule: (one) => remove(rule(one)),
    hasPolicyRule: (one) => Promise.resolve(world.routing.has(rule(one))),
    addLocalRoute: (one) => add(route(one)),
    removeLocalRoute: (one) => remove(route(one)),
  }
}
