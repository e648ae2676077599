/** The corner cases that operators of Istio meet: one row each, with what istiod makes of it and what we do by default. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Container, Pod } from '../../src/api/pod.ts'
import { compileSelector, type LabelSelector } from '../../src/base/selector.ts'
import { planInstallation } from '../../src/cli/manifests/plan.ts'
import { webhookConfigurations } from '../../src/cli/manifests/webhooks.ts'
import { shippedValuesText } from '../../src/cli/serve/shipped.ts'
import type { InjectionResult, InjectionWorld, InjectorInputs } from '../../src/injection/index.ts'
import type { Compatibility } from '../../src/injection/inject.ts'
import { nodeFactsOf } from '../../src/injection/native-sidecars.ts'
import { createOfflineInjector } from '../../src/injection/offline-pod.ts'
import { injectDocuments } from '../../src/injection/offline/inject-documents.ts'
import { workloadOf } from '../../src/injection/workload.ts'
import { readYaml } from '../../src/injection/yaml/read.ts'
import { cleanedPath } from '../../src/server/path.ts'
import { containerOf, envOf, NO_WORLD, patched, shippedInjector, shippedInputs } from '../support/injected.ts'
import { webhook } from '../support/webhook.ts'

type Json = Record<string, unknown>

interface Given {
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly metadata?: Json
  readonly containers?: readonly Json[]
  readonly spec?: Json
  readonly namespace?: string
  readonly path?: string
  readonly world?: InjectionWorld
  /** Changes the configuration document. */
  readonly config?: Json
  readonly templates?: Readonly<Record<string, string>>
  /** Members of the values, merged into the shipped ones. */
  readonly values?: Json
  readonly mesh?: string
  readonly inputs?: Partial<InjectorInputs>
}

interface Got {
  readonly result: InjectionResult
  readonly warnings: readonly string[]
  /** The injected pod. Fails the test where there is none. */
  readonly pod: () => Pod
}

type Outcome = RegExp | string | ((got: Got) => void)

/** A text names the reason of a skip, an expression the message of a denial. */
interface Corner {
  readonly row: number
  readonly name: string
  readonly given: Given
  readonly outcome: Outcome
  /** With `--compat=istiod`, where that differs. */
  readonly istiod?: Outcome
}

const APP = { name: 'app', image: 'registry.example/app:1' }
const probed = (httpGet: Json, rest: Json = {}): Json => ({ ...APP, readinessProbe: { httpGet }, ...rest })
const proxy = (own: Json): readonly Json[] => [APP, { name: 'istio-proxy', image: 'auto', ...own }]
const CNI = { pilot: { cni: { enabled: true, provider: 'default' } } }

const annotationOf = (pod: Pod, name: string): string | undefined => pod.metadata?.annotations?.[name]
const proxyOf = (pod: Pod): Container => containerOf(pod, 'istio-proxy')
const isInjected = ({ pod }: Got): void => void proxyOf(pod())
const probeOf = (pod: Pod, name = 'app'): Json =>
  (containerOf(pod, name).readinessProbe as unknown as { httpGet: Json }).httpGet
const volumeOf = ({ spec }: Pod, name: string): Json | undefined =>
  (spec?.volumes as readonly Json[] | undefined)?.find((volume) => volume['name'] === name)
const securityOf = (container: Container): Json =>
  (container as { securityContext?: Json }).securityContext ?? assert.fail('no security context')
const namesOf = (list: readonly Container[] | null | undefined): (string | undefined)[] =>
  (list ?? []).map(({ name }) => name)

/** The value after a flag of the init container. */
function flagOf(pod: Pod, flag: string, name = 'istio-init'): string | undefined {
  const args = (containerOf(pod, name) as { args?: readonly string[] }).args ?? []
  return args[args.indexOf(flag) + 1]
}

const STATUS = 'sidecar.istio.io/status'
const OVERRIDES = 'proxy.istio.io/overrides'
const TRAFFIC = 'traffic.sidecar.istio.io'
const REINJECTED = {
  annotations: {
    [STATUS]: '{"initContainers":["istio-init"],"containers":["istio-proxy"],"volumes":null,"imagePullSecrets":null}',
    [OVERRIDES]: JSON.stringify({ containers: [{ name: 'istio-proxy', image: 'mine:1', resources: {} }] }),
  },
  containers: [APP, { name: 'istio-proxy', image: 'mine:1', securityContext: { runAsUser: 1234 } }],
}

const CORNERS: readonly Corner[] = [
  {
    row: 1,
    name: 'an empty label hides the annotation',
    given: { labels: { 'sidecar.istio.io/inject': '' }, annotations: { 'sidecar.istio.io/inject': 'false' } },
    outcome: isInjected,
  },
  {
    row: 2,
    name: 'an unreadable label warns and leaves it to the policy',
    given: { labels: { 'sidecar.istio.io/inject': 'True' } },
    outcome: (got) => {
      isInjected(got)
      assert.match(got.warnings.join(), /"True"/)
    },
  },
  {
    row: 3,
    name: 'a policy in capitals injects nothing',
    given: { config: { policy: 'Enabled' }, labels: { 'sidecar.istio.io/inject': 'true' } },
    outcome: 'policy_invalid',
  },
  {
    row: 4,
    name: 'an empty selector matches nothing',
    given: { config: { policy: 'disabled', alwaysInjectSelector: [{}] } },
    outcome: 'policy_disabled',
  },
  { row: 5, name: 'kube-system is skipped', given: { namespace: 'kube-system' }, outcome: 'ignored_namespace' },
  {
    row: 7,
    name: 'a ProxyConfig with an empty selector reaches nobody',
    given: {
      world: {
        proxyConfigs: [{ metadata: { name: 'a', namespace: 'istio-system' }, spec: { selector: {}, concurrency: 4 } }],
      },
    },
    outcome: ({ pod }) => assert.doesNotMatch(envOf(proxyOf(pod()), 'PROXY_CONFIG') ?? '', /concurrency/),
  },
  {
    row: 8,
    name: 'the config annotation cannot undo TPROXY of the mesh',
    given: {
      mesh: 'defaultConfig: {interceptionMode: TPROXY}',
      annotations: { 'proxy.istio.io/config': 'interceptionMode: REDIRECT' },
    },
    outcome: ({ pod }) => assert.equal(flagOf(pod(), '-m'), 'TPROXY'),
  },
  {
    row: 8,
    name: "the mode's own annotation can",
    given: {
      mesh: 'defaultConfig: {interceptionMode: TPROXY}',
      annotations: { 'sidecar.istio.io/interceptionMode': 'REDIRECT' },
    },
    outcome: ({ pod }) => assert.equal(flagOf(pod(), '-m'), 'REDIRECT'),
  },
  {
    row: 9,
    name: 'a number as metadata is the wrong type',
    given: { annotations: { 'proxy.istio.io/config': 'proxyMetadata: {FOO: 1}' } },
    outcome: /json: cannot unmarshal number into Go value of type string/,
  },
  {
    row: 9,
    name: 'a text as a bool is the wrong type',
    given: { annotations: { 'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: "true"' } },
    outcome: /json: cannot unmarshal string into Go value of type bool/,
  },
  {
    row: 10,
    name: 'a quoted integer is fine',
    given: { annotations: { 'proxy.istio.io/config': 'concurrency: "2"' } },
    outcome: ({ pod }) => assert.match(envOf(proxyOf(pod()), 'PROXY_CONFIG') ?? '', /"concurrency":2\b/),
  },
  {
    row: 11,
    name: 'an unknown field is dropped',
    given: { annotations: { 'proxy.istio.io/config': 'unknownField: 1' } },
    outcome: ({ pod }) => assert.equal(envOf(proxyOf(pod()), 'PROXY_CONFIG'), '{}\n'),
  },
  {
    row: 12,
    name: "the annotation's statusPort moves the agent, not the probes",
    given: {
      annotations: { 'proxy.istio.io/config': 'statusPort: 15999' },
      containers: [probed({ path: '/h', port: 80 })],
    },
    outcome: ({ pod }) => {
      assert.equal(probeOf(pod())['port'], 15020)
      assert.match(envOf(proxyOf(pod()), 'PROXY_CONFIG') ?? '', /"statusPort":15999/)
    },
  },
  {
    row: 13,
    name: 'status port 0 sends probes to port 0',
    given: {
      annotations: { 'status.sidecar.istio.io/port': '0' },
      containers: [probed({ path: '/h', port: 80 })],
    },
    outcome: ({ pod }) => {
      assert.equal(probeOf(pod())['port'], 0)
      assert.equal(proxyOf(pod()).readinessProbe, undefined)
    },
  },
  {
    row: 14,
    name: 'a port name of another container is rewritten, but unknown to the agent',
    given: {
      containers: [probed({ port: 'web' }), { ...APP, name: 'other', ports: [{ name: 'web', containerPort: 8080 }] }],
    },
    outcome: ({ pod }) => {
      assert.equal(probeOf(pod())['path'], '/app-health/app/readyz')
      assert.equal(envOf(proxyOf(pod()), 'ISTIO_KUBE_APP_PROBERS'), undefined)
    },
  },
  {
    row: 15,
    name: 'a probe keeps its host',
    given: { containers: [probed({ host: 'example.com', path: '/h', port: 80 })] },
    outcome: ({ pod }) =>
      assert.deepEqual(probeOf(pod()), { host: 'example.com', path: '/app-health/app/readyz', port: 15020 }),
  },
  {
    row: 16,
    name: 'a probe of the status port counts as rewritten',
    given: { containers: [probed({ path: '/h', port: 15020 })] },
    outcome: ({ pod }) => {
      assert.equal(probeOf(pod())['path'], '/app-health/app/readyz')
      assert.equal(envOf(proxyOf(pod()), 'ISTIO_KUBE_APP_PROBERS'), undefined)
    },
  },
  {
    row: 17,
    name: 'the path of a probe is escaped as Go does',
    given: { containers: [probed({ path: '/h?a=1&b=2', port: 80 })] },
    outcome: ({ pod }) => assert.match(envOf(proxyOf(pod()), 'ISTIO_KUBE_APP_PROBERS') ?? '', /a=1\\u0026b=2/),
  },
  {
    row: 18,
    name: 'a named scrape port is denied',
    given: { annotations: { 'prometheus.io/port': 'metrics' } },
    outcome: /invalid prometheus scrape configuration: invalid port "metrics"$/,
  },
  {
    row: 19,
    name: 'the status port as scrape port stops the merge',
    given: { annotations: { 'prometheus.io/port': '15020', 'prometheus.io/path': '/mine' } },
    outcome: ({ pod }) => {
      assert.equal(annotationOf(pod(), 'prometheus.io/path'), '/mine')
      assert.equal(annotationOf(pod(), 'prometheus.io/scrape'), undefined)
    },
  },
  {
    row: 20,
    name: 'scrape targets without a port are ignored with a warning',
    given: { annotations: { 'prometheus.istio.io/scrape-targets': ':/m', 'prometheus.io/port': '8080' } },
    outcome: ({ pod, warnings }) => {
      const collected = envOf(proxyOf(pod()), 'ISTIO_PROMETHEUS_ANNOTATIONS') ?? ''
      assert.deepEqual(JSON.parse(collected), { scrape: '', path: '', port: '8080' })
      assert.equal(annotationOf(pod(), 'prometheus.istio.io/scrape-targets'), undefined)
      assert.equal(warnings.length, 1)
    },
  },
  {
    row: 21,
    name: 'of two spellings the first in byte order counts',
    given: { annotations: { prometheus_io_scrape: 'true', 'prometheus.io/scrape': 'false' } },
    outcome: ({ pod }) => assert.equal(annotationOf(pod(), 'prometheus.io/port'), undefined),
  },
  {
    row: 22,
    name: 'a grpc-simple pod is scraped where nobody listens',
    given: { annotations: { 'inject.istio.io/templates': 'grpc-simple' } },
    outcome: ({ pod }) => assert.equal(annotationOf(pod(), 'prometheus.io/port'), '15020'),
  },
  {
    row: 23,
    name: 'a list of templates that ends in a comma names one without a name',
    given: { annotations: { 'inject.istio.io/templates': 'sidecar, ' } },
    outcome: /requested template "" not found; have /,
  },
  {
    row: 24,
    name: 'a second template that adds to the containers meets a native proxy elsewhere',
    given: {
      inputs: { nativeSidecars: 'true' },
      templates: { spire: 'spec: {containers: [{name: istio-proxy, volumeMounts: [{name: s, mountPath: /s}]}]}' },
      annotations: { 'inject.istio.io/templates': 'sidecar,spire' },
    },
    outcome: ({ pod }) => {
      const { containers, initContainers } = pod().spec ?? {}
      assert.ok(namesOf(initContainers).includes('istio-proxy'))
      assert.equal(containers?.find(({ name }) => name === 'istio-proxy')?.image, undefined)
      assert.ok(namesOf(containers).includes('istio-proxy'))
    },
  },
  {
    row: 25,
    name: 'a pod with nothing but a proxy is left without containers',
    given: { inputs: { nativeSidecars: 'true' }, containers: [{ name: 'istio-proxy', image: 'auto' }] },
    outcome: ({ pod }) => assert.deepEqual(pod().spec?.containers, []),
  },
  {
    row: 26,
    name: 'the annotation "yes" makes the template go native, but moves nothing',
    given: {
      annotations: { 'sidecar.istio.io/nativeSidecar': 'yes' },
      containers: proxy({ image: 'mine:1' }),
    },
    outcome: ({ pod }) => {
      assert.ok(namesOf(pod().spec?.containers).includes('istio-proxy'))
      assert.ok(namesOf(pod().spec?.initContainers).includes('istio-proxy'))
    },
  },
  {
    row: 27,
    name: "a user's value stands beside the template's source",
    given: { containers: proxy({ env: [{ name: 'POD_NAME', value: 'x' }] }) },
    outcome: ({ pod }) => {
      const entry = proxyOf(pod()).env?.find(({ name }) => name === 'POD_NAME')
      assert.deepEqual([entry?.value, entry?.valueFrom !== undefined], ['x', true])
    },
  },
  {
    row: 28,
    name: 'empty arguments do not count, a false pointer does',
    given: {
      values: { global: { proxy: { privileged: true } } },
      containers: proxy({ args: [], securityContext: { privileged: false } }),
    },
    outcome: ({ pod }) => {
      const { args } = proxyOf(pod()) as { args?: readonly string[] }
      assert.equal(args?.[0], 'proxy')
      assert.equal(securityOf(proxyOf(pod()))['privileged'], false)
    },
  },
  {
    row: 29,
    name: 'only "auto" itself means the template\'s image',
    given: { containers: proxy({ image: 'Auto' }) },
    outcome: ({ pod }) => assert.equal(proxyOf(pod()).image, 'Auto'),
  },
  {
    row: 30,
    name: "the user's uid is excepted from redirection, istio-init stays root",
    given: { containers: proxy({ securityContext: { runAsUser: 1234 } }) },
    outcome: ({ pod }) => {
      assert.equal(flagOf(pod(), '-u'), '1234')
      assert.equal(securityOf(containerOf(pod(), 'istio-init'))['runAsUser'], 0)
    },
  },
  {
    row: 30,
    name: 'with CNI the validation runs as the user',
    given: { values: CNI, containers: proxy({ securityContext: { runAsUser: 1234 } }) },
    outcome: ({ pod }) => assert.equal(securityOf(containerOf(pod(), 'istio-validation'))['runAsUser'], 1234),
  },
  {
    row: 31,
    name: 'TPROXY of the mesh forces root into the form of REDIRECT',
    given: {
      mesh: 'defaultConfig: {interceptionMode: TPROXY}',
      annotations: { 'sidecar.istio.io/interceptionMode': 'REDIRECT' },
      containers: proxy({ securityContext: { runAsUser: 1234 } }),
    },
    outcome: ({ pod }) => {
      const { runAsUser, runAsNonRoot } = securityOf(proxyOf(pod()))
      assert.deepEqual({ runAsUser, runAsNonRoot }, { runAsUser: 0, runAsNonRoot: true })
    },
  },
  {
    row: 32,
    name: "a user's volume of the template's name gets two sources",
    given: { spec: { volumes: [{ name: 'istio-envoy', configMap: { name: 'c' } }] } },
    outcome: ({ pod }) => {
      const volume = volumeOf(pod(), 'istio-envoy')
      assert.ok(volume?.['configMap'] !== undefined && volume['emptyDir'] !== undefined)
    },
  },
  {
    row: 33,
    name: "a user's workload socket is kept",
    given: { spec: { volumes: [{ name: 'workload-socket', csi: { driver: 'd' } }] } },
    outcome: ({ pod }) =>
      assert.deepEqual(volumeOf(pod(), 'workload-socket'), { name: 'workload-socket', csi: { driver: 'd' } }),
  },
  {
    row: 33,
    name: "a gateway's other sockets clash",
    given: {
      annotations: { 'inject.istio.io/templates': 'gateway' },
      containers: [{ name: 'istio-proxy', image: 'auto' }],
      spec: { volumes: [{ name: 'workload-certs', csi: { driver: 'd' } }] },
    },
    outcome: ({ pod }) => {
      const volume = volumeOf(pod(), 'workload-certs')
      assert.ok(volume?.['csi'] !== undefined && volume['emptyDir'] !== undefined)
    },
  },
  {
    row: 34,
    name: "a user's mount replaces the template's at the same path",
    given: { containers: proxy({ volumeMounts: [{ name: 'mine', mountPath: '/etc/istio/proxy' }] }) },
    outcome: ({ pod }) => {
      const { volumeMounts } = proxyOf(pod()) as { volumeMounts?: readonly Json[] }
      const there = volumeMounts?.filter((mount) => mount['mountPath'] === '/etc/istio/proxy')
      assert.deepEqual(there, [{ name: 'mine', mountPath: '/etc/istio/proxy' }])
    },
  },
  {
    row: 35,
    name: 'a pull secret without a name cannot be merged',
    given: { values: { global: { imagePullSecrets: ['s'] } }, spec: { imagePullSecrets: [{}] } },
    outcome: /does not contain declared merge key: name/,
  },
  {
    row: 36,
    name: 'the host network wins over the label',
    given: { labels: { 'sidecar.istio.io/inject': 'true' }, spec: { hostNetwork: true } },
    outcome: 'host_network',
  },
  {
    row: 37,
    name: 'two protocols of one port stay apart',
    given: {
      containers: [
        {
          ...APP,
          ports: [
            { containerPort: 53, protocol: 'TCP' },
            { containerPort: 53, protocol: 'UDP' },
          ],
        },
      ],
    },
    outcome: ({ pod }) => {
      assert.equal(containerOf(pod(), 'app').ports?.length, 2)
      const listed = JSON.parse(envOf(proxyOf(pod()), 'ISTIO_META_POD_PORTS') ?? '') as readonly Json[]
      assert.deepEqual(
        listed.map((one) => one['protocol']),
        ['TCP', 'UDP'],
      )
    },
  },
  {
    row: 38,
    name: 'a second run keeps the overrides of the first',
    given: REINJECTED,
    outcome: ({ pod }) => assert.equal(proxyOf(pod()).image, 'mine:1'),
    istiod: ({ pod }) => {
      assert.match(proxyOf(pod()).image ?? '', /proxyv2/)
      assert.equal(flagOf(pod(), '-u'), '1234')
    },
  },
  {
    row: 39,
    name: 'a status that makes istiod panic is denied',
    given: { annotations: { [STATUS]: '{"containers":"x"}' } },
    outcome: /^failed to re apply container: /,
  },
  {
    row: 40,
    name: 'overrides that are no JSON are denied',
    given: { annotations: { [OVERRIDES]: 'not json' } },
    outcome: /invalid character 'o' in literal null/,
  },
  {
    row: 42,
    name: 'a quote in metadata breaks the text',
    given: { annotations: { 'proxy.istio.io/config': `proxyMetadata: {FOO: 'a"b'}` } },
    outcome: /strategic merge: invalid JSON document/,
  },
  {
    row: 43,
    name: 'a variable called NO becomes a boolean',
    given: { annotations: { 'proxy.istio.io/config': 'proxyMetadata: {"NO": x}' } },
    outcome: /cannot unmarshal bool into Go struct field EnvVar\..*name of type string/,
  },
  {
    row: 44,
    name: 'text after outbound ports does not reach the template',
    given: { annotations: { [`${TRAFFIC}/includeOutboundPorts`]: '80"\n    - "--injected' } },
    outcome: /includeOutboundPorts: expected port numbers/,
    istiod: ({ pod }) => {
      const { args } = containerOf(pod(), 'istio-init') as { args?: readonly string[] }
      assert.ok(args?.includes('--injected'))
    },
  },
  {
    row: 45,
    name: 'an empty element among ports is denied',
    given: { annotations: { [`${TRAFFIC}/includeInboundPorts`]: '80,' } },
    outcome: /includeInboundPorts invalid: failed parsing port ''/,
  },
  {
    row: 46,
    name: 'a space between ranges is denied',
    given: { annotations: { [`${TRAFFIC}/includeOutboundIPRanges`]: '10.0.0.0/8, 172.16.0.0/12' } },
    outcome: /includeIPRanges invalid: failed parsing cidr ' 172\.16\.0\.0\/12'/,
  },
  {
    row: 47,
    name: 'a star among excluded ranges is denied',
    given: { annotations: { [`${TRAFFIC}/excludeOutboundIPRanges`]: '*' } },
    outcome: /excludeIPRanges invalid: failed parsing cidr '\*'/,
  },
  {
    row: 48,
    name: 'no inbound ports means that nothing is captured',
    given: { annotations: { [`${TRAFFIC}/includeInboundPorts`]: '' } },
    outcome: ({ pod }) => assert.equal(flagOf(pod(), '-b'), ''),
  },
  {
    row: 49,
    name: 'a proxy image without a slash is ignored',
    given: { annotations: { 'sidecar.istio.io/proxyImage': 'mine:1' } },
    outcome: ({ pod }) => assert.match(proxyOf(pod()).image ?? '', /\/proxyv2:/),
  },
  {
    row: 50,
    name: 'values without a proxy deny every pod',
    given: { values: { global: { proxy: null } } },
    outcome: /nil pointer evaluating interface \{\}\./,
  },
  {
    row: 51,
    name: 'a flag in quotes denies every pod',
    given: { values: { pilot: { env: { ENABLE_CLUSTER_TRUST_BUNDLE_API: 'true' } } } },
    outcome: /incompatible types for comparison/,
  },
  {
    row: 53,
    name: 'values without a revision show in the address',
    given: { values: { revision: undefined } },
    outcome: ({ pod }) => assert.equal(envOf(proxyOf(pod()), 'CA_ADDR'), 'istiod-<no value>.istio-system.svc:15012'),
  },
  {
    row: 56,
    name: 'a job named by hand counts as a run of a CronJob',
    given: owned('Job', 'load-12345678', 'batch/v1'),
    outcome: ({ pod }) =>
      assert.equal(envOf(proxyOf(pod()), 'ISTIO_META_OWNER'), ownerOf('batch/v1', 'cronjobs', 'load')),
  },
  {
    row: 57,
    name: 'a hash without a dash stays in the name',
    given: { ...owned('ReplicaSet', 'web7d9'), labels: { 'pod-template-hash': '7d9' } },
    outcome: ({ pod }) =>
      assert.equal(envOf(proxyOf(pod()), 'ISTIO_META_OWNER'), ownerOf('apps/v1', 'deployments', 'web7d9')),
  },
  {
    row: 58,
    name: 'a pod with a generated name and no owner has no workload',
    given: { metadata: { generateName: 'web-' } },
    outcome: ({ pod }) => {
      assert.equal(envOf(proxyOf(pod()), 'ISTIO_META_OWNER'), undefined)
      assert.equal(envOf(proxyOf(pod()), 'ISTIO_META_WORKLOAD_NAME'), undefined)
      assert.equal(pod().metadata?.labels?.['service.istio.io/canonical-name'], '')
    },
  },
  {
    row: 59,
    name: 'a long name is cut, then trimmed',
    given: { metadata: { name: `${'a'.repeat(62)}-${'b'.repeat(7)}` } },
    outcome: ({ pod }) => assert.equal(pod().metadata?.labels?.['service.istio.io/canonical-name'], 'a'.repeat(62)),
  },
  {
    row: 60,
    name: 'limits are written canonically',
    given: { values: { global: { proxy: { resources: { limits: { cpu: '2000m', memory: '1024Mi' } } } } } },
    outcome: ({ pod }) => {
      const { resources } = proxyOf(pod()) as { resources?: { limits?: Json } }
      assert.deepEqual(resources?.limits, { cpu: '2', memory: '1Gi' })
    },
  },
  {
    row: 61,
    name: 'a cluster without nodes has native sidecars',
    given: { inputs: { nativeSidecars: 'auto' }, world: { proxyConfigs: [], nodes: nodeFactsOf([]) } },
    outcome: ({ pod }) => assert.ok(namesOf(pod().spec?.initContainers).includes('istio-proxy')),
  },
  {
    row: 65,
    name: "the network label wins over the path's",
    given: { labels: { 'topology.istio.io/network': 'n2' }, path: '/inject/net/n1' },
    outcome: ({ pod }) => assert.equal(envOf(proxyOf(pod()), 'ISTIO_META_NETWORK'), 'n2'),
  },
  {
    row: 68,
    name: 'a list of volumes is named by index',
    given: { annotations: { 'sidecar.istio.io/userVolume': '[{"emptyDir":{}}]' } },
    outcome: ({ pod }) => assert.deepEqual(volumeOf(pod(), '0'), { name: '0', emptyDir: {} }),
  },
  {
    row: 69,
    name: 'a volume that is no JSON is denied',
    given: { annotations: { 'sidecar.istio.io/userVolume': 'x' } },
    outcome: /range can't iterate over \{\}/,
  },
  {
    row: 70,
    name: 'an empty list of networks becomes broken JSON',
    given: {
      values: { pilot: { cni: { enabled: true, provider: 'multus' } } },
      annotations: { 'k8s.v1.cni.cncf.io/networks': '[]' },
    },
    outcome: ({ pod }) =>
      assert.equal(
        annotationOf(pod(), 'k8s.v1.cni.cncf.io/networks'),
        '[, {"name": "istio-cni", "namespace": "default"}]',
      ),
  },
]

const MODES: readonly Compatibility[] = ['off', 'istiod']
for (const corner of CORNERS) {
  for (const compat of MODES) {
    test(`corner ${corner.row}, compat ${compat}: ${corner.name}`, () => {
      check(inject(corner.given, compat), compat === 'istiod' ? (corner.istiod ?? corner.outcome) : corner.outcome)
    })
  }
}

function owned(kind: string, name: string, apiVersion = 'apps/v1'): Given {
  const owner = { apiVersion, kind, name, uid: 'u', controller: true }
  return { metadata: { generateName: `${name}-`, ownerReferences: [owner] } }
}

function ownerOf(apiVersion: string, kind: string, name: string): string {
  return `kubernetes://apis/${apiVersion}/namespaces/shop/${kind}/${name}`
}

function check(got: Got, outcome: Outcome): void {
  const { result } = got
  if (typeof outcome === 'function') return outcome(got)
  if (typeof outcome === 'string') return assert.equal('reason' in result ? result.reason : 'not skipped', outcome)
  assert.match('denied' in result ? result.denied : 'not denied', outcome)
}

function inputsOf(given: Given, compat: Compatibility): InjectorInputs {
  const { configText, meshTexts, ...rest } = shippedInputs({ compat, ...given.inputs })
  const config = JSON.parse(configText) as { templates: Json }
  const templates = { ...config.templates, ...given.templates }
  return {
    ...rest,
    configText: JSON.stringify({ ...config, templates, ...given.config }),
    valuesText: valuesText(given.values),
    meshTexts: given.mesh === undefined ? meshTexts : [...meshTexts, given.mesh],
  }
}

function valuesText(values: Json = {}): string {
  return JSON.stringify(overlaid(readYaml(shippedValuesText()) as Json, values))
}

function overlaid(below: Json, above: Json): Json {
  const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
  const merged = Object.entries(above).map(([key, value]) => {
    const old = below[key]
    return [key, isMap(old) && isMap(value) ? overlaid(old, value) : value]
  })
  return { ...below, ...(Object.fromEntries(merged) as Json) }
}

function inject(given: Given, compat: Compatibility): Got {
  const { labels, annotations, metadata, containers = [APP], spec, namespace = 'shop', path, world = NO_WORLD } = given
  const pod = {
    metadata: { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) },
    spec: { containers, ...spec },
  }
  const warnings: string[] = []
  const injector = shippedInjector({ ...inputsOf(given, compat), warn: (text) => void warnings.push(text) })
  const result = injector.inject({ pod, namespace, ...(path !== undefined && { path }) }, world)
  return { result, warnings, pod: () => patched(pod, result) }
}

const REFUSED: readonly { row: number; name: string; given: Given; part: string; message: RegExp }[] = [
  {
    row: 52,
    name: 'a quoted bool refuses the values',
    given: { values: { global: { proxy: { privileged: 'false' } } } },
    part: 'values',
    message: /^could not parse configuration values: json: cannot unmarshal string into Go value of type bool$/,
  },
  {
    row: 54,
    name: 'a number as hub refuses the values',
    given: { values: { global: { hub: 5 } } },
    part: 'values',
    message: /^could not parse configuration values: json: cannot unmarshal number into Go value of type string$/,
  },
  {
    row: 55,
    name: 'an unused template with a misspelt function refuses the whole document',
    given: { templates: { unused: '{{ quoet 1 }}' } },
    part: 'config',
    message: /function "quoet" not defined$/,
  },
]
for (const { row, name, given, part, message } of REFUSED) {
  test(`corner ${row}: ${name}`, () => {
    assert.throws(() => shippedInjector(inputsOf(given, 'istiod')), { message, details: { part } })
  })
}

test('corner 41: of two configurations that match a pod the second one wins', () => {
  const pod = { metadata: {}, spec: { containers: [APP] } }
  const run = (given: unknown, revision: string): Pod =>
    patched(given, shippedInjector({ revision }).inject({ pod: given, namespace: 'shop' }, NO_WORLD))
  const twice = run(run(pod, 'first'), 'second')
  assert.equal(annotationOf(twice, 'istio.io/rev'), 'second')
  assert.deepEqual(namesOf(twice.spec?.containers), ['app', 'istio-proxy'])
})

interface Registered {
  readonly webhooks: readonly { readonly namespaceSelector: LabelSelector; readonly objectSelector: LabelSelector }[]
}
type Labels = Readonly<Record<string, string>>

/** Whether the API server would ask us about a pod with these labels in such a namespace. */
function isAsked(namespaceLabels: Labels, podLabels: Labels): boolean {
  const matches = (selector: LabelSelector, labels: Labels): boolean => {
    const compiled = compileSelector(selector)
    return 'matches' in compiled && compiled.matches(labels)
  }
  const configurations = webhookConfigurations(planInstallation({}, '0.0.0-test')) as readonly Registered[]
  return configurations.some(({ webhooks }) =>
    webhooks.some(
      ({ namespaceSelector, objectSelector }) =>
        matches(namespaceSelector, namespaceLabels) && matches(objectSelector, podLabels),
    ),
  )
}

const ENABLED = { 'istio-injection': 'enabled' }
const ASKED: readonly { row: number; name: string; namespace: Labels; pod: Labels; want: boolean }[] = [
  {
    row: 2,
    name: 'an unreadable label is none of "false"',
    namespace: ENABLED,
    pod: { 'sidecar.istio.io/inject': 'True' },
    want: true,
  },
  {
    row: 5,
    name: 'a labelled kube-system is asked about, in vain',
    namespace: { ...ENABLED, 'kubernetes.io/metadata.name': 'kube-system' },
    pod: {},
    want: true,
  },
  { row: 6, name: 'an annotation alone does not make anybody ask', namespace: {}, pod: {}, want: false },
]
for (const { row, name, namespace, pod, want } of ASKED) {
  test(`corner ${row}: ${name}`, () => assert.equal(isAsked(namespace, pod), want))
}

test('corner 62: a path with an empty segment is redirected', () => {
  assert.equal(cleanedPath('/inject//cluster/x'), '/inject/cluster/x')
  assert.equal(cleanedPath('/inject/:ENV:a=b//c'), '/inject/:ENV:a=b/c')
})

test('corner 63: a review without a request is denied', async () => {
  const payload = '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}'
  const headers = { 'content-type': 'application/json' }
  const answer = await webhook().app.inject({ method: 'POST', url: '/inject', payload, headers })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.json<{ response: { allowed: boolean } }>().response.allowed, false)
})

test('corner 64: a body above 6 MiB is refused with 400', async () => {
  const headers = { 'content-type': 'application/json' }
  const payload = ' '.repeat(6 * 1024 * 1024 + 1)
  const answer = await webhook().app.inject({ method: 'POST', url: '/inject', payload, headers })
  assert.equal(answer.statusCode, 400)
})

function offline(file: object, compat: Compatibility): Json {
  const injector = createOfflineInjector(shippedInputs({ compat }))
  const documents = [...injectDocuments(JSON.stringify(file), { inject: injector, workloadOf, compat })]
  return readYaml(documents[0]?.text ?? '') as Json
}

const CRON_JOB = {
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'c' },
  spec: {
    jobTemplate: {
      spec: {
        template: {
          metadata: { annotations: { 'sidecar.istio.io/inject': 'false' } },
          spec: { containers: [APP] },
        },
      },
    },
  },
}
for (const [compat, injected] of [
  ['istiod', true],
  ['off', false],
] as const) {
  test(`corner 66, compat ${compat}: annotations of a CronJob's pod template ${injected ? 'do not count' : 'count'}`, () => {
    assert.equal(JSON.stringify(offline(CRON_JOB, compat)).includes('istio-proxy'), injected)
  })
}

test('corner 67: a Deployment of kube-system is injected offline', () => {
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [APP] } }
  const file = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', namespace: 'kube-system' },
    spec: { template },
  }
  for (const compat of MODES) assert.match(JSON.stringify(offline(file, compat)), /istio-proxy/)
})

const annotatedPod = (annotations: Record<string, string>): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', annotations },
  spec: { containers: [APP] },
})

test('corner 12, offline: an annotated status port is also that of scraping', () => {
  const file = annotatedPod({ 'proxy.istio.io/config': 'statusPort: 15999' })
  for (const compat of MODES) {
    const { annotations } = offline(file, compat)['metadata'] as { annotations: Json }
    assert.equal(annotations['prometheus.io/port'], '15999')
  }
})

test('offline, a broken ProxyConfig annotation is refused even where injection is switched off', () => {
  const file = annotatedPod({ 'proxy.istio.io/config': 'concurrency: x', 'sidecar.istio.io/inject': 'false' })
  assert.throws(() => offline(file, 'istiod'), /^.*could not parse proxy config: /)
})

test('each of the seventy corner cases has a test', () => {
  const elsewhere = [6, 41, 62, 63, 64, 66, 67]
  const rows = new Set([...CORNERS, ...REFUSED, ...ASKED].map(({ row }) => row).concat(elsewhere))
  assert.deepEqual(
    [...rows].sort((a, b) => a - b),
    Array.from({ length: 70 }, (_, index) => index + 1),
  )
})
