/** The node's CNI configuration as text: which files count, and our entry put in or taken out. Pure. */
import { messageOf, ProjectError } from '../../base/errors.ts'
import { isObject, type JsonObject } from './go-json.ts'

/** Type and name of our entry, and name of the executable. */
export const PLUGIN_TYPE = 'istio-cni'
/** Of a chained configuration that was a single plugin before. istiod: whatever the old one said. */
const WRAPPED = { cniVersion: '0.3.1', name: 'k8s-pod-network' } as const
const STANDALONE_VERSION = '0.3.1'
/** A configuration is a few levels deep; deeper ones are nobody's. */
const MAX_DEPTH = 100

export interface PluginSettings {
  readonly logLevel: string
  readonly agentRunDir: string
  readonly excludeNamespaces: readonly string[]
  readonly podNamespace: string
  readonly nativeNftables: boolean
}

/** Our configuration, keys in the order in which a standalone file has them. */
export function standaloneEntry(settings: PluginSettings): JsonObject {
  return {
    cniVersion: STANDALONE_VERSION,
    name: PLUGIN_TYPE,
    type: PLUGIN_TYPE,
    ipam: {},
    dns: {},
    plugin_log_level: settings.logLevel,
    cni_agent_run_dir: settings.agentRunDir,
    ambient_enabled: false,
    enablement_selectors: [],
    exclude_namespaces: settings.excludeNamespaces.length === 0 ? null : settings.excludeNamespaces,
    pod_namespace: settings.podNamespace,
    native_nftables: settings.nativeNftables,
    enable_ambient_detection_retry: false,
  }
}

/** Our entry of a list: the runtime puts the list's version in. */
export function chainedEntry(settings: PluginSettings): JsonObject {
  const { cniVersion: _version, ...entry } = standaloneEntry(settings)
  return entry
}

/** Whether a name is looked at by container runtimes. */
export function isConfigName(name: string): boolean {
  return name.endsWith('.conf') || name.endsWith('.conflist')
}

/** Whether a runtime would take the file. `inFolder` gives the texts of plugins that lie in a folder of the list's name. */
export function isLoadable(
  name: string,
  text: string,
  inFolder: (list: string) => readonly string[] = () => [],
): boolean {
  const config = parseObject(text)
  if (config === undefined) return false
  if (name.endsWith('.conf')) return typeof config.type === 'string' && config.type !== ''
  if (typeof config.name !== 'string') return false
  const plugins = [...pluginsOf(config), ...inFolder(config.name).map(parseObject)]
  return plugins.some((plugin) => isObject(plugin) && typeof plugin.type === 'string' && plugin.type !== '')
}

/**
 * The configuration with our entry at the end, in place of an older one; a single plugin becomes a list.
 * @throws ProjectError CNI_CONFIG_UNUSABLE when it is neither
 */
export function insertPlugin(text: string, entry: JsonObject): string {
  const config = parseOrThrow(text)
  if (typeof config.type === 'string') {
    const { cniVersion: _version, ...old } = config
    return serializeSorted({ ...WRAPPED, plugins: [old, entry] })
  }
  return serializeSorted({ ...config, plugins: [...withoutOurs(listOf(config)), entry] })
}

/** The configuration without our first entry; undefined when there is none. */
export function removePlugin(text: string): string | undefined {
  const config = parseObject(text)
  if (config === undefined || !pluginsOf(config).some(isOurs)) return undefined
  return serializeSorted({ ...config, plugins: withoutOurs(pluginsOf(config)) })
}

/** Whether the text is our own standalone configuration. */
export function isStandalone(text: string): boolean {
  return isOurs(parseObject(text))
}

/** Why the configuration does not run our plugin; undefined when it does. */
export function whyNotInstalled(text: string, chained: boolean): string | undefined {
  const config = parseObject(text)
  if (config === undefined) return 'not a JSON object'
  if (!chained) return isOurs(config) ? undefined : `type: expected ${PLUGIN_TYPE}, got ${JSON.stringify(config.type)}`
  const plugins = pluginsOf(config)
  const odd = plugins.findIndex((plugin) => !isObject(plugin) || typeof plugin.type !== 'string')
  if (odd >= 0) return `plugins[${odd}]: expected an object with a type`
  return plugins.some(isOurs) ? undefined : `no plugin of type ${PLUGIN_TYPE}`
}

/** Whether our entry in the configuration says something else than `entry`. */
export function isStale(text: string, entry: JsonObject): boolean {
  const config = parseObject(text) ?? {}
  const own = pluginsOf(config).find(isOurs) ?? config
  return serializeSorted(own) !== serializeSorted(entry)
}

function isOurs(plugin: unknown): boolean {
  return isObject(plugin) && plugin.type === PLUGIN_TYPE
}

function withoutOurs(plugins: readonly unknown[]): unknown[] {
  const index = plugins.findIndex(isOurs)
  return index < 0 ? [...plugins] : plugins.toSpliced(index, 1)
}

function pluginsOf(config: JsonObject): readonly unknown[] {
  return Array.isArray(config.plugins) ? (config.plugins as unknown[]) : []
}

function listOf(config: JsonObject): readonly unknown[] {
  if (Array.isArray(config.plugins)) return config.plugins as unknown[]
  throw new ProjectError('CNI_CONFIG_UNUSABLE', 'CNI configuration: expected a type or a list of plugins')
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

function parseOrThrow(text: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(text)
    if (isObject(parsed)) return parsed
  } catch (error) {
    throw new ProjectError('CNI_CONFIG_UNUSABLE', `CNI configuration: ${messageOf(error)}`, { cause: error })
  }
  throw new ProjectError('CNI_CONFIG_UNUSABLE', 'CNI configuration: expected a JSON object')
}

/** JSON as Go writes maps: keys sorted by their bytes at every level, two spaces, `<>&` escaped, a newline at the end. */
export function serializeSorted(value: unknown): string {
  return `${printSorted(value, { indent: '\n', depth: 0 })}\n`
}

/** JSON as Go writes a struct: keys in the order given, otherwise the same. */
export function serializeOrdered(value: JsonObject): string {
  return `${escapeHtml(JSON.stringify(value, undefined, 2))}\n`
}

interface Position {
  /** Newline and the spaces of the line that the value begins on. */
  readonly indent: string
  readonly depth: number
}

function printSorted(value: unknown, { indent, depth }: Position): string {
  if (depth > MAX_DEPTH) throw new ProjectError('CNI_CONFIG_UNUSABLE', `CNI configuration: deeper than ${MAX_DEPTH}`)
  const inner = { indent: `${indent}  `, depth: depth + 1 }
  if (Array.isArray(value)) {
    const items = value.map((item) => printSorted(item, inner))
    return items.length === 0 ? '[]' : `[${inner.indent}${items.join(`,${inner.indent}`)}${indent}]`
  }
  if (isObject(value)) {
    const members = Object.keys(value)
      .sort(compareBytes)
      .map((key) => `${printText(key)}: ${printSorted(value[key], inner)}`)
    return members.length === 0 ? '{}' : `{${inner.indent}${members.join(`,${inner.indent}`)}${indent}}`
  }
  if (typeof value === 'string') return printText(value)
  return Object.is(value, -0) ? '-0' : JSON.stringify(value)
}

function printText(text: string): string {
  return escapeHtml(JSON.stringify(text.replace(/\p{Surrogate}/gu, '\ufffd')))
}

const HTML: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

function escapeHtml(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (character) => HTML[character] ?? character)
}

/** By code points, which is the order of UTF-8 bytes. */
function compareBytes(left: string, right: string): number {
  const [a, b] = [new TextEncoder().encode(left), new TextEncoder().encode(right)]
  for (const [i, byte] of a.entries()) {
    const difference = byte - (b[i] ?? -1)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
