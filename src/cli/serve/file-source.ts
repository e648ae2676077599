/** Configuration from files: the embedded default, and what stands in for a cluster. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { messageOf, ProjectError } from '../../base/errors.ts'
import type { Configuration, ConfigurationSource, KubeObject } from './configuration.ts'
import { configMapData, parseObjects, readObjectFiles, worldOf, type NamedText } from './objects.ts'
import type { ServeOptions } from './options.ts'
import { shippedConfigText, shippedMeshText, shippedValuesText } from './shipped.ts'
import { watchFiles } from './watch-files.ts'

export type TextOptions = Pick<
  ServeOptions,
  'injectConfigFile' | 'valuesFile' | 'meshConfigFile' | 'revision' | 'istioNamespace' | 'sharedMeshConfig'
>
export type FileSourceOptions = TextOptions & Pick<ServeOptions, 'objects'>

/** A text and where it came from. */
interface Found {
  readonly text: string
  readonly origin: string
}

const SHIPPED = 'shipped with mesh-admission'

/** Reads the given files; what is not given is looked for among the objects, then taken from what is shipped. */
export function createFileSource(options: FileSourceOptions): ConfigurationSource {
  const paths = [...configuredFiles(options), ...(options.objects === undefined ? [] : [options.objects])]
  return {
    isRequired: true,
    read: () => readConfiguration(options),
    watch: (changed, signal) => watchFiles({ paths, signal, changed }),
  }
}

/** The files with texts that were named. */
export function configuredFiles({ injectConfigFile, valuesFile, meshConfigFile }: TextOptions): string[] {
  return [injectConfigFile, valuesFile, meshConfigFile].filter((path) => path !== undefined)
}

/** Names of the ConfigMaps that are looked for; of the meshes the weakest first. istiod: the default revision has no suffix. */
export function configMapNames({ revision, sharedMeshConfig }: TextOptions): { injector: string; meshes: string[] } {
  const suffix = revision === 'default' ? '' : `-${revision}`
  const shared = sharedMeshConfig === '' ? [] : [sharedMeshConfig]
  return { injector: `istio-sidecar-injector${suffix}`, meshes: [...shared, `istio${suffix}`] }
}

/**
 * The texts in force: of the named files, else of the ConfigMaps among `objects`, else those that are shipped.
 * @throws ProjectError CONFIG_UNREADABLE, CONFIG_INVALID
 */
export async function readTexts(
  options: TextOptions,
  objects: readonly KubeObject[],
): Promise<Omit<Configuration, 'world' | 'worldVersion'>> {
  const injector = await findInjector(options, objects)
  const mesh = await findMesh(options, objects)
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
  }
}

async function readConfiguration(options: FileSourceOptions): Promise<Configuration> {
  const files = options.objects === undefined ? undefined : await readObjectFiles(options.objects)
  const objects = files?.flatMap(parseObjects)
  const texts = await readTexts(options, objects ?? [])
  return { ...texts, world: worldOf(objects), worldVersion: digest(files ?? null) }
}

interface Injector {
  readonly config: Found
  readonly values: Found
}

async function findInjector(options: TextOptions, objects: readonly KubeObject[]): Promise<Injector> {
  const { injectConfigFile, valuesFile } = options
  const values = valuesFile === undefined ? undefined : await readText(valuesFile)
  if (injectConfigFile !== undefined) {
    const file = await readText(injectConfigFile)
    const data = configMapOf(file)
    if (data !== undefined) return injectorOf(data, file.file, values)
    const config = { text: notEmpty(file).text, origin: injectConfigFile }
    return { config, values: asFound(values) ?? { text: shippedValuesText(), origin: SHIPPED } }
  }
  const { injector: name } = configMapNames(options)
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
async function findMesh(options: TextOptions, objects: readonly KubeObject[]): Promise<Found[]> {
  const found: Found[] = []
  const fromObjects = (name: string): void => {
    const text = configMapData(objects, { name, namespace: options.istioNamespace })?.mesh
    if (typeof text === 'string') found.push({ text, origin: `ConfigMap ${options.istioNamespace}/${name}` })
  }
  const { meshes } = configMapNames(options)
  // A named file stands for the revision's own ConfigMap, not for the shared one.
  for (const name of options.meshConfigFile === undefined ? meshes : meshes.slice(0, -1)) fromObjects(name)
  if (options.meshConfigFile === undefined) {
    return found.length > 0 ? found : [{ text: shippedMeshText(), origin: SHIPPED }]
  }
  const file = await readText(options.meshConfigFile)
  const text = configMapOf(file)?.mesh
  found.push({ text: typeof text === 'string' ? text : file.text, origin: file.file })
  return found
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
