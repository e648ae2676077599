/** What the CNI agent answers over HTTP: probes and metrics. */
import { fastify, type FastifyInstance } from 'fastify'
import type { CniMetrics } from './metrics.ts'

/** istiod: /healthz says that the process lives, /readyz that pods can be redirected on this node. */
export function buildHealthApp(isReady: () => boolean): FastifyInstance {
  const app = fastify()
  app.get('/healthz', (_, reply) => reply.code(200).send())
  app.get('/readyz', (_, reply) => reply.code(isReady() ? 200 : 503).send())
  return app
}

export function buildMetricsApp({ registry }: CniMetrics): FastifyInstance {
  const app = fastify()
  app.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  return app
}
