/** The made-up pods of a start: injected one by one, and never in anybody's way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileEngine } from '../../../src/cli/serve/engine.ts'
import { resolveServeOptions } from '../../../src/cli/serve/options.ts'
import { shippedConfigText, shippedMeshText, shippedValuesText } from '../../../src/cli/serve/shipped.ts'
import { warmUp } from '../../../src/cli/serve/warm-up.ts'
import type { Inject, InjectRequest } from '../../../src/server/routes/inject.ts'
import { SILENT } from '../../../src/base/log.ts'
import type { Clock } from '../../../src/base/clock.ts'

/** Time that passes as soon as somebody waits for it. */
const impatient: Clock = { nowMs: () => 0, wait: () => Promise.resolve() }

async function requestsOf(answer: Inject, signal = new AbortController().signal): Promise<InjectRequest[]> {
  const requests: InjectRequest[] = []
  const inject: Inject = (request) => {
    requests.push(request)
    return answer(request)
  }
  await warmUp({ currentInject: () => inject, clock: impatient, signal })
  return requests
}

const skip: Inject = () => ({ injected: false, reason: 'none' })

test('all made-up pods differ and are injected by the shipped configuration', async () => {
  const texts = { configText: shippedConfigText(), valuesText: shippedValuesText(), meshTexts: [shippedMeshText()] }
  const origin = { config: '', values: '', mesh: '' }
  const world = { proxyConfigs: [], nodes: undefined, namespaceAnnotations: () => undefined }
  const engine = compileEngine(resolveServeOptions({}, {}), { env: {}, log: SILENT })
  const compiled = engine({ ...texts, origin, version: '1', world, worldVersion: '1' })
  const requests = await requestsOf(skip)
  for (const request of requests) assert.ok('patch' in compiled(request, world))
  assert.equal(new Set(requests.map((request) => JSON.stringify(request))).size, requests.length)
  assert.ok(requests.length > 100)
})

test('an engine that breaks, or that is not there yet, does not end it', async () => {
  const broken: Inject = () => {
    throw new Error('broken')
  }
  assert.ok((await requestsOf(broken)).length > 100)
  await warmUp({ currentInject: () => undefined, clock: impatient, signal: new AbortController().signal })
})

test('it ends with the server', async () => {
  const life = new AbortController()
  let injected = 0
  const requests = await requestsOf((request) => {
    if (++injected === 3) life.abort()
    return skip(request)
  }, life.signal)
  assert.equal(requests.length, 3)
})
