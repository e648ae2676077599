/** Rules of the webhook on values that nobody writes on purpose. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from 'js-yaml'
import { validate } from '../../src/validation/index.ts'

const ROUTE = 'route: [{destination: {host: a}}]'
const SERVER = 'hosts: [a.example], port: {number: 443, name: https, protocol: HTTPS}'

/** Kind, spec, and the codes of all errors and warnings. */
const ROWS: readonly (readonly [kind: string, spec: string, codes: readonly string[]])[] = [
  [
    'VirtualService',
    `{hosts: [a], http: [{match: [{uri: {prefix: /a}, method: {exact: ""}}], ${ROUTE}}, {match: [{uri: {prefix: /ab}, method: {exact: GET}}], ${ROUTE}}]}`,
    ['MATCH_INEFFECTIVE'],
  ],
  [
    'VirtualService',
    `{hosts: [a], http: [{match: [{uri: {prefix: /a}, method: {exact: PUT}}], ${ROUTE}}, {match: [{uri: {prefix: /ab}, method: {exact: GET}}], ${ROUTE}}]}`,
    [],
  ],
  ['Gateway', `{servers: [{${SERVER}, tls: {mode: 7, credentialName: a}}]}`, []],
  ['Gateway', `{servers: [{${SERVER}, tls: {mode: 7, credentialName: a, credentialNames: [b]}}]}`, ['TLS_SOURCES']],
  ['Gateway', `{servers: [{${SERVER}, tls: {mode: 7, credentialName: a, caCrl: /c}}]}`, ['TLS_CRL']],
  ['DestinationRule', '{host: a, trafficPolicy: {proxyProtocol: {version: 1}}}', []],
  ['DestinationRule', '{host: a, trafficPolicy: {proxyProtocol: {version: 3}}}', ['PROXY_PROTOCOL']],
  ['Sidecar', '{workloadSelector: {}}', ['SIDECAR_EMPTY']],
  ['Sidecar', '{workloadSelector: {}, egress: [{hosts: ["./*"]}]}', ['SELECTOR_EMPTY']],
  [
    'EnvoyFilter',
    '{configPatches: [{applyTo: 99, patch: {operation: ADD, value: {}}}]}',
    ['ENVOY_FILTER_INTERNAL', 'ENVOY_VALUE'],
  ],
]

for (const [kind, spec, codes] of ROWS) {
  test(`${kind} ${spec} gives [${codes.join(', ')}]`, () => {
    const apiVersion = kind === 'EnvoyFilter' ? 'networking.istio.io/v1alpha3' : 'networking.istio.io/v1'
    const { findings } = validate({ apiVersion, kind, metadata: { name: 'n', namespace: 'ns' }, spec: load(spec) })
    assert.deepEqual(
      findings.map(({ code }) => code),
      codes,
    )
  })
}

test('metadata is read without regard to the case of its names, as the envelope is', () => {
  const judge = (metadata: object) =>
    validate({ apiVersion: 'networking.istio.io/v1beta1', kind: 'ProxyConfig', metadata, spec: {} }).webhookUnpruned()
  assert.ok(judge({ name: 'n', Labels: { a: 'b' } }).accepted)
  assert.ok(!judge({ name: 'n', Name: 7 }).accepted)
  assert.ok(!judge({ name: 'n', ANNOTATIONS: { 'istio.io/dry-run': 'true' } }).accepted)
})
