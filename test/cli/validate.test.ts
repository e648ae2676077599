/** The offline command: places, verdicts and exit codes. */
import assert from 'node:assert/strict'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { CommandContext } from '../../src/cli/output.ts'
import { runProgram } from '../../src/cli/program.ts'
import { checkText } from '../../src/cli/validate/check.ts'

const GOOD = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: prod}
spec:
  host: reviews
`
const BAD = `# first line
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: prod}
spec:
  host: [a.example.com]
  http:
    - timeout: 0s
      route:
        - destination:
            host: "*"
`
const WARNED = `${GOOD}  workloadSelector: {}\n`

async function run(args: readonly string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const context: CommandContext = {
    stdin: Readable.from([input]),
    env: {},
    color: false,
    print: (text) => {
      out += text
    },
    note: (text) => {
      err += text
    },
  }
  return { code: await runProgram(['validate', ...args], context), out, err }
}

const places = (text: string, strict = true): readonly string[] =>
  checkText(text, { file: 'f', strict }).findings.map(
    ({ line, column, code, severity }) => `${line}:${column} ${severity} ${code}`,
  )

const ROWS: readonly { name: string; text: string; want: readonly string[] }[] = [
  { name: 'a good object is silent', text: GOOD, want: [] },
  {
    name: 'each finding has the line and column of its field',
    text: BAD,
    want: ['6:3 error FIELD_UNKNOWN', '11:13 error DESTINATION_HOST', '8:7 error CEL'],
  },
  {
    name: 'lines count from the top of the file, in later documents too',
    text: `${GOOD}---\n${BAD}`,
    want: ['12:3 error FIELD_UNKNOWN', '17:13 error DESTINATION_HOST', '14:7 error CEL'],
  },
  {
    name: 'a duplicate key is an error although YAML takes the last',
    text: GOOD.replace('spec:', 'kind: DestinationRule\nspec:'),
    want: ['4:1 error YAML'],
  },
  {
    name: 'a bad key of a condition is reported at the key',
    text: `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec:\n  rules:\n  - when:\n    - key: foo\n      values: [a]\n`,
    want: ['7:7 error POLICY_CONDITION', '7:7 error POLICY_CONDITION'],
  },
  { name: 'broken YAML is an error with a place', text: 'a: [b\n', want: ['2:1 error YAML'] },
  {
    name: 'the elements of a List are looked at',
    text: `apiVersion: v1\nkind: List\nitems:\n- apiVersion: networking.istio.io/v1\n  kind: Gateway\n  metadata: {name: g}\n  spec: {}\n`,
    want: ['7:3 error SERVERS_REQUIRED'],
  },
  {
    name: 'a removed kind is an error',
    text: 'apiVersion: rbac.istio.io/v1alpha1\nkind: ServiceRole\nmetadata: {name: a}\n',
    want: ['1:1 error KIND_LEGACY'],
  },
  {
    name: 'a mesh configuration is checked',
    text: 'apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\nspec: {trustDomain: ""}\n',
    want: ['3:1 error MESH_CONFIG'],
  },
  {
    name: 'settings that a mesh configuration does not have are warnings, at any depth and in either spelling',
    text: `apiVersion: mesh.istio.io/v1alpha1
kind: MeshConfig
spec:
  access_log_file: /dev/stdout
  accesLogFile: /dev/stdout
  defaultConfig:
    proxyMetadata: {ANY: name}
    tracing: {zipkin: {adress: a, address: 'a:1'}}
  extensionProviders:
  - name: a
    zipkin: {service: a, port: 1, prt: 2}
`,
    want: ['5:3 warning MESH_CONFIG', '8:24 warning MESH_CONFIG', '11:35 warning MESH_CONFIG'],
  },
  {
    name: 'a file for the installer is checked for fields, names and ports',
    text: `apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: a}
spec:
  revision: A_b
  Profile: empty
  meshConfig: {anything: 1}
  components:
    ingressGateways:
    - name: a/b
      kabel: {}
    - name: b
      k8s: {service: {ports: [{port: 80, targetPort: 8080}, {port: 80}, {port: 80, targetPort: http}]}}
status: {}
`,
    want: [
      '14:1 error FIELD_UNKNOWN',
      '11:7 error FIELD_UNKNOWN',
      '5:3 error REVISION_INVALID',
      '10:7 error GATEWAY_COMPONENT_NAME',
      '13:61 error GATEWAY_COMPONENT_PORT',
    ],
  },
  {
    name: 'a spec without apiVersion and kind is an error, values of a chart are not',
    text: 'spec: {hosts: [a]}\n---\nreplicas: 1\n',
    want: ['1:1 error KIND_UNKNOWN'],
  },
  { name: 'other kinds are none of our business', text: 'apiVersion: v1\nkind: Service\nspec: {ports: 5}\n', want: [] },
]
for (const { name, text, want } of ROWS) {
  test(`validate: ${name}`, () => {
    assert.deepEqual(places(text), want)
  })
}

test('an unknown field is a warning when asked to be lenient, and names its neighbour', () => {
  assert.ok(places(BAD, false).includes('6:3 warning FIELD_UNKNOWN'))
  assert.match(checkText(BAD, { file: 'f', strict: true }).findings[0]?.message ?? '', /did you mean "hosts"\?/)
})

test('exit codes: 0 clean, 0 with warnings unless they are to fail, 1 with errors, 2 without files', async () => {
  assert.equal((await run(['-f', '-'], GOOD)).code, 0)
  assert.equal((await run(['-f', '-'], WARNED)).code, 0)
  assert.equal((await run(['-f', '-', '--fail-on', 'warning'], WARNED)).code, 1)
  assert.equal((await run(['-f', '-'], BAD)).code, 1)
  assert.equal((await run([])).code, 2)
  assert.equal((await run(['-f', '/nowhere/at/all.yaml'])).code, 2)
})

test('standard output holds findings only, in the format asked for', async () => {
  const json = await run(['-f', '-', '-o', 'json'], BAD)
  const { findings, summary } = JSON.parse(json.out) as { findings: unknown[]; summary: { errors: number } }
  assert.equal(findings.length, 3)
  assert.equal(summary.errors, 3)
  assert.equal((await run(['-f', '-'], GOOD)).out, '')
  assert.match((await run(['-f', '-'], BAD)).out, /^<stdin>:6:3: error: VirtualService prod\/a: spec\.host: /)
})

test('folders are walked, and patterns matched, in the order of names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-admission-'))
  try {
    mkdirSync(join(folder, 'deep'))
    writeFileSync(join(folder, 'b.yaml'), BAD)
    writeFileSync(join(folder, 'deep', 'a.yml'), BAD)
    writeFileSync(join(folder, 'notes.txt'), 'not: [yaml')
    const { out } = await run(['-f', folder, '-o', 'json'])
    const files = (JSON.parse(out) as { findings: { file: string }[] }).findings.map(({ file }) => file)
    assert.deepEqual([...new Set(files)], [join(folder, 'b.yaml'), join(folder, 'deep', 'a.yml')])
    const matched = await run(['-f', join(folder, '*.yaml'), '-o', 'json'])
    assert.equal((JSON.parse(matched.out) as { summary: { files: number } }).summary.files, 1)
    assert.equal((await run(['-f', join(folder, '*.json')])).code, 2)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('validate: a duplicate key is named', () => {
  const { findings } = checkText(GOOD.replace('spec:', 'kind: DestinationRule\nspec:'), { file: 'f', strict: true })
  assert.match(findings[0]?.message ?? '', /^key kind stands here for the second time/)
})

test('validate: a pattern below a folder that does not exist matches nothing, and says so', async () => {
  const { code, err } = await run(['-f', 'no-such-folder/*.yaml'])
  assert.equal(code, 2)
  assert.match(err, /no file matches no-such-folder/)
})
