/** Public face of the rule engine: pure, runs in a browser. Tools, hosts and the CNI plugin are elsewhere in this folder. */
export { deriveConfig, findLocalAddress, readNameServers, type HostFacts, type RedirectConfig } from './config.ts'
export {
  DEFAULT_SETTINGS,
  FLAGS,
  parseFlags,
  type Compat,
  type Environment,
  type FlagsOutcome,
  type RedirectSettings,
} from './flags.ts'
export { checkArguments, cleanupArguments, iptablesRules, renderRestore, type IptablesRule } from './iptables.ts'
export { renderRemoval, renderTransaction } from './nftables.ts'
export { redirectProgram } from './program.ts'
export type { Chain, Match, Rule, Table, Target } from './rule.ts'
