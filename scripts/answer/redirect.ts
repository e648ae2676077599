/** Answers recorded cases of traffic redirection through the same code that the commands run. */
import { messageOf } from '../../src/base/errors.ts'
import { SILENT } from '../../src/base/log.ts'
import { deriveConfig, type RedirectConfig } from '../../src/redirect/config.ts'
import { parseFlags } from '../../src/redirect/flags.ts'
import { runInit, type InitOutcome } from '../../src/redirect/init.ts'
import { cleanupArguments, iptablesRules } from '../../src/redirect/iptables.ts'
import { redirectProgram } from '../../src/redirect/program.ts'
import { runPlugin, type PluginDeps, type PluginOutcome } from '../../src/redirect/cni/plugin.ts'
import type { RedirectedPod } from '../../src/redirect/cni/pod-redirect.ts'
import type { Run } from '../../src/redirect/run.ts'
import { simulateHost, type HostEnv, type SimulatedHost } from './redirect-host.ts'

export interface RunCase {
  readonly id: string
  readonly op: 'run'
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly hostEnv?: HostEnv
}

export interface CniCase {
  readonly id: string
  readonly op: 'cni'
  readonly hostEnv?: HostEnv
  readonly cni: {
    readonly netconf: unknown
    readonly args?: string
    readonly command?: string
    readonly netns?: string
    readonly pod?: RedirectedPod
    readonly api?: 'down' | 'unauthorized' | 'noKubeconfig'
  }
}

export type RedirectCase = RunCase | CniCase

/** Answer of the original's form; what a case does not show is absent. */
export type Answer = Readonly<Record<string, unknown>>

/** What the command or the plugin does with a case. */
export function answerRedirectCase(input: RedirectCase): Promise<Answer> {
  return input.op === 'run' ? answerRunCase(input) : answerCniCase(input)
}

/** Answers one line, a case or a case with its recorded answer. Never throws: what goes wrong is part of the answer. */
export async function answerRedirectLine(line: string): Promise<Answer> {
  let id: unknown
  try {
    const parsed = JSON.parse(line) as { case?: RedirectCase } & RedirectCase
    const input = parsed.case ?? parsed
    id = input.id
    return await answerRedirectCase(input)
  } catch (error) {
    return { id, ok: false, error: messageOf(error) }
  }
}

/** What the command does with a case, on a host that the case describes. */
async function answerRunCase({ id, args, env = {}, hostEnv = {} }: RunCase): Promise<Answer> {
  let planned: RedirectConfig | undefined
  const host = simulateHost(hostEnv, () => planned)
  const flags = parseFlags(args, env, 'istiod')
  if (flags.kind === 'settings')
    planned = await deriveConfig(flags.settings, host.facts, 'istiod').catch(() => undefined)
  const probe = (): Promise<{ ok: false; reason: string }> =>
    Promise.resolve({ ok: false, reason: 'nothing is redirected here' })
  const outcome = await runInit({ args, env, compat: 'istiod' }, { ...host, host: host.facts, log: SILENT, probe })
  return { id, ok: outcome.exit === 0, ...pickOutcome(outcome), ...pickHost(host), ...cleanupOf(outcome) }
}

function pickOutcome({ exit, stage, error, backend, config }: InitOutcome): Answer {
  return withoutAbsent({ exit, stage, error, backend, config: config === undefined ? undefined : loggedConfig(config) })
}

function pickHost({ calls, texts, sideEffects }: SimulatedHost): Answer {
  return withoutAbsent({
    calls: calls.length > 0 ? calls : undefined,
    sideEffects: Object.keys(sideEffects).length > 0 ? sideEffects : undefined,
    ...texts,
  })
}

/** What a cleanup with the same flags executes; known once the rules could be applied. */
function cleanupOf({ backend, config, exit, stage }: InitOutcome): Answer {
  if (backend !== 'iptables' || config === undefined || (exit !== 0 && stage !== 'routes')) return {}
  const program = redirectProgram(config)
  const commands = (family: 'v4' | 'v6'): string[] =>
    cleanupArguments(iptablesRules(program, family)).map((args) => args.join(' '))
  return { cleanup: { v4: commands('v4'), ...(config.ipv6Enabled ? { v6: commands('v6') } : {}) } }
}

function withoutAbsent(fields: Readonly<Record<string, unknown>>): Answer {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function loggedConfig(config: RedirectConfig): Answer {
  const orNull = (list: readonly string[]): readonly string[] | null => (list.length === 0 ? null : list)
  return {
    CAPTURE_ALL_DNS: config.captureAllDns,
    CLEANUP_ONLY: config.cleanupOnly,
    CNI_MODE: config.cniMode,
    DNS_SERVERS_V4: orNull(config.dnsServersV4),
    DNS_SERVERS_V6: orNull(config.dnsServersV6),
    DROP_INVALID: config.dropInvalid,
    DRY_RUN: config.dryRun,
    DUAL_STACK: config.dualStack,
    ENABLE_INBOUND_IPV6: config.ipv6Enabled,
    EXCLUDE_INTERFACES: config.excludeInterfaces,
    FORCE_APPLY: config.forceApply,
    FORCE_IPTABLES_BINARY: config.forceIptablesBinary,
    HOST_IP: config.hostIp,
    HOST_IPV4_LOOPBACK_CIDR: config.loopbackCidr,
    INBOUND_CAPTURE_PORT: config.inboundCapturePort,
    INBOUND_INTERCEPTION_MODE: config.interceptionMode,
    INBOUND_PORTS_EXCLUDE: config.inboundPortsExclude,
    INBOUND_PORTS_INCLUDE: config.inboundPortsInclude,
    INBOUND_TPROXY_MARK: config.tproxyMark,
    INBOUND_TPROXY_ROUTE_TABLE: config.tproxyRouteTable,
    INBOUND_TUNNEL_PORT: config.inboundTunnelPort,
    IPTABLES_PROBE_PORT: config.probePort,
    KUBE_VIRT_INTERFACES: config.virtualInterfaces,
    NATIVE_NFTABLES: config.nativeNftables,
    NETWORK_NAMESPACE: config.networkNamespace,
    OUTBOUND_IPRANGES_EXCLUDE: config.outboundRangesExclude,
    OUTBOUND_IPRANGES_INCLUDE: config.outboundRangesInclude,
    OUTBOUND_OWNER_GROUPS_EXCLUDE: config.ownerGroupsExclude,
    OUTBOUND_OWNER_GROUPS_INCLUDE: config.ownerGroupsInclude,
    OUTBOUND_PORTS_EXCLUDE: config.outboundPortsExclude,
    OUTBOUND_PORTS_INCLUDE: config.outboundPortsInclude,
    PROBE_TIMEOUT: config.probeTimeoutNs,
    PROXY_GID: config.proxyGid,
    PROXY_PORT: config.proxyPort,
    PROXY_UID: config.proxyUid,
    RECONCILE: config.reconcile,
    REDIRECT_DNS: config.redirectDns,
    RUN_VALIDATION: config.runValidation,
    SKIP_RULE_APPLY: config.skipRuleApply,
  }
}

const FRESH_NETNS = 'NETNS'
/** Paths that lead to the namespace of whoever opens them. */
const OWN_NETNS = /^\/proc\/(self|thread-self)\/ns\/net$/

/**
 * What the plugin does with a call, on a host that the case describes. Rules are recorded as in the original's dry run.
 * `run` is how the call gets to the plugin.
 */
export async function answerCniCase({ id, cni, hostEnv = {} }: CniCase, run = runPlugin): Promise<Answer> {
  const host = simulateHost(hostEnv, () => undefined)
  const { netconf, args = '', command = 'ADD', netns = FRESH_NETNS } = cni
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: 'c0ffee',
    CNI_NETNS: netns,
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/opt/cni/bin',
    CNI_ARGS: args,
  }
  const stdin = typeof netconf === 'string' ? netconf : JSON.stringify(netconf)
  const outcome = await run({ env, stdin }, pluginDeps(cni, { host, netns }))
  const { exit, error, backend } = outcome
  const stage = error === undefined ? {} : { stage: 'cni', error: error.msg }
  return { id, ok: exit === 0, exit, ...stage, ...withoutAbsent({ backend }), ...pickHost(host), cni: pickCni(outcome) }
}

function pickCni({ decision, reason, redirect, result, error, podGets }: PluginOutcome): Answer {
  return withoutAbsent({
    decision,
    reason: reason === undefined ? undefined : [reason],
    redirect,
    result,
    error,
    podGets,
  })
}

function pluginDeps(cni: CniCase['cni'], { host, netns }: { host: SimulatedHost; netns: string }): PluginDeps {
  return {
    compat: 'istiod',
    connect: () => (cni.api === 'noKubeconfig' ? fail(NO_KUBECONFIG) : Promise.resolve()),
    getPod: ({ namespace, name }) => getPod(cni, { namespace, name }),
    wait: () => Promise.resolve(),
    openNamespace: () => {
      if (netns !== FRESH_NETNS && !OWN_NETNS.test(netns)) return fail(NO_NETNS)
      const run: Run = (file, args, options) => (file === 'nft' ? host.run : host.recordRun)(file, args, options)
      return Promise.resolve({ host: host.facts, network: host.network, log: SILENT, record: true, run })
    },
    isOwnNamespace: (path) => Promise.resolve(OWN_NETNS.test(path)),
  }
}

const NO_KUBECONFIG = 'failed to setup client: stat RUNDIR/istio-cni-kubeconfig: no such file or directory'
const NO_NETNS = 'failed to open netns "NETNS": failed to Statfs "NETNS": no such file or directory'

function getPod(
  { api, pod }: CniCase['cni'],
  { namespace, name }: { namespace: string; name: string },
): Promise<RedirectedPod> {
  if (api === 'unauthorized') return fail('Unauthorized')
  if (api === 'down') {
    return fail(
      `Get "APISERVER/api/v1/namespaces/${namespace}/pods/${name}": dial tcp APISERVER: connect: connection refused`,
    )
  }
  return pod === undefined ? fail(`pods ${JSON.stringify(name)} not found`) : Promise.resolve(pod)
}

function fail(message: string): Promise<never> {
  return Promise.reject(new Error(message))
}
