/** What is kept of nodes: whether pods are told something else than before, and nothing of nodes that change nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchNodes } from '../../src/kube/cluster-objects.ts'
import { NODES } from '../../src/kube/resource.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createFakeKubeClient } from '../support/fake-kube-client.ts'
import { createRecordingLog } from '../support/recording-log.ts'

type Step = readonly [node: string, kubelet: string | undefined]

const steps: { name: string; before: readonly Step[]; step: Step; isChange: boolean }[] = [
  { name: 'another new node among new ones', before: [['a', 'new']], step: ['b', 'new'], isChange: false },
  { name: 'the first node, a new one', before: [], step: ['a', 'new'], isChange: false },
  { name: 'the first old node', before: [['a', 'new']], step: ['b', 'old'], isChange: true },
  { name: 'another old node', before: [['a', 'old']], step: ['b', 'old'], isChange: false },
  { name: 'a new node among old ones', before: [['a', 'old']], step: ['b', 'new'], isChange: true },
  {
    name: 'an old node that leaves others behind',
    before: [
      ['a', 'old'],
      ['b', 'old'],
    ],
    step: ['b', undefined],
    isChange: false,
  },
  {
    name: 'the last old node that leaves',
    before: [
      ['a', 'old'],
      ['b', 'new'],
    ],
    step: ['a', undefined],
    isChange: true,
  },
  {
    name: 'a new node that leaves new ones',
    before: [
      ['a', 'new'],
      ['b', 'new'],
    ],
    step: ['b', undefined],
    isChange: false,
  },
  {
    name: 'a node that becomes new among old ones',
    before: [
      ['a', 'old'],
      ['b', 'old'],
    ],
    step: ['a', 'new'],
    isChange: true,
  },
  { name: 'a new node that becomes newer', before: [['a', 'new']], step: ['a', 'newer'], isChange: false },
]

for (const { name, before, step, isChange } of steps) {
  test(`nodes: ${name}: ${isChange ? 'pods may be told otherwise' : 'nothing changes for any pod'}`, async () => {
    const client = createFakeKubeClient()
    const end = new AbortController()
    const apply = ([node, kubelet]: Step): void => {
      const place = { resource: NODES, name: node }
      if (kubelet === undefined) client.remove(place)
      else client.put(place, nodeOf(node, kubelet))
    }
    for (const one of before) apply(one)
    const deps = { client, clock: createFakeClock(), log: createRecordingLog(), signal: end.signal }
    const nodes = watchNodes(deps, (version) => version.startsWith('new'))
    while (client.watching() === 0) await new Promise((resolve) => setImmediate(resolve))
    let changes = 0
    let seen = 0
    nodes.onSupportChange(() => changes++)
    nodes.store.onChange(() => seen++)
    apply(step)
    while (seen === 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(changes, isChange ? 1 : 0)
    end.abort()
  })
}

const nodeOf = (name: string, kubeletVersion: string) => ({
  metadata: { name },
  status: { nodeInfo: { kubeletVersion } },
})
