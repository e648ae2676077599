/** Our answers against recorded ones of Istio 1.31's own injector, by its README's rules. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { injectionAnswerer } from '../../scripts/answer/injection.ts'
import type { InjectionAnswer, InjectionCase } from '../../scripts/answer/injection-case.ts'
import { compileSelector } from '../../src/base/selector.ts'
import type { LabelSelector } from '../../src/base/selector.ts'
import { configText } from '../../src/injection/config.ts'
import { splitDocuments } from '../../src/injection/offline/split.ts'
import { readYaml } from '../../src/injection/yaml/read.ts'
import { differenceOf, objectDifference } from '../support/equality.ts'
import { PROJECT_ROOT, sharedPath, skipWithout } from '../support/shared.ts'

const ROOT = sharedPath('conformance', 'injection')
const CONFIGS = join(ROOT ?? '', 'config')
const skip = skipWithout(ROOT)

interface Recorded {
  readonly case: InjectionCase
  readonly answer: InjectionAnswer
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
const template = (name: string): string => readFileSync(join(PROJECT_ROOT, 'templates', `${name}.yaml`), 'utf8')
/** The shipped templates under the recorded configuration's head. */
const OURS = configText({
  parts: template('parts'),
  templates: Object.fromEntries(
    ['sidecar', 'gateway', 'grpc-simple', 'grpc-agent'].map((name) => [name, template(name)]),
  ),
})

const theirs = injectionAnswerer({ configs: CONFIGS, compat: 'istiod' })
const ours = injectionAnswerer({
  configs: CONFIGS,
  compat: 'istiod',
  configText: (name) => (name === 'default' ? OURS : undefined),
})

const answer = (answerer: typeof theirs, given: InjectionCase): InjectionAnswer =>
  answerer(JSON.stringify(given)) as InjectionAnswer

function folderCases(): Recorded[] {
  return readdirSync(ROOT ?? '')
    .filter((name) => existsSync(join(ROOT ?? '', name, 'case.json')))
    .map((name) => folderCase(name))
}

function folderCase(name: string): Recorded {
  const file = (part: string): string => join(ROOT ?? '', name, part)
  const given = { ...(readJson(file('case.json')) as InjectionCase), id: name }
  const input = readFileSync(file('input.yaml'), 'utf8')
  const object = given.mode === 'offline' ? input : JSON.stringify(readYaml(input))
  if (existsSync(file('error.txt'))) {
    return { case: { ...given, object }, answer: { ok: false, error: readFileSync(file('error.txt'), 'utf8') } }
  }
  const expected = readFileSync(file('expected.yaml'), 'utf8')
  if (given.mode !== 'offline') return { case: { ...given, object }, answer: { ok: true, object: readYaml(expected) } }
  const { warnings } = given as { warnings?: readonly string[] }
  const answer = { ok: true, object: documentsOf(expected), text: expected, ...(warnings && { warnings }) }
  return { case: { ...given, object }, answer }
}

const documentsOf = (text: string): unknown[] => [...splitDocuments(text)].map((one) => readYaml(one.text))

function lineCases(file: string): Recorded[] {
  return readFileSync(join(ROOT ?? '', file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Recorded)
}

const SETS: Readonly<Record<string, () => Recorded[]>> = {
  folders: folderCases,
  'corner.jsonl': () => lineCases('corner.jsonl'),
  'generated.jsonl': () => lineCases('generated.jsonl'),
}

for (const [set, cases] of Object.entries(SETS)) {
  test(`${set}: answers equal istiod's`, { skip }, (t) => {
    const recorded = cases()
    const wrong = recorded.flatMap((one) => {
      const got = answer(theirs, one.case)
      return describe(one.case.id, differenceOf(one.answer, got) ?? warningDifference(one.answer, got))
    })
    t.diagnostic(`${recorded.length - wrong.length} of ${recorded.length} equal`)
    assert.deepEqual(wrong, [])
  })

  test(`${set}: our own templates give the same pods`, { skip }, (t) => {
    const recorded = cases().filter((one) => one.case.configYaml === undefined && one.case.configRef === 'default')
    const wrong = recorded.flatMap((one) => {
      const [want, got] = [one.answer, answer(ours, one.case)].map(withoutOwnWording)
      assert.ok(want && got)
      return describe(one.case.id, differenceOf(want, got))
    })
    t.diagnostic(`${recorded.length - wrong.length} of ${recorded.length} equal`)
    assert.deepEqual(wrong, [])
  })
}

/** Warnings of the offline command. */
function warningDifference(want: InjectionAnswer, got: InjectionAnswer): string | undefined {
  const [wanted, given] = [want.warnings ?? [], got.warnings ?? []].map((list) => list.join('\n').trim())
  return wanted === given ? undefined : `warnings: want ${wanted ?? ''}, got ${given ?? ''}`
}

const describe = (id: string | undefined, difference: string | undefined): string[] =>
  difference === undefined ? [] : [`${id ?? '?'} ${difference}`]

/** The bootstrap script of grpc-simple is worded by us, not what it writes; a failing text fails at its own place. */
function withoutOwnWording(given: InjectionAnswer): InjectionAnswer {
  const object = JSON.parse(JSON.stringify(given.object ?? null), (key, value: unknown) =>
    key === 'command' && Array.isArray(value) && value[1] === '-c' ? 'script' : value,
  ) as unknown
  const error = given.error?.replace(/; have .*/, '').replace(/executing "[^"]*" at <.*?>:/, 'executing:')
  return { ...given, object, ...(error !== undefined && { error }) }
}

interface Question {
  readonly name: string
  readonly case: InjectionCase
  readonly expect: readonly { readonly at: string; readonly value: unknown }[]
}

const DECISIONS = ROOT === undefined ? {} : (readJson(join(ROOT, 'decisions.json')) as Record<string, Question[]>)
for (const [table, questions] of Object.entries(DECISIONS)) {
  test(`decisions.json: ${table}`, { skip }, () => {
    const wrong = questions.flatMap((question) => {
      const got = answer(theirs, question.case)
      return question.expect.flatMap(({ at, value: want }) => {
        const value = at === 'envlist' ? readValues(want as Env[]) : want
        const difference = objectDifference({ value }, { value: lookUp(got, at) })
        return describe(`${question.name} at ${at}: ${got.error ?? ''}`, difference)
      })
    })
    assert.deepEqual(wrong, [])
  })
}

interface Env {
  readonly name: string
  readonly value?: unknown
}
interface Pod {
  readonly spec: Record<'containers' | 'initContainers', { name: string; image?: string; env?: Env[] }[] | undefined>
}

function lookUp(got: InjectionAnswer, at: string): unknown {
  if (at.startsWith('/')) return pointed(got, at)
  if (at.startsWith('json/')) return JSON.parse(String(pointed(got, at.slice(4)))) as unknown
  const { spec } = got.object as Pod
  const isProxy = ({ name }: { name: string }): boolean => name === 'istio-proxy'
  const section = spec.containers?.some(isProxy) === true ? 'containers' : 'initContainers'
  const proxy = spec[section]?.find(isProxy)
  const env = proxy?.env ?? []
  if (at === 'section') return section
  if (at === 'proxy/image') return proxy?.image
  if (at === 'env') return Object.fromEntries(env.map(({ name, value }) => [name, value ?? '']))
  if (at === 'envlist') {
    return readValues(env.filter(({ name }) => name !== 'ISTIO_PROMETHEUS_ANNOTATIONS'))
  }
  return asJson(env.find(({ name }) => `envjson/${name}` === at)?.value)
}

const readValues = (env: readonly Env[]): unknown => env.map((one) => ({ ...one, value: asJson(one.value) }))

function asJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text)) as unknown
  } catch {
    return text
  }
}

function pointed(root: unknown, pointer: string): unknown {
  let value = root
  for (const part of pointer.split('/').slice(1)) {
    value = (value as Record<string, unknown> | null | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return value
}

interface WebhookRow {
  readonly webhooks: string
  readonly namespace: string
  readonly namespaceLabels: Record<string, string>
  readonly podLabels: Record<string, string>
  readonly calledBy: readonly string[]
}
interface WebhookConfiguration {
  readonly metadata: { readonly name: string }
  readonly webhooks: readonly {
    readonly name: string
    readonly namespaceSelector: LabelSelector
    readonly objectSelector: LabelSelector
  }[]
}

test('selectors.json: the same webhooks are called', { skip }, (t) => {
  const rows = readJson(join(ROOT ?? '', 'selectors.json')) as WebhookRow[]
  const wrong = rows.filter((row) => {
    const configurations = readJson(join(CONFIGS, `${row.webhooks}.webhooks.json`)) as WebhookConfiguration[]
    return calledBy(configurations, row).sort().join() !== [...row.calledBy].sort().join()
  })
  t.diagnostic(`${rows.length - wrong.length} of ${rows.length} equal`)
  assert.deepEqual(wrong, [])
})

function calledBy(configurations: readonly WebhookConfiguration[], row: WebhookRow): string[] {
  const namespaceLabels = { 'kubernetes.io/metadata.name': row.namespace, ...row.namespaceLabels }
  return configurations.flatMap(({ metadata, webhooks }) =>
    webhooks
      .filter(
        ({ namespaceSelector, objectSelector }) =>
          matches(namespaceSelector, namespaceLabels) && matches(objectSelector, row.podLabels),
      )
      .map(({ name }) => `${metadata.name}/${name}`),
  )
}

function matches(selector: LabelSelector, labels: Record<string, string>): boolean {
  const compiled = compileSelector(selector)
  assert.ok('matches' in compiled)
  return compiled.matches(labels)
}
