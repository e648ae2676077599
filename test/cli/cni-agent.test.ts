/** Flags and variables of the CNI agent, and the manifests that set them. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadAll } from 'js-yaml'
import { buildHealthApp, buildMetricsApp } from '../../src/cli/cni-agent/apps.ts'
import { createCniMetrics } from '../../src/cli/cni-agent/metrics.ts'
import { CNI_AGENT_FLAGS, resolveCniAgentOptions } from '../../src/cli/cni-agent/options.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

test('a flag wins over a variable, an empty variable over the default', () => {
  const env = { CNI_CONF_NAME: 'a.conflist', REPAIR_BROKEN_POD_LABEL_KEY: '', CHAINED_CNI_PLUGIN: 'false' }
  const options = resolveCniAgentOptions({ cniConfName: 'b.conflist', chainedCniPlugin: true }, env)
  assert.deepEqual([options.configName, options.chained, options.repair.labelKey], ['b.conflist', true, ''])
})

test('a list of namespaces is trimmed', () => {
  assert.deepEqual(resolveCniAgentOptions({}, { EXCLUDE_NAMESPACES: ' a, ,b ' }).excludeNamespaces, ['a', 'b'])
})

for (const [env, mode] of [
  [{}, undefined],
  [{ REPAIR_LABEL_PODS: 'true' }, 'label'],
  [{ REPAIR_LABEL_PODS: 'true', REPAIR_DELETE_PODS: 'true' }, 'delete'],
  [{ REPAIR_DELETE_PODS: 'true', REPAIR_REPAIR_PODS: 'true' }, 'repair'],
  [{ REPAIR_REPAIR_PODS: 'true', REPAIR_ENABLED: 'false' }, undefined],
] as const) {
  test(`${JSON.stringify(env)} means mode ${mode}`, () => {
    assert.equal(resolveCniAgentOptions({}, env).repair.mode, mode)
  })
}

for (const given of [
  { chainedCniPlugin: 'yes' },
  { monitoringPort: 'x' },
  { compat: 'none' },
  { log_output_level: 'loud' },
]) {
  test(`${JSON.stringify(given)} is refused`, () => {
    assert.throws(() => resolveCniAgentOptions(given, {}), { code: 'OPTION_INVALID' })
  })
}

test('levels may name scopes, as the original takes them', () => {
  assert.equal(resolveCniAgentOptions({ log_output_level: 'cni-plugin:debug,default:warn' }, {}).logLevel, 'warn')
})

test('the node is ready when the plugin is installed, and the process lives anyway', async () => {
  let installed = false
  const app = buildHealthApp(() => installed)
  const status = async (url: string): Promise<number> => (await app.inject({ url })).statusCode
  assert.deepEqual([await status('/healthz'), await status('/readyz')], [200, 503])
  installed = true
  assert.equal(await status('/readyz'), 200)
})

test('metrics have the names of the original', async () => {
  const metrics = createCniMetrics()
  metrics.installs.inc({ result: 'SUCCESS' })
  metrics.repairs.inc({ type: 'label', result: 'skip' })
  const { body } = await buildMetricsApp(metrics).inject({ url: '/metrics' })
  for (const line of [
    'istio_cni_installs_total{result="SUCCESS"} 1',
    'istio_cni_install_ready 0',
    'istio_cni_repair_pods_repaired_total{type="label",result="skip"} 1',
  ]) {
    assert.ok(body.includes(line), line)
  }
  metrics.registry.clear()
})

/** prom-client types neither of its own fields in its declarations. */
interface Instrument {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
}

test('docs/cni.md lists every flag and every metric of ours', async () => {
  const text = readFileSync(join(PROJECT_ROOT, 'docs/cni.md'), 'utf8')
  const { registry } = createCniMetrics()
  const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]))
  const metrics = (registry.getMetricsAsArray() as unknown as Instrument[])
    .filter(({ name }) => /^(?:istio|mesh)_/.test(name))
    .map(
      ({ name, labelNames, help }) =>
        `| \`${name}\` | ${types.get(name)} | ${labelNames.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    )
  const flags = CNI_AGENT_FLAGS.map(({ name, fallback, help }) => `| \`--${name}\` | ${fallback} | ${help} |`)
  assert.deepEqual(
    text.split('\n').filter((line) => /^\| `(?:--|istio_|mesh_)/.test(line)),
    [...flags, ...metrics],
  )
  registry.clear()
})

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly template: { readonly spec: { readonly hostNetwork?: boolean; readonly containers: object[] } }
  }
}

function readManifests(): Manifest[] {
  const folder = join(PROJECT_ROOT, 'manifests/cni')
  return readdirSync(folder).flatMap((file) => loadAll(readFileSync(join(folder, file), 'utf8')) as Manifest[])
}

test("nothing of the node's network keeps the agent's own pod from starting", () => {
  const { hostNetwork, containers } =
    readManifests().find(({ kind }) => kind === 'DaemonSet')?.spec?.template.spec ?? {}
  assert.equal(hostNetwork, true)
  assert.deepEqual(
    containers?.map((container) => 'ports' in container),
    [false],
  )
})

test('the manifests have the names that users expect, and set only variables that exist', () => {
  const objects = readManifests()
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata?.name ?? ''}`)
  for (const name of ['DaemonSet istio-cni-node', 'ConfigMap istio-cni-config', 'ServiceAccount istio-cni'])
    assert.ok(names.includes(name), name)
  const known = new Set([...CNI_AGENT_FLAGS.map(({ name }) => name.toUpperCase().replaceAll('-', '_')), 'EXCLUDE_NAMESPACES', 'NATIVE_NFTABLES', 'REPAIR_REPAIR_PODS']) // prettier-ignore
  for (const name of Object.keys(objects.find(({ kind }) => kind === 'ConfigMap')?.data ?? {}))
    assert.ok(known.has(name), name)
})
