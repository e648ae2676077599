import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createOfflineInjector, type OfflineInputs } from '../../../src/injection/offline-pod.ts'
import { injectDocuments, type OfflineOptions } from '../../../src/injection/offline/inject-documents.ts'
import { workloadOf } from '../../../src/injection/workload.ts'
import { sharedPath, skipWithout } from '../../support/shared.ts'

/** Adds a container and an annotation; skips pods on the host's network or with the label `skip`. */
const inject: OfflineOptions['inject'] = (pod) => {
  if (pod.spec?.hostNetwork === true) return { injected: false, reason: 'host_network' }
  if (pod.metadata?.labels?.['skip'] !== undefined) return { injected: false, reason: 'explicit_false' }
  const metadata = { ...pod.metadata, annotations: { ...pod.metadata?.annotations, done: 'yes' } }
  const containers = [{ name: 'proxy' }, ...(pod.spec?.containers ?? [])]
  return { injected: true, pod: { metadata, spec: { ...pod.spec, containers } } }
}

function run(file: string, compat: OfflineOptions['compat'] = 'istiod'): { text: string; warnings: string[] } {
  const documents = [...injectDocuments(file, { inject, workloadOf, compat })]
  return { text: documents.map(({ text }) => text).join(''), warnings: documents.flatMap(({ warnings }) => warnings) }
}

const lines = (...list: readonly string[]): string => list.map((line) => `${line}\n`).join('')

test('a known object is written anew, sorted, typed and without comments', () => {
  const { text } = run(
    lines(
      '# gone',
      'kind: Deployment',
      'apiVersion: apps/v1',
      'unknown: 1',
      'metadata: {name: web}',
      'spec:',
      '  replicas: 0x3',
    ) + lines('  template:', '    metadata: {labels: {v: 1}}', '    spec: {containers: [{name: a}]}'),
  )
  const pod = ['    spec:', '      containers:', '      - name: proxy', '        resources: {}']
  assert.equal(
    text,
    lines(
      'apiVersion: apps/v1',
      'kind: Deployment',
      'metadata:',
      '  name: web',
      'spec:',
      '  replicas: 3',
      '  selector: null',
    ) +
      lines('  strategy: {}', '  template:', '    metadata:', '      annotations:', '        done: "yes"') +
      lines('      labels:', '        v: "1"', ...pod, '      - name: a', '        resources: {}', 'status: {}', '---'),
  )
})

test('other objects stay as they are, each followed by a separator', () => {
  assert.equal(run('kind: Service   # mine\r\n---\nb: 1').text, 'kind: Service   # mine\n---\nb: 1\n---\n')
  assert.equal(run('').text, '')
})

test('annotations of a CronJob are those of its job', () => {
  const file = 'kind: CronJob\nspec: {jobTemplate: {spec: {template: {metadata: {annotations: {a: b}}}}}}\n'
  const { text } = run(file)
  assert.match(text, /jobTemplate:\n {4}metadata:\n {6}annotations:\n {8}done: "yes"\n {4}spec:/)
  assert.match(run(file, 'off').text, /\n {6}template:\n {8}metadata:\n {10}annotations:\n {12}a: b\n {12}done: "yes"/)
})

test('a list is written as one document, items of unknown kind as they were', () => {
  const { text } = run('kind: List\nitems:\n- {kind: Service, b: 1, a: yes}\n- {kind: Pod, spec: {containers: []}}\n')
  assert.match(text, /^items:\n- a: true\n {2}b: 1\n {2}kind: Service\n- kind: Pod\n {2}metadata:\n {4}annotations:\n/)
  assert.match(text, /\nkind: List\nmetadata: \{\}\n---\n$/)
})

const SKIPS: readonly { name: string; file: string; want: string }[] = [
  {
    name: 'host network',
    file: '{kind: Deployment, metadata: {name: web, namespace: shop}, spec: {template: {spec: {hostNetwork: true}}}}',
    want: '===> Skipping injection because Deployment "shop/web" has host networking enabled',
  },
  {
    name: 'label',
    file: '{kind: Job, metadata: {name: j}, spec: {template: {metadata: {name: own, labels: {skip: x}}}}}',
    want: '===> Skipping injection because Job "own" has sidecar injection disabled',
  },
  {
    name: 'label of a pod',
    file: '{kind: Pod, metadata: {name: p, labels: {skip: x}}}',
    want: '===> Skipping injection because Pod "p" has sidecar injection disabled',
  },
]
for (const { name, file, want } of SKIPS) {
  test(`a skipped object gives a warning: ${name}`, () => {
    assert.deepEqual(run(file).warnings, [want])
    assert.deepEqual(run(file, 'off'), { text: file, warnings: [want] })
  })
}

const REFUSED: readonly { name: string; file: string; want: string }[] = [
  {
    name: 'broken YAML',
    file: 'kind: Pod\nspec: [\n',
    want: 'error converting YAML to JSON: yaml: line 2: did not find expected node content',
  },
  {
    name: 'a wrong type in a known kind',
    file: 'kind: Pod\nspec: {containers: 5}\n',
    want: 'error unmarshaling JSON: while decoding JSON: json: cannot unmarshal number into Go struct field PodSpec.spec.containers of type []v1.Container',
  },
  {
    name: 'a document that is a list',
    file: '- a\n',
    want: 'error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type v1.TypeMeta',
  },
  {
    name: 'a controller without template',
    file: 'kind: ReplicationController\n',
    want: 'spec.template is required value',
  },
]
for (const { name, file, want } of REFUSED) {
  test(`the run ends at ${name}, with what came before it written`, () => {
    const written: string[] = []
    assert.throws(
      () => {
        for (const { text } of injectDocuments(`a: 1\n---\n${file}`, { inject, workloadOf, compat: 'istiod' }))
          written.push(text)
      },
      { code: 'OFFLINE_INVALID', message: want },
    )
    assert.deepEqual(written, ['a: 1\n---\n'])
  })
}

test('with compat off comments and order stay, and what is not injected stays to the byte', () => {
  const other = 'kind:   Service # mine\r\n--- # next\n'
  const head = [
    '# top',
    'kind: Deployment',
    'metadata: {name: web} # a',
    'spec:',
    '  # b',
    '  replicas: 0x3',
    '  template:',
  ]
  const app = ['      - name: app # c', '        x: 1']
  const { text } = run(other + lines(...head, '    spec:', '      containers:', ...app), 'off')
  assert.equal(
    text,
    other +
      lines(...head, '    spec:', '      containers:', '      - name: proxy', '        resources: {}', ...app) +
      lines('    metadata:', '      annotations:', '        done: "yes"'),
  )
})

test('with compat off JSON stays JSON', () => {
  const { text } = run('{"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}}', 'off')
  assert.deepEqual(JSON.parse(text), {
    kind: 'Pod',
    metadata: { name: 'p', annotations: { done: 'yes' } },
    spec: { containers: [{ name: 'proxy', resources: {} }] },
    status: {},
  })
})

test('with compat off an object that cannot be edited in place is written anew', () => {
  const { text } = run('kind: Pod\nSPEC: {containers: &c []}\nmetadata: {}\n', 'off')
  assert.match(
    text,
    /^kind: Pod\nmetadata:\n {2}annotations:\n {4}done: "yes"\nspec:\n {2}containers:\n {2}- name: proxy\n/,
  )
})

const cases = sharedPath('conformance', 'injection')

interface RecordedCase {
  readonly id: string
  readonly settings: Readonly<Record<string, string | undefined>>
  readonly file: string
  readonly text?: string
  readonly error?: string
  readonly warnings: readonly string[]
}

function recordedCases(root: string): RecordedCase[] {
  const read = (...parts: readonly string[]): string => readFileSync(join(root, ...parts), 'utf8')
  return readdirSync(root)
    .filter((name) => name.endsWith('-offline'))
    .map((id) => {
      const settings = JSON.parse(read(id, 'case.json')) as RecordedCase['settings'] & { warnings?: string[] }
      const failed = readdirSync(join(root, id)).includes('error.txt')
      const answer = failed ? { error: read(id, 'error.txt').trim() } : { text: read(id, 'expected.yaml') }
      return { id, settings, file: read(id, 'input.yaml'), warnings: settings.warnings ?? [], ...answer }
    })
}

function inputsOf(root: string, settings: RecordedCase['settings']): OfflineInputs {
  const config = (name: string): string => readFileSync(join(root, 'config', name), 'utf8')
  return {
    configText: config(`${settings['configRef'] ?? ''}.config.yaml`),
    valuesText: config(`${settings['valuesRef'] ?? ''}.values.json`),
    meshTexts: [config(`${settings['meshRef'] ?? ''}.mesh.yaml`)],
    revision: settings['revision'] ?? 'default',
    nativeSidecars: settings['nativeSidecars'] ?? 'auto',
    compliancePolicy: settings['compliancePolicy'] ?? '',
    compat: 'istiod',
    env: () => undefined,
    warn: () => undefined,
  }
}

test('recorded files come out byte for byte', { skip: skipWithout(cases) }, async (context) => {
  const root = cases ?? ''
  for (const { id, settings, file, text, error, warnings } of recordedCases(root)) {
    await context.test(id, () => {
      const injector = createOfflineInjector(inputsOf(root, settings))
      const inject = (): InjectedFile =>
        joined([...injectDocuments(file, { inject: injector, workloadOf, compat: 'istiod' })])
      if (error === undefined) assert.deepEqual(inject(), { text, warnings })
      else assert.throws(inject, (thrown: Error) => thrown.message.trim() === error)
    })
  }
})

interface InjectedFile {
  readonly text: string
  readonly warnings: readonly string[]
}

const joined = (documents: readonly InjectedFile[]): InjectedFile => ({
  text: documents.map(({ text }) => text).join(''),
  warnings: documents.flatMap(({ warnings }) => warnings),
})
