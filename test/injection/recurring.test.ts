/** Templates that remember what recurs answer as those that do not. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { injectorFunctions } from '../../src/injection/functions/functions.ts'
import { RECURRING, templateData } from '../../src/injection/parameters.ts'
import { DEFAULT_PROXY_IDS } from '../../src/injection/proxy-ids.ts'
import { parseTemplate, type Template } from '../../src/injection/template/template.ts'

let countOfReads = 0
const functions = injectorFunctions({
  env: () => `read ${countOfReads++}`,
  warn: () => undefined,
  messageJson: (_type, value) => JSON.stringify(value),
})

const VALUES = [
  { global: { hub: 'docker.io', list: ['a', 'b'], map: { x: '1' } }, flag: true, word: 'one' },
  { global: { hub: 'quay.io', list: [], map: {} }, flag: false, word: '' },
]
const MESH = {}
const PROXY_CONFIGS = [{ concurrency: { value: 2 } }, { statusPort: 15020 }]

const key = fc.constantFrom('a', 'b', 'c')
const texts = fc.dictionary(key, fc.constantFrom('', 'x', 'y', '3'), { noNullPrototype: true })
const pods = fc.record({
  values: fc.constantFrom(...VALUES),
  proxyConfig: fc.constantFrom(...PROXY_CONFIGS),
  name: fc.constantFrom('one', 'two'),
  labels: texts,
  annotations: fc.option(texts, { nil: undefined }),
  containers: fc.array(fc.constantFrom({ name: 'app' }, { name: 'web' }), { maxLength: 2 }),
})
type PodOfTest = typeof pods extends fc.Arbitrary<infer T> ? T : never

const dataOf = ({ values, proxyConfig, name, labels, annotations, containers }: PodOfTest) =>
  templateData({
    pod: { metadata: { labels, ...(annotations !== undefined && { annotations }) }, spec: { containers } },
    workload: { kind: 'Deployment', apiVersion: 'apps/v1', name, namespace: 'shop' },
    proxyConfig,
    meshConfig: MESH,
    values,
    revision: 'default',
    nativeSidecars: true,
    proxyImage: 'proxy',
    proxyInitImage: 'proxy',
    proxyIds: DEFAULT_PROXY_IDS,
    compliancePolicy: '',
  })

const { expression } = fc.letrec<{ expression: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    fc.constantFrom('.', '$', '$v', '$w', '$v.hub', '.hub', '.name', '"text"', '`a`', '7', 'true', '.Values.none.deep'),
    fc.constantFrom('.Values.word', '$.Values.flag', '.Values.global', '$.Values.global.list', '.ProxyConfig', 'nil'),
    fc.constantFrom('.DeploymentMeta.Name', '$.ObjectMeta.Labels', '.ObjectMeta.Annotations', '$.ObjectMeta'),
    fc.constantFrom('$.Spec.Containers', '(env "x" "y")', '.ProxyConfig.StatusPort', '.Values.global.map.x', '(list)'),
  ),
  expression: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie('atom'),
    fc
      .tuple(
        fc.constantFrom('isset', 'index'),
        fc.constantFrom('.', '$.'),
        fc.oneof(
          key,
          key.map((one) => `$${one}`),
        ),
      )
      .map(([name, dot, one]) => `${name} ${dot}ObjectMeta.Annotations ${one.startsWith('$') ? '$w' : `"${one}"`}`),
    fc.tuple(key, tie('expression')).map(([one, other]) => `annotation $.ObjectMeta "${one}" (${other})`),
    tie('expression').map((one) => `(${one}) | print | quote`),
    fc
      .tuple(
        fc.constantFrom('eq', 'or', 'and', 'print', 'index', 'default', 'ternary "a" "b"'),
        tie('atom'),
        tie('expression'),
      )
      .map(([name, one, other]) => `${name} ${one} (${other})`),
  ),
}))

const { body } = fc.letrec<{ body: string; node: string }>((tie) => ({
  body: fc.array(tie('node'), { maxLength: 4 }).map((nodes) => nodes.join('')),
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('text;', 'more;'),
    expression.map((one) => `{{${one}}};`),
    fc
      .tuple(fc.constantFrom('$v', '$w'), fc.constantFrom(':=', ':=', '='), expression)
      .map(([v, sign, one]) => `{{${v} ${sign} ${one}}}`),
    fc
      .tuple(
        fc.constantFrom('if ', 'with ', 'if $v := ', 'with $w := ', 'range ', 'range $v, $w := '),
        expression,
        tie('body'),
        tie('body'),
      )
      .map(([word, one, inside, other]) => `{{${word}${one}}}${inside}{{else}}${other}{{end}}`),
    fc
      .tuple(fc.constantFrom('part', 'other'), fc.constantFrom('.', '$', '.Values', '$v'))
      .map(([name, one]) => `{{template "${name}" ${one}}}`),
    fc.constantFrom('{{if eq .Values.word "one"}}{{.ProxyImage}}{{end}}', '{{toJson .Values.global}}'),
  ),
}))

const textOf = (parts: readonly [string, string, string]): string => {
  const [part, other, main] = parts
  const known = '{{$v := .Values}}{{$w := "b"}}'
  return `{{define "part"}}${known}${part}{{end}}{{define "other"}}${known}${other}{{end}}${known}${main}`
}

/** What it renders, or its complaint; where in an expression the steps run out is nobody's business. */
function outcome(template: Template, data: unknown): string {
  countOfReads = 0
  try {
    return template.render(data, { limits: { steps: 300 } })
  } catch (thrown) {
    const { message } = thrown as Error
    return message.includes('too many steps') ? 'template: too many steps' : message
  }
}

test('a template renders the same whatever was rendered before', () => {
  let rendered = 0
  fc.assert(
    fc.property(fc.tuple(body, body, body), fc.array(pods, { minLength: 1, maxLength: 6 }), (parts, asked) => {
      const text = textOf(parts)
      let plain: Template
      try {
        plain = parseTemplate('inject', text, { functions })
      } catch {
        return
      }
      const remembering = parseTemplate('inject', text, { functions, recurring: RECURRING })
      for (const pod of [...asked, ...asked]) {
        const data = dataOf(pod)
        const want = outcome(plain, data)
        if (!want.startsWith('template:')) rendered++
        assert.equal(outcome(remembering, data), want)
      }
    }),
    { numRuns: 1500 },
  )
  assert.ok(rendered > 500, `${rendered} renderings without error`)
})
