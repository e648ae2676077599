/** What replicas tell of themselves, and where a Deployment has its certificate from. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readReplicas } from '../../src/cli/installed/replicas.ts'
import { servedFiles } from '../../src/cli/installed/served-files.ts'
import type { ServerDeployment } from '../../src/cli/installed/served-options.ts'
import { planInstallation } from '../../src/cli/manifests/plan.ts'
import type { KubeObject } from '../../src/kube/resource.ts'
import { PODS } from '../../src/kube/resource.ts'
import { createMetrics } from '../../src/server/metrics.ts'
import { createFakeKubeClient } from '../support/fake-kube-client.ts'

const { signal } = new AbortController()
const plan = planInstallation({}, '1.2.3')

test('replicas tell clock, leaf and files by their metrics; one that does not answer is left out', async () => {
  const client = createFakeKubeClient()
  const metrics = createMetrics()
  metrics.clockSkew.set(-420)
  metrics.certificateNotAfter.set(1_800_000_000)
  metrics.certificateInfo.set({ fingerprint: 'AA:BB', names: 'a,b' }, 1)
  metrics.certificatePinnedFiles.set(2)
  const at = { resource: PODS, namespace: plan.namespace }
  for (const name of ['one', 'mute'])
    client.put({ ...at, name }, { metadata: { name, labels: plan.selector }, spec: { nodeName: 'n' } } as KubeObject)
  const text = await metrics.registry.metrics()
  client.put({ ...at, name: 'one:15014', subresource: 'proxy/metrics' }, {
    metadata: { name: 'x' },
    text,
  } as KubeObject)
  const told = await readReplicas(client, plan, signal)
  const leaf = { fingerprint: 'AA:BB', notAfterMs: 1_800_000_000_000 }
  assert.deepEqual(told, [{ pod: 'one', node: 'n', clockSkewMs: -420_000, leaf, pinnedFiles: 2 }])
})

type Mount = NonNullable<ServerDeployment['spec']['template']['spec']['containers'][number]['volumeMounts']>[number]

const mounting = (mount: Omit<Mount, 'name'>): ServerDeployment => ({
  metadata: { name: 'm' },
  spec: {
    template: {
      spec: {
        containers: [
          {
            name: 'm',
            args: ['serve', '--tls-cert-file=/certs/tls.crt', '--tls-key-file=/certs/tls.key'],
            volumeMounts: [{ name: 'c', ...mount }],
          },
        ],
        volumes: [{ name: 'c', secret: { secretName: 'serving' } }],
      },
    },
  },
})

const files = { certFile: '/certs/tls.crt', secret: 'serving' }
for (const { name, mount, want } of [
  { name: 'a whole volume', mount: { mountPath: '/certs/' }, want: { ...files, isPinned: false } },
  {
    name: 'one file of it',
    mount: { mountPath: '/certs/tls.crt', subPath: 'tls.crt' },
    want: { ...files, isPinned: true },
  },
  { name: 'a folder of it', mount: { mountPath: '/certs', subPathExpr: '$(A)' }, want: { ...files, isPinned: true } },
  { name: 'another place', mount: { mountPath: '/other' }, want: { ...files, secret: undefined, isPinned: false } },
])
  test(`row 28: a Deployment that mounts ${name}`, () => assert.deepEqual(servedFiles(mounting(mount)), want))

test('a server with an authority of its own has no files', () => assert.equal(servedFiles(undefined), undefined))
