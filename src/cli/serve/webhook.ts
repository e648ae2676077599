/** Wires the server's parts together: configuration, certificate, three listeners, and the way out. */
import type { FastifyInstance } from 'fastify'
import { setMaxListeners } from 'node:events'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { buildApp, buildHealthApp, buildMetricsApp } from '../../server/app.ts'
import { createHealth, type Health } from '../../server/health.ts'
import { drain, listen, superviseWebhook, type Supervision } from '../../server/listen.ts'
import { collectProcessMetrics, createMetrics, type Metrics } from '../../server/metrics.ts'
import { runSelfCheck, type SelfCheck } from '../../server/self-check.ts'
import { certificateChecks, startCertificates, type Certificates } from './certificates.ts'
import type { Cluster } from './cluster.ts'
import type { ConfigurationSource } from './configuration.ts'
import { createLiveEngine, type LiveEngine, type LiveEngineDeps } from './live-engine.ts'
import type { ServeOptions } from './options.ts'
import { createValidate } from './validation.ts'
import { warmUp } from './warm-up.ts'

export interface WebhookDeps {
  readonly source: ConfigurationSource
  /** The cluster behind the source, if it is one. */
  readonly cluster: Cluster | undefined
  readonly compile: LiveEngineDeps['compile']
  readonly clock: Clock
  readonly log: Log
  /** Ends a start that still waits for something. */
  readonly giveUp: AbortSignal
}

/** A server that listens. */
export interface RunningWebhook {
  readonly port: number
  readonly healthPort: number
  readonly metricsPort: number
  /** File with the authority that callers must trust; undefined when there is none on disk. */
  readonly caFile: string | undefined
  /** Has certificates and trust in them looked at anew, now. */
  evaluate(): void
  /** Drains and ends everything; at once when `hurry` is aborted. */
  close(hurry: AbortSignal): Promise<void>
}

interface Parts {
  readonly options: ServeOptions
  readonly deps: WebhookDeps
  /** The API server's time, where there is one. */
  readonly clock: Clock
  readonly health: Health
  readonly metrics: Metrics
  readonly engine: LiveEngine
  readonly certificates: Certificates
  readonly signal: AbortSignal
}

/**
 * Resolves when all three ports are open. Probes and metrics are answered from the beginning; the webhook's own port opens
 * once there is a certificate and, from files, a configuration.
 * @throws ProjectError LISTEN_FAILED, CERT_*; CONFIG_* when the first configuration is required and not usable
 */
export async function startWebhook(options: ServeOptions, deps: WebhookDeps): Promise<RunningWebhook> {
  const life = new AbortController()
  // One listener for each thing that goes on, and they are many: Node takes more than ten for a leak.
  setMaxListeners(0, life.signal)
  const giveUp = (): void => life.abort()
  deps.giveUp.addEventListener('abort', giveUp, { once: true })
  const metrics = createMetrics()
  const engine = createLiveEngine({ ...deps, metrics })
  const early: Early = { certificates: undefined, selfCheck: undefined }
  const health = createHealth(checksOf(engine, early, deps.cluster))
  // Whether a certificate is good is for its verifier's clock to say.
  const clock = deps.cluster?.clock ?? deps.clock
  const side = [buildHealthApp(health), buildMetricsApp(metrics)] as const
  try {
    const ports = await openSide(side, options)
    const [certificates] = await bothSettled(life, [
      startCertificates(options, { ...deps, clock, metrics, signal: life.signal }),
      firstConfiguration(engine, deps.source, life.signal),
    ])
    early.certificates = certificates
    const parts = { options, deps, clock, health, metrics, engine, certificates, signal: life.signal }
    const opened = await openWebhook(parts, { life, side, ports })
    early.selfCheck = watchOver(parts, opened.port)
    return opened
  } catch (err) {
    life.abort()
    await Promise.all(side.map((app) => app.close()))
    throw err
  } finally {
    deps.giveUp.removeEventListener('abort', giveUp)
  }
}

/** What the probes can be asked about before it is there. */
interface Early {
  certificates: Certificates | undefined
  selfCheck: SelfCheck | undefined
}

interface Ports {
  readonly healthPort: number
  readonly metricsPort: number
}

type Side = readonly [FastifyInstance, FastifyInstance]

async function openSide([health, metrics]: Side, options: ServeOptions): Promise<Ports> {
  const { address: host } = options
  const healthPort = await listen(health, { name: 'health', port: options.healthPort, host })
  const metricsPort = await listen(metrics, { name: 'metrics', port: options.metricsPort, host })
  return { healthPort, metricsPort }
}

/** Like Promise.all, but a failure ends `life` and waits for the other: what is still being started could not be ended. */
async function bothSettled<A, B>(life: AbortController, both: readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  try {
    return await Promise.all(both)
  } catch (err) {
    life.abort()
    await Promise.allSettled(both)
    throw err
  }
}

async function firstConfiguration(engine: LiveEngine, source: ConfigurationSource, signal: AbortSignal): Promise<void> {
  engine.follow(signal)
  const loaded = engine.reload()
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
  // An API server that is away is waited for; a SIGTERM is not to wait for it.
  await Promise.race([source.isRequired ? loaded : loaded.catch(() => undefined), aborted])
}

/** Readiness needs a leaf that callers accept, and a configuration. */
function checksOf(engine: LiveEngine, early: Early, cluster: Cluster | undefined): Health['checks'] {
  return [
    { name: 'config', problem: () => (engine.current() === undefined ? 'none loaded yet' : undefined) },
    ...certificateChecks(() => early.certificates, cluster),
    { name: 'self-check', problem: () => early.selfCheck?.problem() },
  ]
}

async function openWebhook(
  parts: Parts,
  { life, side, ports }: { readonly life: AbortController; readonly side: Side; readonly ports: Ports },
): Promise<RunningWebhook> {
  const { options, metrics, certificates, clock, deps, signal } = parts
  collectProcessMetrics(metrics)
  const webhook = buildWebhook(parts)
  const { minTlsVersion } = options
  const onRejected = (): void => certificates.evaluateSoon()
  const supervision = superviseWebhook(webhook, {
    certificates,
    clock,
    log: deps.log,
    metrics,
    minTlsVersion,
    onRejected,
  })
  signal.addEventListener('abort', () => supervision.end(), { once: true })
  try {
    const port = await listen(webhook, { name: 'webhook', port: options.port, host: options.address })
    if (options.injectEnabled) void warmUp({ currentInject: () => parts.engine.current(), clock: deps.clock, signal })
    const close = (hurry: AbortSignal): Promise<void> => closeAll({ parts, webhook, supervision, side, life, hurry })
    return { port, ...ports, caFile: certificates.caFile, evaluate: () => certificates.evaluateSoon(), close }
  } catch (err) {
    await webhook.close()
    throw err
  }
}

/** Asks our own listener as the API server would, again with every new leaf. */
function watchOver({ options, deps, certificates, signal }: Parts, port: number): SelfCheck {
  const { clock, log, cluster } = deps
  const [service] = cluster?.services ?? []
  const serverName = service === undefined ? 'localhost' : `${service.name}.${service.namespace}.svc`
  const host = options.address ?? '127.0.0.1'
  const check = runSelfCheck({ host, port, serverName, bundle: () => certificates.bundle(), clock, log, signal })
  const stop = certificates.onChange(() => check.soon())
  signal.addEventListener('abort', stop, { once: true })
  return check
}

function buildWebhook({ options, deps, health, metrics, engine, certificates }: Parts): FastifyInstance {
  return buildApp({
    currentInject: () => engine.current(),
    isInjectServed: options.injectEnabled,
    validate: createValidate(options),
    memo: options.memoBytes === 0 ? undefined : { maxBytes: options.memoBytes },
    health,
    metrics,
    log: deps.log,
    pair: certificates.current(),
    minTlsVersion: options.minTlsVersion,
    maxConnectionAgeMs: options.maxConnectionAgeMs,
  })
}

interface Closing {
  readonly parts: Parts
  readonly webhook: FastifyInstance
  readonly supervision: Supervision
  readonly side: readonly FastifyInstance[]
  readonly life: AbortController
  readonly hurry: AbortSignal
}

/** Probes and metrics are answered to the last. */
async function closeAll({ parts, webhook, supervision, side, life, hurry }: Closing): Promise<void> {
  const { options, deps, health, metrics } = parts
  const { shutdownDelayMs: delayMs, shutdownTimeoutMs: timeoutMs } = options
  const { connections } = supervision
  await drain(webhook, { connections, health, metrics, clock: deps.clock, delayMs, timeoutMs, hurry })
  await deps.cluster?.leader().release()
  life.abort()
  for (const app of side) app.server.closeAllConnections()
  await Promise.all(side.map((app) => app.close()))
}
