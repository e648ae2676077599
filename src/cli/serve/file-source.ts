/** Configuration from files: the embedded default, and what stands in for a cluster. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { messageOf, ProjectError } from '../../base/errors.ts'
import type { Configuration, ConfigurationSource, KubeObject } from './configuration.ts'
import { configMapData, parseObjects, readObjectFiles, worldOf, type NamedText } from './objects.ts'
import type { ServeOptions } from './options.ts'
import { shippedConfigText, shippedMeshText, shippedValuesText } from './shipped.ts'
import { watchFiles } from './watch-files.ts'

export type FileSourceOptions = Pick<
  ServeOptions,
  'injectConfigFile' | 'valuesFile' | 'meshConfigFile' | 'objects' | 'revision' | 'istioNamespace' | 'sharedMeshConfig'
>

/** A text and where it came from. */
interface Found {
  readonly text: string
  readonly origin: string
}

const SHIPPED = 'shipped with mesh-admission'

/** Reads the given files; what is not given is looked for among the objects, then taken from what is shipped. */
export function createFileSource(options: FileSourceOptions): ConfigurationSource {
  const { injectConfigFile, valuesFile, meshConfigFile, objects } = options
  const paths = [injectConfigFile, valuesFile, meshConfigFile, objects].filter((path) => path !== undefined)
  return {
    isRequired: true,
    read: () => readConfiguration(options),
    watch: (changed, signal) => watchFiles({ paths, signal, changed }),
  }
}

async function readConfiguration(options: FileSourceOptions): Promise<Configuration> {
  const files = options.objects === undefined ? undefined : await readObjectFiles(options.objects)
  const objects = files?.flatMap(parseObjects)
  const injector = await findInjector(options, objects ?? [])
  const mesh = await findMesh(options, objects ?? [])
  const texts = {
    configText: injector.config.text,
    valuesText: injector.values.text,
    meshTexts: mesh.map(({ text }) => text),
  }
  return {
    ...texts,
    origin: {
      config: injector.config.origin,
      values: injector.values.origin,
      mesh: mesh.map(({ origin }) => origin).join(', '),
    },
    version: digest(texts),
    world: worldOf(objects),
    worldVersion: digest(files ?? null),
  }
}

interface Injector {
  readonly config: Found
  readonly values: Found
}

async function findInjector(options: FileSourceOptions, objects: readonly KubeObject[]): Promise<Injector> {
  const { injectConfigFile, valuesFile } = options
  const values = valuesFile === undefined ? undefined : await readText(valuesFile)
  if (injectConfigFile !== undefined) {
    const file = await readText(injectConfigFile)
    const data = configMapOf(file)
    if (data !== undefined) return injectorOf(data, file.file, values)
    const config = { text: notEmpty(file).text, origin: injectConfigFile }
    return { config, values: asFound(values) ?? { text: shippedValuesText(), origin: SHIPPED } }
  }
  const name = `istio-sidecar-injector${suffix(options)}`
  const data = configMapData(objects, { name, namespace: options.istioNamespace })
  if (data !== undefined) return injectorOf(data, `ConfigMap ${options.istioNamespace}/${name}`, values)
  const config = { text: shippedConfigText(), origin: SHIPPED }
  return { config, values: asFound(values) ?? { text: shippedValuesText(), origin: SHIPPED } }
}

/** istiod: both keys must be there, and these are its words. A values file stands in for the second. */
function injectorOf(data: Readonly<Record<string, unknown>>, origin: string, values: NamedText | undefined): Injector {
  const key = (name: string): Found => {
    const text = data[name]
    if (typeof text === 'string') return { text, origin }
    throw new ProjectError('CONFIG_INVALID', `${origin}: missing ConfigMap ${name} key "${name}"`)
  }
  return { config: key('config'), values: asFound(values) ?? key('values') }
}

/** istiod: the shared settings come first, the revision's own over them; a ConfigMap that is missing changes nothing. */
async function findMesh(options: FileSourceOptions, objects: readonly KubeObject[]): Promise<Found[]> {
  const found: Found[] = []
  const fromObjects = (name: string): void => {
    const text = configMapData(objects, { name, namespace: options.istioNamespace })?.mesh
    if (typeof text === 'string') found.push({ text, origin: `ConfigMap ${options.istioNamespace}/${name}` })
  }
  if (options.sharedMeshConfig !== '') fromObjects(options.sharedMeshConfig)
  if (options.meshConfigFile === undefined) {
    fromObjects(`istio${suffix(options)}`)
    return found.length > 0 ? found : [{ text: shippedMeshText(), origin: SHIPPED }]
  }
  const file = await readText(options.meshConfigFile)
  const text = configMapOf(file)?.mesh
  found.push({ text: typeof text === 'string' ? text : file.text, origin: file.file })
  return found
}

/** istiod: the default revision's ConfigMaps have no suffix. */
function suffix({ revision }: FileSourceOptions): string {
  return revision === 'default' ? '' : `-${revision}`
}

/** Data of the ConfigMap that the text is, or undefined when it is something else. Templates are never at column 0. */
function configMapOf(file: NamedText): Readonly<Record<string, unknown>> | undefined {
  const isJson = file.text.trimStart().startsWith('{')
  if (!isJson && !/^kind:\s*["']?ConfigMap["']?\s*(?:#.*)?$/m.test(file.text)) return undefined
  if (isJson && !/"kind"\s*:\s*"ConfigMap"/.test(file.text)) return undefined
  const map = parseObjects(file).find(({ kind }) => kind === 'ConfigMap')
  return map === undefined ? undefined : ((map.data ?? {}) as Readonly<Record<string, unknown>>)
}

function asFound(file: NamedText | undefined): Found | undefined {
  return file === undefined ? undefined : { text: file.text, origin: file.file }
}

/** A file caught between being emptied and being written is no configuration. */
function notEmpty(file: NamedText): NamedText {
  if (file.text.trim() !== '') return file
  throw new ProjectError('CONFIG_INVALID', `${file.file}: expected an injector configuration, got an empty file`)
}

async function readText(file: string): Promise<NamedText> {
  try {
    return { file, text: await readFile(file, 'utf8') }
  } catch (cause) {
    throw new ProjectError('CONFIG_UNREADABLE', `${file}: ${messageOf(cause)}`, { cause })
  }
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
