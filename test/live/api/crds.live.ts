/** Our CustomResourceDefinitions on a real API server: it takes them, keeps what is valid, and says what we say. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { load, loadAll } from 'js-yaml'

import { renderCrds } from '../../../src/cli/crds.ts'
import { validate } from '../../../src/validation/index.ts'
import type { MeshObject, Validation } from '../../../src/validation/index.ts'
import { KINDS } from '../../../src/validation/registry.ts'
import { kubectl, skipWithoutCluster } from '../../support/cluster.ts'
import { CEL_SPECS, MESH_SPECS } from '../../support/mesh-specs.ts'
import { createRawApi } from '../../support/raw-api.ts'
import type { RawAnswer } from '../../support/raw-api.ts'
import { PROJECT_ROOT, sharedPath } from '../../support/shared.ts'

const skip = skipWithoutCluster()
const recorded = sharedPath('conformance', 'validation')
const OPTIONS = {
  skip: skip !== false ? skip : recorded === undefined && 'recorded cases are not at hand',
  timeout: 600_000,
}
const CRDS = join(PROJECT_ROOT, 'manifests', 'crds')
const NAMESPACE = `crds-live-${process.pid}`
const NAMES = KINDS.map(({ schema }) => `${schema.plural}.${schema.group}`)

interface Case {
  readonly id: string
  /** In a namespace that exists. */
  readonly object: MeshObject
  /** Path of its collection. */
  readonly path: string
  readonly ours: Validation
}

before(async () => {
  if (skip !== false) return
  await kubectl(['apply', '-f', CRDS])
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...NAMES.map((name) => `crd/${name}`)])
  await kubectl(['create', 'namespace', NAMESPACE])
})

after(async () => {
  if (skip !== false) return
  await kubectl(['delete', '--ignore-not-found', '-f', CRDS])
  await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false'])
})

/** Our own bad objects, one for each CEL rule among them. */
function* ownObjects(): Iterable<{ id: string; object: MeshObject }> {
  const bad = Object.entries(MESH_SPECS).flatMap(([kind, specs]) => specs.bad.map((spec) => ({ kind, spec })))
  for (const [i, { kind, spec }] of [...bad, ...CEL_SPECS].entries()) {
    const apiVersion = MESH_SPECS[kind]?.apiVersion
    yield { id: `own ${i}`, object: { apiVersion, kind, metadata: { name: 'one' }, spec } }
  }
}

/** The texts of all CEL rules of the definitions. */
function ruleTexts(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'x-kubernetes-validations'
      ? (value as { message?: string; rule: string }[]).map(({ message, rule }) => message ?? rule)
      : ruleTexts(value),
  )
}

/** The objects of a kind and version that is served. */
function* casesOf(objects: Iterable<{ id: string; object: MeshObject | undefined }>): Iterable<Case> {
  for (const { id, object } of objects) {
    const [group, version] = String(object?.['apiVersion']).split('/')
    const schema = KINDS.find((kind) => kind.schema.group === group && kind.schema.kind === object?.['kind'])?.schema
    if (object === undefined || schema === undefined || !schema.versions.includes(version ?? '')) continue
    if (typeof object['metadata'] !== 'object' || object['metadata'] === null) continue
    const placed = { ...object, metadata: { ...object['metadata'], namespace: NAMESPACE } }
    const path = `/apis/${group}/${version}/namespaces/${NAMESPACE}/${schema.plural}`
    yield { id, object: placed, path, ours: validate(placed) }
  }
}

function* recordedObjects(root: string): Iterable<{ id: string; object: MeshObject | undefined }> {
  for (const kind of readdirSync(root, { withFileTypes: true })) {
    if (!kind.isDirectory() || kind.name === 'analysis') continue
    for (const file of readdirSync(join(root, kind.name))) {
      if (!file.endsWith('.yaml')) continue
      const id = `${kind.name}/${file}`
      yield { id, object: parsed(readFileSync(join(root, kind.name, file), 'utf8')) }
    }
  }
  for (const line of readFileSync(join(root, 'generated.jsonl'), 'utf8').split('\n').filter(Boolean)) {
    yield JSON.parse(line) as { id: string; object: MeshObject }
  }
}

function parsed(text: string): MeshObject | undefined {
  try {
    return load(text) as MeshObject
  } catch {
    return undefined
  }
}

test('applied again by plain kubectl, nothing changes, and the definitions are structural', OPTIONS, async () => {
  assert.match(await kubectl(['apply', '-f', CRDS]), /^(?:\S+ unchanged\n)+$/)
  const list = JSON.parse(await kubectl(['get', 'crd', ...NAMES, '-o', 'json'])) as {
    items: { metadata: { name: string }; status: { conditions: { type: string; status: string }[] } }[]
  }
  for (const { metadata, status } of list.items) {
    const holding = status.conditions.filter((condition) => condition.status === 'True').map(({ type }) => type)
    assert.deepEqual(holding.sort(), ['Established', 'NamesAccepted'], metadata.name)
  }
})

/** Kubernetes: a null where the schema says no word about null is as good as absent, and is dropped. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([, entry]) => entry !== null)
  return Object.fromEntries(kept.map(([key, entry]) => [key, withoutNulls(entry)]))
}

test('every valid recorded object is stored and read back unchanged', OPTIONS, async () => {
  const api = createRawApi()
  let stored = 0
  for (const { id, object, path, ours } of casesOf(recordedObjects(recorded ?? ''))) {
    if (ours.verdict !== 'accept' || ours.strict !== 'accept') continue
    const { name } = object['metadata'] as { name: string }
    const created = await api('POST', `${path}?fieldValidation=Strict`, object)
    assert.equal(created.status, 201, `${id}: ${JSON.stringify(created.body)}`)
    const { body } = await api('GET', `${path}/${name}`)
    assert.deepEqual(body['spec'], withoutNulls(object['spec']), id)
    assert.equal((await api('DELETE', `${path}/${name}`)).status, 200, id)
    stored += 1
  }
  assert.ok(stored > 300, `${stored} objects`)
})

/** Where the API server says that it did not get as far as the CEL rules. */
const SKIPPED_RULES = '<nil>'

/** Kubernetes 1.36 repeats the value that a rule refuses, older ones its type; the rest is the rule's own text. */
const ruleText = (message: string): string => message.replace(/^Invalid value: (?:(?:"(?:[^"\\]|\\.)*"|-?\d+): )?/, '')

interface StatusCause {
  readonly field: string
  readonly message: string
}

/** Where the API server and we disagree about one object, by the API server's answer to its creation. */
function differences({ id, ours }: Case, { status, body }: RawAnswer): string[] {
  const isRefusedByUs = !ours.schema.accepted || ours.cel.length > 0
  const said = JSON.stringify(body['message'])
  if ((status !== 201) !== isRefusedByUs)
    return [`${id}: ${status} ${said}, ours: ${JSON.stringify([ours.schema, ours.cel])}`]
  const details = body['details'] as { causes?: readonly StatusCause[] } | undefined
  if (status === 201 || details?.causes === undefined) return []
  const theirs = details.causes
  const [want, have] = [
    theirs.map(({ field }) => field),
    [...ours.schema.errors, ...ours.cel].map(({ path }) => path),
  ].map((paths) =>
    [...new Set(paths)]
      .filter((path) => path !== SKIPPED_RULES)
      .sort()
      .join(' '),
  )
  const missing = ours.cel.filter(
    ({ path, message }) =>
      !theirs.some((cause) => cause.field === path && ruleText(cause.message) === ruleText(message)),
  )
  return [
    ...(want === have ? [] : [`${id}: we say ${have}, the API server ${want}`]),
    ...missing.map(({ path, message }) => `${id}: ${path}: ${message}: the API server says ${said}`),
  ]
}

test(
  'what schema and CEL rules refuse, the API server refuses at the same places, by the same rules',
  OPTIONS,
  async (t) => {
    const api = createRawApi()
    const [found, fired]: [string[], Set<string>] = [[], new Set()]
    let compared = 0
    for (const one of casesOf([...recordedObjects(recorded ?? ''), ...ownObjects()])) {
      const answer = await api('POST', `${one.path}?dryRun=All&fieldValidation=Ignore`, one.object)
      found.push(...differences(one, answer))
      for (const { message } of one.ours.cel) fired.add(message)
      compared += 1
    }
    t.diagnostic(`${compared} objects compared, ${fired.size} texts of CEL rules seen`)
    assert.deepEqual(found, [])
    const texts = new Set(ruleTexts(loadAll(renderCrds())))
    const isFired = (text: string): boolean => [...fired].some((message) => message.includes(text))
    assert.deepEqual(
      [...texts].filter((text) => !isFired(text)),
      [],
    )
  },
)
