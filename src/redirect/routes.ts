/** Addresses, policy rules and routes that redirection needs beside its rules. */
import { messageOf, ProjectError } from '../base/errors.ts'
import type { Family } from './addresses.ts'
import type { RedirectConfig } from './config.ts'
import { parseGoInt } from './go-literals.ts'

export interface PolicyRule {
  readonly family: Family
  /** Firewall mark; 0 selects every packet. */
  readonly mark: number
  readonly table: number
}

export interface LocalRoute {
  readonly family: Family
  readonly table: number
}

/** The routing of one network namespace. What exists already (or is gone already) is no error; adding tells whether it was new. */
export interface Network {
  readonly addLoopbackAddress: (cidr: string) => Promise<boolean>
  readonly removeLoopbackAddress: (cidr: string) => Promise<void>
  readonly addPolicyRule: (rule: PolicyRule) => Promise<boolean>
  readonly removePolicyRule: (rule: PolicyRule) => Promise<void>
  readonly hasPolicyRule: (rule: PolicyRule) => Promise<boolean>
  /** Delivers all packets that are looked up in the table to this host. */
  readonly addLocalRoute: (route: LocalRoute) => Promise<boolean>
  readonly removeLocalRoute: (route: LocalRoute) => Promise<void>
}

/** Source of connections that the proxy passes through to the application. */
const PASSTHROUGH_V6 = '::6/128'

/** Takes back what one call of `addRoutes` has added; what was there before stays. */
export type UndoRoutes = () => Promise<void>

/**
 * Sets what the rules of `config` need. What it added before a failure is taken back, except as istiod does.
 * @throws ProjectError REDIRECT_ROUTES_FAILED
 */
export async function addRoutes(config: RedirectConfig, network: Network): Promise<UndoRoutes> {
  const added: UndoRoutes[] = []
  const undo: UndoRoutes = async () => {
    // What led here is to be told, not what fails on the way back.
    for (const step of added.splice(0).reverse()) await step().catch(() => undefined)
  }
  try {
    await tolerateNothing(() => addAll(config, network, added))
  } catch (error) {
    if (config.compat === 'off') await undo()
    throw error
  }
  return undo
}

async function addAll(config: RedirectConfig, network: Network, added: UndoRoutes[]): Promise<void> {
  const { addLoopbackAddress, removeLoopbackAddress, addLocalRoute, removeLocalRoute } = network
  if (config.ipv6Enabled && (await addLoopbackAddress(PASSTHROUGH_V6)))
    added.push(() => removeLoopbackAddress(PASSTHROUGH_V6))
  const tproxy = tproxyNumbers(config)
  if (tproxy === undefined) return
  for (const family of familiesOf(config)) {
    const rule = { family, ...tproxy }
    if (await addPolicyRule(config, network, rule)) added.push(() => network.removePolicyRule(rule))
  }
  for (const family of familiesOf(config)) {
    const route = { family, table: tproxy.table }
    if (await addLocalRoute(route)) added.push(() => removeLocalRoute(route))
  }
}

/** istiod: the rule is added again by every run, and nothing ever removes it. */
async function addPolicyRule(config: RedirectConfig, network: Network, rule: PolicyRule): Promise<boolean> {
  if (config.compat === 'off' && (await network.hasPolicyRule(rule))) return false
  return network.addPolicyRule(rule)
}

/** Takes back what `addRoutes` set. @throws ProjectError REDIRECT_ROUTES_FAILED */
export async function removeRoutes(config: RedirectConfig, network: Network): Promise<void> {
  await tolerateNothing(async () => {
    if (config.ipv6Enabled) await network.removeLoopbackAddress(PASSTHROUGH_V6)
    const tproxy = tproxyNumbers(config)
    if (tproxy === undefined) return
    for (const family of familiesOf(config)) {
      await network.removePolicyRule({ family, ...tproxy })
      await network.removeLocalRoute({ family, table: tproxy.table })
    }
  })
}

function familiesOf({ ipv6Enabled }: RedirectConfig): readonly Family[] {
  return ipv6Enabled ? ['v4', 'v6'] : ['v4']
}

/**
 * Mark and table where TPROXY needs them, else undefined.
 * istiod: neither is checked for its range before rules are in place; the kernel keeps 32 bits of the mark.
 */
export function tproxyNumbers(config: RedirectConfig): { mark: number; table: number } | undefined {
  if (config.interceptionMode !== 'TPROXY' || config.inboundPortsInclude === '') return undefined
  const table = numberOf('InboundTProxyRouteTable', config.tproxyRouteTable)
  const mark = numberOf('InboundTProxyMark', config.tproxyMark)
  return { mark: Number(BigInt.asUintN(32, mark)), table: Number(table) }
}

function numberOf(name: string, text: string): bigint {
  const parsed = parseGoInt(text)
  if (parsed.ok) return parsed.value
  throw new ProjectError(
    'REDIRECT_ROUTES_FAILED',
    `failed to configure routes: failed to parse ${name}: ${parsed.reason}`,
  )
}

async function tolerateNothing(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof ProjectError) throw error
    throw new ProjectError('REDIRECT_ROUTES_FAILED', `failed to configure routes: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
