/** Rules on a MeshConfig: one row each, and recorded documents. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DEFAULT_MESH_CONFIG } from '../../../src/injection/mesh/defaults.ts'
import { applyMeshConfig } from '../../../src/injection/mesh/mesh-config.ts'
import { validateMeshConfig } from '../../../src/injection/mesh/validate-mesh-config.ts'
import { messageOf } from '../../../src/base/errors.ts'
import { readYaml } from '../../../src/injection/yaml/read.ts'
import { sharedPath, skipWithout } from '../../support/shared.ts'

const findingsOf = (document: unknown): ReturnType<typeof validateMeshConfig> =>
  validateMeshConfig(applyMeshConfig(DEFAULT_MESH_CONFIG, document))

const locality = (...to: string[]): unknown => ({
  localityLbSetting: { distribute: to.map((from) => ({ from, to: { 'a/b/c': 100 } })) },
})
const overlaps = (name: string): string[] => [`locality "${name}" overlaps with a previous one`]

const errors: [document: unknown, errors: string[]][] = [
  [{}, []],
  [{ proxyListenPort: 65536 }, ['invalid proxy listen port: port number 65536 must be in the range 1..65535']],
  [{ connectTimeout: '0.5ms' }, ['invalid connect timeout: duration must be greater than 1ms']],
  [{ connectTimeout: '1h' }, []],
  [{ connectTimeout: '1h1ms' }, ['invalid connect timeout: connect timeout must be at most 1h']],
  [{ protocolDetectionTimeout: '0s' }, []],
  [{ protocolDetectionTimeout: '-5ms' }, []],
  [
    { protocolDetectionTimeout: '1us' },
    ['invalid protocol detection timeout: only durations to ms precision are supported'],
  ],
  [{ defaultConfig: { statusPort: 0 } }, ['invalid status port: port number 0 must be in the range 1..65535']],
  [
    { serviceSettings: [{ hosts: ['*.a', 'a..b'] }] },
    ['serviceSettings[0], host `a..b`: domain name ".b" invalid (label "" invalid)'],
  ],
  [{ trustDomain: '' }, ['trustDomain: empty domain name not allowed']],
  [{ trustDomainAliases: ['a/b'] }, ['trustDomainAliases[0], domain `a/b`: trust domain name "a/b" invalid']],
  [{ meshMTLS: { ecdhCurves: ['P-256'] } }, ['mesh TLS does not support ECDH curves configuration']],
  [{ defaultTrafficPolicy: { connectionPool: {} } }, ['connection pool must have at least one field']],
  [
    { defaultTrafficPolicy: { connectionPool: { tcp: { maxConnections: -1, idleTimeout: '500us' } } } },
    ['max connections must be non-negative'],
  ],
  [
    { defaultTrafficPolicy: { connectionPool: { tcp: { idleTimeout: '1.5ms' } } } },
    ['only durations to ms precision are supported'],
  ],
  [
    {
      defaultTrafficPolicy: {
        connectionPool: { http: { h2UpgradePolicy: 'UPGRADE', useClientProtocol: true, maxRetries: -1 } },
      },
    },
    ['max retries must be non-negative', 'use client protocol must not be true when H2UpgradePolicy is UPGRADE'],
  ],
  [
    { defaultTrafficPolicy: { outlierDetection: { minHealthPercent: 101, interval: '0s' } } },
    ['duration must be greater than 1ms', 'percentage 101 is not in range 0..100'],
  ],
  [
    { defaultTrafficPolicy: { outlierDetection: { consecutiveLocalOriginFailures: 1 } } },
    [
      'outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false',
    ],
  ],
  [
    { localityLbSetting: { distribute: [{ from: 'a', to: { b: 100 } }], failover: [{ from: 'a', to: 'b' }] } },
    ["can not simultaneously specify 'distribute' and 'failover'"],
  ],
  [
    { localityLbSetting: { failover: [{ from: 'a', to: 'b' }], failoverPriority: ['topology.kubernetes.io/zone=x'] } },
    ["can not simultaneously set 'failover' and topology label 'topology.kubernetes.io/zone' in 'failover_priority'"],
  ],
  [
    { localityLbSetting: { distribute: [{ from: 'a', to: { b: 0 } }] } },
    ['locality weight must be in range [1, 100] (b: 0)'],
  ],
  [{ localityLbSetting: { distribute: [{ from: 'a', to: { b: 50, c: 49 } }] } }, ['total locality weight 99 != 100']],
  [
    { localityLbSetting: { failover: [{ from: 'a/*', to: 'a/*' }] } },
    [
      'locality lb failover settings must specify different regions',
      'locality lb failover settings only specify region',
      "locality lb failover region should not contain '*' wildcard",
    ],
  ],
  [locality('us/z1', 'us/*', '*'), []],
  [locality('us/z1', 'us/z2', 'eu'), []],
  [locality('us/*', 'us/z1'), overlaps('us/z1')],
  [locality('us', 'us/z1'), overlaps('us/z1')],
  [locality('us/z1', 'us'), overlaps('us')],
  [locality('*', 'us'), overlaps('us')],
  [locality('us/z1/s', 'us/z1/s'), overlaps('us/z1/s')],
  [locality('us/z1/*', 'us/z1/s'), overlaps('us/z1/s')],
  [locality('a*b'), [`locality "a*b" wildcard '*' number can not exceed 1 and must be in the end`]],
  [
    { zoneAwareLbSetting: { failoverPriority: ['topology.istio.io/subzone'], failover: [{ from: 'a', to: 'a' }] } },
    [
      "topology label 'topology.istio.io/subzone' can not be part of 'failover_priority' of zone aware settings",
      'zone aware lb failover settings must specify different regions',
    ],
  ],
]
for (const [document, expected] of errors) {
  test(`MeshConfig rules on ${JSON.stringify(document)}`, () => {
    assert.deepEqual(findingsOf(document), { errors: expected, warnings: [] })
  })
}

const provider = (settings: unknown): unknown => ({ extensionProviders: [{ name: 'p', ...(settings as object) }] })
const ofProvider = (problem: string): string => `extensionProviders[3], name "p": ${problem}`
const warnings: [document: unknown, warnings: string[]][] = [
  [
    { tlsDefaults: { ecdhCurves: ['', 'X', 'P-256', 'A', 'P-256'] } },
    ['detected unrecognized ECDH curves: "A", "X"', 'detected duplicate ECDH curves: "P-256"'],
  ],
  [provider({}), [ofProvider('unsupported provider')]],
  [provider({ sds: { name: 'x' } }), [ofProvider('unsupported provider')]],
  [provider({ zipkin: { service: 'zipkin.ns', port: 9411 } }), []],
  [
    provider({ zipkin: { service: 'ns/zipkin', port: 1 } }),
    [ofProvider('short names (non FQDN) are not allowed: "zipkin"')],
  ],
  [provider({ zipkin: { service: 'ns/*.zip.kin', port: 1 } }), []],
  [provider({ zipkin: { service: '~/127.0.0.1', port: 1 } }), [ofProvider('invalid namespace in "~/127.0.0.1"')]],
  [
    provider({ zipkin: {} }),
    [ofProvider('service must not be empty'), ofProvider('port number 0 must be in the range 1..65535')],
  ],
  [provider({ lightstep: { service: 'a.b', port: 1 } }), [ofProvider('access token is required')]],
  [
    provider({ envoyExtAuthzHttp: { service: 'a.b', port: 1, statusOnError: '999', pathPrefix: 'x' } }),
    [ofProvider('unsupported statusOnError value "999"'), ofProvider(`pathPrefix should begin with '/' but got "x"`)],
  ],
  [
    provider({ opentelemetry: { service: 'a.b', port: 1, http: {}, grpc: {} } }),
    [ofProvider('OpenTelemetryTracingProvider cannot specify both http and grpc')],
  ],
]
for (const [document, expected] of warnings) {
  test(`MeshConfig advice on ${JSON.stringify(document)}`, () => {
    assert.deepEqual(findingsOf(document), { errors: [], warnings: expected })
  })
}

interface Recorded {
  verdict: 'accept' | 'reject'
  errors: { contains: string }[]
  warnings: unknown[]
}

const folder = sharedPath('conformance', 'validation', 'meshconfig')
const documents = folder === undefined ? [] : readdirSync(folder).filter((file) => file.endsWith('.yaml'))

test('recorded mesh configurations get their verdict', { skip: skipWithout(folder) }, () => {
  assert.ok(documents.length > 0)
  for (const file of documents) {
    const path = join(folder ?? '', file)
    const recorded = JSON.parse(readFileSync(path.replace(/yaml$/, 'expected.json'), 'utf8')) as Recorded
    const { spec } = readYaml(readFileSync(path, 'utf8')) as { spec: unknown }
    const found = recordedFindings(spec)
    assert.equal(found.errors.length === 0 ? 'accept' : 'reject', recorded.verdict, file)
    for (const { contains } of recorded.errors) {
      assert.ok(
        found.errors.some((error) => error.includes(contains)),
        `${file}: ${contains} in ${found.errors.join()}`,
      )
    }
    assert.ok(found.warnings.length >= recorded.warnings.length, file)
  }
})

function recordedFindings(spec: unknown): ReturnType<typeof validateMeshConfig> {
  try {
    return findingsOf(spec)
  } catch (err) {
    return { errors: [messageOf(err)], warnings: [] }
  }
}
