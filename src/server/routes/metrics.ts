/** /metrics in Prometheus' text format. */
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../metrics.ts'

export function addMetricsRoutes(app: FastifyInstance, { registry }: Metrics): void {
  app.get('/metrics', async (_request, reply) => {
    return reply.header('content-type', registry.contentType).send(await registry.metrics())
  })
}
