/** Validation on a real API server: what kubectl's user sees of good and bad mesh resources. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { planInstallation } from '../../../src/cli/manifests/plan.ts'
import { renderManifests } from '../../../src/cli/manifests/render.ts'
import { allFindings, validate } from '../../../src/validation/index.ts'
import { KINDS } from '../../../src/validation/registry.ts'
import { eventually, kubectl, skipWithoutCluster, tryKubectl } from '../../support/cluster.ts'
import { startLive } from '../../support/live-webhook.ts'
import { MESH_SPECS } from '../../support/mesh-specs.ts'
import { createRawApi } from '../../support/raw-api.ts'
import { PROJECT_ROOT } from '../../support/shared.ts'

const skip = skipWithoutCluster()
const OPTIONS = { skip, timeout: 120_000 }
const CRDS = join(PROJECT_ROOT, 'manifests', 'crds')
const NAMESPACE = `validation-live-${process.pid}`
const GATEWAYS = `/apis/networking.istio.io/v1/namespaces/${NAMESPACE}/gateways`
const ends: (() => Promise<unknown>)[] = []

type Manifest = Readonly<Record<string, unknown>>

const manifest = (kind: string, spec: unknown, metadata: object = {}): Manifest => ({
  apiVersion: MESH_SPECS[kind]?.apiVersion ?? 'networking.istio.io/v1',
  kind,
  metadata: { name: 'one', namespace: NAMESPACE, ...metadata },
  spec,
})
const OLD_INVALID = manifest('Gateway', { servers: [] }, { name: 'old' })

before(async () => {
  if (skip !== false) return
  await kubectl(['apply', '-f', CRDS])
  const names = KINDS.map(({ schema }) => `crd/${schema.plural}.${schema.group}`)
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...names])
  await kubectl(['create', 'namespace', NAMESPACE])
  ends.push(() => kubectl(['delete', '--ignore-not-found', '-f', CRDS]))
  ends.push(() => kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']))
  await kubectl(['apply', '-f', '-'], JSON.stringify(OLD_INVALID))
  await serve()
})

after(async () => {
  for (const end of ends.reverse()) await end()
})

/** A server as `serve --kubeconfig` starts it, registered by URL; it is called once its caBundle is there. */
async function serve(): Promise<void> {
  const { webhook, caSecret, close } = await startLive()
  const plan = planInstallation({ url: `https://127.0.0.1:${webhook.port}` }, '0.0.0-test')
  ends.push(async () => {
    await kubectl(['delete', 'validatingwebhookconfiguration', ...plan.validators.map(({ name }) => name)])
    await close()
    await kubectl(['-n', 'default', 'delete', 'secret', caSecret, '--ignore-not-found'])
  })
  await kubectl(['apply', '-f', '-'], renderManifests(plan, ['validation']))
}

const apply = (object: Manifest): ReturnType<typeof tryKubectl> =>
  tryKubectl(['apply', '-f', '-'], JSON.stringify(object))

/** Until caBundle is there, mesh resources are refused for want of an answer. */
const untilServed = (signal: AbortSignal): Promise<void> =>
  eventually(async () => (await apply(manifest('Gateway', MESH_SPECS['Gateway']?.good))).ok, signal)

/** What the API server finds is said before the webhook is asked; it says it in words of its own. */
function expected(object: Manifest): string[] {
  const ours = validate(object)
  const bySchema = [...ours.schema.errors, ...ours.cel].map(({ path }) => path).filter((path) => path !== '<nil>')
  if (bySchema.length > 0) return bySchema
  return allFindings(ours, { strict: true })
    .filter(({ severity }) => severity === 'error')
    .map(({ path, text }) => `${path}: ${text}`)
}

for (const [kind, { good, bad }] of Object.entries(MESH_SPECS)) {
  test(`${kind}: a good one comes in, bad ones are refused with all their errors`, OPTIONS, async ({ signal }) => {
    await untilServed(signal)
    const entered = await apply(manifest(kind, good))
    assert.ok(entered.ok, entered.stderr)
    for (const spec of bad) {
      const object = manifest(kind, spec, { name: 'bad' })
      const { ok, stderr } = await apply(object)
      assert.equal(ok, false, JSON.stringify(object))
      const wanted = expected(object)
      assert.ok(wanted.length > 0)
      for (const text of wanted)
        assert.ok(stderr.includes(text), `${JSON.stringify(spec)}: want ${text}, got ${stderr}`)
    }
  })
}

test('every kind we know is among them', () => {
  assert.deepEqual(Object.keys(MESH_SPECS).sort(), KINDS.map(({ schema }) => schema.kind).sort())
})

test("warnings are visible in kubectl's output", OPTIONS, async ({ signal }) => {
  await untilServed(signal)
  const { ok, stderr } = await apply(manifest('EnvoyFilter', MESH_SPECS['EnvoyFilter']?.good, { name: 'warned' }))
  assert.ok(ok)
  assert.match(stderr, /^Warning: .*EnvoyFilter exposes internal implementation details/m)
})

test('the causes of a denial reach the caller, and a dry run is denied alike', OPTIONS, async ({ signal }) => {
  await untilServed(signal)
  const api = createRawApi()
  const object = manifest('Gateway', {
    servers: [{ port: { number: 80, name: 'a', protocol: 'ODD' }, hosts: ['a..b'] }],
  })
  for (const query of ['', '?dryRun=All']) {
    const { status, body } = await api('POST', `${GATEWAYS}${query}`, { ...object, metadata: { name: 'denied' } })
    assert.equal(status, 400)
    assert.match(
      String(body['message']),
      /^admission webhook "validation\.mesh-admission\.io" denied the request: 2 errors:\n\* spec\./,
    )
    const { causes } = body['details'] as { causes: readonly { field: string }[] }
    assert.deepEqual(
      causes.map(({ field }) => field),
      ['spec.servers[0].hosts[0]', 'spec.servers[0].port.protocol'],
    )
  }
})

test('an old invalid object can be labelled and deleted, but not written anew', OPTIONS, async ({ signal }) => {
  await untilServed(signal)
  const target = ['-n', NAMESPACE, 'gateways.networking.istio.io', 'old']
  const labelled = await tryKubectl(['label', ...target, 'a=b'])
  assert.ok(labelled.ok, labelled.stderr)
  assert.match(labelled.stderr, /^Warning: invalid as it was before/m)
  const patch = JSON.stringify({ spec: { selector: { app: 'gateway' } } })
  assert.equal((await tryKubectl(['patch', ...target, '--type=merge', '-p', patch])).ok, false)
  await kubectl(['delete', ...target])
})

test('a caBundle that was taken away comes back', OPTIONS, async ({ signal }) => {
  await untilServed(signal)
  const own = 'mesh-admission-default-validator'
  const blank = JSON.stringify([{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }])
  await kubectl(['patch', 'validatingwebhookconfiguration', own, '--type=json', '-p', blank])
  const read = (): Promise<string> =>
    kubectl(['get', 'validatingwebhookconfiguration', own, '-o', 'jsonpath={.webhooks[0].clientConfig.caBundle}'])
  await eventually(async () => (await read()) !== '', signal)
})
