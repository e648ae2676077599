/** What holds for every pod, however odd. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Container, Pod } from '../../src/api/pod.ts'
import { compileSettings } from '../../src/injection/index.ts'
import type { InjectionResult, InjectorInputs } from '../../src/injection/index.ts'
import { injectPod } from '../../src/injection/inject.ts'
import { effectiveProxyConfig, holdsApplication } from '../../src/injection/mesh/proxy-config.ts'
import { decodeTyped } from '../../src/injection/model/decode.ts'
import { POD } from '../../src/injection/model/pod.ts'
import { DEFAULT_PROXY_IDS } from '../../src/injection/proxy-ids.ts'
import { workloadOf } from '../../src/injection/workload.ts'
import { objectDifference } from '../support/equality.ts'
import { NO_WORLD, patched, shippedInjector, shippedInputs } from '../support/injected.ts'
import { FUTURE_FIELD, hostilePod, randomPod, withFutureFields, type JsonObject } from '../support/random-pod.ts'

const KINDS: Readonly<Record<string, Partial<InjectorInputs>>> = {
  'plain sidecars': {},
  'native sidecars': { nativeSidecars: 'true' },
}
const NAMESPACE = 'shop'
const RUNS = { numRuns: 200 }

for (const [kind, part] of Object.entries(KINDS)) {
  const { inject } = shippedInjector(part)
  const review = (pod: unknown): InjectionResult => inject({ pod, namespace: NAMESPACE }, NO_WORLD)

  test(`${kind}: injecting twice equals once`, () => {
    fc.assert(
      fc.property(randomPod, (pod) => {
        const first = review(pod)
        fc.pre('patch' in first)
        const once = patched(pod, first)
        assert.equal(objectDifference(sortedEnv(once), sortedEnv(patched(once, review(once)))), undefined)
      }),
      RUNS,
    )
  })

  test(`${kind}: the patched input is the directly injected pod`, () => {
    const { settings } = compileSettings(shippedInputs(part))
    fc.assert(
      fc.property(randomPod, (pod) => {
        const result = review(pod)
        fc.pre('patch' in result)
        const direct = directly(pod, { settings, nativeSidecars: part.nativeSidecars === 'true' })
        const given = (pod.metadata as JsonObject | undefined)?.namespace
        const { namespace: _namespace, ...metadata } = direct.metadata ?? {}
        const expected = { ...direct, metadata: given === undefined ? metadata : direct.metadata }
        assert.equal(objectDifference(expected, patched(pod, result)), undefined)
      }),
      RUNS,
    )
  })

  test(`${kind}: fields of the future survive in their own place`, () => {
    fc.assert(
      fc.property(randomPod.map(withFutureFields), (pod) => {
        const result = review(pod)
        fc.pre('patch' in result)
        const after = futureFields(patched(pod, result))
        for (const [at] of futureFields(pod)) assert.ok(after.has(at), `${at} is lost`)
        for (const [at, where] of after) assert.equal(where, at)
      }),
      RUNS,
    )
  })

  test(`${kind}: hostile and damaged pods are answered, with a patch that fits or a message`, () => {
    fc.assert(
      fc.property(hostilePod, (pod) => {
        const before = JSON.stringify(pod)
        const result = review(pod)
        assert.equal(JSON.stringify(pod), before, 'the input was changed')
        assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
        if ('denied' in result) assert.notEqual(result.denied, '')
        if ('patch' in result) assert.equal(typeof patched(pod, result), 'object')
      }),
      { numRuns: 400 },
    )
  })
}

test('as istiod: injecting twice equals once where the user overrides nothing', () => {
  const { inject } = shippedInjector({ compat: 'istiod' })
  const review = (pod: unknown): InjectionResult => inject({ pod, namespace: NAMESPACE }, NO_WORLD)
  fc.assert(
    fc.property(randomPod, (pod) => {
      const first = review(pod)
      fc.pre('patch' in first)
      const once = patched(pod, first)
      fc.pre(once.metadata?.annotations?.['proxy.istio.io/overrides'] === undefined)
      assert.equal(objectDifference(sortedEnv(once), sortedEnv(patched(once, review(once)))), undefined)
    }),
    RUNS,
  )
})

const MILLION = 1_000_000
const limited = (cpu: string): object => ({ spec: { containers: [{ name: 'app', resources: { limits: { cpu } } }] } })
const annotated = (name: string, value: string): object => ({
  metadata: { annotations: { [name]: value } },
  spec: { containers: [{ name: 'app' }] },
})
const aliases = ['a0: &a0 [x]', ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`)]

/** Each would take minutes, or all memory, if its cost were not in proportion to its size. */
const LARGE: readonly { name: string; pod: object }[] = [
  {
    name: 'spaces before ports',
    pod: annotated('traffic.sidecar.istio.io/includeOutboundPorts', `${' '.repeat(MILLION)}x`),
  },
  { name: 'zeros within a quantity', pod: limited(`1${'0'.repeat(MILLION)}1`) },
  { name: 'digits of a quantity', pod: annotated('sidecar.istio.io/proxyCPU', '1'.repeat(MILLION)) },
  { name: 'brackets as a status', pod: annotated('sidecar.istio.io/status', '['.repeat(MILLION)) },
  { name: 'brackets as overrides', pod: annotated('proxy.istio.io/overrides', '['.repeat(MILLION)) },
  { name: 'lists within lists as a configuration', pod: annotated('proxy.istio.io/config', '- '.repeat(MILLION)) },
  { name: 'aliases that double', pod: annotated('proxy.istio.io/config', aliases.join('\n')) },
  { name: 'a volume nested without end', pod: annotated('sidecar.istio.io/userVolume', '{"a":'.repeat(MILLION)) },
  { name: 'dashes as a canonical name', pod: { metadata: { labels: { app: '-'.repeat(MILLION) } }, spec: {} } },
  { name: 'templates without end', pod: annotated('inject.istio.io/templates', 'sidecar,'.repeat(MILLION / 10)) },
]
for (const { name, pod } of LARGE) {
  test(`a pod is answered in time: ${name}`, () => {
    for (const compat of ['off', 'istiod'] as const) {
      const result = shippedInjector({ compat }).inject({ pod, namespace: NAMESPACE }, NO_WORLD)
      assert.ok('denied' in result || 'patch' in result)
    }
  })
}

/** istiod: cluster and network move to the end with each run, behind the probers of the run before. */
function sortedEnv(pod: Pod): Pod {
  const sorted = (list: readonly Container[] | null | undefined): Container[] =>
    (list ?? []).map((one) => ({ ...one, env: [...(one.env ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1)) }))
  const { containers, initContainers, ...spec } = pod.spec ?? {}
  return { ...pod, spec: { ...spec, containers: sorted(containers), initContainers: sorted(initContainers) } }
}

/** Injection without decision and patch. */
function directly(
  raw: JsonObject,
  { settings, nativeSidecars }: { settings: ReturnType<typeof compileSettings>['settings']; nativeSidecars: boolean },
): Pod {
  const typed = decodeTyped(POD, raw, { unknownFields: 'keep' }) as Pod
  const namespace = (typed.metadata?.namespace ?? '') === '' ? NAMESPACE : typed.metadata?.namespace
  const pod: Pod = { ...typed, metadata: { ...typed.metadata, ...(namespace !== undefined && { namespace }) } }
  const annotation = pod.metadata?.annotations?.['proxy.istio.io/config']
  const { mesh, values } = settings
  const podLabels = pod.metadata?.labels ?? {}
  return injectPod(
    {
      pod,
      workload: workloadOf(pod),
      proxyConfig: effectiveProxyConfig({ mesh, resources: [], podLabels, podNamespace: NAMESPACE, annotation }),
      holdsApplication: () => holdsApplication({ mesh, annotation, values: values.typed }),
      pathVariables: new Map(),
      nativeSidecars,
      proxyIds: DEFAULT_PROXY_IDS,
    },
    settings,
  )
}

/** Where each future field says it stands, by the place it is found at. */
function futureFields(value: unknown, path = ''): Map<string, string> {
  const found = new Map<string, string>()
  if (typeof value !== 'object' || value === null) return found
  if (Array.isArray(value)) {
    for (const one of value) for (const [at, where] of futureFields(one, path)) found.set(at, where)
    return found
  }
  const here = 'name' in value ? `${path}[${String(value.name)}]` : path
  for (const [name, member] of Object.entries(value)) {
    if (name === FUTURE_FIELD) found.set(here, (member as { at: string }).at)
    else for (const [at, where] of futureFields(member, `${here}/${name}`)) found.set(at, where)
  }
  return found
}
