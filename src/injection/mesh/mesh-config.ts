/** The effective MeshConfig: documents laid over the built-in defaults, in order. */
import { ProjectError, messageOf } from '../../base/errors.ts'
import { readYaml } from '../yaml/read.ts'
import { DEFAULT_MESH_CONFIG } from './defaults.ts'
import { errorList } from './error-list.ts'
import type { Message } from './message-type.ts'
import { DEFAULT_PROVIDERS, MESH_CONFIG } from './messages.ts'
import { compareBytes } from './proto-json-write.ts'
import { readMessage } from './proto-json.ts'
import { applyProxyConfig } from './proxy-config-merge.ts'
import { validateMeshConfig } from './validate-mesh-config.ts'

/**
 * MeshConfig documents (YAML) over the defaults, the later ones stronger. A document that cannot be read, or leads to
 * an invalid result, is left out and named in `warnings`; where a single document is left out, `lastGood` stays.
 */
export function effectiveMeshConfig(
  documents: readonly string[],
  lastGood: Message = DEFAULT_MESH_CONFIG,
): { mesh: Message; warnings: string[] } {
  let mesh = DEFAULT_MESH_CONFIG
  let refused = 0
  const warnings: string[] = []
  for (const text of documents) {
    try {
      const next = applyMeshConfig(mesh, readYaml(text))
      const findings = validateMeshConfig(next)
      if (findings.errors.length > 0) throw new ProjectError('MESH_REFUSED', errorList(findings.errors).trimEnd())
      warnings.push(...findings.warnings)
      mesh = next
    } catch (err) {
      if (!(err instanceof ProjectError)) throw err
      refused++
      warnings.push(`mesh configuration ignored: ${messageOf(err)}`)
    }
  }
  return { mesh: refused > 0 && documents.length === 1 ? lastGood : mesh, warnings }
}

/**
 * A MeshConfig document (JSON) over a base, without validation.
 * istiod: every field present replaces the former value, but `defaultConfig`, `defaultProviders`,
 * `extensionProviders` and `trustDomainAliases` are merged.
 * @throws MessageError where it does not fit
 */
export function applyMeshConfig(base: Message, document: unknown): Message {
  const read = readMessage(MESH_CONFIG, document, base)
  const providers = mergeProviders(messagesAt(base, 'extensionProviders'), messagesAt(read, 'extensionProviders'))
  const aliases = mergedAliases(base, read)
  const target: Record<string, unknown> = {
    ...read,
    // istiod: these two are taken from the document by their JSON names only.
    defaultConfig: applyProxyConfig(messageAt(base, 'defaultConfig'), memberOf(document, 'defaultConfig')),
    defaultProviders: readMessage(
      DEFAULT_PROVIDERS,
      memberOf(document, 'defaultProviders'),
      messageAt(base, 'defaultProviders'),
    ),
    extensionProviders: providers,
    trustDomainAliases: aliases,
  }
  if (providers.length === 0) delete target['extensionProviders']
  if (aliases.length === 0) delete target['trustDomainAliases']
  return target
}

const messageAt = (message: Message, name: string): Message => (message[name] as Message | undefined) ?? {}

const messagesAt = (message: Message, name: string): readonly Message[] =>
  (message[name] as readonly Message[] | undefined) ?? []

const memberOf = (document: unknown, name: string): unknown =>
  document !== null && document !== undefined && Object.hasOwn(document, name)
    ? (document as Readonly<Record<string, unknown>>)[name]
    : undefined

/** Providers by name: a known name takes over the new settings in its old place, others are appended. */
function mergeProviders(older: readonly Message[], newer: readonly Message[]): Message[] {
  if (newer === older) return [...older]
  const merged = [...older]
  const places = new Map<unknown, number>()
  for (const [place, provider] of merged.entries()) {
    if (!places.has(provider['name'] ?? '')) places.set(provider['name'] ?? '', place)
  }
  for (const provider of newer) {
    const name = provider['name'] ?? ''
    const place = places.get(name)
    if (place === undefined) {
      places.set(name, merged.length)
      merged.push(provider)
    } else merged[place] = provider
  }
  return merged
}

function mergedAliases(older: Message, newer: Message): string[] {
  const lists = [older, newer].map((message) => (message['trustDomainAliases'] as string[] | undefined) ?? [])
  return [...new Set(lists.flat())].sort(compareBytes)
}
