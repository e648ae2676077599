/** What an installation consists of, and which pods it asks for. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { loadAll } from 'js-yaml'

import { command } from '../../src/cli/manifests.ts'
import { planInstallation } from '../../src/cli/manifests/plan.ts'
import type { PlanOptions } from '../../src/cli/manifests/plan.ts'
import type { PartName } from '../../src/cli/manifests/render.ts'
import { PART_NAMES, renderKustomization, renderManifests } from '../../src/cli/manifests/render.ts'
import { createContext } from '../../src/cli/output.ts'
import { packageVersion } from '../../src/cli/package.ts'
import { PROJECT_ROOT, sharedPath, skipWithout } from '../support/shared.ts'

interface Expression {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}
interface Selector {
  readonly matchExpressions: readonly Expression[]
}
interface Webhook {
  readonly name: string
  readonly clientConfig: Record<string, unknown>
  readonly failurePolicy?: string
  readonly namespaceSelector: Selector
  readonly objectSelector: Selector
}
interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly webhooks?: readonly Webhook[]
  readonly rules?: readonly { readonly resources: readonly string[]; readonly resourceNames?: readonly string[] }[]
}
type Labels = Readonly<Record<string, string>>

const objectsOf = (options: PlanOptions): Manifest[] =>
  loadAll(renderManifests(planInstallation(options, '1.2.3'), PART_NAMES)) as Manifest[]
const configurationsOf = (options: PlanOptions): Manifest[] =>
  objectsOf(options).filter(({ kind }) => kind === 'MutatingWebhookConfiguration')

const SHIPPED: Readonly<Record<string, readonly PartName[]>> = {
  injector: PART_NAMES.filter((part) => part !== 'validation'),
  validation: ['validation'],
}
for (const [name, parts] of Object.entries(SHIPPED)) {
  test(`the shipped files of manifests/${name} are what the command writes`, () => {
    const folder = join(PROJECT_ROOT, 'manifests', name)
    const files = renderKustomization(planInstallation({}, packageVersion()), parts)
    if (process.env.UPDATE_GOLDEN === '1') for (const [file, text] of files) writeFileSync(join(folder, file), text)
    assert.deepEqual(readdirSync(folder).sort(), [...files.keys()].sort())
    for (const [file, text] of files) assert.equal(readFileSync(join(folder, file), 'utf8'), text, file)
  })
}

function selects({ matchExpressions }: Selector, labels: Labels): boolean {
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key]
    if (operator === 'In') return value !== undefined && values.includes(value)
    if (operator === 'NotIn') return value === undefined || !values.includes(value)
    return (operator === 'Exists') === (value !== undefined)
  })
}

/** Which of the installed revisions get to see the pod; one that is asked twice would inject twice. */
function whoInjects(installed: Readonly<Record<string, Manifest[]>>, namespace: Labels, pod: Labels): string[] {
  return Object.entries(installed).flatMap(([name, configurations]) =>
    configurations
      .flatMap(({ webhooks = [] }) => webhooks)
      .filter((one) => selects(one.namespaceSelector, namespace) && selects(one.objectSelector, pod))
      .map(() => name),
  )
}

const INSTALLED = {
  default: configurationsOf({}),
  x: configurationsOf({ revision: 'x' }),
  y: configurationsOf({ revision: 'y' }),
}
const AUTO = { default: configurationsOf({ enableNamespacesByDefault: true }), x: INSTALLED.x }
const OPTED_OUT = { 'sidecar.istio.io/inject': 'false' }
const ASKED = { 'sidecar.istio.io/inject': 'true' }
const ON = { 'istio-injection': 'enabled' }
const OFF = { 'istio-injection': 'disabled' }
const rev = (name: string): Labels => ({ 'istio.io/rev': name })

const rows: { namespace: Labels; pod: Labels; want: string[]; installed?: Readonly<Record<string, Manifest[]>> }[] = [
  { namespace: ON, pod: {}, want: ['default'] },
  { namespace: ON, pod: rev('x'), want: ['default'] },
  { namespace: { ...ON, ...rev('x') }, pod: {}, want: ['default'] },
  { namespace: OFF, pod: ASKED, want: [] },
  { namespace: OFF, pod: rev('x'), want: [] },
  { namespace: { 'istio-injection': 'nonsense' }, pod: ASKED, want: [] },
  { namespace: rev('x'), pod: {}, want: ['x'] },
  { namespace: rev('x'), pod: rev('y'), want: ['x'] },
  { namespace: rev('default'), pod: {}, want: ['default'] },
  { namespace: {}, pod: rev('x'), want: ['x'] },
  { namespace: {}, pod: ASKED, want: ['default'] },
  { namespace: {}, pod: { ...ASKED, ...rev('x') }, want: ['x'] },
  { namespace: {}, pod: {}, want: [] },
  { namespace: {}, pod: {}, want: ['default'], installed: AUTO },
  { namespace: { 'kubernetes.io/metadata.name': 'kube-system' }, pod: {}, want: [], installed: AUTO },
  { namespace: { 'kubernetes.io/metadata.name': 'mesh-admission' }, pod: {}, want: [], installed: AUTO },
  { namespace: ON, pod: OPTED_OUT, want: [] },
  { namespace: rev('x'), pod: OPTED_OUT, want: [] },
  { namespace: {}, pod: OPTED_OUT, want: [], installed: AUTO },
]
for (const { namespace, pod, want, installed = INSTALLED } of rows) {
  const auto = installed === AUTO ? ', namespaces by default' : ''
  test(`who injects: namespace ${JSON.stringify(namespace)}, pod ${JSON.stringify(pod)}${auto}`, () => {
    assert.deepEqual(whoInjects(installed, namespace, pod), want)
  })
}

test('a tag selects by its own name, and one named default also without a revision label', () => {
  const [, prod, asDefault] = configurationsOf({ revision: 'canary', tags: ['prod', 'default'] })
  assert.equal(prod?.metadata.name, 'mesh-admission-tag-prod')
  assert.deepEqual(whoInjects({ prod: [prod] }, rev('prod'), {}), ['prod'])
  assert.deepEqual(whoInjects({ prod: [prod] }, ON, {}), [])
  assert.deepEqual(whoInjects({ asDefault: asDefault === undefined ? [] : [asDefault] }, ON, {}), ['asDefault'])
})

test('our names carry our label and nothing that istiod would take for its own', () => {
  for (const { metadata, webhooks = [] } of configurationsOf({ revision: 'canary', tags: ['prod'] })) {
    assert.match(metadata.name, /^mesh-admission-/)
    assert.equal(metadata.labels['mesh-admission.io/webhook'], 'true')
    assert.equal('istio.io/rev' in metadata.labels, false)
    for (const { name } of webhooks)
      assert.match(name, /^rev\.(namespace|object)\.sidecar-injector\.mesh-admission\.io$/)
  }
})

test("istiod's names are istiod's", () => {
  const [own, tag] = configurationsOf({
    webhookNames: 'istio',
    revision: 'canary',
    tags: ['prod'],
    istioNamespace: 'mesh',
  })
  assert.equal(own?.metadata.name, 'istio-sidecar-injector-canary-mesh')
  assert.equal(own.metadata.labels['istio.io/rev'], 'canary')
  assert.equal(own.webhooks?.[0]?.name, 'rev.namespace.sidecar-injector.istio.io')
  assert.equal(tag?.metadata.name, 'istio-revision-tag-prod-mesh')
  assert.equal(tag.metadata.labels['istio.io/tag'], 'prod')
  assert.equal(configurationsOf({ webhookNames: 'istio' })[0]?.metadata.name, 'istio-sidecar-injector')
})

const autoLeavesOut = (options: PlanOptions): (readonly string[] | undefined)[] =>
  configurationsOf({ ...options, enableNamespacesByDefault: true })
    .flatMap(({ webhooks = [] }) => webhooks)
    .filter(({ name }) => name.startsWith('auto.'))
    .map((one) => one.namespaceSelector.matchExpressions.find(({ operator }) => operator === 'NotIn')?.values)

test('namespaces by default: the namespace of the server is left out under every name it can have', () => {
  const system = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']
  for (const options of [{}, { webhookNames: 'istio' }, { revision: 'canary', tags: ['default'] }] as const) {
    assert.deepEqual(autoLeavesOut(options), [[...system, 'mesh-admission']])
    assert.deepEqual(autoLeavesOut({ ...options, namespace: 'elsewhere' }), [[...system, 'elsewhere']])
  }
  assert.deepEqual(autoLeavesOut({ namespace: 'kube-system' }), [system])
  assert.deepEqual(autoLeavesOut({ url: 'https://10.0.0.1:15017' }), [system], 'it does not start in the cluster')
})

const RECORDED: Readonly<Record<string, PlanOptions>> = {
  default: {},
  'all-namespaces': { enableNamespacesByDefault: true },
  canary: { revision: 'canary' },
  'canary-tag-prod': { revision: 'canary', tags: ['prod'] },
  'canary-tag-default': { revision: 'canary', tags: ['default'] },
}
const recorded = sharedPath('conformance', 'injection')
const readRecorded = (...path: string[]): unknown => JSON.parse(readFileSync(join(recorded ?? '', ...path), 'utf8'))

test(
  "istiod's chart has the same webhooks in the same order, and leaves out all namespaces but ours",
  { skip: skipWithout(recorded) },
  () => {
    const essence = ({ metadata, webhooks = [] }: Manifest): unknown => ({
      name: metadata.name,
      rev: metadata.labels['istio.io/rev'],
      tag: metadata.labels['istio.io/tag'],
      webhooks: webhooks.map(({ name, namespaceSelector, objectSelector }) => ({
        name,
        namespaceSelector: { matchExpressions: namespaceSelector.matchExpressions.map(withoutOwn) },
        objectSelector,
      })),
    })
    for (const [name, options] of Object.entries(RECORDED)) {
      const theirs = readRecorded('config', `${name}.webhooks.json`) as Manifest[]
      assert.deepEqual(configurationsOf({ ...options, webhookNames: 'istio' }).map(essence), theirs.map(essence), name)
    }
  },
)

/** What our entries leave out besides. */
const withoutOwn = ({ values, ...rest }: Expression): Expression =>
  values === undefined ? rest : { ...rest, values: values.filter((value) => value !== 'mesh-admission') }

interface SelectorCase {
  readonly webhooks: string
  readonly namespace: string
  readonly namespaceLabels: Labels
  readonly podLabels: Labels
  readonly calledBy: readonly string[]
}

test('recorded selections: the same webhooks are called', { skip: skipWithout(recorded) }, () => {
  for (const row of readRecorded('selectors.json') as SelectorCase[]) {
    const namespace = { 'kubernetes.io/metadata.name': row.namespace, ...row.namespaceLabels }
    const called = configurationsOf({ ...RECORDED[row.webhooks], webhookNames: 'istio' }).flatMap(
      ({ metadata, webhooks = [] }) =>
        webhooks
          .filter((one) => selects(one.namespaceSelector, namespace) && selects(one.objectSelector, row.podLabels))
          .map(({ name }) => `${metadata.name}/${name}`),
    )
    assert.deepEqual(called.sort(), [...row.calledBy].sort(), JSON.stringify(row))
  }
})

for (const kind of ['Mutating', 'Validating']) {
  test(`the server may patch exactly the ${kind} configurations that are installed, is told of them, and caBundle is left to it`, () => {
    for (const options of [{}, { revision: 'canary', tags: ['a', 'default'] }, { webhookNames: 'istio' as const }]) {
      const objects = objectsOf(options)
      const rule = objects
        .find((object) => object.kind === 'ClusterRole')
        ?.rules?.find(({ resources }) => resources.includes(`${kind.toLowerCase()}webhookconfigurations`))
      const installed = objects.filter((object) => object.kind === `${kind}WebhookConfiguration`)
      const names = installed.map(({ metadata }) => metadata.name)
      assert.ok(names.length > 0)
      assert.deepEqual(rule?.resourceNames, names)
      assert.doesNotMatch(JSON.stringify(installed), /caBundle/)
      const deployment = JSON.stringify(objects.find((object) => object.kind === 'Deployment'))
      const flag = kind === 'Mutating' ? 'webhook' : 'validation'
      for (const name of names) assert.ok(deployment.includes(`"--${flag}-configuration=${name}"`), name)
    }
  })
}

const validators: readonly { name: string; options: PlanOptions; want: readonly object[] }[] = [
  {
    name: 'the default revision validates every object',
    options: {},
    want: [{ name: 'mesh-admission-default-validator', entry: 'validation.mesh-admission.io', selects: undefined }],
  },
  {
    name: 'another revision validates the objects that carry it, or a tag of it',
    options: { revision: 'canary', tags: ['prod'] },
    want: [
      {
        name: 'mesh-admission-validator-canary',
        entry: 'rev.validation.mesh-admission.io',
        selects: ['canary', 'prod'],
      },
    ],
  },
  {
    name: 'the tag default takes the default validator over',
    options: { revision: 'canary', tags: ['default'] },
    want: [
      { name: 'mesh-admission-validator-canary', entry: 'rev.validation.mesh-admission.io', selects: ['canary'] },
      { name: 'mesh-admission-default-validator', entry: 'validation.mesh-admission.io', selects: undefined },
    ],
  },
  {
    name: "istiod's names are istiod's",
    options: { webhookNames: 'istio', istioNamespace: 'mesh' },
    want: [
      { name: 'istio-validator-mesh', entry: 'rev.validation.istio.io', selects: ['default'] },
      { name: 'istiod-default-validator', entry: 'validation.istio.io', selects: undefined },
    ],
  },
  {
    name: "a revision under istiod's names",
    options: { webhookNames: 'istio', revision: 'canary' },
    want: [{ name: 'istio-validator-canary-istio-system', entry: 'rev.validation.istio.io', selects: ['canary'] }],
  },
]
for (const { name, options, want } of validators) {
  test(`validation: ${name}`, () => {
    const installed = objectsOf(options).filter(({ kind }) => kind === 'ValidatingWebhookConfiguration')
    const seen = installed.map(({ metadata, webhooks: [entry] = [] }) => {
      assert.equal(entry?.failurePolicy, 'Fail')
      const selects = (entry.objectSelector as Partial<Selector>).matchExpressions?.[0]?.values
      return { name: metadata.name, entry: entry.name, selects }
    })
    assert.deepEqual(seen, want)
  })
}

for (const [url, want] of [
  ['https://10.0.0.1:15017', 'https://10.0.0.1:15017/validate'],
  ['https://a/inject/cluster/c1/net/n1', 'https://a/validate'],
  ['https://a/mesh/inject', 'https://a/mesh/validate'],
  ['https://a/mesh/', 'https://a/mesh/validate'],
] as const) {
  test(`validation: the address beside ${url} is ${want}`, () => {
    const [object] = loadAll(renderManifests(planInstallation({ url }, '1.2.3'), ['validation'])) as Manifest[]
    assert.deepEqual(object?.webhooks?.[0]?.clientConfig, { url: want })
  })
}

test('two revisions have no object in common but the namespace', () => {
  const names = (options: PlanOptions): string[] =>
    objectsOf(options)
      .filter(({ kind }) => kind !== 'Namespace')
      .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  assert.deepEqual(
    names({}).filter((name) => names({ revision: 'canary' }).includes(name)),
    [],
  )
  assert.deepEqual(objectsOf({})[0], objectsOf({ revision: 'canary' })[0])
})

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Labels }
      readonly spec: {
        readonly containers: readonly Record<string, { failureThreshold: number; periodSeconds: number }>[]
      }
    }
  }
}

const podOfServer = (): Deployment['spec']['template'] => {
  const deployment = objectsOf({}).find(({ kind }) => kind === 'Deployment')
  return (deployment as unknown as Deployment).spec.template
}

test('row 33: with every replica lost our own pods come up again, and so do those of the system', () => {
  for (const name of ['kube-system', 'kube-public', 'kube-node-lease'])
    assert.deepEqual(whoInjects(AUTO, { 'kubernetes.io/metadata.name': name }, {}), [], name)
  for (const namespace of [{ 'kubernetes.io/metadata.name': 'mesh-admission' }, ON, rev('x')])
    assert.deepEqual(whoInjects(AUTO, namespace, podOfServer().metadata.labels), [])
})

test('row 34: liveness gives up on a server that does not answer for a minute, readiness after seconds', () => {
  const [server] = podOfServer().spec.containers
  const givesUpS = (probe: string): number =>
    (server?.[probe]?.failureThreshold ?? 0) * (server?.[probe]?.periodSeconds ?? 0)
  assert.deepEqual([givesUpS('livenessProbe'), givesUpS('readinessProbe')], [60, 4])
})

test('one replica has no disruption budget: it would forbid draining the node', () => {
  assert.equal(
    objectsOf({ replicas: 1 }).some(({ kind }) => kind === 'PodDisruptionBudget'),
    false,
  )
  assert.equal(
    objectsOf({ replicas: 2 }).some(({ kind }) => kind === 'PodDisruptionBudget'),
    true,
  )
})

async function print(options: Record<string, unknown>): Promise<string> {
  let printed = ''
  const context = { ...createContext(process), print: (text: string) => void (printed += text) }
  assert.equal(await command.run({ args: [], options }, context), 0)
  return printed
}

test('a server outside the cluster needs the webhook configurations only', async () => {
  const objects = loadAll(await print({ url: 'https://10.0.0.1:15017' })) as Manifest[]
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'],
  )
  assert.deepEqual(objects[0]?.webhooks?.[0]?.clientConfig, { url: 'https://10.0.0.1:15017/inject' })
})

test('parts come in the order in which they must be applied', async () => {
  const objects = loadAll(await print({ part: ['webhooks', 'namespace'] })) as Manifest[]
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    ['Namespace', 'MutatingWebhookConfiguration'],
  )
})

for (const [option, value] of [
  ['url', 'http://a'],
  ['url', 'https://user@a/inject'],
  ['url', 'https://a/inject?x=1'],
  ['revision', 'Upper'],
  ['tag', ['a.b']],
  ['namespace', '-a'],
  ['replicas', '0'],
  ['replicas', '1e9'],
] as const) {
  test(`--${option} ${JSON.stringify(value)} is refused by name`, async () => {
    await assert.rejects(print({ [option]: value }), {
      code: 'OPTION_INVALID',
      message: new RegExp(`^--${option}: expected`),
    })
  })
}
