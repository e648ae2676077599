/** A server as `serve --kubeconfig` starts it, registered by URL with the real API server of live tests. */
import { systemClock } from '../../src/base/clock.ts'
import { SILENT } from '../../src/base/log.ts'
import { planInstallation } from '../../src/cli/manifests/plan.ts'
import { renderManifests } from '../../src/cli/manifests/render.ts'
import { openCluster } from '../../src/cli/serve/cluster.ts'
import { compileEngine } from '../../src/cli/serve/engine.ts'
import { createFileSource } from '../../src/cli/serve/file-source.ts'
import { resolveServeOptions } from '../../src/cli/serve/options.ts'
import { startWebhook } from '../../src/cli/serve/webhook.ts'
import type { RunningWebhook } from '../../src/cli/serve/webhook.ts'
import { KUBECONFIG, kubectl } from './cluster.ts'

export interface Served {
  readonly webhook: RunningWebhook
  /** The registration, as it was applied. */
  readonly manifest: string
  /** Takes the registration back and ends the server. */
  readonly end: () => Promise<void>
}

export interface LiveServer {
  readonly webhook: RunningWebhook
  /** Name of its authority's Secret. */
  readonly caSecret: string
  /** Ends it at once. */
  readonly close: () => Promise<void>
}

/** A server for the live API server that is not registered yet. */
export async function startLive(flags: Parameters<typeof resolveServeOptions>[0] = {}): Promise<LiveServer> {
  const given = { kubeconfig: KUBECONFIG, address: '127.0.0.1', port: '0', healthPort: '0', metricsPort: '0', ...flags }
  const options = resolveServeOptions(given, {})
  const life = new AbortController()
  const deps = { clock: systemClock, log: SILENT }
  const cluster = await openCluster(options, { ...deps, env: {}, signal: life.signal })
  const webhook = await startWebhook(options, {
    ...deps,
    cluster,
    source: cluster?.source ?? createFileSource(options),
    compile: compileEngine(options, { env: {}, log: SILENT }),
    giveUp: life.signal,
  })
  const close = async (): Promise<void> => {
    await webhook.close(AbortSignal.abort())
    life.abort()
  }
  return { webhook, caSecret: options.caSecret, close }
}

export async function serveLive({
  revision,
  istioNamespace,
  applyFlags = [],
  ...more
}: {
  readonly revision: string
  readonly istioNamespace: string
  /** Configurations that the server keeps. @default the one of its revision */
  readonly webhookConfiguration?: readonly string[]
  /** Flags of `serve`: how fast authorities change. @default as shipped */
  readonly trustDwell?: string
  readonly retireDwell?: string
  /** Files of a certificate of others. @default an authority of its own */
  readonly tlsCertFile?: string
  readonly tlsKeyFile?: string
  /** Of `kubectl apply`. @default none */
  readonly applyFlags?: readonly string[]
}): Promise<Served> {
  const { webhook, caSecret, close } = await startLive({ istioNamespace, revision, ...more })
  const plan = planInstallation({ revision, url: `https://127.0.0.1:${webhook.port}` }, '0.0.0-test')
  const manifest = renderManifests(plan, ['webhooks'])
  await kubectl(['apply', ...applyFlags, '-f', '-'], manifest)
  const end = async (): Promise<void> => {
    const names = plan.configurations.map(({ name }) => name)
    await kubectl(['delete', 'mutatingwebhookconfiguration', '--ignore-not-found', ...names])
    await close()
    for (const kind of ['secret', 'lease']) {
      await kubectl(['-n', 'default', 'delete', kind, caSecret, '--ignore-not-found'])
    }
  }
  return { webhook, manifest, end }
}
