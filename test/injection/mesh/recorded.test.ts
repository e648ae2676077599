/** Recorded answers: PROXY_CONFIG of injected pods, annotation errors, and settings files that must load. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { validateAnnotations } from '../../../src/injection/mesh/annotations.ts'
import { effectiveMeshConfig } from '../../../src/injection/mesh/mesh-config.ts'
import type { Message } from '../../../src/injection/mesh/message-type.ts'
import { PROXY_CONFIG } from '../../../src/injection/mesh/messages.ts'
import { effectiveProxyConfig } from '../../../src/injection/mesh/proxy-config.ts'
import type { ProxyConfigResource } from '../../../src/injection/mesh/proxy-config-resources.ts'
import { protoToJson } from '../../../src/injection/mesh/proto-to-json.ts'
import { readValues } from '../../../src/injection/mesh/values.ts'
import { readYaml } from '../../../src/injection/yaml/read.ts'
import { sharedPath, skipWithout } from '../../support/shared.ts'

interface Pod {
  metadata?: { namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  spec?: { containers?: Container[]; initContainers?: Container[] }
}

interface Container {
  name: string
  env?: { name: string; value?: string }[]
}

interface Case {
  name: string
  mode: string
  mesh?: string
  meshRef?: string
  namespace?: string
  proxyConfigs?: ProxyConfigResource[]
  pod: Pod
  error: string
  /** Neither skipped nor left alone. */
  touched: boolean
  answer: Pod | undefined
}

const folder = sharedPath('conformance', 'injection')
const at = (...parts: string[]): string => join(folder ?? '', ...parts)

function linesOf(file: string): Case[] {
  return readFileSync(at(file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { case: one, answer } = JSON.parse(line) as {
        case: Omit<Case, 'pod' | 'touched'> & { id: string; object: string }
        answer: { error?: string; injected?: boolean; object?: Pod | string }
      }
      return {
        ...one,
        name: one.id,
        pod: one.mode === 'offline' ? {} : asPod(one.object),
        error: answer.error ?? '',
        touched: answer.injected === true || answer.error !== undefined,
        answer: asPod(answer.object),
      }
    })
}

function asPod(object: Pod | string | undefined): Pod {
  if (typeof object !== 'string') return object ?? {}
  try {
    return JSON.parse(object) as Pod
  } catch {
    return {}
  }
}

function foldersOf(): Case[] {
  return readdirSync(at())
    .filter((name) => name.endsWith('-webhook'))
    .map((name) => {
      const read = (file: string): string => (existsSync(at(name, file)) ? readFileSync(at(name, file), 'utf8') : '')
      return {
        ...(JSON.parse(read('case.json')) as Omit<Case, 'pod' | 'touched'>),
        name,
        pod: readYaml(read('input.yaml')) as Pod,
        error: read('error.txt'),
        touched: read('expected.yaml') !== read('input.yaml'),
        answer: readYaml(read('expected.yaml')) ?? {},
      }
    })
}

const cases =
  folder === undefined
    ? []
    : [...linesOf('generated.jsonl'), ...linesOf('corner.jsonl'), ...foldersOf()].filter(
        ({ mode }) => mode === 'webhook',
      )

function proxyConfigOf(pod: Pod | undefined): string | undefined {
  const lists = [pod?.spec?.containers, pod?.spec?.initContainers]
  // A custom template can turn a list into something else.
  const containers = lists.flatMap((list) => (Array.isArray(list) ? list : []))
  const proxy = containers.find(({ name }) => name === 'istio-proxy')
  return proxy?.env?.find(({ name }) => name === 'PROXY_CONFIG')?.value?.trim()
}

const meshes = new Map<string, Message>()

/** One mesh per text, as one configuration serves many pods. */
function meshOf(one: Case): Message {
  const text =
    one.mesh ?? (one.meshRef === undefined ? '' : readFileSync(at('config', `${one.meshRef}.mesh.yaml`), 'utf8'))
  const mesh = meshes.get(text) ?? effectiveMeshConfig([text]).mesh
  meshes.set(text, mesh)
  return mesh
}

test('the effective ProxyConfig of recorded pods is their PROXY_CONFIG', { skip: skipWithout(folder) }, () => {
  let compared = 0
  for (const one of cases) {
    const want = proxyConfigOf(one.answer)
    if (want === undefined || proxyConfigOf(one.pod) === want) continue
    const { labels = {}, annotations = {}, namespace = one.namespace ?? '' } = one.pod.metadata ?? {}
    const config = effectiveProxyConfig({
      mesh: meshOf(one),
      resources: one.proxyConfigs ?? [],
      podLabels: labels,
      podNamespace: namespace,
      annotation: annotations['proxy.istio.io/config'],
    })
    assert.equal(protoToJson(PROXY_CONFIG, config), want, one.name)
    compared++
  }
  assert.ok(compared > 0)
})

const wordsOf = (message: string): string[] => message.split(/\s+/).sort()

test('recorded annotation errors are found, and no others', { skip: skipWithout(folder) }, () => {
  const prefix = 'failed to run injection template: '
  for (const one of cases) {
    // Annotations of skipped pods are not looked at.
    if (!one.touched) continue
    const message = validateAnnotations(one.pod.metadata?.annotations ?? {})
    if (message !== undefined) assert.deepEqual(wordsOf(prefix + message), wordsOf(one.error), one.name)
    else assert.doesNotMatch(one.error, /errors? occurred:/, one.name)
  }
})

interface Decision {
  name: string
  case: { object: string; mesh?: string }
  expect: { at: string; value: unknown }[]
}

test('recorded decisions on annotations are ours', { skip: skipWithout(folder) }, () => {
  const tables = JSON.parse(readFileSync(at('decisions.json'), 'utf8')) as Record<string, Decision[]>
  for (const { name, case: one, expect } of [...(tables['annotations'] ?? []), ...(tables['resourceQuantity'] ?? [])]) {
    const ok = expect.find(({ at: place }) => place === '/ok')?.value
    assert.equal(validateAnnotations(asPod(one.object).metadata?.annotations ?? {}) === undefined, ok ?? true, name)
  }
})

test('recorded answers of protoToJSON are ours', { skip: skipWithout(folder) }, () => {
  const tables = JSON.parse(readFileSync(at('decisions.json'), 'utf8')) as Record<string, Decision[]>
  for (const { name, case: one, expect } of tables['cleanProxyConfig'] ?? []) {
    const { mesh } = effectiveMeshConfig([one.mesh ?? ''])
    const config = effectiveProxyConfig({ mesh, resources: [], podLabels: {}, podNamespace: '' })
    assert.deepEqual(JSON.parse(protoToJson(PROXY_CONFIG, config)), expect[0]?.value, name)
  }
})

test('the recorded settings load without a warning', { skip: skipWithout(folder) }, () => {
  for (const file of readdirSync(at('config'))) {
    const text = readFileSync(at('config', file), 'utf8')
    if (file.endsWith('.mesh.yaml')) assert.deepEqual(effectiveMeshConfig([text]).warnings, [], file)
    if (file.endsWith('.values.json')) assert.doesNotThrow(() => readValues(text), file)
  }
})
