/** `uninstall` on a real API server: with the server gone nothing blocks afterwards, at no moment on the way, and twice. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { planInstallation } from '../../../src/cli/manifests/plan.ts'
import { PART_NAMES, renderManifests } from '../../../src/cli/manifests/render.ts'
import { kubectl, KUBECONFIG, skipWithoutCluster, tryKubectl } from '../../support/cluster.ts'
import { describeTally, dryRunIn, startStream } from '../../support/dry-runs.ts'
import { openShell, type Shell } from '../../support/shell.ts'

const skip = skipWithoutCluster()
const OPTIONS = { skip, timeout: 240_000 }
const [OWN, SHOP] = [`uninstall-own-${process.pid}`, `uninstall-shop-${process.pid}`]
const FLAGS = `--namespace ${OWN}`
let shell: Shell

before(async () => {
  if (skip !== false) return
  shell = openShell()
  await kubectl(['create', 'namespace', SHOP])
  await kubectl(['label', 'namespace', SHOP, 'istio-injection=enabled'])
})

after(async () => {
  if (skip !== false) return
  shell.close()
  await kubectl(['delete', 'namespace', '--wait=false', '--ignore-not-found', OWN, SHOP])
})

const uninstall = (flags = ''): Promise<string> => shell.must(`mesh-admission uninstall ${FLAGS} ${flags}`)

const left = async (): Promise<string> => {
  const kinds = 'mutatingwebhookconfigurations,validatingwebhookconfigurations,clusterroles,clusterrolebindings'
  const selector = 'app.kubernetes.io/instance=mesh-admission'
  const wide = await kubectl(['get', kinds, '-l', selector, '-o', 'name'])
  const inside = await kubectl([
    '-n',
    OWN,
    'get',
    'deploy,svc,sa,role,rolebinding,pdb,secret',
    '-l',
    selector,
    '-o',
    'name',
  ])
  return wide + inside
}

test('an installation whose server never ran blocks, and is gone after one command', OPTIONS, async (t) => {
  await kubectl(['apply', '-f', '-'], renderManifests(planInstallation({ namespace: OWN }, '0.0.0-test'), PART_NAMES))
  const create = await dryRunIn(SHOP, KUBECONFIG)
  assert.ok('refused' in (await create()), 'failurePolicy is Fail, and nobody answers')

  const announced = await uninstall('--dry-run')
  assert.notEqual(await left(), '')
  assert.ok('refused' in (await create()))

  const removed = await uninstall()
  assert.equal(removed.replaceAll(' removed', ' would be removed'), announced)
  assert.match(removed, /^mutatingwebhookconfiguration\S+ removed\nvalidatingwebhookconfiguration\S+ removed\n/)
  assert.equal(await left(), '')
  // The API server needs a moment to forget a configuration.
  const deadline = AbortSignal.timeout(30_000)
  while ('refused' in (await create())) deadline.throwIfAborted()
  const stream = startStream(create, 2)
  assert.equal(await uninstall(), '')
  const tally = await stream.stop()
  t.diagnostic(describeTally(tally))
  assert.deepEqual(tally.refusals, [])
  assert.ok(tally.bare > 0)
})

test('what leads to our Service by the hand of others is named, and the Service stays', OPTIONS, async () => {
  const plan = planInstallation({ namespace: OWN, revision: 'canary' }, '0.0.0-test')
  // The namespace is on its way out, and nothing can come into it any more.
  const foreign = renderManifests(plan, ['webhooks']).replaceAll(
    /^ {4}(?:app\.kubernetes|mesh-admission)\.io\/.*\n/gm,
    '',
  )
  await kubectl(['apply', '-f', '-'], foreign)
  try {
    const { code, stderr } = await shell.run(`mesh-admission uninstall ${FLAGS} --revision canary`)
    assert.equal(code, 1)
    assert.match(stderr, /mutatingwebhookconfiguration\/mesh-admission-injector-canary is not ours/)
    const [next] = /kubectl delete .*/.exec(stderr) ?? assert.fail(stderr)
    await shell.must(next)
    assert.equal((await shell.run(`mesh-admission uninstall ${FLAGS} --revision canary`)).code, 0)
  } finally {
    await tryKubectl(['delete', 'mutatingwebhookconfiguration', 'mesh-admission-injector-canary'])
  }
})
