/** Our entry in the node's CNI configuration. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  chainedEntry,
  insertPlugin,
  isLoadable,
  isStale,
  removePlugin,
  serializeOrdered,
  serializeSorted,
  standaloneEntry,
  whyNotInstalled,
  type PluginSettings,
} from '../../../src/redirect/cni/cni-config.ts'

const SETTINGS: PluginSettings = {
  logLevel: 'info',
  agentRunDir: '/var/run/istio-cni',
  excludeNamespaces: ['kube-system'],
  podNamespace: 'istio-system',
  nativeNftables: false,
}
const ENTRY = chainedEntry(SETTINGS)
const LIST = '{"plugins":[{"type":"bridge","b":1,"a":"<&>"},{"type":"portmap"}],"name":"net","cniVersion":"1.0.0"}'

test('our entry is appended, and everything is sorted and escaped as Go does', () => {
  assert.equal(
    insertPlugin(LIST, ENTRY),
    `{
  "cniVersion": "1.0.0",
  "name": "net",
  "plugins": [
    {
      "a": "\\u003c\\u0026\\u003e",
      "b": 1,
      "type": "bridge"
    },
    {
      "type": "portmap"
    },
    {
      "ambient_enabled": false,
      "cni_agent_run_dir": "/var/run/istio-cni",
      "dns": {},
      "enable_ambient_detection_retry": false,
      "enablement_selectors": [],
      "exclude_namespaces": [
        "kube-system"
      ],
      "ipam": {},
      "name": "istio-cni",
      "native_nftables": false,
      "plugin_log_level": "info",
      "pod_namespace": "istio-system",
      "type": "istio-cni"
    }
  ]
}
`,
  )
})

test('an older entry of ours is replaced, wherever it stands', () => {
  const old = '{"name":"n","plugins":[{"type":"istio-cni","old":true},{"type":"bridge"}]}'
  const parsed = JSON.parse(insertPlugin(old, ENTRY)) as { plugins: { type: string }[] }
  assert.deepEqual(parsed.plugins.map(({ type }) => type), ['bridge', 'istio-cni']) // prettier-ignore
  assert.deepEqual(parsed.plugins[1], ENTRY)
})

test('a single plugin becomes a list with the name and version that the original gives it', () => {
  const parsed: unknown = JSON.parse(insertPlugin('{"cniVersion":"1.0.0","name":"mine","type":"bridge"}', ENTRY))
  assert.deepEqual(parsed, { cniVersion: '0.3.1', name: 'k8s-pod-network', plugins: [{ name: 'mine', type: 'bridge' }, ENTRY] }) // prettier-ignore
})

test('no excluded namespace is written as null, and a standalone file keeps its order', () => {
  const text = serializeOrdered(standaloneEntry({ ...SETTINGS, excludeNamespaces: [] }))
  assert.match(text, /^\{\n {2}"cniVersion": "0\.3\.1",\n {2}"name": "istio-cni",\n {2}"type": "istio-cni",/)
  assert.match(text, /"exclude_namespaces": null,\n/)
})

test('taking our entry out gives back what was there', () => {
  assert.equal(removePlugin(insertPlugin(LIST, ENTRY)), serializeSorted(JSON.parse(LIST)))
  assert.equal(removePlugin(LIST), undefined)
})

for (const [text, why] of [
  [insertPlugin(LIST, ENTRY), undefined],
  [LIST, /no plugin of type istio-cni/],
  ['{"plugins":[{"type":"istio-cni"},7]}', /plugins\[1\]/],
  ['[]', /not a JSON object/],
] as const) {
  test(`a configuration is checked: ${text.slice(0, 40)}`, () => {
    const found = whyNotInstalled(text, true)
    if (why === undefined) assert.equal(found, undefined)
    else assert.match(found ?? '', why)
  })
}

test('an entry with other settings is stale', () => {
  assert.equal(isStale(insertPlugin(LIST, ENTRY), ENTRY), false)
  assert.equal(isStale(insertPlugin(LIST, ENTRY), chainedEntry({ ...SETTINGS, nativeNftables: true })), true)
})

for (const [name, text, want] of [
  ['10-a.conflist', LIST, true],
  ['10-a.conflist', '{"name":"n","plugins":[]}', false],
  ['10-a.conflist', '{"plugins":[{"type":"bridge"}]}', false],
  ['10-a.conf', '{"type":"bridge"}', true],
  ['10-a.conf', LIST, false],
  ['10-a.conf', '{', false],
] as const) {
  test(`${name} is ${want ? 'loaded' : 'not loaded'} by runtimes: ${text.slice(0, 30)}`, () => {
    assert.equal(isLoadable(name, text), want)
  })
}

test('a list whose plugins lie in a folder of its name is loaded', () => {
  assert.ok(isLoadable('1.conflist', '{"name":"n"}', (list) => (list === 'n' ? ['{"type":"bridge"}'] : [])))
})

test('inserting keeps every other plugin, twice is once, and odd keys are ordinary', () => {
  const value = fc.jsonValue({ maxDepth: 4 })
  const plugin = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '10', '9')), value)
  fc.assert(
    fc.property(fc.array(plugin), (others) => {
      const plugins = JSON.parse(JSON.stringify(others.filter((one) => one.type !== 'istio-cni'))) as unknown[]
      const once = insertPlugin(JSON.stringify({ name: 'n', plugins }), ENTRY)
      assert.equal(insertPlugin(once, ENTRY), once)
      const read = JSON.parse(once) as { plugins: unknown[] }
      assert.equal(serializeSorted(read.plugins.slice(0, -1)), serializeSorted(plugins))
      assert.equal(removePlugin(once), serializeSorted({ name: 'n', plugins }))
    }),
  )
})
