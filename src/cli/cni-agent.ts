/** `mesh-admission cni-agent`: installs the CNI plugin on its node, answers its calls, mends pods that it missed. */
import type { FastifyInstance } from 'fastify'
import { systemClock } from '../base/clock.ts'
import { ProjectError } from '../base/errors.ts'
import { createLog, type Log } from '../base/log.ts'
import { createKubeClient, type KubeClient } from '../kube/client.ts'
import { connectCluster } from '../kube/config.ts'
import { PODS, type KubeObject } from '../kube/resource.ts'
import { startAgent, type Agent } from '../redirect/cni/agent.ts'
import { createInstallation, runInstaller, uninstall, type InstallOptions } from '../redirect/cni/install.ts'
import { createShells, type Shells } from '../redirect/cni/namespace-shell.ts'
import { isNamespaceOf, openNamespace, type OpenNamespace } from '../redirect/cni/netns.ts'
import type { RedirectedPod } from '../redirect/cni/pod-redirect.ts'
import { findPodProcess } from '../redirect/cni/pod-processes.ts'
import { runRepair } from '../redirect/cni/repair.ts'
import { listen, type ListenOptions } from '../server/listen.ts'
import { buildHealthApp, buildMetricsApp } from './cni-agent/apps.ts'
import { createCniMetrics, type CniMetrics } from './cni-agent/metrics.ts'
import { addCniAgentFlags, resolveCniAgentOptions, type CniAgentOptions } from './cni-agent/options.ts'
import { watchRemoval } from './cni-agent/removal.ts'
import type { CommandInput, CommandModule } from './commands.ts'
import { EXIT, type CommandContext } from './output.ts'
import { packageVersion } from './package.ts'
import { watchFiles } from './serve/watch-files.ts'

export const command: CommandModule = {
  examples: [
    { text: 'As the DaemonSet istio-cni-node runs it:', line: 'mesh-admission cni-agent --log_output_level=info' },
    {
      text: 'Exactly as istio-cni behaves, where ours deviates:',
      line: 'mesh-admission cni-agent --compat istiod --monitoring-port 0',
    },
  ],
  configure: addCniAgentFlags,
  run: runCniAgent,
}

/** How long calls under way may take when the agent ends; kubelet kills after 30 seconds. */
const CLOSE_LIMIT_MS = 10_000

interface Parts {
  readonly options: CniAgentOptions
  readonly client: KubeClient
  readonly metrics: CniMetrics
  readonly shells: Shells
  readonly log: Log
}

/** Runs until SIGTERM or SIGINT. */
async function runCniAgent({ options: given }: CommandInput, context: CommandContext): Promise<number> {
  const options = resolveCniAgentOptions(given, context.env)
  const log = createLog({ level: options.logLevel })
  const ending = endSignal(log)
  const client = await connect(options, context)
  const shells = createShells({ path: context.env.PATH ?? '' })
  const parts: Parts = { options, log, shells, metrics: createCniMetrics(), client }
  const readiness = { installed: false }
  const servers = [buildHealthApp(() => readiness.installed), buildMetricsApp(parts.metrics)] as const
  const agent = await startCallServer(parts)
  try {
    await listenIfFree(servers[0], { port: options.healthPort, name: 'health' }, log)
    if (options.monitoringPort > 0)
      await listenIfFree(servers[1], { port: options.monitoringPort, name: 'metrics' }, log)
    log.info({ socket: agent.socketPath, compat: options.compat }, 'answering the CNI plugin')
    keepReachable(agent, { ending, log })
    await keepInstalled(parts, { readiness, ending })
  } finally {
    await Promise.race([agent.close(), systemClock.wait(CLOSE_LIMIT_MS, new AbortController().signal)])
    await Promise.all(servers.map((server) => server.close()))
    shells.close()
  }
  log.info({}, 'ended')
  return EXIT.clean
}

/** A port of the node may be somebody else's: pods can start without our metrics and probes, but not without us. */
async function listenIfFree(app: FastifyInstance, options: ListenOptions, log: Log): Promise<void> {
  try {
    await listen(app, options)
  } catch (err) {
    log.error({ err }, 'going on without a server')
  }
}

function endSignal(log: Log): AbortSignal {
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'ending')
      ending.abort()
    })
  }
  return ending.signal
}

async function connect({ kubeconfig }: CniAgentOptions, { env }: CommandContext): Promise<KubeClient> {
  const connection = await connectCluster({ kubeconfig, env, clock: systemClock })
  if (connection === undefined)
    throw new ProjectError('KUBE_CONFIG_INVALID', 'no cluster: neither --kubeconfig nor a service account of a pod')
  return createKubeClient({ connection, userAgent: `mesh-admission-cni/${packageVersion()}` })
}

function startCallServer({ options, client, metrics, shells, log }: Parts): Promise<Agent> {
  const { runDir, compat, netnsDir, procDir } = options
  return startAgent({
    runDir,
    compat,
    clock: systemClock,
    log,
    ports: {
      // The token is read anew when it is needed; there is nothing to prepare.
      connect: () => Promise.resolve(),
      getPod: ({ namespace, name }, signal) =>
        client.get<KubeObject & RedirectedPod>({ resource: PODS, namespace, name }, signal),
      openNamespace: (path, { callerPid, signal }) =>
        openNamespace(path, { netnsDir, procDir, callerPid, signal, shells, log }),
      isOwnNamespace: (path, { callerPid }) => isNamespaceOf(path, { netnsDir, procDir, callerPid }),
    },
    onAnswer: (name, { decision }, durationMs) => {
      metrics.calls.inc({ command: name, decision })
      metrics.callSeconds.observe({ command: name }, durationMs / 1000)
    },
  })
}

/** A folder of volatile files may be emptied under us. */
function keepReachable(agent: Agent, { ending, log }: { ending: AbortSignal; log: Log }): void {
  const changed = (): void => {
    agent.restore().catch((err: unknown) => log.error({ err }, 'the socket of the CNI plugin cannot be opened'))
  }
  watchFiles({ paths: [agent.socketPath], signal: ending, changed })
}

interface Lifetime {
  readonly readiness: { installed: boolean }
  readonly ending: AbortSignal
}

/** The plugin is usable from here to the end. Repairs do not wait for the installer, nor it for them. */
async function keepInstalled(parts: Parts, { readiness, ending }: Lifetime): Promise<void> {
  const { options, client, metrics, log } = parts
  const install = installOptions(parts, (ready) => {
    readiness.installed = ready
    metrics.ready.set(ready ? 1 : 0)
  })
  const installation = createInstallation()
  const removal = watchRemoval({ client, options, clock: systemClock, log })
  const repairs = startRepairs(parts, ending)
  await runInstaller(install, installation, ending)
  await repairs
  if (await removal.mustRemove()) await uninstall(install, installation)
}

function installOptions({ options, metrics, log }: Parts, onReady: (ready: boolean) => void): InstallOptions {
  const { runDir, excludeNamespaces, podNamespace, nativeNftables, logLevel } = options
  return {
    ...options,
    settings: {
      logLevel: logLevel === 'silent' ? 'none' : logLevel,
      agentRunDir: runDir,
      excludeNamespaces,
      podNamespace,
      nativeNftables,
    },
    watch: watchFiles,
    onReady,
    onResult: (result) => metrics.installs.inc({ result }),
    clock: systemClock,
    log,
  }
}

function startRepairs({ options, client, metrics, shells, log }: Parts, ending: AbortSignal): Promise<void> {
  const { netnsDir, procDir, nativeNftables, compat, repair } = options
  const open = (path: string): Promise<OpenNamespace> =>
    openNamespace(path, { netnsDir, procDir, callerPid: process.pid, signal: ending, shells, log })
  return runRepair(
    {
      settings: repair,
      nativeNftables,
      compat,
      client,
      findProcess: (podIp) => findPodProcess(procDir, podIp),
      openNamespace: open,
      onRepair: (type, result) => metrics.repairs.inc({ type, result }),
      clock: systemClock,
      log,
    },
    ending,
  )
}
