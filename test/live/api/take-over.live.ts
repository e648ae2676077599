/** The commands of docs/take-over.md on a real API server, under a stream of dry-run creations: exactly one injects, always. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'

import type { KubeClient } from '../../../src/kube/client.ts'
import type { KubeObject } from '../../../src/kube/resource.ts'
import { PODS } from '../../../src/kube/resource.ts'
import { testCertificates } from '../../support/certificate.ts'
import { clusterClient, eventually, kubectl, skipWithoutCluster, tryKubectl } from '../../support/cluster.ts'
import { serveLive, type Served } from '../../support/live-webhook.ts'
import { PROJECT_ROOT, sharedPath } from '../../support/shared.ts'
import { openShell, type Shell } from '../../support/shell.ts'

const theirs = sharedPath('conformance', 'injection', 'config', 'default.webhooks.json')
const skip = skipWithoutCluster() || (theirs === undefined && 'recorded cases are not at hand (../shared)')
const OPTIONS = { skip, timeout: 400_000 }
const SHOP = `shop-${process.pid}`
const OWN = `own-${process.pid}`
const CALLERS = 4
const STAND_IN = 'stand-in.example/injected'

/** Section number -> its commands. Pods and replicas are a controller's, and there is none here. */
function commandsOf(page: string): ReadonlyMap<string, readonly string[][]> {
  const sections = page.split(/^## /m).slice(1)
  return new Map(
    sections.map((section) => {
      const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block.trim().split('\n'))
      const runnable = blocks.map((lines) => lines.filter((line) => !/ rollout (?:status|restart) /.test(line)))
      return [section.charAt(0), runnable.map((lines) => lines.map(here))]
    }),
  )
}

/** Names of the page's namespaces that other tests on this cluster may have as well. */
const here = (line: string): string => line.replaceAll('namespace shop', `namespace ${SHOP}`)

const page = commandsOf(readFileSync(join(PROJECT_ROOT, 'docs/take-over.md'), 'utf8'))
const block = (section: string, index: number): readonly string[] => page.get(section)?.[index] ?? assert.fail(section)

let shell: Shell
let served: Served
let client: KubeClient
let istiod: { readonly items: readonly KubeObject[]; close(): void }

before(async () => {
  if (skip !== false) return
  client = await clusterClient()
  await kubectl(['create', 'namespace', SHOP])
  await kubectl(['label', 'namespace', SHOP, 'istio-injection=enabled'])
  istiod = await startStandIn()
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: istiod.items }))
  const webhookConfiguration = ['mesh-admission-injector', 'mesh-admission-tag-ours']
  served = await serveLive({ revision: 'default', istioNamespace: `istio-${process.pid}`, webhookConfiguration })
  // The server of this test runs outside of the cluster: its Secret is in `default`, and its entries hold an address.
  shell = openShell({
    manifests: `--namespace ${OWN} --url https://127.0.0.1:${served.webhook.port}`,
    doctor: '--namespace default',
    uninstall: `--namespace ${OWN}`,
  })
})

after(async () => {
  if (skip !== false) return
  shell.close()
  const names = ['istio-sidecar-injector', 'mesh-admission-injector', 'mesh-admission-tag-ours']
  await tryKubectl(['delete', 'mutatingwebhookconfiguration', '--ignore-not-found', ...names])
  await tryKubectl([
    'delete',
    'validatingwebhookconfiguration',
    '--ignore-not-found',
    'mesh-admission-default-validator',
  ])
  await served.end()
  istiod.close()
  await kubectl(['delete', 'namespace', '--wait=false', '--ignore-not-found', SHOP, OWN])
})

/** What istiod would do: its configuration, and a server behind it that adds a proxy. */
async function startStandIn(): Promise<typeof istiod> {
  const { caPem, pair } = testCertificates()
  const server = createServer({ cert: pair.certPem, key: pair.keyPem }, (request, response) => {
    void text(request).then((body) => response.end(JSON.stringify(standInAnswer(JSON.parse(body) as Review))))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/inject`
  const clientConfig = { url, caBundle: Buffer.from(caPem).toString('base64') }
  const recorded = JSON.parse(readFileSync(theirs ?? '', 'utf8')) as (KubeObject & { webhooks: object[] })[]
  const items = recorded.map((one) => ({ ...one, webhooks: one.webhooks.map((entry) => ({ ...entry, clientConfig })) }))
  return { items, close: () => server.close(() => undefined).closeAllConnections() }
}

interface Review {
  readonly request: { readonly uid: string; readonly object: KubeObject & { readonly spec: { containers: object[] } } }
}

function standInAnswer({ request: { uid, object } }: Review): object {
  const annotations = { ...object.metadata.annotations, [STAND_IN]: 'true' }
  const containers = [...object.spec.containers, { name: 'istio-proxy', image: 'stand-in.example/proxy:1' }]
  const patch = [
    { op: 'add', path: '/metadata/annotations', value: annotations },
    { op: 'replace', path: '/spec/containers', value: containers },
  ]
  const response = {
    uid,
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
  }
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }
}

type Injector = 'ours' | 'theirs'

/** Who injected a pod of the shop, created for show. */
async function injectors(): Promise<Injector[]> {
  const spec = { serviceAccountName: 'default', containers: [{ name: 'app', image: 'registry.example/app:1' }] }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'app' }, spec }
  const created = await client.create<KubeObject>({ resource: PODS, namespace: SHOP }, pod, {
    dryRun: true,
    signal: AbortSignal.timeout(60_000),
  })
  const { annotations = {} } = created.metadata
  const by = { theirs: STAND_IN in annotations, ours: 'sidecar.istio.io/status' in annotations }
  return (['theirs', 'ours'] as const).filter((one) => by[one])
}

const isAlone = (one: Injector) => async (): Promise<boolean> => (await injectors()).join() === one

interface Tally {
  theirs: number
  ours: number
  both: number
  none: number
  readonly failures: string[]
}

/** Creates pods without a pause while `act` runs, and tells who injected how many of them. */
async function underLoad(act: () => Promise<void>): Promise<Tally> {
  const tally: Tally = { theirs: 0, ours: 0, both: 0, none: 0, failures: [] }
  let ended = false
  const call = async (): Promise<void> => {
    while (!ended) {
      try {
        const by = await injectors()
        tally[by.length === 2 ? 'both' : (by[0] ?? 'none')]++
      } catch (err) {
        tally.failures.push(String(err))
      }
    }
  }
  const calls = Array.from({ length: CALLERS }, call)
  try {
    await act()
  } finally {
    ended = true
    await Promise.all(calls)
  }
  return tally
}

async function run(lines: readonly string[]): Promise<void> {
  for (const line of lines) await shell.must(line)
}

interface Diagnostics {
  diagnostic(message: string): void
}

/** Nobody is refused or forgotten; only pods that were under way in the moment of the write may have met both. */
function assertOneEach(tally: Tally, t: Diagnostics, title: string): void {
  const { theirs: by, ours, both, none, failures } = tally
  t.diagnostic(
    `${title}: ${by} by istiod's, ${ours} by ours, ${both} by both, ${none} by none, ${failures.length} refused`,
  )
  assert.deepEqual(failures, [])
  assert.equal(none, 0)
  assert.ok(both <= CALLERS, `${both} pods met both injectors`)
}

test('the page, there and back', OPTIONS, async (t) => {
  const { signal } = t
  await eventually(async () => (await injectors()).length === 2, signal)
  const { stdout, code } = await shell.run('mesh-admission doctor')
  assert.equal(code, 1)
  assert.match(stdout, /error INJECTORS_OVERLAP: .*\n {2}both select pods in namespace/)
  const next = `next: ${block('1', 1)[0] ?? ''}`
  assert.ok(stdout.includes(next), stdout)

  await run(block('1', 1))
  await eventually(isAlone('theirs'), signal)
  const installed = await underLoad(async () => {
    await run(block('1', 0))
    await run(['mesh-admission doctor'])
  })
  assertOneEach(installed, t, 'installed beside istiod')
  assert.equal(installed.ours, 0)

  assertOneEach(await underLoad(() => moved('2', 0, 'ours')), t, 'moved')
  assertOneEach(await underLoad(() => moved('3', 0, 'theirs')), t, 'moved back')
  assertOneEach(await underLoad(() => moved('2', 0, 'ours')), t, 'moved again')

  const taken = await underLoad(async () => {
    await run(block('4', 0))
    await moved('4', 1, 'ours')
  })
  assertOneEach(taken, t, 'default taken over')
  assert.equal(taken.theirs, 0)

  const handedBack = await underLoad(async () => {
    await run(block('5', 0))
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: istiod.items }))
    await moved('5', 1, 'theirs')
  })
  assertOneEach(handedBack, t, 'handed back')
  assert.deepEqual(await injectors(), ['theirs'])

  async function moved(section: string, index: number, to: Injector): Promise<void> {
    await run(block(section, index))
    await eventually(isAlone(to), signal)
  }
})
