/** One validation in this process: schema, CEL rules and all findings, as the webhook answers, without HTTP. */
import { packagePath } from '../src/cli/package.ts'
import type { reviewObject as ReviewObjectFunction } from '../src/validation/index.ts'
import { meshObjects } from './support/mesh-objects.ts'
import { timeCpuMs } from './support/statistics.ts'

type ReviewObject = typeof ReviewObjectFunction

interface Orientation {
  /** istiod's webhook code alone, validations per CPU second, measured on such a machine. */
  readonly webhook: number
  /** With the API server's schema and CEL steps, which ours includes. */
  readonly whole: number
}

const ISTIOD: Readonly<Record<string, Orientation>> = {
  'small VirtualService': { webhook: 7000, whole: 2270 },
  'VirtualService, 500 routes': { webhook: 21, whole: 6.8 },
  'AuthorizationPolicy, 100 rules': { webhook: 190, whole: 54 },
  'Gateway, 200 servers': { webhook: 204, whole: 33 },
}

/** The bundle that is shipped: names that a development loader keeps for functions cost a third of the time. */
const BUNDLE = packagePath('dist/validation.js')

export async function benchValidation(): Promise<string[]> {
  const { reviewObject } = (await import(BUNDLE)) as { readonly reviewObject: ReviewObject }
  const rows = [
    '| object | bytes | validations per CPU second (median) | spread | istiod, webhook alone | ratio | istiod, with schema and CEL | ratio |',
    '|---|---|---|---|---|---|---|---|',
  ]
  for (const [name, object] of Object.entries(meshObjects())) {
    const answer = reviewObject({ operation: 'CREATE', object }, { compat: 'off' })
    if (!answer.allowed) throw new Error(`${name}: ${answer.message}`)
    const { medianMs, spread } = timeCpuMs(() => reviewObject({ operation: 'CREATE', object }, { compat: 'off' }))
    const perSecond = 1000 / medianMs
    const { webhook = Number.NaN, whole = Number.NaN } = ISTIOD[name] ?? {}
    const cells = [
      name,
      JSON.stringify(object).length,
      perSecond.toFixed(0),
      `±${(spread * 100).toFixed(0)} %`,
      webhook,
      `${(perSecond / webhook).toFixed(1)} ×`,
      whole,
      `${(perSecond / whole).toFixed(1)} ×`,
    ]
    rows.push(`| ${cells.join(' | ')} |`)
  }
  return rows
}
