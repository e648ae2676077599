/** What uninstall removes, in which order, and what it never touches. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { loadAll } from 'js-yaml'

import { OWNERSHIP_LABEL } from '../../src/certificates/secret-store.ts'
import { planInstallation } from '../../src/cli/manifests/plan.ts'
import type { PlanOptions } from '../../src/cli/manifests/plan.ts'
import { PART_NAMES, renderManifests } from '../../src/cli/manifests/render.ts'
import { removeInstallation } from '../../src/cli/uninstall/removal.ts'
import type { KubeObject } from '../../src/kube/resource.ts'
import { LEASES, MUTATING_WEBHOOKS, SECRETS } from '../../src/kube/resource.ts'
import { createFakeKubeClient, refusal, type FakeKubeClient } from '../support/fake-kube-client.ts'

const signal = new AbortController().signal
const plan = planInstallation({}, '1.2.3')

/** Puts everything that the manifests write where an API server would have it. */
function install(client: FakeKubeClient, options: PlanOptions = {}): void {
  const written = planInstallation(options, '1.2.3')
  for (const object of loadAll(renderManifests(written, PART_NAMES)) as KubeObject[]) {
    const { apiVersion = '', kind = '', metadata } = object
    const [version = '', group = ''] = apiVersion.split('/').reverse()
    const plural = `${kind.toLowerCase()}s`
    const scope = metadata.namespace === undefined ? {} : { namespace: metadata.namespace }
    client.put({ resource: { group, version, plural }, ...scope, name: metadata.name }, object)
  }
  const labels = { [OWNERSHIP_LABEL]: 'true' }
  const secret = { metadata: { name: written.secret, namespace: written.namespace, labels } }
  client.put({ resource: SECRETS, namespace: written.namespace, name: written.secret }, secret)
  const lease = { metadata: { name: written.secret, namespace: written.namespace } }
  client.put({ resource: LEASES, namespace: written.namespace, name: written.secret }, lease)
}

async function uninstall(client: FakeKubeClient, dryRun = false) {
  const removed: string[] = []
  const onRemoved = (title: string): void => void removed.push(title)
  return { ...(await removeInstallation({ client, plan, dryRun, onRemoved, signal })), removed }
}

const EVERYTHING = [
  'mutatingwebhookconfiguration.admissionregistration.k8s.io/mesh-admission-injector',
  'validatingwebhookconfiguration.admissionregistration.k8s.io/mesh-admission-default-validator',
  'poddisruptionbudget/mesh-admission',
  'deployment/mesh-admission',
  'service/mesh-admission',
  'rolebinding.rbac.authorization.k8s.io/mesh-admission',
  'role.rbac.authorization.k8s.io/mesh-admission',
  'clusterrolebinding.rbac.authorization.k8s.io/mesh-admission',
  'clusterrole.rbac.authorization.k8s.io/mesh-admission',
  'serviceaccount/mesh-admission',
  'secret/mesh-admission-webhook-ca',
  'lease.coordination.k8s.io/mesh-admission-webhook-ca',
  'namespace/mesh-admission',
]

test('everything that the manifests write goes, webhook configurations first', async () => {
  const client = createFakeKubeClient()
  install(client)
  const { removed, blockers, keptNamespace } = await uninstall(client)
  assert.deepEqual(removed, EVERYTHING)
  assert.deepEqual([blockers, keptNamespace], [[], undefined])
})

test('a second run finds nothing', async () => {
  const client = createFakeKubeClient()
  install(client)
  await uninstall(client)
  assert.deepEqual((await uninstall(client)).removed, [])
})

test('a dry run tells the same, and removes nothing', async () => {
  const client = createFakeKubeClient()
  install(client)
  assert.deepEqual((await uninstall(client, true)).removed, EVERYTHING)
  assert.ok(client.requests.every((request) => !request.startsWith('delete')))
})

test('another revision, and the namespace with it, stay', async () => {
  const client = createFakeKubeClient()
  install(client)
  install(client, { revision: 'canary' })
  const { removed, keptNamespace } = await uninstall(client)
  assert.deepEqual(removed, EVERYTHING.slice(0, -1))
  assert.equal(keptNamespace, 'deployment/mesh-admission-canary is in it')
})

const injector = { resource: MUTATING_WEBHOOKS, name: 'istio-sidecar-injector' }
const leadingTo = (name: string, namespace: string) => ({
  metadata: { name: 'istio-sidecar-injector', labels: { app: 'sidecar-injector' } },
  webhooks: [{ name: 'x.sidecar-injector.istio.io', clientConfig: { service: { name, namespace } } }],
})

test("istiod's configuration is not looked at twice", async () => {
  const client = createFakeKubeClient()
  install(client)
  client.put(injector, leadingTo('istiod', 'istio-system'))
  await uninstall(client)
  assert.equal((await client.get(injector, signal)).metadata.name, 'istio-sidecar-injector')
})

test('a configuration of others that leads to our Service keeps the Service', async () => {
  const client = createFakeKubeClient()
  install(client)
  client.put(injector, leadingTo('mesh-admission', 'mesh-admission'))
  const { removed, blockers } = await uninstall(client)
  assert.deepEqual(removed, EVERYTHING.slice(0, 2))
  assert.deepEqual(blockers, [
    { configuration: 'mutatingwebhookconfiguration/istio-sidecar-injector', entries: ['x.sidecar-injector.istio.io'] },
  ])
})

test('a Secret without our mark is not ours', async () => {
  const client = createFakeKubeClient()
  install(client)
  client.put({ resource: SECRETS, namespace: plan.namespace, name: plan.secret }, { metadata: { name: plan.secret } })
  assert.ok((await uninstall(client)).removed.every((title) => !title.startsWith('secret')))
})

test('what another run removed meanwhile is no failure', async () => {
  const client = createFakeKubeClient()
  install(client)
  client.failures.push({ verb: 'delete', error: refusal(404) })
  assert.deepEqual((await uninstall(client)).removed, EVERYTHING.slice(1))
})
