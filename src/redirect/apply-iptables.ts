/** Brings a namespace's iptables to the rules wanted; may run twice. */
import { ProjectError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Family } from './addresses.ts'
import type { RedirectConfig } from './config.ts'
import { detectIptables, standInIfOff, exitText, plainTools, type Detected } from './detect.ts'
import {
  checkArguments,
  cleanupArguments,
  guardrailArguments,
  iptablesRules,
  kernelModules,
  renderCheck,
  renderRestore,
  type IptablesRule,
} from './iptables.ts'
import { missingModules } from './preflight.ts'
import type { Rule } from './rule.ts'
import type { Run } from './run.ts'
import {
  differsInShape,
  hasResidue,
  holdsOurChains,
  isOutsideRule,
  parseSaved,
  renderReplacement,
  type SavedState,
} from './saved-state.ts'

export interface ApplyDeps {
  readonly run: Run
  readonly log: Log
  /** Whether the namespace has tables of iptables' legacy variant; assumed when absent. */
  readonly legacyInUse?: (family: Family) => Promise<boolean>
  /** Only record: no variant is looked for, the plain names are called. */
  readonly record: boolean
  /** Tools whose search began before the configuration was complete; searched for when absent. */
  readonly detection?: Detection
}

/** The tools of both families, and what the namespace held when they were found. Each may fail on its own. */
export interface Detection {
  readonly v4: Promise<Detected>
  readonly v6: Promise<Detected>
}

/** Begins to look for tools and state, without writing. Whoever takes the result meets its failure. */
export function startDetection(force: string, deps: ApplyDeps): Detection {
  const detect = (family: Family): Promise<Detected> => {
    const found = detectIptables({ ...deps, force, compat: 'off', family })
    found.catch(() => undefined)
    return found
  }
  return { v4: detect('v4'), v6: detect('v6') }
}

/** One family: its tools and the rules it shall hold. */
interface Side extends Detected {
  readonly family: Family
  readonly rules: readonly IptablesRule[]
}

/**
 * Applies, replaces or removes the program.
 * @throws ProjectError REDIRECT_DETECT_FAILED, REDIRECT_APPLY_FAILED with the tool's own words
 */
export async function applyIptables(config: RedirectConfig, program: readonly Rule[], deps: ApplyDeps): Promise<void> {
  const sides = await chooseSides(config, program, deps)
  if (config.compat === 'istiod') return applyLikeIstiod(config, sides, deps)
  return replaceAll(config, sides, deps)
}

async function chooseSides(config: RedirectConfig, program: readonly Rule[], deps: ApplyDeps): Promise<Side[]> {
  const [v4, v6] = deps.record
    ? [{ tools: plainTools('v4') }, { tools: plainTools('v6') }]
    : await detectBoth(config, deps)
  if ('warning' in v6) deps.log.warn({ reason: v6.warning }, 'no usable ip6tables, and IPv6 is off')
  return [
    { ...v4, family: 'v4', rules: iptablesRules(program, 'v4') },
    { ...v6, family: 'v6', rules: config.ipv6Enabled ? iptablesRules(program, 'v6') : [] },
  ]
}

async function detectBoth(
  config: RedirectConfig,
  deps: ApplyDeps,
): Promise<[Detected, Detected & { warning?: string }]> {
  const { forceIptablesBinary: force, compat, ipv6Enabled } = config
  if (compat === 'off') {
    const { v4, v6 } = deps.detection ?? startDetection(force, deps)
    return [await v4, await standInIfOff(v6, ipv6Enabled)]
  }
  const v4 = await detectIptables({ ...deps, force, compat, family: 'v4' })
  return [v4, await standInIfOff(detectIptables({ ...deps, force, compat, family: 'v6' }), ipv6Enabled)]
}

/** istiod: what is there and differs is left to fail, unless it may reconcile. */
async function applyLikeIstiod(config: RedirectConfig, sides: readonly Side[], deps: ApplyDeps): Promise<void> {
  const planned = sides.filter(({ family }) => family === 'v4' || config.ipv6Enabled)
  const { residue, delta } = await verify(sides, deps)
  const guarded = !config.cleanupOnly && config.reconcile && residue && delta
  try {
    if (guarded) await raiseGuardrails(planned, deps)
    if (config.cleanupOnly || guarded) await cleanUp(planned, deps)
    if (!config.cleanupOnly && (delta || config.forceApply)) await restoreAll(planned, deps)
  } finally {
    if (guarded) for (const side of planned) await tolerate(side, guardrailArguments('remove'), deps)
    for (const { tools } of planned)
      deps.log.debug({ rules: (await deps.run(`${tools.name}-save`, [])).stdout }, 'rules after the run')
  }
}

/** What was found, and whether it differs from what is wanted. Nothing found is a difference where something is wanted. */
async function verify(sides: readonly Side[], deps: ApplyDeps): Promise<{ residue: boolean; delta: boolean }> {
  let residue = false
  let delta = false
  for (const side of sides) {
    const state = await readState(side, deps)
    const found = hasResidue(state)
    delta = (found ? await differs(side, state, deps) : side.rules.length > 0) || delta
    residue ||= found && side.rules.length > 0
  }
  return residue ? { residue, delta } : { residue: false, delta: true }
}

async function readState({ tools }: Side, { run, log }: ApplyDeps): Promise<SavedState> {
  const file = `${tools.name}-save`
  const saved = await run(file, [])
  if (saved.exitCode !== 0)
    log.warn({ reason: exitText(file, saved) }, 'the state cannot be read and is taken for empty')
  return parseSaved(saved.exitCode === 0 ? saved.stdout : '')
}

async function differs(side: Side, state: SavedState, deps: ApplyDeps): Promise<boolean> {
  if (differsInShape(state, side.rules)) return true
  for (const rule of side.rules) if (!(await holds(side, rule, deps))) return true
  return false
}

async function holds({ tools }: Side, rule: IptablesRule, { run }: ApplyDeps): Promise<boolean> {
  return (await run(tools.name, checkArguments(rule))).exitCode === 0
}

async function raiseGuardrails(sides: readonly Side[], deps: ApplyDeps): Promise<void> {
  for (const side of sides) {
    await tolerate(side, guardrailArguments('remove'), deps)
    for (const args of guardrailArguments('insert')) {
      const done = await deps.run(side.tools.name, [...args, ...side.tools.wait])
      if (done.exitCode !== 0) throw toolFailed(side.tools.name, done)
    }
  }
}

async function cleanUp(sides: readonly Side[], deps: ApplyDeps): Promise<void> {
  for (const side of sides) await tolerate(side, cleanupArguments(side.rules), deps)
}

async function tolerate({ tools }: Side, commands: readonly (readonly string[])[], { run }: ApplyDeps): Promise<void> {
  for (const args of commands) await run(tools.name, [...args, ...tools.wait])
}

async function restoreAll(sides: readonly Side[], deps: ApplyDeps): Promise<void> {
  for (const side of sides) await restore(side, renderRestore(side.rules), deps)
}

async function restore(side: Side, text: string, { run }: ApplyDeps): Promise<void> {
  const { tools } = side
  const file = `${tools.name}-restore`
  const done = await run(file, ['--noflush', ...tools.wait], { stdin: text })
  if (done.exitCode !== 0) throw toolFailed(file, done)
}

/** What tools say of a match or target that they know and the kernel does not. */
const KERNEL_LACKS =
  /No chain\/target\/match by that name|missing kernel module|RULE_(APPEND|INSERT) failed \(No such file/

/** The same failure, with the missing modules where they can be told. Called when everything was put back. */
async function explained(failure: unknown, sides: readonly Side[], { run }: ApplyDeps): Promise<unknown> {
  if (!(failure instanceof ProjectError) || !KERNEL_LACKS.test(failure.message)) return failure
  const found = await Promise.all(sides.map(({ tools, rules }) => missingModules(rules, { tools, run })))
  const missing = [...new Set(found.flat())].sort()
  const why =
    missing.length > 0
      ? `the kernel lacks ${missing.join(', ')}`
      : `the kernel lacks one of: ${kernelModules(sides.flatMap(({ rules }) => rules)).join(', ')}`
  return new ProjectError('REDIRECT_APPLY_FAILED', `${failure.message}\n${why}`, { cause: failure })
}

const PROBLEMS: Readonly<Record<number, string>> = {
  1: 'xtables other problem',
  2: 'xtables parameter problem',
  3: 'xtables version problem',
  4: 'xtables resource problem',
}

function toolFailed(
  file: string,
  result: { exitCode: number; stderr: string; stdout: string; missing: boolean },
): ProjectError {
  const problem = result.missing ? '' : `${PROBLEMS[result.exitCode] ?? 'failed'}: `
  return new ProjectError(
    'REDIRECT_APPLY_FAILED',
    `${file}: ${problem}${exitText(file, result)}\n${result.stderr.trim()}`,
  )
}

/** Ours: equal is success, anything else is replaced, each table in one commit; a failure puts back what was there. */
async function replaceAll(config: RedirectConfig, sides: readonly Side[], deps: ApplyDeps): Promise<void> {
  const undo: (() => Promise<void>)[] = []
  try {
    for (const side of sides) {
      const wanted = config.cleanupOnly ? [] : side.rules
      const state = side.dump === undefined ? await readState(side, deps) : parseSaved(side.dump)
      if (!hasResidue(state) && wanted.length === 0) continue
      if (wanted.length > 0 && hasResidue(state) && (await isAsWanted(side, state, deps))) continue
      const present = await presentOutside(side, deps)
      undo.push(() => putBack({ side, state, present, wanted }, deps))
      const text = renderReplacement({ state, rules: wanted, present })
      if (text !== '') await restore(side, text, deps)
      if (config.cleanupOnly) await removeEmptyTables(side, deps)
    }
  } catch (error) {
    for (const step of undo.toReversed()) await step()
    throw await explained(error, sides, deps)
  }
}

/** All rules are asked for at once: a process for each would take longer than everything else. */
async function isAsWanted(side: Side, state: SavedState, { run }: ApplyDeps): Promise<boolean> {
  if (differsInShape(state, side.rules)) return false
  const args = ['--noflush', ...side.tools.wait]
  return (await run(`${side.tools.name}-restore`, args, { stdin: renderCheck(side.rules) })).exitCode === 0
}

/** iptables-nft leaves its tables and base chains behind; without a rule, a set or a policy nobody can be using them. */
async function removeEmptyTables({ family, tools }: Side, { run }: ApplyDeps): Promise<void> {
  if (tools.variant !== 'nft') return
  for (const table of ['nat', 'mangle', 'raw', 'filter']) {
    const name = `${family === 'v4' ? 'ip' : 'ip6'} ${table}`
    const listed = await run('nft', ['list', 'table', ...name.split(' ')])
    const lines = listed.stdout.split('\n').map((line) => line.trim())
    const empty = lines.every((line) => line === '' || /^(?:#|table|chain|type .* policy accept;$|\}$)/.test(line))
    if (listed.exitCode === 0 && empty) await run('nft', ['delete', 'table', ...name.split(' ')])
  }
}

/** Rules of ours in built-in chains that do not lead to a chain of ours, as far as they are in place. */
async function presentOutside(side: Side, deps: ApplyDeps): Promise<IptablesRule[]> {
  const outside = side.rules.filter(
    ({ chain, words }) => !chain.startsWith('ISTIO_') && !(words.at(-1) ?? '').startsWith('ISTIO_'),
  )
  const present: IptablesRule[] = []
  for (const rule of outside) if (await holds(side, rule, deps)) present.push(rule)
  return present
}

interface Undo {
  readonly side: Side
  readonly state: SavedState
  readonly present: readonly IptablesRule[]
  readonly wanted: readonly IptablesRule[]
}

/** Removes what a run has put in place, and restores what it replaced. Failures are told, and the next step still runs. */
async function putBack({ side, state, present, wanted }: Undo, deps: ApplyDeps): Promise<void> {
  const now = await readState(side, deps)
  const added = await presentOutside({ ...side, rules: wanted }, deps)
  const text = renderReplacement({ state: now, rules: restorable(state, present), present: added })
  if (text === '') return
  const file = `${side.tools.name}-restore`
  const done = await deps.run(file, ['--noflush', ...side.tools.wait], { stdin: text })
  if (done.exitCode !== 0) deps.log.error({ file, reason: done.stderr.trim() }, 'what was there could not be put back')
}

/** The rules of ours that a state held, in the tool's own words. */
function restorable(state: SavedState, present: readonly IptablesRule[]): IptablesRule[] {
  const withShapes = holdsOurChains(state)
  const saved = [...state].flatMap(([table, chains]) =>
    [...chains].flatMap(([chain, lines]) =>
      lines
        .filter((line) => chain.startsWith('ISTIO_') || isOutsideRule(line, withShapes))
        // Names come from a dump of these very tables and chains.
        .map((line) => ({ table, chain, words: [line] }) as unknown as IptablesRule),
    ),
  )
  return withShapes ? saved : [...saved, ...present]
}
