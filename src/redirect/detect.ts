/** Which iptables variant this namespace shall be programmed with. */
import { messageOf, ProjectError } from '../base/errors.ts'
import type { Family } from './addresses.ts'
import type { Compat } from './flags.ts'
import type { Run, RunResult } from './run.ts'
import { hasResidue, holdsOurChains, parseSaved } from './saved-state.ts'

/** The tools of one variant and family. */
export interface IptablesTools {
  /** `iptables-nft`, `ip6tables-legacy`, ...; save and restore are named after it. */
  readonly name: string
  readonly variant: 'legacy' | 'nft'
  /** Arguments that make a writing command wait for the lock; empty where there is none. */
  readonly wait: readonly string[]
}

/** Tools, and what the namespace held when they were chosen. */
export interface Detected {
  readonly tools: IptablesTools
  /** What `-save` printed; absent where nothing could be read. */
  readonly dump?: string
}

export interface DetectOptions {
  readonly run: Run
  /** Whether this namespace has tables of the legacy variant at all; assumed when absent. */
  readonly legacyInUse?: (family: Family) => Promise<boolean>
  readonly family: Family
  /** `''`, `legacy` or `nft`. */
  readonly force: string
  readonly compat: Compat
}

const PROBE = ['-t', 'nat', '-A', 'INPUT', '-p', '255', '-j', 'RETURN']
const UNPROBE = PROBE.map((word) => (word === '-A' ? '-D' : word))
const EXISTING_RULES_LINES = 3

/** The plain set of names, for runs that only record. */
export function plainTools(family: Family): IptablesTools {
  return { name: family === 'v4' ? 'iptables' : 'ip6tables', variant: 'nft', wait: [] }
}

/**
 * Finds the tools of a family.
 * @throws ProjectError REDIRECT_DETECT_FAILED with the tool's own words when none is usable
 */
export async function detectIptables(options: DetectOptions): Promise<Detected> {
  const { name } = plainTools(options.family)
  if (options.force !== '') return forced(`${name}-${options.force}`, options)
  return options.compat === 'istiod' ? detectLikeIstiod(name, options) : detectWithoutTraces(name, options)
}

async function forced(name: string, options: DetectOptions): Promise<Candidate> {
  return options.compat === 'istiod' ? probe(name, options) : readOrThrow(name, options)
}

/** istiod: probing legacy creates its tables, which a second run takes for rules of somebody. */
async function detectLikeIstiod(name: string, options: DetectOptions): Promise<Candidate> {
  const legacy = await tryProbe(`${name}-legacy`, options)
  if (legacy !== undefined && legacy.dump.split('\n').length > EXISTING_RULES_LINES) return legacy
  const nft = await tryProbe(`${name}-nft`, options)
  return nft ?? probe(name, options)
}

/**
 * The variant that holds our chains, else the one that holds rules, else nft, else legacy, else the plain name.
 * Reading creates nothing in the kernel; legacy, whose tools read without asking it, is tested without a commit.
 */
async function detectWithoutTraces(name: string, options: DetectOptions): Promise<Candidate> {
  const { family, legacyInUse = () => Promise.resolve(true) } = options
  const [nft, mayHold] = await Promise.all([read(`${name}-nft`, options), legacyInUse(family)])
  if (nft !== undefined && (!mayHold || holdsOurChains(parseSaved(nft.dump)))) return nft
  const legacy = await read(`${name}-legacy`, options)
  if (legacy !== undefined && hasResidue(parseSaved(legacy.dump))) return legacy
  if (nft !== undefined) return nft
  if (legacy !== undefined && (await acceptsRules(legacy.tools, options))) return legacy
  const plain = await readOrThrow(name, options)
  if (await acceptsRules(plain.tools, options)) return plain
  throw new ProjectError(
    'REDIRECT_DETECT_FAILED',
    `${name}: no variant has the kernel's support; is its nat module loaded?`,
  )
}

type Candidate = Required<Detected>

async function tryProbe(name: string, options: DetectOptions): Promise<Candidate | undefined> {
  try {
    return await probe(name, options)
  } catch (error) {
    if (error instanceof ProjectError && error.code === 'REDIRECT_DETECT_FAILED') return undefined
    throw error
  }
}

/** Reads a variant and adds a rule for an unassigned protocol, to see whether the kernel takes it. */
async function probe(name: string, options: DetectOptions): Promise<Candidate> {
  const candidate = await readOrThrow(name, options)
  const { wait } = candidate.tools
  const added = await options.run(name, [...PROBE, ...wait])
  if (added.exitCode !== 0 || added.stderr.includes('does not exist')) {
    throw new ProjectError(
      'REDIRECT_DETECT_FAILED',
      `iptables binary ${name} has no loaded kernel support and cannot be used, err: ${exitText(name, added)} out: ${added.stderr}`,
    )
  }
  await options.run(name, [...UNPROBE, ...wait])
  return candidate
}

async function acceptsRules({ name }: IptablesTools, { run }: DetectOptions): Promise<boolean> {
  const tested = await run(`${name}-restore`, ['--noflush', '--test'], {
    stdin: `*nat\n-A OUTPUT -p 255 -j RETURN\nCOMMIT\n`,
  })
  return tested.exitCode === 0
}

async function read(name: string, options: DetectOptions): Promise<Candidate | undefined> {
  try {
    return await readOrThrow(name, options)
  } catch {
    return undefined
  }
}

async function readOrThrow(name: string, { run, compat }: DetectOptions): Promise<Candidate> {
  const saved = await run(`${name}-save`, [])
  if (saved.missing) throw new ProjectError('REDIRECT_DETECT_FAILED', exitText(`${name}-save`, saved))
  if (saved.exitCode !== 0) {
    throw new ProjectError(
      'REDIRECT_DETECT_FAILED',
      `failed to execute ${name}-save: ${exitText(`${name}-save`, saved)}`,
    )
  }
  const dump = saved.stdout + saved.stderr
  // The name tells as much as its version would: nft knows no lock.
  if (compat === 'off' && name.endsWith('-nft')) return { tools: { name, variant: 'nft', wait: [] }, dump }
  return { tools: interpretVersion(name, await run(`${name}-save`, ['--version'])), dump }
}

function interpretVersion(name: string, printed: RunResult): IptablesTools {
  // Very old tools know no such option: legacy, without a lock.
  if (printed.exitCode !== 0 || printed.stderr.includes('unrecognized option'))
    return { name, variant: 'legacy', wait: [] }
  const version = /v([0-9]+(?:\.[0-9]+)+)/.exec(printed.stdout)?.[1]
  if (version === undefined) {
    throw new ProjectError('REDIRECT_DETECT_FAILED', `${name}-save: no version in ${JSON.stringify(printed.stdout)}`)
  }
  if (printed.stdout.includes('nf_tables')) return { name, variant: 'nft', wait: [] }
  return { name, variant: 'legacy', wait: isAtLeast(version, [1, 6, 2]) ? ['--wait=30'] : [] }
}

function isAtLeast(version: string, minimum: readonly number[]): boolean {
  const parts = version.split('.').map(Number)
  for (const [i, wanted] of minimum.entries()) {
    const part = parts[i] ?? 0
    if (part !== wanted) return part > wanted
  }
  return true
}

/** What a failed call says, in the words of the original. */
export function exitText(file: string, result: RunResult): string {
  return result.missing ? `exec: "${file}": executable file not found in $PATH` : `exit status ${result.exitCode}`
}

/** The tools of IPv6; a stand-in whose calls fail when there are none and IPv6 is off. @throws ProjectError when it is on */
export async function standInIfOff(
  found: Promise<Detected>,
  ipv6Enabled: boolean,
): Promise<Detected & { readonly warning?: string }> {
  try {
    return await found
  } catch (error) {
    if (ipv6Enabled) throw error
    return { tools: plainTools('v6'), warning: messageOf(error) }
  }
}
