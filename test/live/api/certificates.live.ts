/** The certificate authority in a Secret, and caBundle in webhook configurations, on a real API server. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { systemClock } from '../../../src/base/clock.ts'
import { SILENT } from '../../../src/base/log.ts'
import { keepCaBundles, lookAtBundles } from '../../../src/certificates/ca-bundle.ts'
import type { WantedBundle, WebhookConfiguration } from '../../../src/certificates/ca-bundle.ts'
import { startIssuedSource } from '../../../src/certificates/issued-source.ts'
import { servingNames } from '../../../src/certificates/leaf.ts'
import { createSecretStore } from '../../../src/certificates/secret-store.ts'
import { FIELD_MANAGER } from '../../../src/certificates/store.ts'
import { Observed } from '../../../src/certificates/source.ts'
import { isIssuedBy } from '../../../src/certificates/x509.ts'
import { MUTATING_WEBHOOKS, SECRETS } from '../../../src/kube/resource.ts'
import { describeAuthorityStore, stateOf } from '../../certificates/authority-store.cases.ts'
import {
  KUBECONFIG_NOBODY,
  apiserver,
  clusterClient,
  eventually,
  kubectl,
  skipWithoutCluster,
} from '../../support/cluster.ts'
import { createRecordingLog } from '../../support/recording-log.ts'

const skip = skipWithoutCluster()
const NAMESPACE = `certificates-live-${process.pid}`
const OPTIONS = { skip, timeout: 120_000 }
let counter = 0
const nextName = (): string => `webhook-ca-${process.pid}-${counter++}`

if (skip === false) {
  await kubectl(['create', 'namespace', NAMESPACE])
  after(() => kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']))
}

const storeOptions = async (name: string, kubeconfig?: string) => ({
  client: await clusterClient(kubeconfig),
  namespace: NAMESPACE,
  name,
  clock: systemClock,
  log: SILENT,
})

describeAuthorityStore(
  'Secret',
  async () => {
    const name = nextName()
    const spoilt = (part: string, text: string): string =>
      JSON.stringify({ data: { [part]: Buffer.from(text).toString('base64') } })
    return {
      store: createSecretStore(await storeOptions(name)),
      other: createSecretStore(await storeOptions(name)),
      spoil: async (part, text) => {
        await kubectl(['-n', NAMESPACE, 'patch', 'secret', name, '-p', spoilt(part, text)])
      },
      cleanUp: () => Promise.resolve(),
    }
  },
  OPTIONS,
)

test('Secret: what is not ours is never overwritten, an empty one is taken over', OPTIONS, async ({ signal }) => {
  const name = nextName()
  const store = createSecretStore(await storeOptions(name))
  await kubectl(['-n', NAMESPACE, 'create', 'secret', 'generic', name, '--from-literal=tls.key=theirs'])
  await assert.rejects(store.read(signal), { code: 'CERT_STORE_FOREIGN', message: new RegExp(`${NAMESPACE}/${name}`) })
  await kubectl(['-n', NAMESPACE, 'patch', 'secret', name, '--type=json', '-p', '[{"op":"remove","path":"/data"}]'])
  await kubectl(['-n', NAMESPACE, 'annotate', 'secret', name, 'owner=somebody'])
  const empty = await store.read(signal)
  assert.equal(empty.holds, 'broken')
  assert.equal(await store.write(stateOf(1), empty.version, signal), true)
  const annotation = await kubectl([
    '-n',
    NAMESPACE,
    'get',
    'secret',
    name,
    '-o',
    'jsonpath={.metadata.annotations.owner}',
  ])
  assert.equal(annotation, 'somebody')
})

test('Secret: without rights the place is unreadable, not empty', OPTIONS, async ({ signal }) => {
  const store = createSecretStore(await storeOptions(nextName(), KUBECONFIG_NOBODY))
  await assert.rejects(store.read(signal), { code: 'CERT_STORE_UNREADABLE' })
})

test(
  'two replicas share the authority, and a deleted Secret comes back with the same one',
  OPTIONS,
  async ({ signal }) => {
    const name = nextName()
    const end = new AbortController()
    const start = async () =>
      startIssuedSource({
        store: createSecretStore(await storeOptions(name)),
        installation: 'live',
        withoutStore: 'wait',
        names: servingNames({}),
        clock: systemClock,
        log: SILENT,
        signal: end.signal,
      })
    const [a, b] = await Promise.all([start(), start()])
    assert.equal(isIssuedBy(a.current().certPem, b.authority().bundlePem), true)
    const client = await clusterClient()
    const place = { resource: SECRETS, namespace: NAMESPACE, name }
    await client.delete(place, signal)
    await eventually(
      () =>
        client.get(place, signal).then(
          () => true,
          () => false,
        ),
      signal,
    )
    const stored = await createSecretStore(await storeOptions(name)).read(signal)
    assert.equal(stored.holds === 'state' && stored.state.bundlePem === a.authority().bundlePem, true)
    end.abort()
  },
)

const CONFIGURATION = `caBundle-live-${process.pid}`.toLowerCase()
const entry = (name: string, clientConfig: string): string => `
- name: ${name}.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  clientConfig: ${clientConfig}
  namespaceSelector: { matchLabels: { no: such } }
  rules: [{ apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods] }]`
const manifest = (webhooks: readonly string[]): string =>
  `apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: { name: ${CONFIGURATION} }\nwebhooks:${webhooks.join('')}`
const OURS = entry('ours', `{ service: { name: mesh-admission, namespace: ${NAMESPACE}, path: /inject } }`)
const OURS_BY_URL = entry('by-url', '{ url: "https://127.0.0.1:15017/inject" }')
const THEIRS = entry('theirs', '{ service: { name: istiod, namespace: istio-system, path: /inject } }')

test(
  'caBundle: only our entries are filled, again after any change, and nobody else is disturbed',
  OPTIONS,
  async ({ signal }) => {
    const client = await clusterClient()
    const end = new AbortController()
    const log = createRecordingLog()
    const authority = stateOf(3)
    const wanted = new Observed<WantedBundle>({ bundlePem: authority.bundlePem, generation: 3 })
    const options = {
      client,
      configurations: [CONFIGURATION, 'does-not-exist'].map((name) => ({ resource: MUTATING_WEBHOOKS, name })),
      installation: 'test',
      own: {
        services: [{ name: 'mesh-admission', namespace: NAMESPACE }],
        servesHost: (host: string) => host === '127.0.0.1',
      },
    }
    const keeping = keepCaBundles({
      ...options,
      wanted: () => wanted.current(),
      onWantedChange: (listener) => wanted.onChange(listener),
      clock: systemClock,
      log,
      signal: end.signal,
    })
    const read = () => client.get<WebhookConfiguration>({ resource: MUTATING_WEBHOOKS, name: CONFIGURATION }, signal)
    const bundles = async (): Promise<string[]> =>
      ((await read()).webhooks ?? []).map(({ clientConfig }) =>
        Buffer.from(clientConfig.caBundle ?? '', 'base64').toString(),
      )
    const become = async (...want: string[]): Promise<void> =>
      eventually(async () => JSON.stringify(await bundles()) === JSON.stringify(want), signal)

    await kubectl(['apply', '-f', '-'], manifest([OURS, OURS_BY_URL, THEIRS]))
    try {
      await become(authority.bundlePem, authority.bundlePem, '')
      assert.equal((await lookAtBundles(options, authority.bundlePem, signal)).generation, 3)

      const blank = JSON.stringify([{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }])
      await kubectl(['patch', 'mutatingwebhookconfiguration', CONFIGURATION, '--type=json', '-p', blank])
      await become(authority.bundlePem, authority.bundlePem, '')

      const next = stateOf(4)
      wanted.set({ bundlePem: next.bundlePem, generation: 4 })
      await become(next.bundlePem, next.bundlePem, '')

      for (const way of [[], ['--server-side', '--force-conflicts']]) {
        await kubectl(['apply', '-f', '-', ...way], manifest([OURS, OURS_BY_URL, THEIRS]))
      }
      await become(next.bundlePem, next.bundlePem, '')

      wanted.set({ bundlePem: authority.bundlePem, generation: 3 })
      await eventually(() => log.lines.some(({ text }) => text.startsWith('a newer certificate authority')), signal)
      assert.deepEqual(await bundles(), [next.bundlePem, next.bundlePem, ''])
      wanted.set({ bundlePem: next.bundlePem, generation: 4 })

      // Removing one of our entries works although we own a field of it.
      await kubectl(['apply', '-f', '-'], manifest([OURS_BY_URL, THEIRS]))
      await become(next.bundlePem, '')

      apiserver('stop')
      await eventually(() => log.lines.some(({ text }) => text.startsWith('watch broken')), signal)
      apiserver('start')
      await kubectl(['delete', 'mutatingwebhookconfiguration', CONFIGURATION])
      await kubectl(['apply', '-f', '-'], manifest([OURS]))
      await become(next.bundlePem)
      const managed = await kubectl([
        'get',
        'mutatingwebhookconfiguration',
        CONFIGURATION,
        '--show-managed-fields',
        '-o',
        `jsonpath={.metadata.managedFields[?(@.manager=="${FIELD_MANAGER}")].fieldsV1}`,
      ])
      assert.match(managed, /f:caBundle/)
      assert.doesNotMatch(managed, /f:rules|f:failurePolicy/)
    } finally {
      end.abort()
      await keeping
      await kubectl(['delete', 'mutatingwebhookconfiguration', CONFIGURATION, '--ignore-not-found'])
    }
  },
)
