/** Pods that come in a second time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Container, Pod, StringMap } from '../../src/api/pod.ts'
import { injectedNames, readOverrides, strippedPod } from '../../src/injection/reinjection.ts'

const STATUS = 'sidecar.istio.io/status'
const OVERRIDES = 'proxy.istio.io/overrides'
const podWith = (annotations: StringMap, names = 'app istio-proxy'): Pod => ({
  metadata: { annotations },
  spec: { containers: names.split(' ').map((name): Container => ({ name })), initContainers: [] },
})
const namesOf = (pod: Pod): string => (pod.spec?.containers ?? []).map(({ name }) => name).join(' ')

const STRIPPED: { name: string; annotations: StringMap; containers: string; left: string[] }[] = [
  { name: 'a fresh pod stays', annotations: {}, containers: 'app istio-proxy', left: [] },
  {
    name: 'listed containers and the status go',
    annotations: { [STATUS]: '{"containers":["istio-proxy"]}' },
    containers: 'app',
    left: [],
  },
  {
    name: 'our scrape annotations go',
    annotations: { [STATUS]: '{}', 'prometheus.io/port': '15020', 'prometheus.io/path': '/x', other: 'y' },
    containers: 'app istio-proxy',
    left: ['other'],
  },
  {
    name: "a user's scrape annotations stay",
    annotations: { [STATUS]: '{}', 'prometheus.io/port': '80' },
    containers: 'app istio-proxy',
    left: ['prometheus.io/port'],
  },
  {
    name: 'an unreadable status counts as none',
    annotations: { [STATUS]: '{"containers":"x"}' },
    containers: 'app istio-proxy',
    left: [STATUS],
  },
  {
    name: 'overridden containers come back',
    annotations: { [STATUS]: '{"containers":["istio-proxy","app"]}', [OVERRIDES]: '{"containers":[{"name":"app"}]}' },
    containers: 'app',
    left: [OVERRIDES],
  },
  {
    name: 'of overrides with one name the first comes back',
    annotations: { [STATUS]: '{"containers":["app"]}', [OVERRIDES]: '{"containers":[{"name":"a"},{"name":"a"}]}' },
    containers: 'istio-proxy a',
    left: [OVERRIDES],
  },
]
for (const { name, annotations, containers, left } of STRIPPED) {
  test(`stripped: ${name}`, () => {
    const pod = strippedPod(podWith(annotations), 15020)
    assert.equal(namesOf(pod), containers)
    assert.deepEqual(Object.keys(pod.metadata?.annotations ?? {}), left)
  })
}

test('an overrides annotation that is no JSON is refused with the text of Go', () => {
  assert.throws(() => readOverrides(podWith({ [OVERRIDES]: 'not json' })), {
    message: "invalid character 'o' in literal null (expecting 'u')",
  })
})

test('a status that lists no names is refused where istiod panics', () => {
  assert.throws(() => injectedNames(podWith({ [STATUS]: '{"containers":"x"}' })), { code: 'INJECTION_FAILED' })
  assert.deepEqual(injectedNames(podWith({ [STATUS]: 'x' })), { containers: [], initContainers: [] })
})
