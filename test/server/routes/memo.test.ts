/** What the inject route makes of repeated reviews. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { Inject } from '../../../src/server/routes/inject.ts'
import { fakeInject, metricValue, recordingLog, review, webhook, type LoggedLine } from '../../support/webhook.ts'

type Hook = ReturnType<typeof webhook>

/** An engine that counts its calls. */
function counting(inject: Inject = fakeInject): { inject: Inject; calls: () => number } {
  let calls = 0
  return {
    inject: (request) => {
      calls++
      return inject(request)
    },
    calls: () => calls,
  }
}

async function ask(hook: Hook, name: string): Promise<{ uid: string; response: Record<string, unknown> }> {
  const uid = randomUUID()
  const payload = JSON.stringify(review(name, { uid }))
  const answer = await hook.app.inject({
    url: '/inject',
    method: 'POST',
    payload,
    headers: { 'content-type': 'application/json' },
  })
  const { response } = answer.json<{ response: Record<string, unknown> }>()
  return { uid, response }
}

for (const name of ['web', 'skip', 'deny']) {
  test(`a repeated review of a pod named ${name} is answered without the engine, under its own uid`, async () => {
    const engine = counting()
    const hook = webhook({ inject: engine.inject, memo: {} })
    const first = await ask(hook, name)
    const second = await ask(hook, name)
    assert.equal(engine.calls(), 1)
    assert.equal(second.response.uid, second.uid)
    assert.deepEqual({ ...second.response, uid: '' }, { ...first.response, uid: '' })
    assert.equal(await metricValue(hook.metrics, 'mesh_admission_memo_total', { result: 'hit' }), 1)
  })
}

test('a remembered answer is counted and logged as the computed one was', async () => {
  const lines: LoggedLine[] = []
  const hook = webhook({ memo: {}, log: recordingLog(lines) })
  const asked = [await ask(hook, 'skip'), await ask(hook, 'skip')]
  const told = lines.map(({ text, fields }) => ({ text, ...fields, durationMs: 0 }))
  assert.deepEqual(told[1], { ...told[0], uid: asked[1]?.uid })
  assert.equal(await metricValue(hook.metrics, 'sidecar_injection_skip_total'), 2)
})

test('another engine forgets every answer', async () => {
  let inject: Inject = fakeInject
  const hook = webhook({ currentInject: () => inject, memo: {} })
  await ask(hook, 'web')
  inject = () => ({ injected: false, reason: 'policy_disabled' })
  assert.deepEqual((await ask(hook, 'web')).response.patch, undefined)
})

test('an engine that breaks is asked again', async () => {
  const engine = counting()
  const hook = webhook({ inject: engine.inject, memo: {} })
  await ask(hook, 'throw')
  await ask(hook, 'throw')
  assert.equal(engine.calls(), 2)
})

test('nothing is remembered unless it is asked for', async () => {
  const engine = counting()
  const hook = webhook({ inject: engine.inject })
  await ask(hook, 'web')
  await ask(hook, 'web')
  assert.equal(engine.calls(), 2)
})

test('a check that finds a wrong answer counts it, says so, and gives the computed one', async () => {
  let label = 'old'
  const lines: LoggedLine[] = []
  const inject: Inject = () => ({ injected: true, patch: [{ op: 'add', path: '/metadata/labels', value: { label } }] })
  const hook = webhook({ inject, memo: { checkEvery: 2 }, log: recordingLog(lines) })
  await ask(hook, 'web')
  label = 'new'
  const hit = await ask(hook, 'web')
  const checked = await ask(hook, 'web')
  assert.notEqual(checked.response.patch, hit.response.patch)
  assert.equal(await metricValue(hook.metrics, 'mesh_admission_memo_mismatches_total'), 1)
  assert.equal(lines.filter(({ level }) => level === 'error').length, 1)
})
