/** Manifests on a real API server: nothing is defaulted behind their back, and applying again changes nothing. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'

import { loadAll } from 'js-yaml'

import { planInstallation } from '../../../src/cli/manifests/plan.ts'
import type { PlanOptions } from '../../../src/cli/manifests/plan.ts'
import { PART_NAMES, renderManifests } from '../../../src/cli/manifests/render.ts'
import { eventually, kubectl, skipWithoutCluster } from '../../support/cluster.ts'
import { serveLive } from '../../support/live-webhook.ts'
import { PROJECT_ROOT } from '../../support/shared.ts'

const skip = skipWithoutCluster()
const OPTIONS = { skip, timeout: 300_000 }
const REPEATS = 5

interface Live {
  readonly kind: string
  readonly metadata: Record<string, unknown> & { readonly name: string; readonly namespace?: string }
  readonly [field: string]: unknown
}

interface Entry {
  readonly name: string
  readonly clientConfig: { readonly caBundle?: string }
}

const variants: { name: string; options: PlanOptions }[] = [
  { name: 'default revision', options: {} },
  { name: 'named revision with tags', options: { revision: 'canary', tags: ['prod', 'default'] } },
  { name: "istiod's names", options: { webhookNames: 'istio', enableNamespacesByDefault: true } },
  { name: 'server outside the cluster', options: { url: 'https://127.0.0.1:15017' } },
]

for (const { name, options } of variants) {
  for (const way of ['client-side', 'server-side'] as const) {
    test(`${name}, ${way}: applied again and again, nothing changes`, OPTIONS, async () => {
      const text = renderManifests(planInstallation(options, '0.0.0-test'), PART_NAMES)
      const apply = (): Promise<string> =>
        kubectl(['apply', '-f', '-', ...(way === 'server-side' ? ['--server-side'] : [])], text)
      const versions = async (): Promise<string[]> =>
        (await readLive(text)).map(({ metadata }) => JSON.stringify(metadata.resourceVersion))
      try {
        await apply()
        const before = await versions()
        for (let i = 0; i < REPEATS; i++) await apply()
        assert.deepEqual(await versions(), before)
        for (const [i, live] of (await readLive(text)).entries()) {
          assert.deepEqual(withoutAssigned(live), loadAll(text)[i], `${live.kind} ${live.metadata.name}`)
        }
      } finally {
        await remove(text)
      }
    })
  }
}

for (const { way, applyFlags } of [
  { way: 'client-side', applyFlags: [] },
  { way: 'server-side', applyFlags: ['--server-side'] },
]) {
  test(`${way}: an entry that the manifest drops is gone, while the server writes caBundle`, OPTIONS, async (t) => {
    const { manifest, end } = await serveLive({ revision: 'dropped', istioNamespace: 'default', applyFlags })
    try {
      const configuration = loadAll(manifest)[0] as Live & { readonly webhooks: readonly Entry[] }
      const { name } = configuration.metadata
      const entries = async (): Promise<readonly Entry[]> => {
        const text = await kubectl(['get', 'mutatingwebhookconfiguration', name, '-o', 'json'])
        return (JSON.parse(text) as typeof configuration).webhooks
      }
      await eventually(async () => (await entries()).every(({ clientConfig }) => clientConfig.caBundle), t.signal)
      const [dropped, ...kept] = configuration.webhooks
      const expected = (await entries()).filter((entry) => entry.name !== dropped?.name)
      const less = JSON.stringify({ ...configuration, webhooks: kept })
      for (let i = 0; i < REPEATS; i++) await kubectl(['apply', ...applyFlags, '-f', '-'], less)
      assert.equal(await kubectl(['diff', ...applyFlags, '-f', '-'], less), '')
      assert.deepEqual(await entries(), expected)
    } finally {
      await end()
    }
  })
}

test('the shipped folder is applied by kustomize', OPTIONS, async () => {
  const folder = join(PROJECT_ROOT, 'manifests', 'default')
  const text = await kubectl(['kustomize', folder])
  try {
    await kubectl(['apply', '-k', folder])
    // kubectl replaces a budget's selector in every patch: it says "configured", and the diff says that nothing is.
    assert.match(await kubectl(['apply', '-k', folder]), /^(?:\S+ unchanged\n|poddisruptionbudget\S+ configured\n)+$/)
    assert.equal(await kubectl(['diff', '-k', folder]), '')
  } finally {
    await remove(text)
  }
})

test('the overlay of validation fails open, and is else the same', OPTIONS, async () => {
  const [closed, open] = await Promise.all(
    ['validation', 'validation-ignore'].map((name) => kubectl(['kustomize', join(PROJECT_ROOT, 'manifests', name)])),
  )
  assert.match(closed ?? '', /^ {2}failurePolicy: Fail$/m)
  assert.equal(open, closed?.replace('failurePolicy: Fail', 'failurePolicy: Ignore'))
})

const readLive = async (text: string): Promise<Live[]> =>
  (JSON.parse(await kubectl(['get', '-f', '-', '-o', 'json'], text)) as { items: Live[] }).items

/** The namespace stays: without a controller manager it would be leaving for ever, and nothing could come into it. */
async function remove(text: string): Promise<void> {
  const others = loadAll(text).filter((object) => (object as Live).kind !== 'Namespace')
  await kubectl(
    ['delete', '--ignore-not-found', '-f', '-'],
    others.map((object) => JSON.stringify(object)).join('\n---\n'),
  )
}

/** What the API server assigns to an object, as opposed to what it defaults. */
const ASSIGNED_METADATA = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'annotations']
const ASSIGNED_SPEC: Readonly<Record<string, readonly string[]>> = {
  Service: ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'],
  Namespace: ['finalizers'],
}

function withoutAssigned({ status: _status, metadata, spec, ...rest }: Live): unknown {
  const own = without(metadata, ASSIGNED_METADATA)
  const ownSpec = without((spec ?? {}) as Record<string, unknown>, ASSIGNED_SPEC[rest.kind] ?? [])
  return { ...rest, metadata: own, ...(Object.keys(ownSpec).length === 0 ? {} : { spec: ownSpec }) }
}

const without = (object: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
