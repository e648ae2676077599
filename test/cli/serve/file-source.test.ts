import assert from 'node:assert/strict'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Configuration } from '../../../src/cli/serve/configuration.ts'
import { createFileSource, type FileSourceOptions } from '../../../src/cli/serve/file-source.ts'
import { temporaryFolder } from '../../support/files.ts'

const DEFAULTS: FileSourceOptions = {
  injectConfigFile: undefined,
  valuesFile: undefined,
  meshConfigFile: undefined,
  objects: undefined,
  revision: 'default',
  istioNamespace: 'istio-system',
  sharedMeshConfig: '',
}

const CONFIG = 'policy: enabled\ntemplates:\n  sidecar: |\n    kind: ConfigMap\n'

/** A ConfigMap as kubectl prints it. */
function configMap(name: string, data: Record<string, string>): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'istio-system' }, data })
}

interface Row {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly options?: Partial<FileSourceOptions>
  readonly want: Partial<Pick<Configuration, 'configText' | 'valuesText' | 'meshTexts'>>
}

const rows: readonly Row[] = [
  {
    name: 'the text of the key config is taken as it is, even if a template speaks of ConfigMaps',
    files: { config: CONFIG },
    want: { configText: CONFIG },
  },
  {
    name: 'a ConfigMap gives both of its keys',
    files: { config: configMap('any', { config: CONFIG, values: '{"a":1}' }) },
    want: { configText: CONFIG, valuesText: '{"a":1}' },
  },
  {
    name: 'a ConfigMap in YAML does too',
    files: {
      config:
        'apiVersion: v1\ndata:\n  config: "policy: enabled"\n  values: "{}"\nkind: ConfigMap\nmetadata:\n  name: x\n',
    },
    want: { configText: 'policy: enabled', valuesText: '{}' },
  },
  {
    name: 'a values file wins over the ConfigMap',
    files: { config: configMap('any', { config: CONFIG, values: '{}' }), values: '{"b":2}' },
    want: { valuesText: '{"b":2}' },
  },
  { name: 'a mesh file', files: { config: CONFIG, mesh: 'trustDomain: a' }, want: { meshTexts: ['trustDomain: a'] } },
  {
    name: 'a mesh ConfigMap',
    files: { config: CONFIG, mesh: configMap('istio', { mesh: 'trustDomain: b' }) },
    want: { meshTexts: ['trustDomain: b'] },
  },
  {
    name: 'ConfigMaps among the objects, where no file is given',
    files: {
      objects: `${configMap('istio-sidecar-injector', { config: CONFIG, values: '{"c":3}' })}\n---\n${configMap('istio', { mesh: 'trustDomain: c' })}`,
    },
    want: { configText: CONFIG, valuesText: '{"c":3}', meshTexts: ['trustDomain: c'] },
  },
  {
    name: 'the ConfigMaps of a revision have its name',
    files: {
      objects: `${configMap('istio-sidecar-injector-canary', { config: CONFIG, values: '{}' })}\n---\n${configMap('istio-canary', { mesh: 'a: 1' })}\n---\n${configMap('istio', { mesh: 'b: 2' })}`,
    },
    options: { revision: 'canary' },
    want: { configText: CONFIG, meshTexts: ['a: 1'] },
  },
  {
    name: 'shared mesh settings come first',
    files: { config: CONFIG, mesh: 'own: 1', objects: configMap('shared', { mesh: 'common: 1' }) },
    options: { sharedMeshConfig: 'shared' },
    want: { meshTexts: ['common: 1', 'own: 1'] },
  },
]

async function source(t: TestContext, files: Row['files'], options: Partial<FileSourceOptions> = {}) {
  const folder = await temporaryFolder(t)
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const at = (name: string): string | undefined => (name in files ? join(folder, name) : undefined)
  const paths = {
    injectConfigFile: at('config'),
    valuesFile: at('values'),
    meshConfigFile: at('mesh'),
    objects: at('objects'),
  }
  return { folder, source: createFileSource({ ...DEFAULTS, ...paths, ...options }) }
}

for (const { name, files, options, want } of rows) {
  test(`file source: ${name}`, async (t) => {
    const configuration = await (await source(t, files, options)).source.read()
    for (const [key, value] of Object.entries(want)) assert.deepEqual(configuration[key as keyof Configuration], value)
  })
}

test('file source: with nothing given, what is shipped', async (t) => {
  const { configText, valuesText, meshTexts } = await (await source(t, {})).source.read()
  const config = JSON.parse(configText) as { policy: string; templates: Record<string, string> }
  assert.equal(config.policy, 'enabled')
  assert.deepEqual(Object.keys(config.templates), ['sidecar', 'gateway', 'grpc-simple', 'grpc-agent'])
  assert.match(valuesText, /^global:$/m)
  assert.equal(meshTexts.length, 1)
})

const refused: readonly { name: string; files: Row['files']; code: string; message: RegExp }[] = [
  {
    name: 'an empty file',
    files: { config: '\n' },
    code: 'CONFIG_INVALID',
    message: /config: expected an injector configuration, got an empty file$/,
  },
  {
    name: 'a ConfigMap without values',
    files: { config: configMap('x', { config: CONFIG }) },
    code: 'CONFIG_INVALID',
    message: /missing ConfigMap values key "values"$/,
  },
  {
    name: 'a ConfigMap without config',
    files: { config: configMap('x', { values: '' }) },
    code: 'CONFIG_INVALID',
    message: /missing ConfigMap config key "config"$/,
  },
  {
    name: 'objects that are none',
    files: { objects: 'kind: Node\n' },
    code: 'CONFIG_INVALID',
    message: /objects: object 1: expected apiVersion, kind and metadata\.name$/,
  },
  {
    name: 'objects that are no YAML',
    files: { objects: 'a: [\n' },
    code: 'CONFIG_INVALID',
    message: /objects: .*\(2:1\)/,
  },
]

for (const { name, files, code, message } of refused) {
  test(`file source: ${name} is refused with its place`, async (t) => {
    await assert.rejects((await source(t, files)).source.read(), { code, message })
  })
}

test('file source: a file that is not there is named', async () => {
  const missing = createFileSource({ ...DEFAULTS, injectConfigFile: '/nowhere/config' })
  await assert.rejects(missing.read(), { code: 'CONFIG_UNREADABLE', message: /^\/nowhere\/config: ENOENT/ })
})

test('file source: versions tell texts and worlds apart', async (t) => {
  const objects = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } }
  const { folder, source: files } = await source(t, { config: CONFIG, objects: JSON.stringify(objects) })
  const first = await files.read()
  assert.deepEqual(
    [(await files.read()).version, (await files.read()).worldVersion],
    [first.version, first.worldVersion],
  )
  await writeFile(join(folder, 'objects'), JSON.stringify({ ...objects, metadata: { name: 'm' } }))
  const second = await files.read()
  assert.equal(second.version, first.version)
  assert.notEqual(second.worldVersion, first.worldVersion)
})

/** Resolves when the source has said that something changed. */
async function nextChange(
  t: TestContext,
  files: ReturnType<typeof createFileSource>,
  act: () => Promise<void>,
): Promise<void> {
  const life = new AbortController()
  t.after(() => life.abort())
  const changed = new Promise<void>((resolve) => files.watch(resolve, life.signal))
  await act()
  await changed
}

test('file source: a file that is written is a change', async (t) => {
  const { folder, source: files } = await source(t, { config: CONFIG })
  await nextChange(t, files, () => writeFile(join(folder, 'config'), 'policy: disabled'))
})

test('file source: a file that is replaced by renaming is a change, again and again', async (t) => {
  const { folder, source: files } = await source(t, { config: CONFIG })
  for (const policy of ['disabled', 'enabled']) {
    await nextChange(t, files, async () => {
      await writeFile(join(folder, 'new'), `policy: ${policy}`)
      await rename(join(folder, 'new'), join(folder, 'config'))
    })
  }
})

test('file source: a mounted ConfigMap whose ..data is swapped is a change', async (t) => {
  const folder = await temporaryFolder(t)
  for (const version of ['v1', 'v2']) {
    await mkdir(join(folder, version))
    await writeFile(join(folder, version, 'config'), `policy: ${version}`)
  }
  await symlink('v1', join(folder, '..data'))
  await symlink('..data/config', join(folder, 'config'))
  const files = createFileSource({ ...DEFAULTS, injectConfigFile: join(folder, 'config') })
  assert.equal((await files.read()).configText, 'policy: v1')
  await nextChange(t, files, async () => {
    await symlink('v2', join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
  })
  assert.equal((await files.read()).configText, 'policy: v2')
})

test('file source: an object that is added to the folder is a change', async (t) => {
  const folder = await temporaryFolder(t)
  const files = createFileSource({ ...DEFAULTS, objects: folder })
  await nextChange(t, files, () => writeFile(join(folder, 'a.yaml'), 'x'))
})
