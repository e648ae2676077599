/** Where a ruleset to follow packets through comes from: flags, a pod, or text that a tool printed. Pure. */
import { ProjectError } from '../../base/errors.ts'
import type { Family } from '../addresses.ts'
import { decideForPod, type RedirectedContainer, type RedirectedPod } from '../cni/pod-redirect.ts'
import { deriveConfig } from '../config.ts'
import { parseFlags, type Compat, type Environment, type RedirectSettings } from '../flags.ts'
import { iptablesRules } from '../iptables.ts'
import { redirectProgram } from '../program.ts'
import { rulesetOfRules, rulesetOfSave } from './iptables-ruleset.ts'
import { rulesetOfNft } from './nft-ruleset.ts'
import type { Ruleset } from './packet.ts'

export interface PodFacts {
  /** The pod's addresses. */
  readonly addresses: readonly string[]
  readonly nameServers: readonly string[]
}

/** The ruleset that settings make for a family. @throws ProjectError as the initializer does */
export async function rulesetOfSettings(
  settings: RedirectSettings,
  { family, facts, compat }: { family: Family; facts: PodFacts; compat: Compat },
): Promise<Ruleset> {
  const config = await deriveConfig(
    settings,
    {
      addresses: () => facts.addresses,
      resolvConf: () => facts.nameServers.map((server) => `nameserver ${server}\n`).join(''),
      uidOf: () => undefined,
    },
    compat,
  )
  const left = family === 'v6' && !config.ipv6Enabled
  return rulesetOfRules(left ? [] : iptablesRules(redirectProgram(config), family))
}

/** The settings of a command line. @throws ProjectError OPTION_INVALID */
export function settingsOfFlags(args: readonly string[], env: Environment, compat: Compat): RedirectSettings {
  const flags = parseFlags(args, env, compat)
  if (flags.kind === 'settings') return flags.settings
  throw new ProjectError(
    'OPTION_INVALID',
    flags.kind === 'invalid' ? flags.message : 'flags: expected settings, got --help',
  )
}

const INIT_COMMAND = 'istio-iptables'

/**
 * The settings that a pod gets: those of its init container, else what its annotations ask of the CNI plugin.
 * @throws ProjectError OPTION_INVALID when the pod is not redirected at all, with the reason
 */
export function settingsOfPod(pod: RedirectedPod, compat: Compat): RedirectSettings {
  const init = pod.spec?.initContainers?.find(({ name }) => name === 'istio-init')
  if (init?.args?.[0] === INIT_COMMAND) return settingsOfFlags(init.args.slice(1), environmentOf(init), compat)
  const decision = decideForPod(pod, compat)
  if (decision.do === 'redirect') return decision.settings
  throw new ProjectError('OPTION_INVALID', `${pod.metadata?.name ?? 'pod'}: not redirected: ${decision.reason}`)
}

function environmentOf({ env }: RedirectedContainer): Environment {
  return Object.fromEntries((env ?? []).map(({ name, value }) => [name, value ?? '']))
}

/** The owner of a container's processes. @throws ProjectError OPTION_INVALID when there is no such container */
export function ownerOf(pod: RedirectedPod, name: string): { uid: number; gid: number } {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
  const container = containers.find((one) => one.name === name)
  if (container === undefined) {
    const names = containers.map((one) => one.name ?? '').join(', ')
    throw new ProjectError('OPTION_INVALID', `container: expected one of ${names}, got ${JSON.stringify(name)}`)
  }
  const pick = (key: 'runAsUser' | 'runAsGroup'): number =>
    container.securityContext?.[key] ?? pod.spec?.securityContext?.[key] ?? 0
  return { uid: pick('runAsUser'), gid: pick('runAsGroup') }
}

/** The ruleset in text that `iptables-save` or `nft -j list ruleset` printed. @throws ProjectError OPTION_INVALID */
export function rulesetOfText(text: string): Ruleset {
  return text.trimStart().startsWith('{') ? rulesetOfNft(text) : rulesetOfSave(text)
}
