/** A replica that cannot answer sends the API server to another one, within the same request. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { after, before, test, type TestContext } from 'node:test'

import { listen } from '../../../src/server/listen.ts'
import type { Inject } from '../../../src/server/routes/inject.ts'
import { testCertificates } from '../../support/certificate.ts'
import { kubectl, skipWithoutCluster, tryKubectl, type KubectlOutcome } from '../../support/cluster.ts'
import { metricValue, webhook, type Webhook } from '../../support/webhook.ts'

const skip = skipWithoutCluster()
const OPTIONS = { skip, timeout: 60_000 }
const NAME = `overload-live-${process.pid}`
const { caPem, pair } = testCertificates()

before(async () => {
  if (skip === false) await kubectl(['create', 'namespace', NAME])
})

after(async () => {
  if (skip === false) await kubectl(['delete', 'namespace', NAME, '--wait=false'])
})

/** Stands for injection: every pod gets a label. */
const label: Inject = () => ({ injected: true, patch: [{ op: 'add', path: '/metadata/labels/seen', value: 'yes' }] })

/**
 * Creates a pod for show, and prints its label, where connections go in turn to a replica that answers 503, saying when to
 * ask again or not, and to one that is ready.
 */
async function createBehindPair(t: TestContext, { saysWhen }: { readonly saysWhen: boolean }): Promise<KubectlOutcome> {
  const [unready, ready] = [webhook({ currentInject: () => undefined, pair }), webhook({ inject: label, pair })]
  unready.app.addHook('onSend', (_request, reply, payload, done) => {
    if (!saysWhen) reply.removeHeader('retry-after')
    done(null, payload)
  })
  await register(t, await listenInTurn(t, [await serve(t, unready), await serve(t, ready)]))
  const args = ['-n', NAME, 'run', 'app', '--image=app:1', '--dry-run=server', '-o', 'jsonpath={.metadata.labels.seen}']
  for (;;) {
    // Until the API server has heard of the registration, it asks nobody.
    const outcome = await tryKubectl(args)
    if ((await metricValue(unready.metrics, 'mesh_admission_refusals_total', { reason: 'not_ready' })) > 0)
      return outcome
    t.signal.throwIfAborted()
  }
}

function serve(t: TestContext, { app }: Webhook): Promise<number> {
  t.after(async () => {
    app.server.closeAllConnections()
    await app.close()
  })
  return listen(app, { name: 'webhook', port: 0, host: '127.0.0.1' })
}

async function listenInTurn(t: TestContext, ports: readonly number[]): Promise<number> {
  let turn = 0
  const server = createServer((client) => {
    const chosen = connect({ port: ports[turn++ % ports.length] ?? 0, host: '127.0.0.1' })
    client.pipe(chosen).pipe(client)
    client.on('error', () => chosen.destroy())
    chosen.on('error', () => client.destroy())
  })
  t.after(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

async function register(t: TestContext, port: number): Promise<void> {
  const entry = {
    name: 'overload.example.com',
    clientConfig: { url: `https://127.0.0.1:${port}/inject`, caBundle: Buffer.from(caPem).toString('base64') },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': NAME } },
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Fail',
  }
  const type = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration' }
  t.after(() => kubectl(['delete', 'mutatingwebhookconfiguration', NAME]))
  await kubectl(['create', '-f', '-'], JSON.stringify({ ...type, metadata: { name: NAME }, webhooks: [entry] }))
}

test('503 with Retry-After: the API server asks the next replica, and the pod is injected', OPTIONS, async (t) => {
  assert.deepEqual(await createBehindPair(t, { saysWhen: true }), { ok: true, stdout: 'yes', stderr: '' })
})

test('503 without Retry-After: the pod is refused, so it is the header that saves it', OPTIONS, async (t) => {
  const { ok, stderr } = await createBehindPair(t, { saysWhen: false })
  assert.equal(ok, false)
  assert.match(stderr, /failed calling webhook .*unable to handle the request/)
})
