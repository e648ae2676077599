/** Our own warnings: where they stand, and that they never refuse or reach istiod's answers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from 'js-yaml'
import { allFindings, reviewObject, validate } from '../../src/validation/index.ts'

const API_VERSIONS: Readonly<Record<string, string>> = {
  VirtualService: 'networking.istio.io/v1',
  Gateway: 'networking.istio.io/v1',
  ServiceEntry: 'networking.istio.io/v1',
  AuthorizationPolicy: 'security.istio.io/v1',
  RequestAuthentication: 'security.istio.io/v1',
  WasmPlugin: 'extensions.istio.io/v1alpha1',
}
const ROUTE = 'route: [{destination: {host: a}}]'
const SERVERS = 'servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example]}]'
const PORTS = 'hosts: [a.example], ports: [{number: 80, name: http, protocol: HTTP}]'

/** Kind, spec, and the advice that is wanted: code and place. */
const ROWS: readonly (readonly [kind: string, spec: string, want: readonly string[]])[] = [
  [
    'VirtualService',
    `{hosts: [a], http: [{match: [{headers: {uri: {exact: a}, x: {exact: a}}}], ${ROUTE}}]}`,
    ['ADVICE_HEADER_NAME spec.http[0].match[0].headers[uri]'],
  ],
  ['VirtualService', `{hosts: [a], http: [{match: [{uri: {exact: a}}], ${ROUTE}}]}`, []],
  [
    'VirtualService',
    `{hosts: [a], http: [{fault: {delay: {percentage: {value: 1}}}, ${ROUTE}}]}`,
    ['ADVICE_DELAY spec.http[0].fault.delay'],
  ],
  ['VirtualService', `{hosts: [a], http: [{fault: {delay: {fixedDelay: 1s}}, ${ROUTE}}]}`, []],
  [
    'VirtualService',
    `{hosts: [a], tcp: [{match: [{sourceSubnet: 10.0.0.0/8}], ${ROUTE}}]}`,
    ['ADVICE_IGNORED spec.tcp[0].match[0].sourceSubnet'],
  ],
  ['Gateway', `{${SERVERS}}`, ['ADVICE_SELECTOR spec']],
  ['Gateway', `{selector: {istio: gw}, ${SERVERS}}`, []],
  ['ServiceEntry', `{${PORTS}}`, ['ADVICE_RESOLUTION spec']],
  ['ServiceEntry', `{${PORTS}, resolution: DNS}`, []],
  ['AuthorizationPolicy', '{}', ['ADVICE_POLICY_SCOPE spec']],
  ['AuthorizationPolicy', '{rules: [{}]}', ['ADVICE_POLICY_SCOPE spec.rules[0]']],
  ['AuthorizationPolicy', '{action: DENY, rules: [{}]}', ['ADVICE_POLICY_SCOPE spec.rules[0]']],
  ['AuthorizationPolicy', '{action: AUDIT, rules: [{}]}', []],
  [
    'AuthorizationPolicy',
    '{rules: [{from: [{source: {namespaces: [a]}}, {source: {notNamespaces: [b]}}]}]}',
    ['ADVICE_SOURCE_OPEN spec.rules[0].from[1].source'],
  ],
  ['AuthorizationPolicy', '{rules: [{from: [{source: {namespaces: [a], notNamespaces: [b]}}]}]}', []],
  [
    'AuthorizationPolicy',
    '{rules: [{from: [{source: {principals: [a/ns/b/sa/c, "spiffe://a/ns/b/sa/c"]}}]}]}',
    ['ADVICE_PRINCIPAL spec.rules[0].from[0].source.principals[1]'],
  ],
  [
    'AuthorizationPolicy',
    '{rules: [{to: [{operation: {methods: [GET, get, "*"], paths: [/a, a, "*b", "{*}"]}}]}]}',
    ['ADVICE_METHOD spec.rules[0].to[0].operation.methods[1]', 'ADVICE_PATH spec.rules[0].to[0].operation.paths[1]'],
  ],
  [
    'AuthorizationPolicy',
    '{rules: [{when: [{key: source.trustDomain, values: [td/ns]}]}]}',
    ['ADVICE_TRUST_DOMAIN spec.rules[0].when[0]'],
  ],
  [
    'RequestAuthentication',
    '{jwtRules: [{jwksUri: "http://a.example/x"}]}',
    ['ADVICE_JWKS_HTTP spec.jwtRules[0].jwksUri'],
  ],
  ['WasmPlugin', '{url: "oci://[REGISTRY]/a:v1"}', ['ADVICE_PLACEHOLDER spec.url']],
  ['WasmPlugin', '{url: "oci://[2001:db8::1]:5000/a:v1"}', []],
]

test('accepted objects get advice at the field that it is about', () => {
  for (const [kind, spec, want] of ROWS) {
    const object = { apiVersion: API_VERSIONS[kind], kind, metadata: { name: 'a', namespace: 'b' }, spec: load(spec) }
    const findings = allFindings(validate(object), { strict: true })
    const advice = findings.filter(({ code }) => code.startsWith('ADVICE_'))
    assert.deepEqual(
      advice.map(({ code, path }) => `${code} ${path}`),
      want,
      `${kind} ${spec}`,
    )
    assert.ok(
      findings.every(({ severity }) => severity === 'warning'),
      `${kind} ${spec} is accepted`,
    )
  }
})

test("advice is among the webhook's warnings, and not among istiod's", () => {
  const object = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'a' }, spec: {} }
  const ours = reviewObject({ operation: 'CREATE', object }, { compat: 'off' })
  assert.ok(ours.allowed)
  assert.match(ours.warnings.join('\n'), /^spec: allows nothing: /)
  assert.deepEqual(reviewObject({ operation: 'CREATE', object }, { compat: 'istiod' }), {
    allowed: true,
    warnings: [],
    looked: true,
  })
})
