/** /livez, /readyz and /startupz in Kubernetes' form, and istiod's /ready. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { probe, type CheckResult, type Health, type Probe } from '../health.ts'

const PATHS: readonly { readonly path: string; readonly which: Probe }[] = [
  { path: '/livez', which: 'livez' },
  { path: '/readyz', which: 'readyz' },
  { path: '/startupz', which: 'startupz' },
  // istiod: its own name for readiness, which its charts' probes and load balancers ask.
  { path: '/ready', which: 'readyz' },
]

/** 200 when all checks hold, else 503 with the list; `?verbose` shows the list in any case. */
export function addHealthRoutes(app: FastifyInstance, health: Health): void {
  for (const { path, which } of PATHS) {
    app.get(path, (request: FastifyRequest, reply: FastifyReply) => {
      const results = probe(health, which)
      const ok = results.every(({ problem }) => problem === undefined)
      const verbose = Object.hasOwn(request.query as object, 'verbose')
      return reply
        .code(ok ? 200 : 503)
        .header('content-type', 'text/plain; charset=utf-8')
        .header('cache-control', 'no-store')
        .send(ok && !verbose ? 'ok' : listing(results, { which, ok }))
    })
  }
}

function listing(results: readonly CheckResult[], { which, ok }: { which: Probe; ok: boolean }): string {
  const lines = results.map(({ name, problem }) => (problem === undefined ? `[+]${name} ok` : `[-]${name} ${problem}`))
  return `${[...lines, `${which} check ${ok ? 'passed' : 'failed'}`].join('\n')}\n`
}
