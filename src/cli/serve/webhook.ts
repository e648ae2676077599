/** Wires the server's parts together: configuration, certificate, three listeners, and the way out. */
import type { FastifyInstance } from 'fastify'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { startFileSource } from '../../certificates/file-source.ts'
import { createFileStore, CURRENT_LINK } from '../../certificates/file-store.ts'
import { startIssuedSource } from '../../certificates/issued-source.ts'
import { servingNames } from '../../certificates/leaf.ts'
import type { CertificateSource } from '../../certificates/source.ts'
import { buildApp, buildHealthApp, buildMetricsApp } from '../../server/app.ts'
import { createHealth, type Health } from '../../server/health.ts'
import { drain, listen, superviseWebhook, type Supervision } from '../../server/listen.ts'
import { collectProcessMetrics, createMetrics, type Metrics } from '../../server/metrics.ts'
import type { ConfigurationSource } from './configuration.ts'
import { createLiveEngine, type LiveEngine, type LiveEngineDeps } from './live-engine.ts'
import type { ServeOptions } from './options.ts'

export interface WebhookDeps {
  readonly source: ConfigurationSource
  readonly compile: LiveEngineDeps['compile']
  readonly clock: Clock
  readonly log: Log
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

/** Name of the installation in the authority's subject. */
const INSTALLATION = 'mesh-admission'

/**
 * Resolves when all three ports are open.
 * @throws ProjectError LISTEN_FAILED, CERT_*; CONFIG_* when the first configuration is required and not usable
 */
export async function startWebhook(options: ServeOptions, deps: WebhookDeps): Promise<RunningWebhook> {
  const life = new AbortController()
  try {
    const metrics = createMetrics()
    const engine = createLiveEngine({ ...deps, metrics })
    const [certificates] = await Promise.all([
      startCertificates(options, deps, life.signal),
      firstConfiguration(engine, deps.source, life.signal),
    ])
    const health = createHealth(checksOf(engine, certificates))
    return await openAll({ options, deps, health, metrics, engine, certificates, signal: life.signal }, life)
  } catch (err) {
    life.abort()
    throw err
  }
}

async function firstConfiguration(engine: LiveEngine, source: ConfigurationSource, signal: AbortSignal): Promise<void> {
  engine.follow(signal)
  const loaded = engine.reload()
  await (source.isRequired ? loaded : loaded.catch(() => undefined))
}

/** Readiness needs a leaf and a configuration; never the API server, or nobody could become ready to repair things. */
function checksOf(engine: LiveEngine, certificates: Certificates): Health['checks'] {
  return [
    { name: 'config', problem: () => (engine.current() === undefined ? 'none loaded yet' : undefined) },
    { name: 'certificate', problem: () => (certificates.isUsable() ? undefined : 'expired') },
  ]
}

async function startCertificates(options: ServeOptions, deps: WebhookDeps, signal: AbortSignal): Promise<Certificates> {
  const { clock, log } = deps
  const { tlsFiles, tlsExtraNames, stateDir } = options
  if (tlsFiles !== undefined) {
    const source = await startFileSource({ ...tlsFiles, clock, log, signal })
    return { ...source, caFile: ifThere(join(dirname(tlsFiles.certFile), 'ca.crt')) }
  }
  const source = await startIssuedSource({
    store: createFileStore(stateDir),
    installation: INSTALLATION,
    names: servingNames({ extra: tlsExtraNames }),
    withoutStore: 'memory',
    clock,
    log,
    signal,
  })
  return { ...source, caFile: ifThere(join(stateDir, CURRENT_LINK, 'ca.crt')) }
}

function ifThere(file: string): string | undefined {
  return existsSync(file) ? file : undefined
}

async function openAll(parts: Parts, life: AbortController): Promise<RunningWebhook> {
  const { options, metrics, health } = parts
  const { address: host } = options
  collectProcessMetrics(metrics)
  const webhook = buildWebhook(parts)
  const { certificates, deps, signal } = parts
  const supervision = superviseWebhook(webhook, { certificates, clock: deps.clock, log: deps.log, metrics })
  signal.addEventListener('abort', () => supervision.end(), { once: true })
  const side = [buildHealthApp(health), buildMetricsApp(metrics)] as const
  try {
    const port = await listen(webhook, { name: 'webhook', port: options.port, host })
    const healthPort = await listen(side[0], { name: 'health', port: options.healthPort, host })
    const metricsPort = await listen(side[1], { name: 'metrics', port: options.metricsPort, host })
    const close = (hurry: AbortSignal): Promise<void> => closeAll({ parts, webhook, supervision, side, life, hurry })
    return { port, healthPort, metricsPort, caFile: parts.certificates.caFile, close }
  } catch (err) {
    await Promise.all([webhook, ...side].map((app) => app.close()))
    throw err
  }
}

function buildWebhook({ options, deps, health, metrics, engine, certificates }: Parts): FastifyInstance {
  return buildApp({
    currentInject: () => engine.current(),
    isInjectServed: options.injectEnabled,
    memo: {},
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
