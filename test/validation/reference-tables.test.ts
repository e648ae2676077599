/** The tables of small examples that the reference documents end with: which layers refuse each of them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { load } from 'js-yaml'
import { checkText } from '../../src/cli/validate/check.ts'
import { analyze, validate } from '../../src/validation/index.ts'
import type { MeshObject, Validation } from '../../src/validation/index.ts'
import { sharedPath, skipWithout } from '../support/shared.ts'

const networking = sharedPath('reference', 'validation-networking.md')
const policy = sharedPath('reference', 'validation-policy.md')

const KINDS: Readonly<Record<string, readonly [apiVersion: string, kind: string]>> = {
  VS: ['networking.istio.io/v1', 'VirtualService'],
  DR: ['networking.istio.io/v1', 'DestinationRule'],
  GW: ['networking.istio.io/v1', 'Gateway'],
  SE: ['networking.istio.io/v1', 'ServiceEntry'],
  SC: ['networking.istio.io/v1', 'Sidecar'],
  WE: ['networking.istio.io/v1', 'WorkloadEntry'],
  WG: ['networking.istio.io/v1', 'WorkloadGroup'],
  EF: ['networking.istio.io/v1alpha3', 'EnvoyFilter'],
  PC: ['networking.istio.io/v1beta1', 'ProxyConfig'],
  AP: ['security.istio.io/v1', 'AuthorizationPolicy'],
  PA: ['security.istio.io/v1', 'PeerAuthentication'],
  RA: ['security.istio.io/v1', 'RequestAuthentication'],
  TEL: ['telemetry.istio.io/v1', 'Telemetry'],
  WP: ['extensions.istio.io/v1alpha1', 'WasmPlugin'],
  TE: ['extensions.istio.io/v1alpha1', 'TrafficExtension'],
}

interface Row {
  readonly number: string
  readonly cell: string
  readonly wanted: string
  readonly validation: Validation
}
type Document = Readonly<Record<string, unknown>>

function validateAs(kindName: string, spec: unknown, whole: Document = { spec }): Validation {
  const [apiVersion, kind] = KINDS[kindName] ?? ['', '']
  const metadata = { name: 'n1', namespace: 'ns1', ...(whole['metadata'] as Document | undefined) }
  return validate({ apiVersion, kind, ...whole, metadata })
}

function* rows(path: string, pattern: RegExp): Iterable<Row> {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, number = '', kind = '', cell = '', wanted = ''] = pattern.exec(line) ?? []
    if (number === '' || !Object.hasOwn(KINDS, kind)) continue
    const flow = /`(.*)`/.exec(cell)?.[1]
    if (flow === undefined) continue
    const text = flow.replaceAll('§', 'route: [{destination: {host: a}}]').replace('‹63 × a›', 'a'.repeat(63))
    const document = load(text.replaceAll('\\|', '|')) as Document
    const dryRun = /annotation istio\.io\/dry-run(?: "(\w+)")?/.exec(cell)
    const annotated = { metadata: { annotations: { 'istio.io/dry-run': dryRun?.[1] ?? '' } }, spec: document }
    const whole = 'spec' in document ? document : dryRun === null ? { spec: document } : annotated
    yield { number, cell, wanted: wanted.trim(), validation: validateAs(kind, document, whole) }
  }
}

const warns = ({ findings }: Validation): boolean => findings.some(({ severity }) => severity === 'warning')

/** In the networking document's words: each layer asked on its own. */
function layersOf(validation: Validation): string {
  const { schema, cel, webhookUnpruned } = validation
  const layers = [schema.accepted ? '' : 'S', cel.length > 0 ? 'C' : '', webhookUnpruned().accepted ? '' : 'W'].filter(
    Boolean,
  )
  if (layers.length > 0) return `reject ${layers.join('+')}`
  return warns(validation) ? 'accept, warn' : 'accept'
}

/** In the policy document's words: S is schema and CEL, R and D are the webhook's rules and decoding. */
function verdictOf(wanted: string, validation: Validation): string {
  const { schema, cel, webhookUnpruned, strict, webhookAfterPruning } = validation
  const asked = (letters: string): boolean => new RegExp(`\\b(?:${letters})\\b`).test(wanted)
  if (wanted.includes('strict')) {
    const lenient = /; (.*)/.exec(wanted)?.[1] ?? ''
    const after = webhookAfterPruning.accepted ? (warns(validation) ? 'W lenient' : 'A lenient') : 'X R'
    return `${strict === 'reject' ? 'X strict' : 'A'}; ${lenient === '' ? '' : after}`
  }
  const schemaRefuses = !schema.accepted || cel.length > 0
  const parts: string[] = []
  if (schemaRefuses !== (asked('S') && !wanted.startsWith('A S')))
    parts.push(`schema ${schemaRefuses ? 'refuses' : 'accepts'}`)
  if (
    webhookUnpruned().accepted === (asked('R|D') && !/(?:W|A) R|rules alone A/.test(wanted) && wanted.includes('X'))
  ) {
    parts.push(`webhook ${webhookUnpruned().accepted ? 'accepts' : 'refuses'}`)
  }
  if (wanted.startsWith('W') && !warns(validation)) parts.push('no warning')
  return parts.length === 0 ? wanted : parts.join(', ')
}

test(
  'networking examples are refused by exactly the layers the reference names',
  { skip: skipWithout(networking) },
  () => {
    const all = [...rows(networking ?? '', /^\| (\d+) \| (\w\w) \| (.*) \| ([^|]+) \| [^|]*\|$/)]
    assert.ok(all.length > 240, `${all.length} rows`)
    const different = all.filter(({ wanted, validation }) => layersOf(validation) !== wanted)
    const texts = different.map(
      ({ number, cell, wanted, validation }) => `${number} ${cell}: ${layersOf(validation)}, want ${wanted}`,
    )
    assert.equal(texts.join('\n'), '')
  },
)

test('policy examples get the verdict the reference names', { skip: skipWithout(policy) }, () => {
  const all = [...rows(policy ?? '', /^\| (\d+) \| ([A-Z]+) \| (.*) \| ([^|]+) \| [^|]*\|$/)]
  assert.ok(all.length > 80, `${all.length} rows`)
  const different = all.filter(({ wanted, validation }) => verdictOf(wanted, validation) !== wanted)
  const texts = different.map(
    ({ number, cell, wanted, validation }) => `${number} ${cell}: ${verdictOf(wanted, validation)}, want ${wanted}`,
  )
  assert.equal(texts.join('\n'), '')
})

const METADATA = { name: 'n1', namespace: 'ns1' }
const POLICY = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: METADATA, spec: {} }
const ALWAYS_REJECT = { ...METADATA, annotations: { 'internal.istio.io/webhook-always-reject': '' } }

/** Rows of the policy table whose example is words: object, layers that refuse it, code of the webhook's finding. */
const DESCRIBED: readonly (readonly [number: number, object: MeshObject, layers: string, code: string | undefined])[] =
  [
    [
      87,
      {
        apiVersion: 'extensions.istio.io/v1alpha1',
        kind: 'TrafficExtension',
        metadata: METADATA,
        spec: { lua: { inlineCode: 'é'.repeat(65536) } },
      },
      'reject W',
      'LUA_CODE',
    ],
    [88, { ...POLICY, metadata: ALWAYS_REJECT }, 'reject W', 'ANNOTATION_REFUSED'],
    [89, { ...POLICY, extra: 1 }, 'reject W', 'TOP_LEVEL_FIELD'],
    [90, { ...POLICY, kind: 'Foo' }, 'reject S+W', 'KIND_UNKNOWN'],
    [91, { ...POLICY, apiVersion: 'security.istio.io/v9' }, 'reject S', undefined],
  ]

test('described examples of the policy table are refused by the layers it names', () => {
  for (const [number, object, layers, code] of DESCRIBED) {
    const validation = validate(object)
    assert.equal(layersOf(validation), layers, `row ${number}`)
    assert.equal(validation.webhookUnpruned().findings[0]?.code, code, `row ${number}`)
  }
})

/** Rows on documents that only files hold: apiVersion, kind, spec, what is found. */
const OFFLINE: readonly (readonly [number: number, header: string, spec: string, want: readonly string[]])[] = [
  [96, 'authentication.istio.io/v1alpha1 MeshPolicy', '{peers: [{mtls: {}}]}', ['error KIND_LEGACY']],
  [97, 'authentication.istio.io/v1alpha1 Policy', '{target: [{name: a}]}', ['error KIND_LEGACY']],
  [98, 'mesh.istio.io/v1alpha1 MeshConfig', '{trustDomain: ""}', ['error MESH_CONFIG']],
  [99, 'mesh.istio.io/v1alpha1 MeshConfig', '{connectTimeout: 2h}', ['error MESH_CONFIG']],
  [100, 'mesh.istio.io/v1alpha1 MeshConfig', '{defaultConfig: {drainDuration: 1500ms}}', ['error MESH_CONFIG']],
  [101, 'mesh.istio.io/v1alpha1 MeshConfig', '{extensionProviders: [{name: a}, {name: a}]}', ['warning MESH_CONFIG']],
  [102, 'mesh.istio.io/v1alpha1 MeshConfig', '{accesLogFile: x}', ['warning MESH_CONFIG']],
  [
    103,
    'install.istio.io/v1alpha1 IstioOperator',
    '{components: {ingressGateways: [{name: a, kabel: {}}]}}',
    ['error FIELD_UNKNOWN'],
  ],
  [
    104,
    'install.istio.io/v1alpha1 IstioOperator',
    '{components: {ingressGateways: [{name: a, k8s: {service: {ports: [{port: 80}]}}}]}}',
    ['error GATEWAY_COMPONENT_PORT'],
  ],
]

test('documents of the policy table that only files hold get the finding it names', () => {
  for (const [number, header, spec, want] of OFFLINE) {
    const [apiVersion = '', kind = ''] = header.split(' ')
    const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: default}\nspec: ${spec}\n`
    const { findings } = checkText(text, { file: 'row.yaml', strict: true })
    assert.deepEqual(
      findings.map(({ severity, code }) => `${severity} ${code}`),
      want,
      `row ${number}`,
    )
  }
})

const service = (port: MeshObject): MeshObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: METADATA,
  spec: { selector: { app: 'a' }, ports: [port] },
})
/** Rows on objects of Kubernetes: messages that analysis gives, and one that it must not give. */
const ANALYZED: readonly (readonly [number: number, object: MeshObject, given: readonly string[], not?: string])[] = [
  [105, service({ port: 80 }), ['IST0118']],
  [106, service({ port: 80, name: 'x', appProtocol: 'kubernetes.io/h2c' }), [], 'IST0118'],
  [107, service({ port: 3306, name: 'db' }), [], 'IST0118'],
  [
    108,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { ...METADATA, annotations: { 'sidecar.istio.io/inject': 'true' } },
      spec: { template: { metadata: { labels: { app: 'a' } }, spec: { containers: [] } } },
    },
    ['IST0107', 'IST0135'],
  ],
  [
    109,
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...METADATA, annotations: { 'status.sidecar.istio.io/port': '99999' } },
      spec: { containers: [] },
    },
    ['IST0125'],
  ],
  [
    110,
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'ns2', labels: { 'istio-injection': 'enabled', 'istio.io/rev': 'x' } },
    },
    ['IST0123'],
  ],
]

test('objects of Kubernetes in the policy table get the messages of analysis that it names', () => {
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'ns1', labels: { 'istio-injection': 'enabled' } },
  }
  for (const [number, object, given, not] of ANALYZED) {
    const codes = analyze([namespace, object]).map(({ code }) => code as string)
    for (const code of given) assert.ok(codes.includes(code), `row ${number}: ${code} in ${codes.join(' ')}`)
    assert.ok(not === undefined || !codes.includes(not), `row ${number}: ${codes.join(' ')}`)
  }
})
