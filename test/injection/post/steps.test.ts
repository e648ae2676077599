/** Each post-processing step on small pods. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Container } from '../../../src/api/pod.ts'
import type { PodDraft } from '../../../src/injection/draft.ts'
import { overwriteClusterInfo } from '../../../src/injection/post/cluster-info.ts'
import { writeMetadata } from '../../../src/injection/post/metadata.ts'
import { orderContainers } from '../../../src/injection/post/order.ts'
import { rewriteProbes } from '../../../src/injection/post/probes.ts'
import { mergePrometheus } from '../../../src/injection/post/prometheus.ts'
import { announceSecurePort } from '../../../src/injection/post/secure-port.ts'
import type { PostContext } from '../../../src/injection/post/step.ts'

const draft = (part: Partial<PodDraft> = {}): PodDraft => ({
  labels: {},
  annotations: {},
  containers: [{ name: 'istio-proxy' }],
  initContainers: [],
  ...part,
})
const context = (part: Partial<PostContext> = {}): PostContext => ({
  variables: new Map(),
  statusPort: 15020,
  mergesPrometheus: true,
  rewritesProbes: true,
  holdsApplication: false,
  status: '{}',
  injectedAnnotations: {},
  warn: () => undefined,
  ...part,
})
const envOf = (pod: PodDraft): Record<string, string | undefined> =>
  Object.fromEntries((pod.containers.find((c) => c.name === 'istio-proxy')?.env ?? []).map((e) => [e.name, e.value]))
const namesOf = (list: readonly Container[]): string => list.map(({ name }) => name).join(' ')

test('cluster info replaces variables of the same name and stands last, sorted', () => {
  const pod = draft({
    containers: [
      {
        name: 'istio-proxy',
        env: [
          { name: 'B', value: '0' },
          { name: 'X', value: '1' },
        ],
      },
    ],
  })
  overwriteClusterInfo(
    pod,
    context({
      variables: new Map([
        ['B', '2'],
        ['A', ''],
      ]),
    }),
  )
  assert.deepEqual(pod.containers[0]?.env, [{ name: 'X', value: '1' }, { name: 'A' }, { name: 'B', value: '2' }])
})

const PROMETHEUS: { name: string; annotations: Record<string, string>; env?: unknown; scrape?: string | undefined }[] =
  [
    { name: 'a pod without annotations is scraped at the agent', annotations: {}, scrape: 'true' },
    { name: 'scrape "false" leaves all alone', annotations: { 'prometheus.io/scrape': 'false' }, scrape: 'false' },
    {
      name: 'an unreadable scrape does not stop it',
      annotations: { 'prometheus.io/scrape': 'no' },
      scrape: 'true',
      env: { scrape: 'no', path: '', port: '' },
    },
    { name: 'the pod can switch it off', annotations: { 'prometheus.istio.io/merge-metrics': 'f' }, scrape: undefined },
    { name: 'the agent port stops it', annotations: { 'prometheus.io/port': '15020' }, scrape: undefined },
    {
      name: 'all spellings of a key count',
      annotations: { 'prometheus.io.port': '80' },
      scrape: 'true',
      env: { scrape: '', path: '', port: '80' },
    },
    {
      name: 'targets win over the plain port',
      annotations: { 'prometheus.io/port': '80', 'prometheus.istio.io/scrape-targets': ' 8080:/a , ,9100' },
      scrape: 'true',
      env: {
        scrape: '',
        path: '/a',
        port: '8080',
        targets: [
          { port: '8080', path: '/a' },
          { port: '9100', path: '/metrics' },
        ],
      },
    },
    {
      name: 'a target without port spoils the list',
      annotations: { 'prometheus.istio.io/scrape-targets': '1,:/m' },
      scrape: 'true',
    },
  ]
for (const { name, annotations, env, scrape } of PROMETHEUS) {
  test(`prometheus: ${name}`, () => {
    const pod = draft({ annotations })
    mergePrometheus(pod, context())
    assert.equal(pod.annotations['prometheus.io/scrape'], scrape)
    assert.equal(
      Object.keys(pod.annotations).some((key) => key.includes('scrape-targets')),
      false,
    )
    const text = envOf(pod)['ISTIO_PROMETHEUS_ANNOTATIONS']
    assert.deepEqual(text === undefined ? undefined : JSON.parse(text), env)
  })
}

const REFUSED: readonly (readonly [annotations: Record<string, string>, message: string])[] = [
  [{ 'prometheus.io/port': 'metrics' }, 'invalid prometheus scrape configuration: invalid port "metrics"'],
  [
    { 'prometheus.io/port': '+015020' },
    'invalid prometheus scrape configuration: port 15020 conflicts with agent port',
  ],
  [
    { 'prometheus.istio.io/scrape-targets': '15090' },
    'invalid prometheus scrape targets: target port 15090 is reserved for Istio (Envoy Prometheus (already merged)) and cannot be scraped',
  ],
  [{ 'prometheus.istio.io/scrape-targets': '0' }, 'invalid prometheus scrape targets: invalid target port "0"'],
]
for (const [annotations, message] of REFUSED) {
  test(`prometheus: ${JSON.stringify(annotations)} is refused`, () => {
    assert.throws(() => mergePrometheus(draft({ annotations }), context()), { code: 'INJECTION_FAILED', message })
  })
}

test('the secure port is announced unless an annotation says one', () => {
  const env = [{ name: 'ENVOY_SECURE_MERGED_METRICS_PORT', value: '15092' }]
  const pod = draft({ containers: [{ name: 'istio-proxy', env }] })
  announceSecurePort(pod, context())
  assert.equal(pod.annotations['prometheus.istio.io/secure-port'], '15092')
  const own = draft({
    containers: [{ name: 'istio-proxy', env }],
    annotations: { 'prometheus.istio.io.secure-port': '1' },
  })
  announceSecurePort(own, context())
  assert.equal(own.annotations['prometheus.istio.io/secure-port'], undefined)
})

const probed = (part: Container): PodDraft => draft({ containers: [{ name: 'app', ...part }, { name: 'istio-proxy' }] })
const PROBES: { name: string; app: Container; env?: unknown; after: Container }[] = [
  {
    name: 'an HTTPS probe is asked over HTTP at the agent, host and headers stay',
    app: { livenessProbe: { httpGet: { path: '/h?a=1&b', port: 80, scheme: 'HTTPS', host: 'x' }, timeoutSeconds: 2 } },
    env: {
      '/app-health/app/livez': {
        httpGet: { path: '/h?a=1&b', port: 80, host: 'x', scheme: 'HTTPS' },
        timeoutSeconds: 2,
      },
    },
    after: {
      livenessProbe: {
        httpGet: { path: '/app-health/app/livez', port: 15020, scheme: 'HTTP', host: 'x' },
        timeoutSeconds: 2,
      },
    },
  },
  {
    name: 'the agent gets no fields of a header that it does not know',
    app: {
      livenessProbe: {
        httpGet: { port: 80, httpHeaders: [{ name: 'a', value: 'b', novelty: 1 } as { name: string }] },
      },
    },
    env: { '/app-health/app/livez': { httpGet: { port: 80, httpHeaders: [{ name: 'a', value: 'b' }] } } },
    after: {
      livenessProbe: {
        httpGet: {
          path: '/app-health/app/livez',
          port: 15020,
          httpHeaders: [{ name: 'a', value: 'b', novelty: 1 } as { name: string }],
        },
      },
    },
  },
  {
    name: 'a TCP probe becomes an HTTP one',
    app: { startupProbe: { tcpSocket: { port: 'db', host: 'h' } }, ports: [{ name: 'db', containerPort: 5432 }] },
    env: { '/app-health/app/startupz': { tcpSocket: { port: 5432, host: 'h' } } },
    after: { startupProbe: { httpGet: { path: '/app-health/app/startupz', port: 15020 } } },
  },
  {
    name: 'a gRPC probe becomes an HTTP one',
    app: { readinessProbe: { grpc: { port: 9 } } },
    env: { '/app-health/app/readyz': { grpc: { port: 9, service: null } } },
    after: { readinessProbe: { httpGet: { path: '/app-health/app/readyz', port: 15020 } } },
  },
  {
    name: 'an unknown named port is rewritten but not handed over',
    app: { readinessProbe: { httpGet: { port: 'nope' } } },
    after: { readinessProbe: { httpGet: { path: '/app-health/app/readyz', port: 15020 } } },
  },
  {
    name: 'hooks of both kinds are rewritten, exec is not',
    app: { lifecycle: { postStart: { tcpSocket: { port: 93 } }, preStop: { exec: { command: ['x'] } } } },
    env: { '/app-lifecycle/app/poststartz': { tcpSocket: { port: 93 } } },
    after: {
      lifecycle: {
        postStart: { httpGet: { path: '/app-lifecycle/app/poststartz', port: 15020 } },
        preStop: { exec: { command: ['x'] } },
      },
    },
  },
]
for (const { name, app, env, after } of PROBES) {
  test(`probes: ${name}`, () => {
    const pod = probed(app)
    rewriteProbes(pod, context())
    const text = envOf(pod)['ISTIO_KUBE_APP_PROBERS']
    assert.deepEqual(text === undefined ? undefined : JSON.parse(text), env)
    const [found = {}] = pod.containers
    for (const [field, want] of Object.entries(after)) assert.deepEqual(found[field as keyof Container], want)
  })
}

test('probes: text for the agent is escaped as Go does it', () => {
  const pod = probed({ livenessProbe: { httpGet: { path: '/a&<>', port: 1 } } })
  rewriteProbes(pod, context())
  assert.equal(
    envOf(pod)['ISTIO_KUBE_APP_PROBERS'],
    String.raw`{"/app-health/app/livez":{"httpGet":{"path":"/a\u0026\u003c\u003e","port":1}}}`,
  )
})

test('probes: entries of a former run win', () => {
  const pod = probed({ livenessProbe: { httpGet: { port: 1 } }, readinessProbe: { httpGet: { port: 2 } } })
  const proxy = pod.containers[1]
  assert.ok(proxy)
  proxy.env = [{ name: 'ISTIO_KUBE_APP_PROBERS', value: '{"/app-health/app/livez":{"httpGet":{"port":7}}}' }]
  pod.annotations['sidecar.istio.io/status'] = '{}'
  rewriteProbes(pod, context())
  assert.deepEqual(JSON.parse(envOf(pod)['ISTIO_KUBE_APP_PROBERS'] ?? ''), {
    '/app-health/app/livez': { httpGet: { port: 7 } },
    '/app-health/app/readyz': { httpGet: { port: 2 } },
  })
})

test('probes: an annotation switches the rewrite off, another moves its port', () => {
  const off = probed({ livenessProbe: { httpGet: { port: 1 } } })
  off.annotations['sidecar.istio.io/rewriteAppHTTPProbers'] = 'false'
  rewriteProbes(off, context())
  assert.deepEqual(off.containers[0]?.livenessProbe, { httpGet: { port: 1 } })
  const moved = probed({ livenessProbe: { httpGet: { port: 1 } } })
  moved.annotations['status.sidecar.istio.io/port'] = '99'
  rewriteProbes(moved, context())
  assert.equal(moved.containers[0]?.livenessProbe?.httpGet?.port, 99)
})

test('metadata: configured annotations overwrite even the status', () => {
  const pod = draft()
  const variables = new Map([['ISTIO_META_NETWORK', 'n']])
  writeMetadata(pod, context({ variables, status: 's', injectedAnnotations: { 'sidecar.istio.io/status': 'mine' } }))
  assert.deepEqual(
    [pod.labels, pod.annotations],
    [{ 'topology.istio.io/network': 'n' }, { 'sidecar.istio.io/status': 'mine' }],
  )
})

const named = (names: string): Container[] => names.split(' ').map((name) => ({ name }))
const ORDERS: { name: string; hold?: boolean; containers: string; init: string; want: [string, string] }[] = [
  { name: 'the proxy goes last', containers: 'istio-proxy a b', init: 'x', want: ['a b istio-proxy', 'x'] },
  {
    name: 'the proxy goes first when held',
    hold: true,
    containers: 'a istio-proxy b',
    init: 'x',
    want: ['istio-proxy a b', 'x'],
  },
  {
    name: 'a native proxy follows the redirection',
    containers: 'a',
    init: 'x enable-core-dump istio-proxy istio-init',
    want: ['a', 'istio-init istio-proxy enable-core-dump x'],
  },
  {
    name: 'redirection comes last, validation first',
    containers: 'a',
    init: 'enable-core-dump istio-init x istio-validation',
    want: ['a', 'istio-validation x istio-init enable-core-dump'],
  },
]
for (const { name, hold = false, containers, init, want } of ORDERS) {
  test(`order: ${name}`, () => {
    const pod = draft({ containers: named(containers), initContainers: named(init) })
    orderContainers(pod, context({ holdsApplication: hold }))
    assert.deepEqual([namesOf(pod.containers), namesOf(pod.initContainers)], want)
  })
}
