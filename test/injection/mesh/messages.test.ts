/** The tables of messages, as far as others build on them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goFieldName } from '../../../src/injection/mesh/message-type.ts'
import type { MessageType } from '../../../src/injection/mesh/message-type.ts'
import { MESH_CONFIG, PROXY_CONFIG, VALUES } from '../../../src/injection/mesh/messages.ts'

test('fields of ProxyConfig are in declaration order', () => {
  assert.equal(
    PROXY_CONFIG.fields.map((field) => field.json).join(' '),
    'configPath binaryPath serviceCluster tracingServiceName drainDuration discoveryAddress discoveryRefreshDelay ' +
      'zipkinAddress statsdUdpAddress envoyMetricsServiceAddress proxyAdminPort availabilityZone controlPlaneAuthPolicy ' +
      'customConfigFile statNameLength concurrency proxyBootstrapTemplatePath interceptionMode tracing sds ' +
      'envoyAccessLogService envoyMetricsService proxyMetadata runtimeValues statusPort extraStatTags gatewayTopology ' +
      'terminationDrainDuration meshId readinessProbe proxyStatsMatcher holdApplicationUntilProxyStarts ' +
      'caCertificatesPem image privateKeyProvider proxyHeaders fileFlushInterval fileFlushMinSizeKb statsCompression ' +
      'connectionSettings',
  )
})

const GO_NAMES: [proto: string, go: string][] = [
  ['proxy_listen_port', 'ProxyListenPort'],
  ['ca_certificates_pem', 'CaCertificatesPem'],
  ['http2_max_requests', 'Http2MaxRequests'],
  ['mesh_mTLS', 'MeshMTLS'],
  ['k8s_sa_jwt_path', 'K8SSaJwtPath'],
  ['enable_64bit_trace_id', 'Enable_64BitTraceId'],
  ['sidecarInjectorWebhook', 'SidecarInjectorWebhook'],
]
for (const [proto, go] of GO_NAMES) test(`the Go name of ${proto} is ${go}`, () => assert.equal(goFieldName(proto), go))

function reachable(root: MessageType): MessageType[] {
  const found = new Set<MessageType>()
  const queue = [root]
  for (let type = queue.pop(); type !== undefined; type = queue.pop()) {
    if (found.has(type)) continue
    found.add(type)
    for (const field of type.fields) {
      const inner = field.type.kind === 'slice' || field.type.kind === 'map' ? field.type.elem : field.type
      if (inner.kind === 'pointer') queue.push(inner.elem as MessageType)
    }
  }
  return [...found]
}

for (const root of [MESH_CONFIG, VALUES]) {
  test(`every message behind ${root.name} has distinct field names`, () => {
    for (const type of reachable(root)) {
      const names = type.fields.map((field) => field.json)
      assert.equal(new Set(names).size, names.length, type.fullName)
    }
  })
}

test('members of a oneof carry its Go name, and messages write themselves', () => {
  const groups = PROXY_CONFIG.fields.filter(({ oneof }) => oneof !== undefined).map(({ json, oneof }) => [json, oneof])
  assert.deepEqual(groups, [
    ['serviceCluster', 'ClusterName'],
    ['tracingServiceName', 'ClusterName'],
  ])
  assert.equal(PROXY_CONFIG.toJson?.({ statusPort: 1, concurrency: { value: 0 } }), '{"concurrency":0,"statusPort":1}')
})
