/** `doctor` on a real API server: a sound installation is clean, and each planted fault is named with what to do about it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'

import { systemClock } from '../../../src/base/clock.ts'
import { SILENT } from '../../../src/base/log.ts'
import { newAuthorityState } from '../../../src/certificates/authority.ts'
import { createSecretStore } from '../../../src/certificates/secret-store.ts'
import { renderCrds } from '../../../src/cli/crds.ts'
import type { FindingCode } from '../../../src/cli/doctor/finding.ts'
import { planInstallation } from '../../../src/cli/manifests/plan.ts'
import { renderManifests } from '../../../src/cli/manifests/render.ts'
import { clusterClient, eventually, kubectl, KUBECONFIG, skipWithoutCluster } from '../../support/cluster.ts'
import { serveLive, type Served } from '../../support/live-webhook.ts'
import { PROJECT_ROOT, sharedPath } from '../../support/shared.ts'
import { openShell, type Shell } from '../../support/shell.ts'

const skip = skipWithoutCluster()
const OPTIONS = { skip, timeout: 240_000 }
const [SHOP, ISTIO, STRICT] = ['shop', 'istio', 'strict'].map((name) => `doctor-${name}-${process.pid}`)
const FLAGS = `--namespace default --istio-namespace ${ISTIO}`

interface Told {
  readonly code: FindingCode
  readonly subject: string
  readonly message: string
  readonly next: string
}

let shell: Shell
let served: Served
let url = ''

before(async () => {
  if (skip !== false) return
  shell = openShell()
  for (const name of [SHOP, ISTIO, STRICT]) await kubectl(['create', 'namespace', name ?? ''])
  await kubectl(['label', 'namespace', SHOP ?? '', 'istio-injection=enabled'])
  served = await serveLive({ revision: 'default', istioNamespace: ISTIO ?? '' })
  url = `https://127.0.0.1:${served.webhook.port}`
})

after(async () => {
  if (skip !== false) return
  await served.end()
  shell.close()
  await kubectl(['delete', 'namespace', '--wait=false', ...[SHOP, ISTIO, STRICT].map((name) => name ?? '')])
})

async function findings(flags = FLAGS): Promise<Told[]> {
  const { code, stdout, stderr } = await shell.run(`mesh-admission doctor ${flags} -o json`)
  assert.ok(stdout.startsWith('{'), `${code} ${stderr}`)
  const { findings: told, skipped } = JSON.parse(stdout) as { findings: Told[]; skipped: unknown[] }
  assert.deepEqual(skipped, [])
  assert.equal(code, told.length === 0 ? 0 : 1)
  return told
}

/** The one finding of this code; the others' text when there is none. */
async function find(code: FindingCode, flags?: string): Promise<Told> {
  const all = await findings(flags)
  return all.find((one) => one.code === code) ?? assert.fail(`no ${code} in ${JSON.stringify(all, undefined, 1)}`)
}

async function isGone(code: FindingCode, flags?: string): Promise<boolean> {
  return (await findings(flags)).every((one) => one.code !== code)
}

const isThere = async (code: FindingCode): Promise<boolean> => !(await isGone(code))

/** Writes the webhook configuration of a tag, which the server does not know of. */
async function plantTag(tag: string, change: (manifest: string) => string = (manifest) => manifest): Promise<string> {
  const plan = planInstallation({ tags: [tag], url }, '0.0.0-test')
  await kubectl(['apply', '-l', `mesh-admission.io/tag=${tag}`, '-f', '-'], change(renderManifests(plan, ['webhooks'])))
  return `mesh-admission-tag-${tag}`
}
const pull = (name: string): Promise<string> =>
  kubectl(['delete', 'mutatingwebhookconfiguration', name, '--ignore-not-found'])

test('a sound installation is clean', OPTIONS, async ({ signal }) => {
  // The server writes caBundle within moments of its start.
  const isPublished = async (): Promise<boolean> =>
    /caBundle/.test(await kubectl(['get', 'mutatingwebhookconfiguration', 'mesh-admission-injector', '-o', 'json']))
  await eventually(isPublished, signal)
  assert.deepEqual(await findings(), [])
})

test('wrong bundle: named, and the next command repairs it', OPTIONS, async () => {
  const name = await plantTag('bundle')
  try {
    assert.equal((await find('BUNDLE_MISSING')).subject.split(' ')[0], `mutatingwebhookconfiguration/${name}`)
    const foreign = newAuthorityState({ installation: 'other', generation: 1, nowMs: Date.now() }).bundlePem
    const value = Buffer.from(foreign).toString('base64')
    for (const i of [0, 1]) {
      const patch = JSON.stringify([{ op: 'add', path: `/webhooks/${i}/clientConfig/caBundle`, value }])
      await kubectl(['patch', 'mutatingwebhookconfiguration', name, '--type=json', '-p', patch])
    }
    const foreignOnes = (await findings()).filter(({ code }) => code === 'BUNDLE_FOREIGN')
    assert.equal(foreignOnes.length, 2)
    for (const { message, next } of foreignOnes) {
      assert.match(message, /other-webhook-ca-g1/)
      await shell.must(next)
    }
    assert.ok(await isGone('BUNDLE_FOREIGN'))
  } finally {
    await pull(name)
  }
})

const theirs = sharedPath('conformance', 'injection', 'config', 'default.webhooks.json')
test(
  "two injectors: istiod's beside ours",
  { ...OPTIONS, skip: skip || (theirs === undefined && 'no ../shared') },
  async () => {
    const items = JSON.parse(readFileSync(theirs ?? '', 'utf8')) as object[]
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    try {
      const { message, next } = await find('INJECTORS_OVERLAP')
      assert.match(message, new RegExp(`^both select pods in namespaces? [^;]*${SHOP}`))
      assert.equal(next, 'kubectl delete mutatingwebhookconfiguration mesh-admission-injector')
    } finally {
      await pull('istio-sidecar-injector')
    }
  },
)

test('overlapping selectors of ours: the next command restores them', OPTIONS, async () => {
  const name = await plantTag('overlap')
  try {
    const namespaceSelector = { matchLabels: { 'istio-injection': 'enabled' } }
    const patch = JSON.stringify([{ op: 'replace', path: '/webhooks/0/namespaceSelector', value: namespaceSelector }])
    await kubectl(['patch', 'mutatingwebhookconfiguration', name, '--type=json', '-p', patch])
    const { next } = await find('ENTRIES_OVERLAP')
    assert.equal(
      next,
      `mesh-admission manifests ${FLAGS} --tag overlap --url ${url} --part webhooks | kubectl apply -f -`,
    )
    await shell.must(next)
    assert.ok(await isGone('ENTRIES_OVERLAP'))
  } finally {
    await pull(name)
  }
})

test('stale field manager: the next command takes its ownership away', OPTIONS, async () => {
  const name = 'mesh-admission-injector'
  const live = await kubectl(['get', 'mutatingwebhookconfiguration', name, '-o', 'json'])
  const { webhooks, metadata } = JSON.parse(live) as { webhooks: readonly object[]; metadata: { labels: object } }
  const applied = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name, labels: metadata.labels },
    webhooks,
  }
  const flags = ['--server-side', '--force-conflicts', '--field-manager=old-chart']
  await kubectl(['apply', ...flags, '-f', '-'], JSON.stringify(applied))
  const { message, next } = await find('FIELD_MANAGER_STALE')
  assert.match(message, /old-chart \(Apply\)/)
  await shell.must(next)
  assert.deepEqual(await findings(), [])
})

test('wrong path: named, and the next command repairs it', OPTIONS, async () => {
  const name = await plantTag('path', (manifest) => manifest.replaceAll(`${url}/inject`, `${url}/injekt`))
  try {
    for (const { next } of (await findings()).filter(({ code }) => code === 'ENTRY_PATH_WRONG')) await shell.must(next)
    assert.ok(await isGone('ENTRY_PATH_WRONG'))
    const live = await kubectl(['get', 'mutatingwebhookconfiguration', name, '-o', 'jsonpath={..url}'])
    assert.equal(live, `${url}/inject ${url}/inject`)
  } finally {
    await pull(name)
  }
})

test('validation: tried where the kinds of the mesh are, blocked or not asked', OPTIONS, async ({ signal }) => {
  const gateways = renderCrds()
    .split('---\n')
    .find((text) => text.includes('name: gateways.networking.istio.io'))
  await kubectl(['apply', '-f', '-'], gateways)
  const name = 'mesh-admission-default-validator'
  const change = (patch: object[]): Promise<string> =>
    kubectl(['patch', 'validatingwebhookconfiguration', name, '--type=json', '-p', JSON.stringify(patch)])
  try {
    await kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd/gateways.networking.istio.io'])
    await kubectl(['apply', '-f', '-'], renderManifests(planInstallation({ url }, '0.0.0-test'), ['validation']))
    await eventually(async () => (await findings()).length === 0, signal)
    const matchConditions = [{ name: 'never', expression: 'false' }]
    await change([{ op: 'add', path: '/webhooks/0/matchConditions', value: matchConditions }])
    await eventually(() => isThere('VALIDATION_SKIPPED'), signal)
    assert.match((await find('VALIDATION_SKIPPED')).message, /matchConditions \(never\)/)
    await change([
      { op: 'remove', path: '/webhooks/0/matchConditions' },
      { op: 'replace', path: '/webhooks/0/clientConfig/url', value: 'https://127.0.0.1:1/validate' },
    ])
    await eventually(() => isThere('WEBHOOK_UNREACHABLE'), signal)
  } finally {
    await kubectl(['delete', 'validatingwebhookconfiguration', name, '--ignore-not-found'])
    await kubectl(['delete', 'crd', 'gateways.networking.istio.io', '--ignore-not-found'])
  }
})

/** A silent listener: what it is to send into a firewall that drops. */
async function silentServer(): Promise<{ server: Server; port: number }> {
  const server = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

test('blocked port: named with what to open', OPTIONS, async () => {
  const { server, port } = await silentServer()
  const name = await plantTag('blocked', (manifest) =>
    manifest.replaceAll(url, `https://127.0.0.1:${port}`).replaceAll('timeoutSeconds: 10', 'timeoutSeconds: 1'),
  )
  await kubectl(['label', 'namespace', STRICT ?? '', 'istio.io/rev=blocked'])
  try {
    const { message, next } = await find('WEBHOOK_BLOCKED')
    assert.match(message, new RegExp(`TCP ${port}.*firewall`))
    assert.match(next, new RegExp(`^curl .*https://127.0.0.1:${port}/`))
  } finally {
    await kubectl(['label', 'namespace', STRICT ?? '', 'istio.io/rev-'])
    await pull(name)
    server.close()
  }
})

test('PodSecurity: a namespace that forbids NET_ADMIN is told of, and of the CNI plugin', OPTIONS, async () => {
  await kubectl([
    'label',
    'namespace',
    STRICT ?? '',
    'istio-injection=enabled',
    'pod-security.kubernetes.io/enforce=restricted',
  ])
  try {
    const { subject, message, next } = await find('POD_SECURITY_FORBIDS')
    assert.equal(subject, `namespace/${STRICT}`)
    assert.match(message, /restricted.*istio-init.*NET_ADMIN/s)
    assert.equal(next, 'kubectl apply -k manifests/cni')
  } finally {
    await kubectl(['label', 'namespace', STRICT ?? '', 'istio-injection-', 'pod-security.kubernetes.io/enforce-'])
  }
})

test('expired authority', OPTIONS, async ({ signal }) => {
  const client = await clusterClient()
  const where = { client, namespace: ISTIO ?? '', name: 'mesh-admission-webhook-ca', clock: systemClock, log: SILENT }
  const nowMs = Date.now() - 400 * 86_400_000
  const expired = newAuthorityState({ installation: 'mesh-admission', generation: 1, nowMs })
  await createSecretStore(where).write(expired, undefined, signal)
  const { next } = await find('AUTHORITY_EXPIRED', `--namespace ${ISTIO}`)
  assert.equal(next, `kubectl -n ${ISTIO} rollout restart deployment/mesh-admission`)
})

test("clock skew against the API server's Date", OPTIONS, async () => {
  const shift = 'data:text/javascript,const now=Date.now;Date.now=()=>now()-7200000'
  const args = ['--import', 'tsx', '--import', shift, 'src/main.ts', 'doctor', ...FLAGS.split(' '), '-o', 'json']
  const child = spawn(process.execPath, args, { cwd: PROJECT_ROOT, env: { ...process.env, KUBECONFIG } })
  const { findings: told } = JSON.parse(await text(child.stdout)) as { findings: Told[] }
  assert.deepEqual(
    told.map(({ code }) => code),
    ['CLOCK_SKEW'],
  )
  assert.match(told[0]?.message ?? '', /120 min behind/)
  assert.equal(told[0]?.next, 'timedatectl set-ntp true')
})

test('missing ConfigMap: half of a configuration', OPTIONS, async () => {
  const at = ['-n', ISTIO ?? '']
  await kubectl([...at, 'create', 'configmap', 'istio', '--from-literal=mesh={}'])
  try {
    const { subject, next } = await find('CONFIG_MAP_MISSING')
    assert.equal(subject, `configmap/istio-sidecar-injector -n ${ISTIO}`)
    assert.match(next, /^helm template istiod .* -s templates\/istiod-injector-configmap.yaml \| kubectl apply -f -$/)
  } finally {
    await kubectl([...at, 'delete', 'configmap', 'istio'])
  }
})

/** An entry that leads to a Service: what belongs to it is looked at only then. */
test('no rights, wrong Service port, replica without a leaf', OPTIONS, async () => {
  const service = '{service: {name: mesh-admission, namespace: default, path: /inject, port: 443}}'
  const name = await plantTag('service', (manifest) =>
    manifest.replaceAll(/clientConfig:\n +url: .*/g, `clientConfig: ${service}`),
  )
  const plan = planInstallation({ namespace: 'default' }, '0.0.0-test')
  const parts = renderManifests(plan, ['service'])
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'planted', namespace: 'default', labels: { 'kubernetes.io/service-name': 'mesh-admission' } },
    addressType: 'IPv4',
    ports: [{ name: 'https-webhook', port: 15017, protocol: 'TCP' }],
    endpoints: [
      { addresses: ['10.9.9.1'], conditions: { ready: true } },
      { addresses: ['10.9.9.2'], conditions: { ready: false }, targetRef: { kind: 'Pod', name: 'replica-b' } },
    ],
  }
  try {
    assert.match((await find('SERVICE_MISSING')).next, /--part service \| kubectl apply/)

    const { subject, message, next } = await find('RIGHT_MISSING')
    assert.equal(subject, 'serviceaccount/mesh-admission -n default')
    assert.match(
      message,
      /may not get, list, watch, patch mutatingwebhookconfigurations\.admissionregistration\.k8s\.io /,
    )
    await shell.must(next)
    assert.ok(await isGone('RIGHT_MISSING'))

    await kubectl(['apply', '-f', '-'], parts.replace('port: 443', 'port: 444'))
    await kubectl(['apply', '-f', '-'], JSON.stringify(slice))
    const wrong = await find('SERVICE_PORT_WRONG')
    assert.match(wrong.message, /ask for port 443, the Service has 444/)
    await shell.must(wrong.next)
    assert.ok(await isGone('SERVICE_PORT_WRONG'))

    const unready = await find('REPLICA_NOT_READY')
    assert.equal(unready.subject, 'pod/replica-b -n default')
    assert.equal(unready.next, 'kubectl -n default logs replica-b --tail=50')
  } finally {
    await pull(name)
    const written = renderManifests(plan, ['rights', 'service'])
    await kubectl(['delete', '--ignore-not-found', '-f', '-'], `${written}---\n${JSON.stringify(slice)}\n`)
  }
})
