/** Holds docs/metrics.md and the metrics together, in both directions. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildMetricsApp } from '../../src/server/app.ts'
import { collectProcessMetrics, createMetrics } from '../../src/server/metrics.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

interface Described {
  readonly name: string
  readonly type: string
  readonly labels: string
  readonly help: string
}

/** prom-client types neither of its own fields in its declarations. */
interface Instrument {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
}

test('docs/metrics.md lists every metric of ours with type, labels and meaning, and no other', async () => {
  const { registry } = createMetrics()
  const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]))
  const instruments = registry.getMetricsAsArray() as unknown as Instrument[]
  const actual: Described[] = instruments.map(({ name, help, labelNames }) => {
    const labels = labelNames.map((label) => `\`${label}\``).join(', ')
    return { name, type: types.get(name) ?? '', labels, help }
  })
  const text = readFileSync(join(PROJECT_ROOT, 'docs/metrics.md'), 'utf8')
  const documented = [...text.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$/gm)].map(
    ([, name = '', type = '', labels = '', help = '']) => ({ name, type, labels, help }),
  )
  const byName = (a: Described, b: Described): number => a.name.localeCompare(b.name)
  assert.deepEqual(documented.sort(byName), actual.sort(byName))
})

test('/metrics answers in the text format, process metrics included', async () => {
  const metrics = createMetrics()
  collectProcessMetrics(metrics)
  const answer = await buildMetricsApp(metrics).inject({ url: '/metrics' })
  assert.match(String(answer.headers['content-type']), /^text\/plain; version=0\.0\.4/)
  assert.match(answer.body, /^sidecar_injection_requests_total 0$/m)
  assert.match(answer.body, /^process_resident_memory_bytes \d+/m)
  metrics.registry.clear()
})
