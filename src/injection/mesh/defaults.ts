/** What istiod assumes where no document says otherwise. */
import type { Message } from './message-type.ts'
import { MESH_CONFIG, PROXY_CONFIG } from './messages.ts'
import { readMessage } from './proto-json.ts'

/** Built-in ProxyConfig. istiod: mesh.DefaultProxyConfig */
export const DEFAULT_PROXY_CONFIG: Message = readMessage(PROXY_CONFIG, {
  configPath: './etc/istio/proxy',
  binaryPath: '/usr/local/bin/envoy',
  serviceCluster: 'istio-proxy',
  drainDuration: '45s',
  terminationDrainDuration: '5s',
  discoveryAddress: 'istiod.istio-system.svc:15012',
  proxyAdminPort: 15000,
  statusPort: 15020,
  statNameLength: 189,
  controlPlaneAuthPolicy: 'MUTUAL_TLS',
})

/** Built-in MeshConfig. istiod: mesh.DefaultMeshConfig */
export const DEFAULT_MESH_CONFIG: Message = {
  ...readMessage(MESH_CONFIG, {
    enableTracing: true,
    protocolDetectionTimeout: '0s',
    ingressService: 'istio-ingressgateway',
    ingressControllerMode: 'STRICT',
    ingressClass: 'istio',
    trustDomain: 'cluster.local',
    enableAutoMtls: true,
    outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
    inboundTrafficPolicy: { mode: 'PASSTHROUGH' },
    localityLbSetting: { enabled: true },
    rootNamespace: 'istio-system',
    proxyListenPort: 15001,
    proxyInboundListenPort: 15006,
    connectTimeout: '10s',
    defaultServiceExportTo: ['*'],
    defaultVirtualServiceExportTo: ['*'],
    defaultDestinationRuleExportTo: ['*'],
    dnsRefreshRate: '60s',
    enablePrometheusMerge: true,
    defaultProviders: {},
    extensionProviders: [
      { name: 'prometheus', prometheus: {} },
      { name: 'stackdriver', stackdriver: {} },
      { name: 'envoy', envoyFileAccessLog: { path: '/dev/stdout' } },
    ],
  }),
  defaultConfig: DEFAULT_PROXY_CONFIG,
}
