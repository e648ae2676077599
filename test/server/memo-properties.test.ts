/** Remembered answers of the real engine equal computed ones, whatever the pods hold and however configurations change. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { InjectorInputs } from '../../src/injection/index.ts'
import type { Inject } from '../../src/server/routes/inject.ts'
import { NO_WORLD, shippedInjector } from '../support/injected.ts'
import { randomPod, TOKEN_VOLUME } from '../support/random-pod.ts'
import { metricValue, review, webhook } from '../support/webhook.ts'

type Hook = ReturnType<typeof webhook>

const PODS = 10_000
const JSON_TYPE = { 'content-type': 'application/json' }

function engine(part: Partial<InjectorInputs> = {}): Inject {
  const { inject } = shippedInjector({ nativeSidecars: 'true', ...part })
  return (request) => inject(request, NO_WORLD)
}

const ENGINES = [engine(), engine({ nativeSidecars: 'false' }), engine({ revision: 'canary', compat: 'istiod' })]
const engineAt = (index: number): Inject => ENGINES[index % ENGINES.length] ?? assert.fail()

async function post(hook: Hook, payload: string): Promise<string> {
  const answer = await hook.app.inject({ url: '/inject', method: 'POST', payload, headers: JSON_TYPE })
  return answer.body
}

const uid = (n: number): string => `705ab4f5-6393-11e8-b7cc-${n.toString(16).padStart(12, '0')}`
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789'
const suffix = (n: number): string =>
  Array.from({ length: 5 }, (_, at) => LETTERS[Math.floor((n * 7919) / 27 ** at) % LETTERS.length]).join('')

/** A review of the pod under another uid, every text that looks like its token volume renamed alike. */
function reviewText(pod: unknown, n: number): string {
  const text = JSON.stringify(review('', { uid: uid(n), object: pod }))
  return text.replaceAll(TOKEN_VOLUME, `kube-api-access-${suffix(n)}`)
}

test(`${PODS} reviews, repeated and new, under changing configurations: recalled equals computed`, async (t) => {
  let inForce = engineAt(0)
  const remembering = webhook({ currentInject: () => inForce, memo: { checkEvery: 0 } })
  const hits = (): Promise<number> => metricValue(remembering.metrics, 'mesh_admission_memo_total', { result: 'hit' })
  let recalled = 0
  const computing = webhook({ currentInject: () => inForce })
  const pods = fc.sample(randomPod, { numRuns: PODS / 10, seed: 4 })
  for (let n = 0; n < PODS; n++) {
    if (n % 997 === 996) inForce = engineAt(n)
    // Five different pods at a time come again and again, as from the ReplicaSets of a roll-out.
    const pod = pods[Math.floor(n / 50) * 5 + ((n * 31) % 5)] ?? assert.fail()
    const text = reviewText(pod, n)
    const answer = await post(remembering, text)
    if ((await hits()) === recalled) continue
    recalled++
    assert.equal(answer, await post(computing, text), text)
  }
  t.diagnostic(`${recalled} of ${PODS} recalled`)
  assert.ok(recalled > PODS / 4, `only ${recalled} recalled`)
})
