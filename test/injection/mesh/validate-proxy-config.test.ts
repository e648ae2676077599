/** Rules on a ProxyConfig, one row each, over the built-in defaults. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_PROXY_CONFIG } from '../../../src/injection/mesh/defaults.ts'
import { PROXY_CONFIG } from '../../../src/injection/mesh/messages.ts'
import { readMessage } from '../../../src/injection/mesh/proto-json.ts'
import { validateProxyConfig } from '../../../src/injection/mesh/validate-proxy-config.ts'

const noPort = (address: string): string => `unable to split "${address}": address ${address}: missing port in address`
const provider = 'invalid private key provider configuration:'
const connection = 'invalid connection settings:'

const cases: [document: unknown, errors: string[]][] = [
  [{}, []],
  [{ configPath: '' }, ['config path must be set']],
  [{ binaryPath: '' }, ['binary path must be set']],
  [{ serviceCluster: '' }, ['service cluster must be specified']],
  [{ tracingServiceName: 'CANONICAL_NAME_ONLY' }, []],
  [{ drainDuration: '0s' }, ['invalid drain duration: duration must be greater than 1ms']],
  [{ drainDuration: '1.0001s' }, ['invalid drain duration: only durations to ms precision are supported']],
  [{ drainDuration: '1500ms' }, ['drain time only supports durations to seconds precision']],
  [{ discoveryAddress: '' }, ['discovery address must be set to the proxy discovery service']],
  [{ discoveryAddress: 'a' }, [`invalid discovery address: ${noPort('a')}`]],
  [
    { tracing: { lightstep: {} } },
    [
      'invalid lightstep config: address is required',
      'invalid lightstep config: invalid lightstep address: unable to split "": missing port in address',
      'invalid lightstep config: access token is required',
    ],
  ],
  [{ tracing: { lightstep: { address: 'l:1', accessToken: 't' } } }, []],
  [{ tracing: { zipkin: { address: 'z' } } }, [`invalid zipkin config: ${noPort('z')}`]],
  [{ tracing: { datadog: { address: '$(HOST_IP):8126' } } }, []],
  [{ tracing: { datadog: { address: '$(HOST_IP)' } } }, [`invalid datadog config: ${noPort('127.0.0.1')}`]],
  [{ tracing: { zipkin: { address: '$(HOST_IP):9411' } } }, []],
  [
    { tracing: { tlsSettings: { mode: 'MUTUAL' } } },
    [
      'invalid tracing TLS config: client certificate required for mutual tls',
      'invalid tracing TLS config: private key required for mutual tls',
    ],
  ],
  [{ tracing: { tlsSettings: { mode: 'MUTUAL', credentialName: 'c' } } }, []],
  [
    { tracing: { tlsSettings: { mode: 'SIMPLE', credentialName: 'c', caCertificates: 'x' } } },
    [
      'invalid tracing TLS config: cannot specify client certificates or CA certificate or CA CRL if credentialName is set',
    ],
  ],
  [
    { tracing: { tlsSettings: { mode: 'SIMPLE', insecureSkipVerify: true, subjectAltNames: ['a'] } } },
    ['invalid tracing TLS config: cannot specify subjectAltNames when insecureSkipVerify is set true'],
  ],
  [{ tracing: { tlsSettings: { mode: 'ISTIO_MUTUAL', insecureSkipVerify: true, caCertificates: 'x' } } }, []],
  [
    { tracing: { tlsSettings: { credentialName: 'configmap://a' } } },
    ['invalid tracing TLS config: invalid configmap:// credentialName: configmap://a'],
  ],
  [{ statsdUdpAddress: 's' }, [`invalid statsd udp address "s": ${noPort('s')}`]],
  [{ envoyMetricsServiceAddress: 'm' }, [`invalid envoy metrics service address "m": ${noPort('m')}`]],
  [{ envoyMetricsService: { address: 'm' } }, [`invalid envoy metrics service address "m": ${noPort('m')}`]],
  [{ envoyAccessLogService: { address: 'm' } }, [`invalid envoy access log service address "m": ${noPort('m')}`]],
  [{ envoyAccessLogService: {} }, []],
  [{ proxyAdminPort: 0 }, ['invalid proxy admin port: port number 0 must be in the range 1..65535']],
  [{ statusPort: 65536 }, ['invalid status port: port number 65536 must be in the range 1..65535']],
  [{ controlPlaneAuthPolicy: 'NONE' }, []],
  [{ controlPlaneAuthPolicy: 7 }, ['invalid authentication policy: unrecognized control plane auth policy "7"']],
  [
    { controlPlaneAuthPolicy: 'INHERIT' },
    ['invalid authentication policy: unrecognized control plane auth policy "INHERIT"'],
  ],
  [
    { privateKeyProvider: {} },
    [`${provider} private key provider configuration is required`, `${provider} unknown private key provider`],
  ],
  [{ privateKeyProvider: { cryptomb: {} } }, [`${provider} pollDelay is required`]],
  [{ privateKeyProvider: { qat: { pollDelay: '0s' } } }, [`${provider} pollDelay must be non zero`]],
  [{ privateKeyProvider: { qat: { pollDelay: '1ns' } } }, []],
  [{ connectionSettings: {} }, []],
  [
    {
      connectionSettings: { listenerPerConnectionBufferLimitBytes: -1, httpIdleTimeout: '-1s', httpDrainTimeout: '0s' },
    },
    [
      `${connection} listener_per_connection_buffer_limit_bytes must be non-negative`,
      `${connection} http_idle_timeout must be non-negative`,
    ],
  ],
  [
    { connectionSettings: { httpMaxConcurrentStreams: 0 } },
    [`${connection} http_max_concurrent_streams must be positive`],
  ],
  [
    { connectionSettings: { http2InitialStreamWindowSize: 65534, http2InitialConnectionWindowSize: 65535 } },
    [`${connection} http2_initial_stream_window_size must be at least 65535`],
  ],
]
for (const [document, errors] of cases) {
  test(`ProxyConfig rules on ${JSON.stringify(document)}`, () => {
    const findings = validateProxyConfig(readMessage(PROXY_CONFIG, document, DEFAULT_PROXY_CONFIG))
    assert.deepEqual(findings, { errors, warnings: [] })
  })
}

test('problems of several fields come in the order of the rules', () => {
  const { errors } = validateProxyConfig({})
  assert.deepEqual(errors, [
    'config path must be set',
    'binary path must be set',
    'service cluster must be specified',
    'invalid drain duration: duration must be greater than 1ms',
    'discovery address must be set to the proxy discovery service',
    'invalid proxy admin port: port number 0 must be in the range 1..65535',
    'invalid status port: port number 0 must be in the range 1..65535',
  ])
})

test('DNS auto allocation by metadata is deprecated', () => {
  const document = { proxyMetadata: { ISTIO_META_DNS_AUTO_ALLOCATE: 'true' } }
  const { errors, warnings } = validateProxyConfig(readMessage(PROXY_CONFIG, document, DEFAULT_PROXY_CONFIG))
  assert.deepEqual(errors, [])
  assert.match(warnings.join(), /^ISTIO_META_DNS_AUTO_ALLOCATE is deprecated/)
})
