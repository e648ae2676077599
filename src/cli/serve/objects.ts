/** Kubernetes objects in files that stand for a cluster's. */
import { CORE_SCHEMA, loadAll } from 'js-yaml'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, ProjectError } from '../../base/errors.ts'
import { nodeFactsOf } from '../../injection/native-sidecars.ts'
import type { KubeObject, World } from './configuration.ts'

/** Text of one file, with its name for messages. */
export interface NamedText {
  readonly file: string
  readonly text: string
}

const OBJECT_FILE = /\.(ya?ml|json)$/

/** The file, or all YAML and JSON files directly in the folder, by name. @throws ProjectError CONFIG_UNREADABLE */
export async function readObjectFiles(path: string): Promise<NamedText[]> {
  try {
    const files = (await stat(path)).isDirectory() ? await filesOf(path) : [path]
    return await Promise.all(files.map(async (file) => ({ file, text: await readFile(file, 'utf8') })))
  } catch (cause) {
    throw new ProjectError('CONFIG_UNREADABLE', `${path}: ${messageOf(cause)}`, { cause })
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  return names
    .filter((name) => OBJECT_FILE.test(name))
    .sort()
    .map((name) => join(folder, name))
}

/** All objects of a text, lists unpacked, empty documents left out. @throws ProjectError CONFIG_INVALID */
export function parseObjects({ file, text }: NamedText): KubeObject[] {
  let documents: unknown[]
  try {
    // Not YAML's full set of types: a timestamp must stay the text it is.
    documents = loadAll(text, null, { schema: CORE_SCHEMA, json: true })
  } catch (cause) {
    throw new ProjectError('CONFIG_INVALID', `${file}: ${messageOf(cause)}`, { cause })
  }
  return documents
    .filter((document) => document !== null && document !== undefined)
    .flatMap((document) => unpack(document))
    .map((object, i) => checked(object, `${file}: object ${i + 1}`))
}

function unpack(document: unknown): unknown[] {
  const { kind, items } = document as { kind?: unknown; items?: unknown }
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? items : [document]
}

function checked(object: unknown, where: string): KubeObject {
  const { apiVersion, kind, metadata } = (object ?? {}) as Partial<KubeObject>
  if (typeof apiVersion === 'string' && typeof kind === 'string' && typeof metadata?.name === 'string') {
    return object as KubeObject // the fields that its type promises were just looked at
  }
  throw new ProjectError('CONFIG_INVALID', `${where}: expected apiVersion, kind and metadata.name`)
}

/** A cluster of exactly these objects. Without objects there is no cluster at all. */
export function worldOf(objects: readonly KubeObject[] | undefined): World {
  const namespaces = new Map<string, KubeObject>()
  for (const object of objects ?? []) if (object.kind === 'Namespace') namespaces.set(object.metadata.name, object)
  return {
    proxyConfigs: (objects ?? []).filter(isProxyConfig),
    nodes: objects === undefined ? undefined : nodeFactsOf(objects.filter(({ kind }) => kind === 'Node').map(nodeOf)),
    namespaceAnnotations: (namespace) => {
      const found = namespaces.get(namespace)
      return found === undefined ? undefined : (found.metadata.annotations ?? {})
    },
  }
}

function isProxyConfig({ kind, apiVersion }: KubeObject): boolean {
  return kind === 'ProxyConfig' && apiVersion.startsWith('networking.istio.io/')
}

function nodeOf({ metadata, status }: KubeObject): { name: string; kubeletVersion: string } {
  const { nodeInfo } = (status ?? {}) as { nodeInfo?: { kubeletVersion?: string } }
  return { name: metadata.name, kubeletVersion: nodeInfo?.kubeletVersion ?? '' }
}

/** Data of a ConfigMap among `objects`. A missing namespace counts as the one that was asked for. */
export function configMapData(
  objects: readonly KubeObject[],
  { name, namespace }: { readonly name: string; readonly namespace: string },
): Readonly<Record<string, string>> | undefined {
  const found = objects.find(
    ({ kind, metadata }) =>
      kind === 'ConfigMap' && metadata.name === name && (metadata.namespace ?? namespace) === namespace,
  )
  return found === undefined ? undefined : ((found.data ?? {}) as Readonly<Record<string, string>>)
}
