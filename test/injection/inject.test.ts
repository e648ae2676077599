/** The whole engine on small configurations. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createInjector } from '../../src/injection/index.ts'
import type { InjectionResult, InjectorInputs } from '../../src/injection/index.ts'
import { createOfflineInjector } from '../../src/injection/offline-pod.ts'

const SIDECAR =
  'spec:\n  containers:\n  - name: istio-proxy\n    image: "{{ .ProxyImage }}"\n    args: ["-u", "1337"]\n'
const inputs = (part: Partial<InjectorInputs> & { templates?: Record<string, string> } = {}): InjectorInputs => ({
  configText: JSON.stringify({ policy: 'enabled', templates: part.templates ?? { sidecar: SIDECAR } }),
  valuesText: '{"global": {"hub": "h", "tag": 1.12}}',
  meshTexts: [],
  revision: '',
  nativeSidecars: 'false',
  platform: '',
  compliancePolicy: '',
  compat: 'istiod',
  env: () => undefined,
  warn: () => undefined,
  ...part,
})
const app = { name: 'app', image: 'app:1' }
const inject = (pod: unknown, part: Parameters<typeof inputs>[0] = {}): InjectionResult =>
  createInjector(inputs(part)).inject({ pod, namespace: 'shop' }, { proxyConfigs: [] })
const patchText = (result: InjectionResult): string => JSON.stringify('patch' in result ? result.patch : result)

test('inject: the proxy joins the pod, the namespace of the request stays out of the patch', () => {
  const text = patchText(inject({ metadata: { name: 'p' }, spec: { containers: [app] } }))
  assert.match(text, /h\/proxyv2:1\.12/)
  assert.doesNotMatch(text, /shop/)
})

test('inject: managed fields are left alone', () => {
  const managedFields = [{ manager: 'kubectl' }]
  const text = patchText(inject({ metadata: { name: 'p', managedFields }, spec: { containers: [app] } }))
  assert.doesNotMatch(text, /managedFields/)
})

test('inject: what the policy skips has a reason', () => {
  const pod = { metadata: { labels: { 'sidecar.istio.io/inject': 'false' } }, spec: { containers: [app] } }
  assert.deepEqual(inject(pod), { injected: false, reason: 'explicit_false' })
})

const DENIED: { name: string; pod: unknown; part?: Parameters<typeof inputs>[0]; message: RegExp }[] = [
  {
    name: 'a pod of the wrong kind',
    pod: { spec: { containers: 'x' } },
    message: /^json: cannot unmarshal string into Go struct field PodSpec\.spec\.containers of type \[\]v1\.Container$/,
  },
  {
    name: 'an unknown template',
    pod: { metadata: { annotations: { 'inject.istio.io/templates': 'sidecar, ' } }, spec: { containers: [app] } },
    message: /^failed to run injection template: requested template "" not found; have sidecar$/,
  },
  {
    name: 'a text that fails',
    pod: { spec: { containers: [app] } },
    part: { templates: { sidecar: '{{ fail "no" }}' } },
    message:
      /^failed to run injection template: template: inject:1:\d+: executing "inject" at <fail "no">: error calling fail: no$/,
  },
  {
    name: 'a status annotation that makes istiod panic',
    pod: {
      metadata: { annotations: { 'sidecar.istio.io/status': '{"containers":"x"}' } },
      spec: { containers: [app] },
    },
    message: /^failed to re apply container: /,
  },
  {
    name: 'a port that cannot be scraped',
    pod: { metadata: { annotations: { 'prometheus.io/port': '15090' } }, spec: { containers: [app] } },
    message: /^failed to process pod: invalid prometheus scrape configuration: port 15090 is reserved/,
  },
]
for (const { name, pod, part, message } of DENIED) {
  test(`inject: ${name} is denied`, () => {
    const result = inject(pod, part)
    assert.match('denied' in result ? result.denied : 'not denied', message)
  })
}

test('inject: includeOutboundPorts is checked unless istiod is to be matched', () => {
  const pod = {
    metadata: { annotations: { 'traffic.sidecar.istio.io/includeOutboundPorts': '80"\nx: y' } },
    spec: { containers: [app] },
  }
  assert.equal('patch' in inject(pod), true)
  assert.equal('denied' in inject(pod, { compat: 'off' }), true)
})

test('inject: a template may replace the whole spec', () => {
  const templates = { sidecar: 'spec:\n  $patch: replace\n  containers:\n  - name: other\n' }
  const text = patchText(inject({ spec: { containers: [app] } }, { templates }))
  assert.match(text, /\\"containers\\":\[\\"other\\"\]/)
})

test('inject: an order for a list that the templates have not made yet is refused', () => {
  const templates = { sidecar: 'spec: {$setElementOrder/containers: [{name: a}], containers: [{name: a}]}' }
  const result = inject({ spec: { containers: [app] } }, { templates })
  assert.match('denied' in result ? result.denied : '', /strategic merge: expected a \[\]interface \{\}/)
})

test('inject: a second run keeps the overrides of the first unless istiod is to be matched', () => {
  const own = { name: 'istio-proxy', image: 'mine:1' }
  const annotations = {
    'sidecar.istio.io/status': '{"containers":["istio-proxy"]}',
    'proxy.istio.io/overrides': JSON.stringify({ containers: [own] }),
  }
  const pod = { metadata: { annotations }, spec: { containers: [app, { ...own, args: ['-u', '1337'] }] } }
  assert.match(patchText(inject(pod)), /h\/proxyv2/)
  assert.doesNotMatch(patchText(inject(pod, { compat: 'off' })), /h\/proxyv2/)
})

test('createInjector: a broken text refuses the whole configuration, also when it is never used', () => {
  assert.throws(() => createInjector(inputs({ templates: { sidecar: '', odd: '{{ nofunc }}' } })), {
    code: 'INJECTION_CONFIG_INVALID',
    message: 'template: inject:1: function "nofunc" not defined',
    details: { part: 'config' },
  })
})

test('createInjector: broken values are told apart from a broken configuration', () => {
  assert.throws(() => createInjector(inputs({ valuesText: '{"global": {"hub": 5}}' })), {
    message: 'could not parse configuration values: json: cannot unmarshal number into Go value of type string',
    details: { part: 'values' },
  })
})

test('inject: names of object members are ordinary annotations and labels', () => {
  const metadata = JSON.parse(
    '{"labels":{"__proto__":"a","constructor":"b"},"annotations":{"__proto__":"c"}}',
  ) as unknown
  const text = patchText(inject({ metadata, spec: { containers: [app] } }))
  assert.match(text, /sidecar\.istio\.io~1status|sidecar\.istio\.io\/status/)
  assert.equal(Object.hasOwn(Object.prototype, 'sidecar.istio.io/status'), false)
})

test('offline: a bare text is the template sidecar; the policy does not count', () => {
  const injector = createOfflineInjector({ ...inputs(), configText: SIDECAR })
  const workload = { kind: 'Deployment', apiVersion: 'apps/v1', name: 'web', namespace: '' }
  const result = injector({ metadata: { namespace: '' }, spec: { containers: [app] } }, workload)
  assert.ok(result.injected)
  assert.deepEqual(
    result.pod.spec?.containers?.map(({ name }) => name),
    ['app', 'istio-proxy'],
  )
})

test('inject: a field that nests without end is carried along', () => {
  const depth = 100_000
  const nested = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as unknown
  const result = inject({ metadata: { name: 'p' }, spec: { containers: [{ ...app, future: nested }] } })
  assert.equal('patch' in result, true)
})

test('inject: bodies of any shape are answered', () => {
  for (const pod of [null, 5, 'x', [], {}, { metadata: null, spec: null }, { spec: { containers: [null] } }]) {
    const result = inject(pod)
    assert.ok('patch' in result || 'denied' in result, JSON.stringify(pod))
  }
})
