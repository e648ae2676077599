/** The stages of one injection, in this process: what a first-seen pod costs without HTTP. */

import { createInjector } from '../src/injection/index.ts'
import { manyVariablesPod, smallPod, tenContainerPod } from './support/pods.ts'
import { timeCpuMs } from './support/statistics.ts'
import { SHIPPED } from './stages.ts'

/** istiod's injector alone, first-seen pods, measured on such a machine; for orientation. */
const ISTIOD_MS: Readonly<Record<string, number>> = {
  small: 1000 / 310,
  'ten containers': 1000 / 165,
  '2,000 variables': 13,
}

export function benchEngine(): string[] {
  const injector = createInjector(SHIPPED)
  const pods = { small: smallPod(), 'ten containers': tenContainerPod(), '2,000 variables': manyVariablesPod(2000) }
  const rows = [
    '| pod | one injection, CPU time (median) | spread | istiod, for orientation | ratio |',
    '|---|---|---|---|---|',
  ]
  for (const [name, pod] of Object.entries(pods)) {
    let serial = 0
    const world = { proxyConfigs: [] }
    const run = (): void => {
      const labels = { ...(pod.metadata as { labels: object }).labels, serial: `n${serial++}` }
      const result = injector.inject(
        { pod: { ...pod, metadata: { ...(pod.metadata as object), labels } }, namespace: 'shop' },
        world,
      )
      if (!('patch' in result)) throw new Error(`not injected: ${JSON.stringify(result)}`)
    }
    const { medianMs, spread } = timeCpuMs(run)
    const istiodMs = ISTIOD_MS[name] ?? Number.NaN
    rows.push(
      `| ${name} | ${medianMs.toFixed(3)} ms | ±${(spread * 100).toFixed(0)} % | ${istiodMs.toFixed(2)} ms | ${(istiodMs / medianMs).toFixed(1)} × |`,
    )
  }
  return rows
}
