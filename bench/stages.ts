/** The share of each stage in a first-seen pod's review, in this process; what is left to a whole request is HTTP. */
import { fingerprint, type Fingerprint } from '../src/server/fingerprint.ts'
import { ReviewMemo } from '../src/server/memo.ts'
import { decodeReview, encodeReview } from '../src/server/review.ts'
import type { Pod } from '../src/api/pod.ts'
import { shippedConfigText, shippedMeshText, shippedValuesText } from '../src/cli/serve/shipped.ts'
import { compileSettings, createInjector, type InjectorInputs } from '../src/injection/index.ts'
import { podData } from '../src/injection/inject.ts'
import { effectiveProxyConfig } from '../src/injection/mesh/proxy-config.ts'
import { decodeTyped } from '../src/injection/model/decode.ts'
import { POD } from '../src/injection/model/pod.ts'
import { applyOverlay, readOverlay, type Overlay } from '../src/injection/overlay.ts'
import { createPatch } from '../src/injection/patch.ts'
import { DEFAULT_PROXY_IDS } from '../src/injection/proxy-ids.ts'
import { EMPTY_POD } from '../src/injection/recurring-overlays.ts'
import { workloadOf } from '../src/injection/workload.ts'
import { freshReviewOf, smallPod, tenContainerPod } from './support/pods.ts'
import { cpuMsOf, median } from './support/statistics.ts'

export const SHIPPED: InjectorInputs = {
  configText: shippedConfigText(),
  valuesText: shippedValuesText(),
  meshTexts: [shippedMeshText()],
  revision: 'default',
  nativeSidecars: 'true',
  platform: '',
  compliancePolicy: '',
  compat: 'off',
  env: () => undefined,
  warn: () => undefined,
}

/** What one review is on its way through the stages. */
interface Passage {
  readonly body: Buffer
  print?: Fingerprint | undefined
  raw?: unknown
  pod?: Pod
  text?: string
  overlay?: Overlay
  merged?: Pod
  patch?: unknown
  patchJson?: string
  answer?: string
}

type Stage = readonly [name: string, run: (passage: Passage) => void]

/** Reviews of one sample: enough to be timed. */
const REVIEWS = 300

export function benchStages(rounds: number): string[] {
  const pods = { small: freshReviewOf(smallPod()), 'ten containers': freshReviewOf(tenContainerPod()) }
  const columns = Object.entries(pods).map(([name, next]) => ({ name, milliseconds: measure(next, rounds) }))
  const totals = columns.map(({ milliseconds }) => [...milliseconds.values()].reduce((sum, one) => sum + one, 0))
  const stages = [...(columns[0]?.milliseconds.keys() ?? [])]
  return [
    `| stage | ${columns.map(({ name }) => `${name} | share`).join(' | ')} |`,
    `|---|${columns.map(() => '---|---|').join('')}`,
    ...stages.map((stage) => {
      const cells = columns.map(({ milliseconds }, i) => cell(milliseconds.get(stage) ?? 0, totals[i] ?? 1))
      return `| ${stage} | ${cells.join(' | ')} |`
    }),
    `| all of it | ${totals.map((total) => cell(total, total)).join(' | ')} |`,
  ]
}

const cell = (ms: number, total: number): string => `${ms.toFixed(3)} ms | ${((ms / total) * 100).toFixed(0)} %`

/** Medians by stage; three quarters of the rounds are to warm up. */
function measure(next: () => Buffer, rounds: number): ReadonlyMap<string, number> {
  const [stages, injectAll] = makeStages()
  const samples = new Map<string, number[]>()
  const warmUp = rounds * 3
  for (let round = 0; round < warmUp + rounds; round++) {
    const passages: Passage[] = Array.from({ length: REVIEWS }, () => ({ body: next() }))
    const times = stages.map(([name, run]) => [name, timed(run, passages)] as const)
    const whole = timed(injectAll, passages)
    if (round < warmUp) continue
    const parts = times.filter(([name]) => INJECTION.has(name)).reduce((sum, [, ms]) => sum + ms, 0)
    for (const [name, ms] of [...times, [REST, Math.max(0, whole - parts)] as const]) {
      samples.set(name, [...(samples.get(name) ?? []), ms])
    }
  }
  return new Map([...samples].map(([name, list]) => [name, median(list)]))
}

function timed(run: Stage[1], passages: readonly Passage[]): number {
  let n = 0
  return cpuMsOf(() => run(passages[n++] as Passage), passages.length) / passages.length
}

const REST = 'annotations, overrides, post-processing'
/** Stages that one call of the injector consists of. */
const INJECTION: ReadonlySet<string> = new Set([
  'decode the pod',
  'run the template',
  'read its YAML',
  'merge it over the pod',
  'make the patch',
])

function makeStages(): [Stage[], Stage[1]] {
  const { settings } = compileSettings(SHIPPED)
  const { inject } = createInjector(SHIPPED)
  const memo = new ReviewMemo<object>()
  const template = settings.choice.templates.get('sidecar')
  const render = (pod: Pod): string => template?.render(podData(dataOf(pod, settings), settings)) ?? ''
  const stages: Stage[] = [
    ['identify the review', (one) => void (one.print = fingerprint(one.body, '/inject'))],
    ['parse the review', (one) => void (one.raw = objectOf(one.body))],
    ['decode the pod', (one) => void (one.pod = decodeTyped(POD, one.raw, { unknownFields: 'keep' }) as Pod)],
    ['run the template', (one) => void (one.text = render(one.pod ?? {}))],
    ['read its YAML', (one) => void (one.overlay = readOverlay(one.text ?? ''))],
    ['merge it over the pod', (one) => void (one.merged = mergeTwice(one))],
    ['make the patch', (one) => void (one.patch = createPatch(one.raw, one.merged))],
    ['write the answer', writeAnswer],
    ['remember the answer', (one) => remember(memo, one)],
  ]
  return [stages, (one) => void inject({ pod: one.raw, namespace: 'shop' }, { proxyConfigs: [] })]
}

function dataOf(pod: Pod, { mesh }: { readonly mesh: Parameters<typeof effectiveProxyConfig>[0]['mesh'] }) {
  const proxyConfig = effectiveProxyConfig({
    mesh,
    resources: [],
    podLabels: pod.metadata?.labels ?? {},
    podNamespace: 'shop',
    annotation: undefined,
  })
  return { pod, workload: workloadOf(pod), proxyConfig, nativeSidecars: true, proxyIds: DEFAULT_PROXY_IDS }
}

function objectOf(body: Buffer): unknown {
  const decoded = decodeReview(body)
  if (!decoded.ok) throw new Error(decoded.message)
  return decoded.request.object
}

/** Over nothing, to see what the template adds, and over the pod. */
function mergeTwice({ pod = {}, overlay = { patch: {} } }: Passage): Pod {
  applyOverlay(EMPTY_POD, overlay)
  return applyOverlay(pod, overlay)
}

function writeAnswer(one: Passage): void {
  one.patchJson = JSON.stringify(one.patch)
  const head = { apiVersion: 'admission.k8s.io/v1', uid: one.print?.uid ?? '' }
  one.answer = encodeReview(head, { allowed: true, patchJson: one.patchJson })
}

function remember(memo: ReviewMemo<object>, { print, answer = '', patchJson = '' }: Passage): void {
  if (print !== undefined) memo.remember(print, { text: answer, patchJson }, { decision: 'inject' })
}
