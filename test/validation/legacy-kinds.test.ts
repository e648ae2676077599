/** Kinds of older releases: each is refused with the name of what replaces it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { replacementFor, reviewObject } from '../../src/validation/index.ts'
import { sharedPath, skipWithout } from '../support/shared.ts'

const reference = sharedPath('reference', 'validation-policy.md')

/** Kinds, and what the message must name. */
const ROWS: readonly (readonly [apiVersion: string, kinds: string, names: readonly RegExp[]])[] = [
  [
    'authentication.istio.io/v1alpha1',
    'MeshPolicy',
    [/PeerAuthentication/, /istio-system/, /RequestAuthentication/, /AuthorizationPolicy/],
  ],
  [
    'authentication.istio.io/v1alpha1',
    'Policy',
    [/PeerAuthentication/, /selector\.matchLabels/, /RequestAuthentication/],
  ],
  ['rbac.istio.io/v1alpha1', 'ServiceRole', [/AuthorizationPolicy/, /to\.operation/]],
  ['rbac.istio.io/v1alpha1', 'ServiceRoleBinding', [/AuthorizationPolicy/, /from\.source/]],
  ['rbac.istio.io/v1alpha1', 'RbacConfig ClusterRbacConfig', [/AuthorizationPolicy/]],
  [
    'config.istio.io/v1alpha2',
    'listchecker listentry',
    [/AuthorizationPolicy/, /ALLOW or DENY/, /principals, namespaces or ipBlocks/],
  ],
  ['config.istio.io/v1alpha2', 'denier checknothing', [/AuthorizationPolicy .*DENY/]],
  [
    'config.istio.io/v1alpha2',
    'rule handler instance adapter template attributemanifest',
    [/AuthorizationPolicy/, /Telemetry/, /EnvoyFilter/],
  ],
  ['config.istio.io/v1alpha2', 'quota memquota redisquota QuotaSpec QuotaSpecBinding', [/rate limit/, /EnvoyFilter/]],
  [
    'config.istio.io/v1alpha2',
    'metric prometheus statsd dogstatsd cloudwatch circonus signalfx solarwinds stackdriver',
    [/Telemetry metrics/],
  ],
  ['config.istio.io/v1alpha2', 'logentry stdio fluentd', [/Telemetry accessLogging/]],
  ['config.istio.io/v1alpha2', 'tracespan zipkin', [/Telemetry tracing/]],
  ['config.istio.io/v1alpha2', 'opa rbac authorization kubernetesenv servicecontrolreport', [/CUSTOM/, /WasmPlugin/]],
  ['config.istio.io/v1alpha2', 'HTTPAPISpec HTTPAPISpecBinding', [/VirtualService/]],
  ['config.istio.io/v1alpha2', 'RouteRule', [/VirtualService/]],
  ['config.istio.io/v1alpha2', 'DestinationPolicy', [/DestinationRule/]],
  ['config.istio.io/v1alpha2', 'EgressRule', [/ServiceEntry/]],
  ['config.istio.io/v1alpha2', 'IngressRule', [/Gateway and a VirtualService/]],
  ['install.istio.io/v1alpha1', 'IstioOperator', [/istioctl install/, /Helm values/]],
]

test('an object of a removed kind is refused with what replaces it', () => {
  for (const [apiVersion, kinds, names] of ROWS) {
    for (const kind of kinds.split(' ')) {
      const object = { apiVersion, kind, metadata: { name: 'default' }, spec: { peers: [{ mtls: {} }] } }
      const answer = reviewObject({ operation: 'CREATE', object }, { compat: 'off' })
      assert.ok(!answer.allowed, kind)
      assert.equal(answer.reason, 'unknown_type', kind)
      const istiod = reviewObject({ operation: 'CREATE', object }, { compat: 'istiod' })
      assert.ok(!istiod.allowed)
      assert.equal(istiod.message, `unrecognized type ${apiVersion}, Kind=${kind}`)
      for (const name of names) assert.match(answer.message, name, kind)
    }
  }
})

test('kinds that never were are refused without a replacement', () => {
  for (const [apiVersion, kind] of [
    ['config.istio.io/v1alpha2', 'Rule'],
    ['authentication.istio.io/v1alpha1', 'constructor'],
    ['security.istio.io/v1', 'Foo'],
  ]) {
    const answer = reviewObject({ operation: 'CREATE', object: { apiVersion, kind } }, { compat: 'off' })
    assert.ok(!answer.allowed)
    assert.doesNotMatch(answer.message, /removed from Istio/)
  }
})

test('every kind of the reference has a replacement', { skip: skipWithout(reference) }, () => {
  const section = /^### 10\.1 [^]*?(?=^### 10\.2 )/m.exec(readFileSync(reference ?? '', 'utf8'))?.[0] ?? ''
  const kinds = [...section.matchAll(/^\| ([a-z.]+)\/\w+ ([^|]+) \|/gm)].flatMap(([, group = '', names = '']) =>
    names
      .replaceAll(/\([^)]*\)/g, '')
      .split(/[,;] /)
      .map((name) => [group, name.trim()] as const),
  )
  assert.ok(kinds.length > 40, `${kinds.length} kinds`)
  const missing = kinds.filter(([group, kind]) => replacementFor(group, kind) === undefined)
  assert.deepEqual(missing, [])
})
