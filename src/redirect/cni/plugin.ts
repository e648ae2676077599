/** Every decision of the CNI plugin. Fails closed: what is in doubt is an error, never a pod without redirection. */
import { messageOf } from '../../base/errors.ts'
import { startDetection } from '../apply-iptables.ts'
import { deriveConfig, type HostFacts } from '../config.ts'
import type { Compat, RedirectSettings } from '../flags.ts'
import { programRules, type Backend, type ProgramDeps } from '../init.ts'
import type { JsonObject } from './go-json.ts'
import { parseNetConf, parsePodArgs, type NetConf, type PodArgs } from './netconf.ts'
import { decideForPod, type RedirectedPod, type RedirectParameters } from './pod-redirect.ts'
import { parseCall, renderError, type CniCall, type CniError } from './protocol.ts'
import { EMPTY_RESULT, printResult, SUPPORTED_VERSIONS } from './result.ts'

/** A pod's network namespace, opened: its facts, and the tools that work inside. */
export interface Namespace extends ProgramDeps {
  readonly host: HostFacts
}

export interface PluginDeps {
  readonly compat: Compat
  /** Makes sure that pods can be asked for. @throws when the credentials are missing or unreadable */
  readonly connect: (agentRunDir: string) => Promise<void>
  /** @throws with the API server's own words */
  readonly getPod: (pod: PodArgs) => Promise<RedirectedPod>
  readonly wait: (ms: number) => Promise<void>
  /** @throws when the path cannot be opened */
  readonly openNamespace: (path: string) => Promise<Namespace>
  /** Whether the path is the namespace that we ourselves run in. */
  readonly isOwnNamespace: (path: string) => Promise<boolean>
}

export interface PluginOutcome {
  readonly exit: 0 | 1
  readonly stdout: string
  readonly stderr: string
  readonly decision: 'redirect' | 'skip' | 'error'
  /** Why the pod was skipped. */
  readonly reason?: string
  readonly backend?: Backend
  readonly redirect?: RedirectParameters
  readonly result?: JsonObject
  readonly error?: CniError
  readonly podGets: number
}

const POD_GETS = 30
const POD_GET_INTERVAL_MS = 1000
const AGENT_POD_PREFIX = 'istio-cni-node-'
const ABOUT = 'CNI plugin istio-cni'

/** Answers a call. Never throws for what the caller, the API server or the namespace do. */
export async function runPlugin(call: CniCall, deps: PluginDeps): Promise<PluginOutcome> {
  const parsed = parseCall(call)
  if (!parsed.ok) return failed(parsed.error)
  const { request } = parsed
  switch (request.command) {
    case 'ABOUT':
      return { ...silent(), stderr: `${ABOUT}\nCNI protocol versions supported: ${SUPPORTED_VERSIONS.join(', ')}\n` }
    case 'VERSION':
      return printed({ cniVersion: SUPPORTED_VERSIONS.at(-1), supportedVersions: SUPPORTED_VERSIONS })
    // istiod: a deletion in the plugin's own namespace fails. Ours never does: what is gone must be let go.
    case 'DEL':
      return (deps.compat === 'istiod' ? await whyNotThere(request, deps) : undefined) ?? silent()
    case 'CHECK':
    case 'GC':
    case 'STATUS':
      return silent()
    case 'ADD':
      return add(request, deps)
  }
}

function silent(): PluginOutcome {
  return { exit: 0, stdout: '', stderr: '', decision: 'skip', podGets: 0 }
}

function printed(result: JsonObject): PluginOutcome {
  return { ...silent(), stdout: JSON.stringify(result, undefined, 4), result }
}

function failed(error: CniError, podGets = 0): PluginOutcome {
  return { exit: 1, stdout: renderError(error), stderr: '', decision: 'error', error, podGets }
}

interface AddRequest {
  readonly config: JsonObject
  readonly netns: string
  readonly args: string
  readonly netnsOverride: boolean
}

/** Counts requests for the pod, whatever becomes of them. */
interface Progress {
  podGets: number
}

async function add(request: AddRequest, deps: PluginDeps): Promise<PluginOutcome> {
  const progress: Progress = { podGets: 0 }
  try {
    const { args, netns } = request
    const conf = parseNetConf(request.config)
    const result = (): PluginOutcome => printed(printResult(conf.prevResult ?? EMPTY_RESULT, conf.cniVersion))
    // istiod: both are found out when the rules are in place, if need be in the node's own namespace.
    const early = deps.compat === 'off' ? ((await whyNotThere(request, deps)) ?? result()) : undefined
    if (early?.error !== undefined) return early
    const verdict = await handlePod({ conf, args, netns }, { deps, progress })
    const outcome = { ...(early ?? result()), ...verdict, ...progress }
    return early === undefined ? ((await whyNotThere(request, deps, progress)) ?? outcome) : outcome
  } catch (error) {
    return failed({ code: 999, msg: messageOf(error) }, progress.podGets)
  }
}

/** A failure where the namespace is the caller's own. istiod: what cannot be opened is not. */
async function whyNotThere(
  { netns, netnsOverride }: Pick<AddRequest, 'netns' | 'netnsOverride'>,
  deps: PluginDeps,
  { podGets }: Progress = { podGets: 0 },
): Promise<PluginOutcome | undefined> {
  if (netnsOverride) return undefined
  const own = deps.isOwnNamespace(netns)
  if (!(await (deps.compat === 'istiod' ? own.catch(() => false) : own))) return undefined
  return failed({ code: 8, msg: "plugin's netns and netns from CNI_NETNS should not be the same" }, podGets)
}

type Verdict = Pick<PluginOutcome, 'decision' | 'reason' | 'redirect' | 'backend'>

interface PodTask {
  readonly conf: NetConf
  readonly args: string
  readonly netns: string
}

interface Context {
  readonly deps: PluginDeps
  readonly progress: Progress
}

async function handlePod({ conf, args, netns }: PodTask, { deps, progress }: Context): Promise<Verdict> {
  const asked = readArgs(args)
  // Before any access to the API server: a node whose agent is dead must be able to start it again.
  if (isOwnAgent(asked, conf)) return { decision: 'skip', reason: `${asked.name} is our own agent` }
  await connect(conf, deps)
  if (asked.name === '' || asked.namespace === '') return { decision: 'skip', reason: 'not a Kubernetes pod' }
  if (conf.excludeNamespaces.includes(asked.namespace)) {
    return { decision: 'skip', reason: `pod namespace ${asked.namespace} excluded` }
  }
  const pod = await fetchPod(asked, { deps, progress })
  const decision = decideForPod(pod, deps.compat)
  switch (decision.do) {
    case 'skip':
      return { decision: 'skip', reason: decision.reason }
    case 'refuse':
      throw new Error(decision.reason)
    case 'redirect': {
      const settings = { ...decision.settings, networkNamespace: netns, nativeNftables: conf.nativeNftables }
      const namespace = withDetection(await deps.openNamespace(netns), settings, deps.compat)
      await programRules(await deriveConfig(settings, namespace.host, deps.compat), namespace)
      return {
        decision: 'redirect',
        redirect: decision.parameters,
        backend: conf.nativeNftables ? 'nftables' : 'iptables',
      }
    }
  }
}

/** Tools are looked for while the namespace still tells its addresses. istiod: looking for them writes, so it comes later. */
function withDetection(namespace: Namespace, settings: RedirectSettings, compat: Compat): Namespace {
  if (compat === 'istiod' || settings.nativeNftables) return namespace
  return { ...namespace, detection: startDetection(settings.forceIptablesBinary, namespace) }
}

function readArgs(args: string): PodArgs {
  try {
    return parsePodArgs(args)
  } catch (error) {
    throw new Error(`failed to load args: ${messageOf(error)}`, { cause: error })
  }
}

function isOwnAgent({ name, namespace }: PodArgs, { podNamespace }: NetConf): boolean {
  return name.startsWith(AGENT_POD_PREFIX) && namespace === podNamespace
}

async function connect({ agentRunDir }: NetConf, deps: PluginDeps): Promise<void> {
  try {
    await deps.connect(agentRunDir)
  } catch (error) {
    throw new Error(`failed to createNewK8sClient: ${messageOf(error)}`, { cause: error })
  }
}

/** istiod: any failure is tried again, a missing pod and refused credentials too. */
async function fetchPod(pod: PodArgs, { deps, progress }: Context): Promise<RedirectedPod> {
  for (;;) {
    progress.podGets++
    try {
      return await deps.getPod(pod)
    } catch (error) {
      if (progress.podGets >= POD_GETS) throw error
      await deps.wait(POD_GET_INTERVAL_MS)
    }
  }
}
