/** A host made of a recorded case: its addresses, files, tools and saved rules. */
import type { HostFacts, RedirectConfig } from '../../src/redirect/config.ts'
import { iptablesRules, renderRestore } from '../../src/redirect/iptables.ts'
import { redirectProgram } from '../../src/redirect/program.ts'
import type { Network } from '../../src/redirect/routes.ts'
import type { Run, RunResult } from '../../src/redirect/run.ts'

export interface HostEnv {
  readonly addrs?: readonly string[]
  readonly resolvConf?: string
  readonly resolvConfMissing?: boolean
  readonly binaries?: Readonly<Record<string, 'usable' | 'rules' | 'absent'>>
  readonly saveV4?: string
  readonly saveV6?: string
  readonly restoreFails?: 'v4' | 'v6'
  readonly nftMissing?: boolean
  readonly nftFails?: boolean
}

export interface SideEffects {
  loAddrs?: string[]
  rules?: string[]
  routes?: string[]
}

export interface SimulatedHost {
  readonly facts: HostFacts
  readonly run: Run
  readonly recordRun: Run
  readonly network: Network
  /** Calls after the variants were chosen, as the cases record them. */
  readonly calls: string[]
  /** Input of the restore tools and of nft, where they were called. */
  readonly texts: { v4?: string; v6?: string; nft?: string }
  readonly sideEffects: SideEffects
}

const OK: RunResult = { exitCode: 0, stdout: '', stderr: '', missing: false }
const MISSING: RunResult = { exitCode: 127, stdout: '', stderr: '', missing: true }
const FAILED: RunResult = { exitCode: 1, stdout: '', stderr: 'simulated failure', missing: false }
const EMPTY_TABLE = '*nat\nCOMMIT\n'
const SOME_RULES = '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -j ACCEPT\nCOMMIT\n'

/** Builds the host. `planned` tells the configuration that `@planned` stands for, when there is one. */
export function simulateHost(env: HostEnv, planned: () => RedirectConfig | undefined): SimulatedHost {
  const host = { calls: [] as string[], texts: {} as SimulatedHost['texts'], sideEffects: {} as SideEffects }
  const saved = { v4: savedText(env.saveV4, 'v4', planned), v6: savedText(env.saveV6, 'v6', planned) }
  const world: World = { env, saved, probed: new Set(), ...host }
  return {
    ...host,
    facts: factsOf(env),
    run: (file, args, options) => Promise.resolve(call(world, { file, args, stdin: options?.stdin ?? '' })),
    recordRun: (file, args, options) => Promise.resolve(record(world, { file, args, stdin: options?.stdin ?? '' })),
    network: simulateNetwork(host.sideEffects),
  }
}

function factsOf(env: HostEnv): HostFacts {
  return {
    addresses: () => env.addrs ?? ['10.244.0.5/24'],
    resolvConf: () => {
      if (env.resolvConfMissing === true) throw new Error('open /etc/resolv.conf: no such file or directory')
      return env.resolvConf ?? 'nameserver 10.96.0.10\n'
    },
    uidOf: (account) => (account === 'root' ? 0 : undefined),
  }
}

function savedText(
  text: string | undefined,
  family: 'v4' | 'v6',
  planned: () => RedirectConfig | undefined,
): () => string {
  return () => {
    if (text !== '@planned') return text ?? ''
    const config = planned()
    if (config === undefined || (family === 'v6' && !config.ipv6Enabled)) return ''
    return renderRestore(iptablesRules(redirectProgram(config), family))
  }
}

interface World {
  readonly env: HostEnv
  readonly saved: { readonly v4: () => string; readonly v6: () => string }
  /** Variants that were tried; before that, `-save` tells what `binaries` says. */
  readonly probed: Set<string>
  readonly calls: string[]
  readonly texts: SimulatedHost['texts']
}

interface Call {
  readonly file: string
  readonly args: readonly string[]
  readonly stdin: string
}

function record({ calls, texts }: World, { file, args, stdin }: Call): RunResult {
  calls.push([file, ...args].join(' '))
  if (file.endsWith('-restore')) texts[familyOf(file)] = stdin
  if (file === 'nft') texts.nft = stdin
  return OK
}

function call(world: World, asked: Call): RunResult {
  if (asked.file === 'nft') return callNft(world, asked)
  const name = asked.file.replace(/-(save|restore)$/, '')
  const state = world.env.binaries?.[name] ?? 'usable'
  if (state === 'absent') return MISSING
  if (asked.args.includes('--version')) {
    return { ...OK, stdout: `${name} v1.8.9 (${name.endsWith('-legacy') ? 'legacy' : 'nf_tables'})\n` }
  }
  if (asked.args.includes('255')) {
    if (asked.args.includes('-D')) world.probed.add(name)
    return OK
  }
  if (!world.probed.has(name)) return { ...OK, stdout: state === 'rules' ? SOME_RULES : EMPTY_TABLE }
  return useTool(world, asked)
}

function useTool(world: World, { file, args, stdin }: Call): RunResult {
  const family = familyOf(file)
  world.calls.push([file, ...args].join(' '))
  if (file.endsWith('-save')) return { ...OK, stdout: world.saved[family]() }
  if (file.endsWith('-restore')) {
    world.texts[family] = stdin
    return world.env.restoreFails === family ? FAILED : OK
  }
  if (args[2] === '-C') return isSaved(world.saved[family](), args) ? OK : FAILED
  return OK
}

function callNft({ env, texts }: World, { args, stdin }: Call): RunResult {
  if (env.nftMissing === true) return MISSING
  if (args.includes('--version')) return { ...OK, stdout: 'nftables v1.0.6 (Lester Gooch #5)\n' }
  if (args.includes('--check')) return OK
  texts.nft = stdin
  return env.nftFails === true ? FAILED : OK
}

function familyOf(file: string): 'v4' | 'v6' {
  return file.startsWith('ip6') ? 'v6' : 'v4'
}

/** Whether a check finds its rule: the same words on a line of that table, wherever it was inserted. */
function isSaved(text: string, [, table = '', , chain = '', ...words]: readonly string[]): boolean {
  const wanted = [chain, ...words].join(' ').split(/\s+/).join(' ')
  let current = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) current = line.slice(1).trim()
    const rule = /^-(?:A|I)\s+(\S+)(?:\s+[0-9]+(?=\s))?\s*(.*)$/.exec(line.trim())
    if (rule === null || current !== table) continue
    if (`${rule[1] ?? ''} ${(rule[2] ?? '').split(/\s+/).join(' ')}` === wanted) return true
  }
  return false
}

/** The kernel's part: mark 0 selects all, and a table that is not positive is replaced for IPv4 and refused for IPv6. */
function simulateNetwork(effects: SideEffects): Network {
  const note = (list: keyof SideEffects, text: string): Promise<boolean> => {
    effects[list] = [...(effects[list] ?? []), text]
    return Promise.resolve(true)
  }
  return {
    addLoopbackAddress: (cidr) => note('loAddrs', cidr),
    addPolicyRule: ({ family, mark, table }) => {
      if (table <= 0 && family === 'v6')
        return Promise.reject(new Error('failed to configure netlink rule: invalid argument'))
      return note('rules', `${family} ${mark === 0 ? 'all' : `fwmark ${mark}`} table ${table <= 0 ? 1 : table}`)
    },
    addLocalRoute: ({ family, table }) =>
      note(
        'routes',
        `${family} local ${family === 'v4' ? '0.0.0.0/0' : '::/0'} dev lo table ${table <= 0 ? 254 : table}`,
      ),
    hasPolicyRule: () => Promise.resolve(false),
    removeLoopbackAddress: () => Promise.resolve(),
    removePolicyRule: () => Promise.resolve(),
    removeLocalRoute: () => Promise.resolve(),
  }
}
