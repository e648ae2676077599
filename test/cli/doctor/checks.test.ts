/** Each fault of a world that is sound otherwise: what is found, and what is said to do next. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { newAuthorityState } from '../../../src/certificates/authority.ts'
import { diagnose } from '../../../src/cli/doctor/check.ts'
import { CHECKS } from '../../../src/cli/doctor/checks/all.ts'
import type { Finding, FindingCode } from '../../../src/cli/doctor/finding.ts'
import { FINDING_CODES } from '../../../src/cli/doctor/finding.ts'
import { requiredRights } from '../../../src/cli/doctor/required-rights.ts'
import type { Probe, Readings, World } from '../../../src/cli/doctor/world.ts'
import type { Configuration } from '../../../src/cli/installed/configurations.ts'
import type { Replica } from '../../../src/cli/installed/replicas.ts'
import { planInstallation } from '../../../src/cli/manifests/plan.ts'
import { validatingConfigurations } from '../../../src/cli/manifests/validation.ts'
import { webhookConfigurations } from '../../../src/cli/manifests/webhooks.ts'
import { deployment, service } from '../../../src/cli/manifests/workload.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
const plan = planInstallation({}, '1.2.3')
const state = newAuthorityState({ installation: plan.name, generation: 2, nowMs: NOW_MS })
const made = (installation: string, nowMs = NOW_MS) => newAuthorityState({ installation, generation: 1, nowMs })
const base64 = (text: string): string => Buffer.from(text).toString('base64')

type Fields = Record<string, unknown>

function configuration(
  changes: Fields = {},
  entryChanges: Fields = {},
  names: Parameters<typeof planInstallation>[0] = {},
) {
  const [one] = webhookConfigurations(planInstallation(names, '1.2.3')) as Configuration[]
  const { metadata, webhooks } = one ?? assert.fail()
  const caBundle = base64(state.bundlePem)
  return {
    kind: 'MutatingWebhookConfiguration',
    metadata: { ...metadata, ...changes },
    webhooks: webhooks.map((entry) => ({
      ...entry,
      clientConfig: { ...entry.clientConfig, caBundle },
      ...entryChanges,
    })),
  } as Configuration
}
const ours = configuration()
const theirs = configuration(
  { labels: {} },
  { clientConfig: { service: { name: 'istiod', namespace: 'istio-system' } } },
  { webhookNames: 'istio' },
)
/** Entries that take namespaces without any label. */
const unlabelled = (operator: string, ...values: string[]): Configuration => {
  const [entry] = configuration().webhooks.slice(-1)
  const matchExpressions = [{ key: 'kubernetes.io/metadata.name', operator, values }]
  const auto = { ...entry, name: 'auto.sidecar-injector.mesh-admission.io' }
  return {
    ...ours,
    webhooks: [
      { ...auto, namespaceSelector: { matchExpressions }, objectSelector: {} } as Configuration['webhooks'][0],
    ],
  }
}
const withPath = (path: string | undefined): Configuration => {
  const { name, namespace: place } = plan
  const caBundle = base64(state.bundlePem)
  const at = { name, namespace: place, port: 443, ...(path === undefined ? {} : { path }) }
  return configuration({}, { clientConfig: { service: at, caBundle } })
}
const withBundle = (caBundle: string | undefined): readonly Configuration[] => [
  configuration({}, { clientConfig: { service: { name: plan.name, namespace: plan.namespace }, caBundle } }),
]

const namespace = (name: string, labels: Record<string, string> = {}) => ({
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
})
const probe = (outcome: Probe['outcome'], tookMs = 20): readonly Probe[] => [
  { configuration: ours, namespace: 'shop', tookMs, outcome },
]
const failing = (words: string): readonly Probe[] =>
  probe({
    is: 'refused',
    status: 500,
    words: `failed calling webhook "namespace.sidecar-injector.mesh-admission.io": ${words}`,
  })
const configMap = (name: string, ...keys: readonly string[]) =>
  [name, { metadata: { name }, data: Object.fromEntries(keys.map((key) => [key, ''])) }] as const

const istiod = {
  metadata: { name: 'istiod', namespace: 'istio-system', labels: { 'istio.io/rev': 'default' } },
  spec: { template: { spec: { containers: [] } } },
}
const labelledLikeIstiod = { labels: { ...ours.metadata.labels, 'istio.io/rev': 'default' } }
const owning = (manager: string): Fields => ({
  managedFields: [
    {
      manager,
      operation: 'Apply',
      fieldsV1: {
        'f:webhooks': {
          'k:{"name":"namespace.sidecar-injector.mesh-admission.io"}': { 'f:clientConfig': { 'f:caBundle': {} } },
        },
      },
    },
  ],
})

const [validator] = validatingConfigurations(plan) as Configuration[]
const ENTRY = 'validation.mesh-admission.io'
/** What came of a Gateway that must be refused; refused by us, unless told otherwise. */
const gateway = (words = `admission webhook "${ENTRY}" denied the request: annotation found`, tookMs = 20) => [
  {
    configuration: { ...(validator ?? assert.fail()), kind: 'ValidatingWebhookConfiguration' } as Configuration,
    namespace: 'shop',
    tookMs,
    outcome: { is: 'refused', status: 400, words } satisfies Probe['outcome'],
  },
]
const accepted = (tookMs: number): Probe[] =>
  gateway().map((one) => ({ ...one, tookMs, outcome: { is: 'created', isInjected: false } }))
const conditional = (one: Configuration, expression: string): Configuration => ({
  ...one,
  webhooks: one.webhooks.map((entry) => ({ ...entry, matchConditions: [{ name: 'shops', expression }] })),
})

const replica = (changes: Partial<Replica> = {}): Replica => ({
  pod: 'a',
  node: 'node-1',
  clockSkewMs: 1000,
  leaf: { fingerprint: 'AA', notAfterMs: NOW_MS + DAY_MS },
  pinnedFiles: 0,
  ...changes,
})
const mounted = { certFile: '/certs/tls.crt', secret: 'serving', isPinned: false, secretFingerprint: 'AA' }

const ready = { conditions: { ready: true }, addresses: ['10.0.0.1'] }
const SOUND: World = {
  plan,
  nowMs: NOW_MS,
  skewMs: 1000,
  configurations: [ours],
  namespaces: [
    namespace('shop', { 'istio-injection': 'enabled' }),
    namespace('kube-system'),
    namespace(plan.namespace),
  ],
  authority: { holds: 'state', state, version: '1' },
  service: service(plan) as World['service'],
  endpointSlices: [{ metadata: { name: 'a' }, endpoints: [ready] }],
  unreadyReplicas: [],
  deployment: deployment(plan) as World['deployment'],
  configMaps: new Map([configMap('istio-sidecar-injector', 'config', 'values'), configMap('istio', 'mesh')]),
  istiods: [],
  replicas: [replica()],
  servedFiles: undefined,
  rights: requiredRights(plan, [ours]).map((right) => ({ ...right, isAllowed: true })),
  probes: probe({ is: 'created', isInjected: true }),
  validationProbes: gateway(),
  provider: undefined,
}

const read = (world: World): Readings =>
  Object.fromEntries(
    Object.entries(world).map(([part, value]) => [part, { value: value as unknown }]),
  ) as unknown as Readings
const findingsOf = (world: World): readonly Finding[] => diagnose(read(world), CHECKS).findings

test('a sound installation has no findings', () => assert.deepEqual(findingsOf(SOUND), []))

const planted: { name: string; change: Partial<World>; code: FindingCode; message?: RegExp; next: RegExp }[] = [
  {
    name: 'nothing of ours',
    change: { configurations: [] },
    code: 'NOT_INSTALLED',
    next: /^mesh-admission manifests \| kubectl apply/,
  },
  {
    name: 'a clock two hours ahead',
    change: { skewMs: 7_200_000 },
    code: 'CLOCK_SKEW',
    message: /120 min ahead/,
    next: /timedatectl/,
  },
  {
    name: 'no Secret',
    change: { authority: { holds: 'nothing' } },
    code: 'AUTHORITY_MISSING',
    next: /^kubectl -n mesh-admission logs deployment\/mesh-admission/,
  },
  {
    name: 'a spoilt Secret',
    change: { authority: { holds: 'broken', why: 'signer.key: unreadable', version: '1' } },
    code: 'AUTHORITY_BROKEN',
    message: /signer\.key/,
    next: /logs/,
  },
  {
    name: "somebody else's Secret",
    change: { authority: { holds: 'foreign', why: 'no label' } },
    code: 'AUTHORITY_FOREIGN',
    next: /describe secret mesh-admission-webhook-ca/,
  },
  {
    name: 'an expired authority',
    change: { nowMs: NOW_MS + 366 * DAY_MS },
    code: 'AUTHORITY_EXPIRED',
    next: /rollout restart deployment\/mesh-admission/,
  },
  {
    name: 'an authority that nobody renewed',
    change: { nowMs: NOW_MS + 300 * DAY_MS },
    code: 'AUTHORITY_NEAR_EXPIRY',
    next: /^mesh-admission certs rotate$/,
  },
  {
    name: 'a change that does not end',
    change: {
      authority: {
        holds: 'state',
        state: { ...state, phase: 'trusting', phaseSinceMs: NOW_MS - 3 * DAY_MS },
        version: '1',
      },
    },
    code: 'ROTATION_STUCK',
    next: /^mesh-admission certs status$/,
  },
  {
    name: 'no caBundle',
    change: { configurations: withBundle(undefined) },
    code: 'BUNDLE_MISSING',
    next: /certs export \| base64/,
  },
  {
    name: 'a caBundle of nonsense',
    change: { configurations: withBundle(base64('x')) },
    code: 'BUNDLE_UNREADABLE',
    next: /certs export/,
  },
  {
    name: 'the caBundle of others',
    change: { configurations: withBundle(base64(made('other').bundlePem)) },
    code: 'BUNDLE_FOREIGN',
    message: /other-webhook-ca-g1/,
    next: /certs export/,
  },
  {
    name: 'an earlier caBundle',
    change: { configurations: withBundle(base64(made(plan.name).bundlePem)) },
    code: 'BUNDLE_OUTDATED',
    next: /certs export/,
  },
  {
    name: 'another owner of caBundle',
    change: { configurations: [configuration(owning('helm'))] },
    code: 'FIELD_MANAGER_STALE',
    message: /^helm \(Apply\)/,
    next: /--type=json .*managedFields\/0/,
  },
  {
    name: 'istiod as the owner of caBundle',
    change: { configurations: [configuration({ ...labelledLikeIstiod, ...owning('pilot-discovery') })] },
    code: 'ISTIOD_PATCHES',
    next: /-n istio-system set env deployment\/istiod INJECTION_WEBHOOK_CONFIG_NAME= /,
  },
  {
    name: "istiod's revision on ours",
    change: { configurations: [configuration(labelledLikeIstiod)], istiods: [istiod] },
    code: 'ISTIOD_WOULD_PATCH',
    next: /set env deployment\/istiod/,
  },
  { name: 'no Service', change: { service: undefined }, code: 'SERVICE_MISSING', next: /manifests --part service/ },
  {
    name: 'a Service with another port',
    change: {
      service: {
        metadata: { name: plan.name },
        spec: { ports: [{ name: 'https-webhook', port: 444, targetPort: 'https-webhook' }] },
      },
    },
    code: 'SERVICE_PORT_WRONG',
    message: /ask for port 443, the Service has 444/,
    next: /patch service mesh-admission --type=json .*"replace","path":"\/spec\/ports\/0"/,
  },
  {
    name: 'a Service that leads to the health port',
    change: { service: { metadata: { name: plan.name }, spec: { ports: [{ port: 443, targetPort: 'http-health' }] } } },
    code: 'SERVICE_PORT_WRONG',
    message: /leads to http-health, the server listens on 15017/,
    next: /patch service/,
  },
  {
    name: 'a path that nobody serves',
    change: { configurations: [withPath('/injekt')] },
    code: 'ENTRY_PATH_WRONG',
    message: /^it names \/injekt, where nobody answers; \/inject is served$/,
    next: /--type=json .*"path":"\/webhooks\/0\/clientConfig\/service\/path","value":"\/inject"/,
  },
  {
    name: 'no path at all',
    change: { configurations: [withPath(undefined)] },
    code: 'ENTRY_PATH_WRONG',
    message: /names \/,/,
    next: /"value":"\/inject"/,
  },
  {
    name: "the other webhook's path",
    change: { configurations: [withPath('/validate')] },
    code: 'ENTRY_PATH_WRONG',
    next: /"value":"\/inject"/,
  },
  {
    name: 'an address without a path',
    change: { configurations: [configuration({}, { clientConfig: { url: 'https://a:15017/' } })] },
    code: 'ENTRY_PATH_WRONG',
    next: /clientConfig\/url","value":"https:\/\/a:15017\/inject"/,
  },
  {
    name: 'no replica',
    change: { endpointSlices: [] },
    code: 'ENDPOINTS_MISSING',
    next: /describe deployment mesh-admission/,
  },
  {
    name: 'a replica without a leaf',
    change: { unreadyReplicas: [{ name: 'b', why: 'certificate: no leaf' }] },
    code: 'REPLICA_NOT_READY',
    message: /no leaf/,
    next: /logs b /,
  },
  {
    name: 'a replica whose clock is behind',
    change: { replicas: [replica(), replica({ pod: 'b', clockSkewMs: -600_000 })] },
    code: 'REPLICA_CLOCK_SKEW',
    message: /10 min behind the API server's; the node is node-1/,
    next: /^kubectl debug node\/node-1 /,
  },
  {
    name: 'a certificate mounted by subPath',
    change: { servedFiles: { ...mounted, isPinned: true } },
    code: 'CERTIFICATE_PINNED',
    message: /^\/certs\/tls\.crt is mounted by subPath/,
    next: /rollout restart deployment\/mesh-admission$/,
  },
  {
    name: 'a replica that says so',
    change: { replicas: [replica({ pinnedFiles: 2 })] },
    code: 'CERTIFICATE_PINNED',
    next: /rollout restart/,
  },
  {
    name: 'a replica with another certificate than its Secret',
    change: { servedFiles: { ...mounted, secretFingerprint: 'BB' } },
    code: 'CERTIFICATE_STALE',
    message: /Secret serving holds another one/,
    next: /rollout restart/,
  },
  {
    name: 'half a configuration',
    change: { configMaps: new Map([configMap('istio', 'mesh')]) },
    code: 'CONFIG_MAP_MISSING',
    next: /istiod-injector-configmap/,
  },
  {
    name: 'a ConfigMap without its key',
    change: { configMaps: new Map([configMap('istio-sidecar-injector', 'config'), configMap('istio', 'mesh')]) },
    code: 'CONFIG_MAP_MISSING',
    message: /no key values/,
    next: /helm template/,
  },
  {
    name: 'istiod without ConfigMaps',
    change: { configMaps: new Map(), istiods: [istiod] },
    code: 'CONFIG_MAP_MISSING',
    next: /helm template/,
  },
  {
    name: 'a right that is missing',
    change: {
      rights: [{ verb: 'patch', group: 'g', resource: 'things', name: 'x', namespace: undefined, isAllowed: false }],
    },
    code: 'RIGHT_MISSING',
    message: /may not patch things\.g x/,
    next: /manifests --part rights/,
  },
  {
    name: 'two entries of ours on one label',
    change: { configurations: [configuration({}, { namespaceSelector: {}, objectSelector: {} })] },
    code: 'ENTRIES_OVERLAP',
    next: /manifests --part webhooks/,
  },
  {
    name: "istiod's injector beside ours",
    change: { configurations: [ours, theirs] },
    code: 'INJECTORS_OVERLAP',
    message: /^both select pods in namespace shop; /,
    next: /^kubectl delete mutatingwebhookconfiguration mesh-admission-injector$/,
  },
  {
    name: 'kube-system labelled',
    change: { namespaces: [namespace('kube-system', { 'istio-injection': 'enabled' })] },
    code: 'SYSTEM_NAMESPACE_SELECTED',
    next: /^kubectl label namespace kube-system istio-injection-/,
  },
  {
    name: 'our own namespace selected without being asked',
    change: { configurations: [unlabelled('NotIn', 'kube-system')] },
    code: 'SYSTEM_NAMESPACE_SELECTED',
    message: /auto\.sidecar-injector/,
    next: /manifests --enable-namespaces-by-default --part webhooks \| kubectl apply/,
  },
  {
    name: 'silence',
    change: { probes: failing('context deadline exceeded') },
    code: 'WEBHOOK_BLOCKED',
    message: /TCP 15017/,
    next: /get --raw .*https:mesh-admission:https-webhook\/proxy/,
  },
  {
    name: 'silence on GKE',
    change: { probes: failing('net/http: TLS handshake timeout'), provider: 'gke' },
    code: 'WEBHOOK_BLOCKED',
    next: /^gcloud .*tcp:15017$/,
  },
  {
    name: 'silence that is ignored',
    change: { probes: probe({ is: 'created', isInjected: false }, 10_050) },
    code: 'WEBHOOK_BLOCKED',
    next: /get --raw/,
  },
  {
    name: 'nobody listens',
    change: { probes: failing('dial tcp 10.0.0.1:443: connect: connection refused') },
    code: 'WEBHOOK_UNREACHABLE',
    next: /get --raw/,
  },
  {
    name: 'a certificate that is refused',
    change: { probes: failing('x509: certificate signed by unknown authority') },
    code: 'WEBHOOK_UNTRUSTED',
    next: /certs status/,
  },
  {
    name: 'a slow answer',
    change: { probes: probe({ is: 'created', isInjected: true }, 6000) },
    code: 'WEBHOOK_SLOW',
    message: /6\.0 s of 10/,
    next: /logs/,
  },
  {
    name: 'a namespace that forbids NET_ADMIN',
    change: {
      probes: probe({
        is: 'refused',
        status: 403,
        words:
          'pods "x" is forbidden: violates PodSecurity "baseline:latest": non-default capabilities (container "istio-init" ...)',
      }),
    },
    code: 'POD_SECURITY_FORBIDS',
    message: /baseline:latest.*istio-init.*CNI plugin/,
    next: /apply -k manifests\/cni/,
  },
  {
    name: 'another webhook that fails',
    change: {
      probes: probe({ is: 'refused', status: 500, words: 'failed calling webhook "a.b": connection refused' }),
    },
    code: 'POD_REFUSED',
    message: /another webhook/,
    next: /get mutatingwebhook/,
  },
  {
    name: 'a quota',
    change: { probes: probe({ is: 'refused', status: 403, words: 'exceeded quota' }) },
    code: 'POD_REFUSED',
    message: /exceeded quota/,
    next: /logs/,
  },
  {
    name: 'a pod that conditions may have let pass',
    change: {
      probes: probe({ is: 'created', isInjected: false }).map((one) => ({
        ...one,
        configuration: conditional(ours, 'object.metadata.name == "x"'),
      })),
    },
    code: 'POD_NOT_INJECTED',
    message: /matchConditions \(shops\) may have let it pass/,
    next: /logs/,
  },
  {
    name: "istiod's injector beside ours, with conditions",
    change: { configurations: [ours, conditional(theirs, 'object.metadata.namespace != "shop"')] },
    code: 'INJECTORS_MAY_OVERLAP',
    message: /unless matchConditions \(shops\) tell them apart/,
    next: /^kubectl get mutatingwebhookconfiguration .* -o yaml$/,
  },
  {
    name: "istiod's injector beside ours, with a condition that is none",
    change: { configurations: [ours, conditional(theirs, ' true ')] },
    code: 'INJECTORS_OVERLAP',
    next: /delete/,
  },
  {
    name: 'a Gateway that nobody refused',
    change: { validationProbes: accepted(20) },
    code: 'VALIDATION_SKIPPED',
    message: /Gateway in namespace shop that must be refused was accepted/,
    next: /^kubectl get validatingwebhookconfiguration mesh-admission-default-validator -o yaml$/,
  },
  {
    name: 'validation that does not answer and is ignored',
    change: { validationProbes: accepted(10_050) },
    code: 'WEBHOOK_BLOCKED',
    message: /TCP 15017/,
    next: /get --raw/,
  },
  {
    name: 'validation that does not answer',
    change: { validationProbes: gateway(`failed calling webhook "${ENTRY}": context deadline exceeded`) },
    code: 'WEBHOOK_BLOCKED',
    message: /TCP 15017/,
    next: /get --raw/,
  },
  {
    name: 'validation whose certificate is refused',
    change: { validationProbes: gateway(`failed calling webhook "${ENTRY}": x509: unknown authority`) },
    code: 'WEBHOOK_UNTRUSTED',
    next: /certs status/,
  },
  {
    name: 'validation that is slow',
    change: { validationProbes: gateway(undefined, 6000) },
    code: 'WEBHOOK_SLOW',
    message: /Gateway took 6\.0 s of 10/,
    next: /logs/,
  },
  {
    name: "somebody else's refusal",
    change: { validationProbes: gateway('admission webhook "a.b" denied the request: no') },
    code: 'VALIDATION_UNPROVEN',
    message: /a\.b/,
    next: /validatingadmissionpolicy/,
  },
  {
    name: 'a pod without a sidecar',
    change: { probes: probe({ is: 'created', isInjected: false }) },
    code: 'POD_NOT_INJECTED',
    next: /logs/,
  },
]
for (const { name, change, code, message, next } of planted) {
  test(`${name}: ${code}`, () => {
    const findings = findingsOf({ ...SOUND, ...change })
    const found = findings.find((one) => one.code === code) ?? assert.fail(JSON.stringify(findings))
    assert.match(found.next, next)
    if (message !== undefined) assert.match(found.message, message)
  })
}

test('every finding there is was planted', () => {
  const codes = new Set(planted.map(({ code }) => code))
  assert.deepEqual(
    Object.keys(FINDING_CODES).filter((code) => !codes.has(code as FindingCode)),
    [],
  )
})

test('namespaces by default, as we install it, keeps no pod of ours or of the system waiting', () => {
  const configurations = [configuration({}, {}, { enableNamespacesByDefault: true })]
  const codes = findingsOf({ ...SOUND, configurations }).map(({ code }) => code)
  assert.equal(codes.includes('SYSTEM_NAMESPACE_SELECTED'), false)
})

test('parameters behind the path, or a prefix that a gateway takes away, are no fault', () => {
  const at = (clientConfig: object) => findingsOf({ ...SOUND, configurations: [configuration({}, { clientConfig })] })
  const isWrong = (findings: readonly Finding[]): boolean => findings.some(({ code }) => code === 'ENTRY_PATH_WRONG')
  assert.equal(
    isWrong(at({ service: { ...withPath('').webhooks[0]?.clientConfig.service, path: '/inject/net/a' } })),
    false,
  )
  assert.equal(isWrong(at({ url: 'https://a/mesh/inject/net/a' })), false)
  assert.equal(isWrong(at({ url: 'https://a/mesh/injector' })), true)
})

test('an installation without istiod and ConfigMaps is what the shipped templates are for', () => {
  assert.deepEqual(findingsOf({ ...SOUND, configMaps: new Map() }), [])
})

test('row 28: a mounted certificate that every replica serves is no finding', () => {
  assert.deepEqual(findingsOf({ ...SOUND, servedFiles: mounted }), [])
})

test('entries with a condition that is false are switched off', () => {
  assert.deepEqual(findingsOf({ ...SOUND, configurations: [ours, conditional(theirs, 'false')] }), [])
})

test("istiod's deactivated entries do not overlap with ours", () => {
  const never = { matchLabels: { 'istio.io/deactivated': 'never-match' } }
  const off = {
    ...theirs,
    webhooks: theirs.webhooks.map((entry) => ({ ...entry, namespaceSelector: never, objectSelector: never })),
  }
  assert.deepEqual(findingsOf({ ...SOUND, configurations: [ours, off] }), [])
})

test('what could not be read is told, and only what depends on it is skipped', () => {
  const readings = { ...read({ ...SOUND, skewMs: 7_200_000 }), namespaces: { unread: 'forbidden' } }
  const { findings, skipped } = diagnose(readings, CHECKS)
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['CLOCK_SKEW'],
  )
  assert.deepEqual(skipped, [
    { check: 'overlapping injectors', why: 'forbidden' },
    { check: 'system namespaces', why: 'forbidden' },
  ])
})
