/** Wires the server's parts together: configuration, certificate, three listeners, and the way out. */
import type { FastifyInstance } from 'fastify'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { ProjectError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { startFileSource } from '../../certificates/file-source.ts'
import { createFileStore, CURRENT_LINK } from '../../certificates/file-store.ts'
import { keepCaBundles, type WantedBundle } from '../../certificates/ca-bundle.ts'
import { startIssuedSource, type IssuedSource } from '../../certificates/issued-source.ts'
import { servesHost, servingNames } from '../../certificates/leaf.ts'
import type { CertificateSource } from '../../certificates/source.ts'
import { VALIDATING_WEBHOOKS } from '../../kube/resource.ts'
import { buildApp, buildHealthApp, buildMetricsApp } from '../../server/app.ts'
import { createHealth, type Health } from '../../server/health.ts'
import { drain, listen, superviseWebhook, type Supervision } from '../../server/listen.ts'
import { collectProcessMetrics, createMetrics, type Metrics } from '../../server/metrics.ts'
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
  /** Drains and ends everything; at once when `hurry` is aborted. */
  close(hurry: AbortSignal): Promise<void>
}

/** A certificate source, with what readiness and people want to know of it. */
interface Certificates extends CertificateSource {
  isUsable(): boolean
  readonly caFile: string | undefined
}

interface Parts {
  readonly options: ServeOptions
  readonly deps: WebhookDeps
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
  const giveUp = (): void => life.abort()
  deps.giveUp.addEventListener('abort', giveUp, { once: true })
  const metrics = createMetrics()
  const engine = createLiveEngine({ ...deps, metrics })
  const early: Early = { certificates: undefined }
  const health = createHealth(checksOf(engine, early))
  const side = [buildHealthApp(health), buildMetricsApp(metrics)] as const
  try {
    const ports = await openSide(side, options)
    const [certificates] = await bothSettled(life, [
      startCertificates(options, { ...deps, metrics }, life.signal),
      firstConfiguration(engine, deps.source, life.signal),
    ])
    early.certificates = certificates
    const parts = { options, deps, health, metrics, engine, certificates, signal: life.signal }
    return await openWebhook(parts, { life, side, ports })
  } catch (err) {
    life.abort()
    await Promise.all(side.map((app) => app.close()))
    throw err
  } finally {
    deps.giveUp.removeEventListener('abort', giveUp)
  }
}

interface PublishDeps extends WebhookDeps {
  readonly metrics: Metrics
}

/** What the probes can be asked about before it is there. */
interface Early {
  certificates: Certificates | undefined
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

/** Readiness needs a leaf and a configuration; never the API server, or nobody could become ready to repair things. */
function checksOf(engine: LiveEngine, early: Early): Health['checks'] {
  return [
    { name: 'config', problem: () => (engine.current() === undefined ? 'none loaded yet' : undefined) },
    {
      name: 'certificate',
      problem: () => {
        if (early.certificates === undefined) return 'none yet'
        return early.certificates.isUsable() ? undefined : 'expired'
      },
    },
  ]
}

async function startCertificates(options: ServeOptions, deps: PublishDeps, signal: AbortSignal): Promise<Certificates> {
  const { tlsFiles } = options
  if (tlsFiles !== undefined) {
    const source = await startFileSource({ ...tlsFiles, clock: deps.clock, log: deps.log, signal })
    publish(source, deps, (): WantedBundle | undefined => {
      const bundlePem = source.bundle()
      return bundlePem === undefined ? undefined : { bundlePem, generation: undefined }
    })
    return { ...source, caFile: ifThere(join(dirname(tlsFiles.certFile), 'ca.crt')) }
  }
  const source = await startOwnCertificates(options, deps, signal)
  publish(source, deps, () => {
    const { bundlePem, generation } = source.authority()
    return { bundlePem, generation }
  })
  const caFile = deps.cluster === undefined ? ifThere(join(options.stateDir, CURRENT_LINK, 'ca.crt')) : undefined
  return { ...source, caFile }
}

/** An authority of our own: in a Secret where there is a cluster, else in a folder. */
function startOwnCertificates(options: ServeOptions, deps: WebhookDeps, signal: AbortSignal): Promise<IssuedSource> {
  const { clock, log, cluster } = deps
  const names = servingNames({ services: cluster?.services ?? [], extra: options.tlsExtraNames })
  const place =
    cluster === undefined
      ? { store: createFileStore(options.stateDir), withoutStore: 'memory' as const }
      : {
          ...cluster.authority({
            services: cluster.services,
            servesHost: (host) => names.includes(host),
          }),
          withoutStore: 'wait' as const,
        }
  return startIssuedSource({ ...place, installation: options.installation, names, clock, log, signal })
}

/** Keeps the bundle in our webhook configurations, where there is a cluster; ends with the cluster's signal. */
function publish(
  source: CertificateSource,
  { cluster, metrics }: PublishDeps,
  wanted: () => WantedBundle | undefined,
): void {
  if (cluster === undefined) return
  const own = { services: cluster.services, servesHost: (host: string) => servesHost(source.current(), host) }
  // A new authority always comes with a new leaf, so the leaf's changes are word of both.
  void keepCaBundles({
    ...cluster.bundles(own),
    wanted,
    onWantedChange: (listener) => source.onChange(listener),
    onWrite: ({ resource }, failure) => {
      if (resource === VALIDATING_WEBHOOKS) countWrite(failure, metrics)
    },
  })
}

function countWrite(failure: unknown, metrics: Metrics): void {
  if (failure === undefined) return metrics.validationConfigUpdates.inc()
  const reason = failure instanceof ProjectError ? failure.details['reason'] : undefined
  metrics.validationConfigUpdateErrors.inc({ reason: typeof reason === 'string' ? reason : 'Unknown' })
}

function ifThere(file: string): string | undefined {
  return existsSync(file) ? file : undefined
}

async function openWebhook(
  parts: Parts,
  { life, side, ports }: { readonly life: AbortController; readonly side: Side; readonly ports: Ports },
): Promise<RunningWebhook> {
  const { options, metrics, certificates, deps, signal } = parts
  collectProcessMetrics(metrics)
  const webhook = buildWebhook(parts)
  const supervision = superviseWebhook(webhook, { certificates, clock: deps.clock, log: deps.log, metrics })
  signal.addEventListener('abort', () => supervision.end(), { once: true })
  try {
    const port = await listen(webhook, { name: 'webhook', port: options.port, host: options.address })
    if (options.injectEnabled) void warmUp({ currentInject: () => parts.engine.current(), clock: deps.clock, signal })
    const close = (hurry: AbortSignal): Promise<void> => closeAll({ parts, webhook, supervision, side, life, hurry })
    return { port, ...ports, caFile: certificates.caFile, close }
  } catch (err) {
    await webhook.close()
    throw err
  }
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
  life.abort()
  for (const app of side) app.server.closeAllConnections()
  await Promise.all(side.map((app) => app.close()))
}
