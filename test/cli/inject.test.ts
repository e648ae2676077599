import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { runProgram } from '../../src/cli/program.ts'
import { recordedContext } from '../support/command.ts'
import { temporaryFolder } from '../support/files.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

const HELLO = join(PROJECT_ROOT, 'manifests/demo/hello.yaml')

async function inject(args: readonly string[], stdin = ''): Promise<{ code: number; out: string; err: string }> {
  const context = recordedContext({}, stdin)
  const code = await runProgram(['inject', ...args], context)
  return { code, out: context.out(), err: context.err() }
}

interface Deployment {
  readonly kind: string
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { name: string }[] } } }
}

const containersOf = (deployment: Deployment): string[] =>
  deployment.spec.template.spec.containers.map(({ name }) => name)

test('inject: a file gets its sidecar, as YAML', async () => {
  const { code, out } = await inject(['-f', HELLO])
  assert.equal(code, 0)
  assert.deepEqual(containersOf(parse(out) as Deployment), ['hello', 'istio-proxy'])
})

test('inject: what is injected already stays as it is', async () => {
  const { out } = await inject(['-f', HELLO])
  assert.equal((await inject(['-f', '-'], out)).out, out)
})

test('inject: several files come out as one stream of documents, comments included', async (t) => {
  const folder = await temporaryFolder(t)
  const config = '# kept\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}   # kept too\n'
  writeFileSync(join(folder, 'a.yaml'), config)
  writeFileSync(join(folder, 'b.yaml'), readFileSync(HELLO))
  writeFileSync(join(folder, 'notes.txt'), 'not a manifest')
  const { code, out } = await inject(['-f', folder, '-f', HELLO])
  assert.equal(code, 0)
  assert.ok(out.startsWith(`${config}---\n`))
  const kinds = [...parseAllDocuments(out)].map((one) => (one.toJS() as Deployment).kind)
  assert.deepEqual(kinds, ['ConfigMap', 'Deployment', 'Deployment'])
})

test('inject: folders below a folder are read when asked for', async (t) => {
  const folder = await temporaryFolder(t)
  mkdirSync(join(folder, 'deep'))
  writeFileSync(join(folder, 'deep/hello.yaml'), readFileSync(HELLO))
  assert.equal((await inject(['-f', folder])).code, 2)
  assert.match((await inject(['-f', folder, '-R'])).out, /name: istio-proxy/)
})

test('inject: -o json gives one object, or a List of several', async () => {
  const one = JSON.parse((await inject(['-f', HELLO, '-o', 'json'])).out) as Deployment
  assert.deepEqual(containersOf(one), ['hello', 'istio-proxy'])
  const two = JSON.parse((await inject(['-f', HELLO, '-f', HELLO, '-o', 'json'])).out) as {
    kind: string
    items: Deployment[]
  }
  assert.equal(two.kind, 'List')
  assert.deepEqual(two.items.map(containersOf), [containersOf(one), containersOf(one)])
})

test('inject: -o diff shows what would change, and nothing where nothing would', async () => {
  assert.match(
    (await inject(['-f', HELLO, '-o', 'diff'])).out,
    /^--- .*hello\.yaml\tbefore\n(.*\n)*\+ {8}- name: istio-proxy$/m,
  )
  assert.equal(
    (await inject(['-f', '-', '-o', 'diff'], 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\n')).out,
    '',
  )
})

test("inject: the configuration may be the injector's ConfigMap, its text, or a bare template", async (t) => {
  const folder = await temporaryFolder(t)
  const template = 'spec:\n  containers:\n  - name: mine\n    image: {{ .Values.global.hub }}/mine\n'
  const config = JSON.stringify({ policy: 'enabled', templates: { sidecar: template } })
  const values = '{"global": {"hub": "example"}}'
  const map = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio-sidecar-injector' },
    data: { config, values },
  }
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const valuesFile = file('values.json', values)
  const outputs = [
    await inject(['-f', HELLO, '--injectConfigFile', file('map.json', JSON.stringify(map))]),
    await inject(['-f', HELLO, '--injectConfigFile', file('config.yaml', config), '--valuesFile', valuesFile]),
    await inject(['-f', HELLO, '--inject-config-file', file('template.yaml', template), '--values-file', valuesFile]),
  ]
  for (const { code, out, err } of outputs) {
    assert.equal(code, 0, err)
    assert.match(out, /image: example\/mine/)
  }
})

const failures: readonly { name: string; args: readonly string[]; stdin?: string; err: RegExp }[] = [
  { name: 'no file', args: [], err: /filename not specified/ },
  { name: 'a file that is not there', args: ['-f', 'nowhere.yaml'], err: /nowhere\.yaml: ENOENT.*INPUT_UNREADABLE/ },
  { name: 'broken YAML', args: ['-f', '-'], stdin: 'kind: [', err: /standard input: .*yaml/ },
  {
    name: 'an annotation that is refused',
    args: ['-f', '-'],
    stdin:
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {status.sidecar.istio.io/port: x}}\nspec: {containers: [{name: a}]}\n',
    err: /standard input: .*status\.sidecar\.istio\.io\/port/s,
  },
  { name: 'a configuration that is not there', args: ['-f', HELLO, '--injectConfigFile', 'no.yaml'], err: /no\.yaml/ },
  { name: 'an unknown format', args: ['-f', HELLO, '-o', 'xml'], err: /Allowed choices are yaml, json, diff/ },
]
for (const { name, args, stdin = '', err } of failures) {
  test(`inject: ${name} ends with code 2 and says so`, async () => {
    const result = await inject(args, stdin)
    assert.equal(result.code, 2)
    assert.match(result.err, err)
    assert.equal(result.out, '')
  })
}

test('inject: documents before a broken one are written', async () => {
  const { code, out } = await inject(['-f', '-'], `${readFileSync(HELLO, 'utf8')}---\nkind: [\n`)
  assert.equal(code, 2)
  assert.match(out, /name: istio-proxy/)
})

test('inject: host networking is skipped with a warning', async () => {
  const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostNetwork: true, containers: [{name: a}]}\n'
  const { code, out, err } = await inject(['-f', '-'], pod)
  assert.equal(code, 0)
  assert.equal(out, pod)
  assert.match(err, /Skipping injection because Pod "a" has host networking enabled/)
})
