/** What the init container does: flags and variables in, rules in place, an exit status out. */
import { messageOf, ProjectError, type ErrorCode } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { applyIptables, type ApplyDeps } from './apply-iptables.ts'
import { applyNftables } from './apply-nftables.ts'
import { deriveConfig, type HostFacts, type RedirectConfig } from './config.ts'
import { parseFlags, type Compat, type Environment } from './flags.ts'
import { iptablesRules, ruleLine } from './iptables.ts'
import { redirectProgram } from './program.ts'
import { addRoutes, removeRoutes, type Network } from './routes.ts'
import type { Run } from './run.ts'

export type Backend = 'iptables' | 'nftables' | 'none'
export type Stage = 'flags' | 'environment' | 'validate' | 'detect' | 'apply' | 'routes' | 'validation'

export interface InitDeps {
  readonly host: HostFacts
  readonly run: Run
  /** Stands in for `run` in a dry run: notes what it is given, and does nothing. */
  readonly recordRun: Run
  /** Stands in for `run` in CNI mode: the tools are the host's, the lock is the pod's. */
  readonly sandboxedRun?: (lockFile: string) => Run
  readonly network: Network
  readonly legacyInUse?: NonNullable<ApplyDeps['legacyInUse']>
  readonly log: Log
  /** Whether a connection is really redirected. */
  readonly probe: (config: RedirectConfig) => Promise<{ ok: true } | { ok: false; reason: string }>
}

export interface InitOutcome {
  readonly exit: 0 | 1 | 126 | 255
  readonly backend?: Backend
  /** Where it failed. */
  readonly stage?: Stage
  readonly error?: string
  readonly config?: RedirectConfig
  /** The help text was asked for. */
  readonly help?: true
}

const STAGES: Partial<Record<ErrorCode, Stage>> = {
  REDIRECT_ENVIRONMENT: 'environment',
  REDIRECT_CONFIG_INVALID: 'validate',
  REDIRECT_RANGE_INVALID: 'apply',
  REDIRECT_DETECT_FAILED: 'detect',
  REDIRECT_APPLY_FAILED: 'apply',
  REDIRECT_ROUTES_FAILED: 'routes',
}

export interface InitCall {
  readonly args: readonly string[]
  readonly env: Environment
  readonly compat: Compat
}

/** Runs the command. Never throws for what flags, host or tools do. */
export async function runInit({ args, env, compat }: InitCall, deps: InitDeps): Promise<InitOutcome> {
  const flags = parseFlags(args, env, compat)
  if (flags.kind === 'help') return { exit: 0, help: true }
  if (flags.kind === 'invalid') return { exit: 255, stage: 'flags', error: flags.message }
  let config: RedirectConfig
  try {
    config = await deriveConfig(flags.settings, deps.host, compat)
  } catch (error) {
    return failure(error)
  }
  const backend = backendOf(config)
  try {
    if (backend !== 'none') await programRules(config, { ...deps, ...recording(config, deps) })
  } catch (error) {
    return { ...failure(error), backend, config }
  }
  return config.runValidation ? validate({ backend, config }, deps) : { exit: 0, backend, config }
}

/** istiod: nftables knows no dry run, and applies. */
function recording(config: RedirectConfig, deps: InitDeps): { run: Run; record: boolean } {
  const record = config.dryRun && !(config.nativeNftables && config.compat === 'istiod')
  const { run, recordRun, sandboxedRun = () => run } = deps
  if (record) return { run: recordRun, record }
  return { run: config.cniMode ? sandboxedRun(config.networkNamespace) : run, record }
}

function backendOf(config: RedirectConfig): Backend {
  if (config.skipRuleApply) return 'none'
  return config.nativeNftables ? 'nftables' : 'iptables'
}

function failure(error: unknown): InitOutcome {
  const stage = error instanceof ProjectError ? STAGES[error.code] : undefined
  return { exit: 1, stage: stage ?? 'apply', error: messageOf(error) }
}

export interface ProgramDeps extends ApplyDeps {
  readonly network: Network
}

/**
 * Puts rules, addresses and routes of `config` in place, or takes them away. A failure leaves the namespace as it was.
 * @throws ProjectError of the stage that failed
 */
export async function programRules(config: RedirectConfig, deps: ProgramDeps): Promise<void> {
  const program = redirectProgram(config)
  const apply = (): Promise<void> =>
    config.nativeNftables ? applyNftables(config, program, deps) : applyIptables(config, program, deps)
  if (config.dryRun) return apply()
  if (config.compat === 'istiod') return applyThenRoute(apply, config, deps)
  if (config.cleanupOnly) {
    await apply()
    return removeRoutes(config, deps.network)
  }
  // First, because they do nothing without rules, while rules do harm without them.
  const undo = await addRoutes(config, deps.network)
  try {
    await apply()
  } catch (error) {
    await undo()
    throw error
  }
}

/** istiod: rules stay when the routes fail, and a cleanup adds addresses and routes like any other run. */
async function applyThenRoute(apply: () => Promise<void>, config: RedirectConfig, deps: ProgramDeps): Promise<void> {
  await apply()
  await addRoutes(config, deps.network)
}

const NOT_READY = 'iptables validation failed; workload is not ready for Istio.'

async function validate(done: { backend: Backend; config: RedirectConfig }, { probe }: InitDeps): Promise<InitOutcome> {
  const found = await probe(done.config)
  if (found.ok) return { exit: 0, ...done }
  const error = [NOT_READY, found.reason, missingRule(done.config), whoSetsIt(done)].join('\n')
  return { exit: 126, stage: 'validation', error, ...done }
}

/** The rule that would have brought the probe's connection to the proxy: the one for calls of the proxy to its own pod. */
function missingRule(config: RedirectConfig): string {
  const family = config.hostIp.includes(':') ? 'v6' : 'v4'
  // Ranges do not touch the rule, and were not checked yet where the rules are another's.
  const plain = { ...config, ipv6Enabled: true, outboundRangesInclude: '', outboundRangesExclude: '' }
  const rule = iptablesRules(redirectProgram(plain), family).find(
    ({ words }) => words.at(-1) === 'ISTIO_IN_REDIRECT' && words.includes('--uid-owner'),
  )
  const text = rule === undefined ? 'none: no uid of the proxy is known' : `-t ${rule.table} ${ruleLine(rule)}`
  return `missing: ${text}\n(the check must run as that uid, ${config.proxyUid}; the rule leaves every other one alone)`
}

function whoSetsIt({ backend }: { backend: Backend }): string {
  if (backend !== 'none') return 'set by: this container, just now; something removed the rule, or its family is off'
  return [
    "set by: the CNI plugin, when the pod was started; see the log of the pod istio-cni-node-... of this pod's node.",
    'The pod may have been scheduled before the node was ready, or before its annotations were as they are.',
    'If installed with "repair" enabled, this pod is repaired or deleted and created again; otherwise delete it.',
  ].join('\n')
}
