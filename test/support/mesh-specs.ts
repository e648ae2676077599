/** Of every kind of mesh resource one spec that is good and three that are not: by schema, by a CEL rule or by the webhook. */

export interface KindSpecs {
  readonly apiVersion: string
  readonly good: object
  readonly bad: readonly [object, object, object]
}

const NETWORKING = 'networking.istio.io/v1'
const SECURITY = 'security.istio.io/v1'
const EXTENSIONS = 'extensions.istio.io/v1alpha1'

const route = [{ destination: { host: 'web' } }]
const port = { number: 80, name: 'http', protocol: 'HTTP' }
const bothTargets = { selector: { matchLabels: { app: 'web' } }, targetRef: { kind: 'Gateway', name: 'a' } }
const wildcardSelector = { selector: { matchLabels: { app: '*' } } }

export const MESH_SPECS: Readonly<Record<string, KindSpecs>> = {
  VirtualService: {
    apiVersion: NETWORKING,
    good: { hosts: ['web'], http: [{ route }] },
    bad: [
      { hosts: ['web'], http: [{ route, timeout: 'soon' }] },
      { hosts: [], http: [{ route: [{ destination: {}, weight: -1 }] }] },
      { hosts: ['web', 'we b'], http: [{ route: [...route, ...route], match: [{ port: 99_999 }], fault: {} }] },
    ],
  },
  DestinationRule: {
    apiVersion: NETWORKING,
    good: { host: 'web', subsets: [{ name: 'v1', labels: { version: 'v1' } }] },
    bad: [
      { subsets: [] },
      { host: '', subsets: [{ name: 'v_1' }, { name: 'a', trafficPolicy: {} }] },
      { host: 'web', trafficPolicy: { loadBalancer: { simple: 'FASTEST' } } },
    ],
  },
  Gateway: {
    apiVersion: NETWORKING,
    good: { selector: { app: 'gateway' }, servers: [{ port, hosts: ['*'] }] },
    bad: [
      { servers: [] },
      { servers: [{ port: { number: 80 }, hosts: ['*'] }] },
      {
        servers: [
          { port, hosts: ['a..b'] },
          { port, hosts: [] },
        ],
      },
    ],
  },
  ServiceEntry: {
    apiVersion: NETWORKING,
    good: { hosts: ['api.example.com'], ports: [port], resolution: 'DNS', location: 'MESH_EXTERNAL' },
    bad: [
      { ports: [port] },
      { hosts: ['a.example'], ports: [{ ...port, number: 99_999 }], resolution: 'DNS' },
      { hosts: ['a.example'], ports: [port, port], resolution: 'STATIC', addresses: ['nowhere'] },
    ],
  },
  Sidecar: {
    apiVersion: NETWORKING,
    good: { egress: [{ hosts: ['./*'] }] },
    bad: [
      { egress: [{}] },
      { egress: [{ hosts: ['web'] }, { hosts: ['./*'] }] },
      { ingress: [{ port, defaultEndpoint: 'nowhere' }], egress: [] },
    ],
  },
  WorkloadEntry: {
    apiVersion: NETWORKING,
    good: { address: '10.0.0.1', labels: { app: 'web' } },
    bad: [{}, { address: 'unix://relative' }, { address: '10.0.0.1', ports: { 'a b': 0 }, labels: { 'a b': 'c' } }],
  },
  WorkloadGroup: {
    apiVersion: NETWORKING,
    good: { metadata: { labels: { app: 'web' } }, template: { serviceAccount: 'web' } },
    bad: [
      {},
      { template: {}, probe: { tcpSocket: { port: 65_536 } } },
      { metadata: { labels: { 'a b': 'c' } }, template: {}, probe: { exec: { command: [] } } },
    ],
  },
  EnvoyFilter: {
    apiVersion: 'networking.istio.io/v1alpha3',
    good: {
      configPatches: [
        { applyTo: 'CLUSTER', match: { context: 'ANY' }, patch: { operation: 'MERGE', value: { name: 'a' } } },
      ],
    },
    bad: [
      { configPatches: [{ applyTo: 'EVERYTHING' }] },
      { targetRefs: [bothTargets.targetRef], workloadSelector: { labels: { a: 'b' } } },
      {
        configPatches: [{ applyTo: 'CLUSTER', match: { listener: {} }, patch: {} }, { patch: { operation: 'MERGE' } }],
      },
    ],
  },
  ProxyConfig: {
    apiVersion: 'networking.istio.io/v1beta1',
    good: { concurrency: 2 },
    bad: [{ concurrency: -1 }, { concurrency: 'two' }, { environmentVariables: [] }],
  },
  AuthorizationPolicy: {
    apiVersion: SECURITY,
    good: { action: 'ALLOW', rules: [{ from: [{ source: { namespaces: ['a'] } }] }] },
    bad: [
      { action: 'SHRUG' },
      bothTargets,
      { rules: [{ from: [{ source: { ipBlocks: ['nowhere'] } }], when: [{ key: 'odd', values: ['a'] }] }] },
    ],
  },
  PeerAuthentication: {
    apiVersion: SECURITY,
    good: { mtls: { mode: 'STRICT' } },
    bad: [{ mtls: { mode: 'MAYBE' } }, { portLevelMtls: { 80: { mode: 'STRICT' } } }, wildcardSelector],
  },
  RequestAuthentication: {
    apiVersion: SECURITY,
    good: { jwtRules: [{ issuer: 'a', jwksUri: 'https://a.example/jwks' }] },
    bad: [
      { jwtRules: [{ issuer: 'a', jwksUri: 'nowhere' }] },
      { jwtRules: [{ issuer: 'a', jwks: '{}', jwksUri: 'https://a.example' }] },
      {
        jwtRules: [
          { issuer: 'a', jwks: 'no keys' },
          { issuer: 'b', jwks: 'none either' },
        ],
      },
    ],
  },
  Telemetry: {
    apiVersion: 'telemetry.istio.io/v1',
    good: { accessLogging: [{ providers: [{ name: 'envoy' }] }] },
    bad: [{ tracing: [{ randomSamplingPercentage: 101 }] }, bothTargets, { metrics: [{ reportingInterval: '0s' }] }],
  },
  WasmPlugin: {
    apiVersion: EXTENSIONS,
    good: { url: 'oci://registry.example/plugin:1' },
    bad: [{}, { url: 'ftp://a.example' }, { url: 'oci://a.example/b', sha256: 'short' }],
  },
  TrafficExtension: {
    apiVersion: EXTENSIONS,
    good: { wasm: { url: 'oci://registry.example/plugin:1' } },
    bad: [
      { wasm: { url: 'ftp://a.example' } },
      { wasm: {} },
      { selector: bothTargets.selector, targetRefs: [bothTargets.targetRef] },
    ],
  },
}

/** Specs that fire a CEL rule which those above leave alone; with them every rule of our definitions is fired. */
export const CEL_SPECS: readonly { readonly kind: string; readonly spec: object }[] = [
  {
    kind: 'ServiceEntry',
    spec: {
      hosts: ['a.example'],
      ports: [port],
      resolution: 'DNS_ROUND_ROBIN',
      endpoints: [{ address: 'b.example' }, { address: 'c.example' }],
    },
  },
  { kind: 'ServiceEntry', spec: { hosts: ['*'], ports: [port], resolution: 'NONE' } },
  {
    kind: 'ServiceEntry',
    spec: { hosts: ['a.example'], ports: [port, { ...port, name: 'other' }], resolution: 'DNS' },
  },
  { kind: 'WorkloadGroup', spec: { template: { address: 'unix:///a', ports: { http: 80 } } } },
  { kind: 'WorkloadGroup', spec: { template: { address: 'unix:///a/' } } },
  {
    kind: 'Telemetry',
    spec: { metrics: [{ overrides: [{ tagOverrides: { a: { operation: 'REMOVE', value: 'b' } } }] }] },
  },
  {
    kind: 'WasmPlugin',
    spec: {
      url: 'oci://a.example/b',
      vmConfig: { env: [{ name: 'A', valueFrom: 'HOST', value: 'b' }] },
    },
  },
]
