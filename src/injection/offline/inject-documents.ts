/** Injects every pod template of a file of Kubernetes objects, document by document. */
import type { Pod } from '../../api/pod.ts'
import { decodeTyped } from '../model/decode.ts'
import { isJsonObject, type JsonObject } from '../model/members.ts'
import { POD } from '../model/pod.ts'
import { writeYaml } from '../template/go/yaml-write.ts'
import type { Workload } from '../workload.ts'
import { type KnownObject, readKnownObject } from './known-object.ts'
import { podOf, templatePlace, valueAt, withPod } from './pod-template.ts'
import { splitDocuments, type TextDocument } from './split.ts'
import { rewriteInPlace } from './rewrite.ts'

export interface OfflineOptions {
  /**
   * What becomes of a pod template, given with the workload that holds it. Throws what ends the run. `reason` is
   * `host_network`, or the code of any other reason.
   */
  readonly inject: (
    pod: Pod,
    workload: Workload,
  ) => { readonly injected: true; readonly pod: Pod } | { readonly injected: false; readonly reason: string }
  /** The workload of a document that is a pod itself. */
  readonly workloadOf: (pod: Pod) => Workload
  /**
   * `istiod`: every known object is written anew, sorted and without comments, and a separator follows each document.
   * `off`: what is not injected stays as it is to the byte, and what is keeps its order and comments.
   */
  readonly compat: 'istiod' | 'off'
}

export interface InjectedDocument {
  /** What stands for the document in the output; all texts joined are the output. */
  readonly text: string
  /** What to tell the user; one paragraph each. */
  readonly warnings: readonly string[]
}

/**
 * The documents of `file`, injected one after the other, so that those before a broken one can be written.
 * @throws ProjectError OFFLINE_INVALID, and what `inject` throws
 */
export function* injectDocuments(file: string, options: OfflineOptions): Iterable<InjectedDocument> {
  let written = 0
  for (const document of splitDocuments(file)) {
    const warnings: string[] = []
    const run: Run = { ...options, warn: (text) => warnings.push(text) }
    if (options.compat === 'istiod') yield { text: `${injectText(document.text, run)}---\n`, warnings }
    else {
      const text = file.slice(written, document.start) + injectInPlace(file, document, run)
      written = document.end
      yield { text, warnings }
    }
  }
  if (options.compat === 'off' && written < file.length) yield { text: file.slice(written), warnings: [] }
}

interface Run extends OfflineOptions {
  readonly warn: (text: string) => void
}

function injectText(text: string, run: Run): string {
  const object = readKnownObject(text, 'drop')
  return object === undefined ? text : writeYaml(injectObject(object, run))
}

function injectInPlace(file: string, { text, start, end }: TextDocument, run: Run): string {
  const object = readKnownObject(text, 'keep')
  if (object === undefined) return file.slice(start, end)
  const injected = injectObject(object, run)
  return injected === object.value
    ? file.slice(start, end)
    : rewriteInPlace(file.slice(start, end), { before: object, after: injected })
}

/** The object after injection; itself where nothing in it is injected. */
function injectObject(object: KnownObject, run: Run): JsonObject {
  return object.kind === 'List' ? injectList(object, run) : injectWorkload(object, run)
}

function injectList({ value }: KnownObject, run: Run): JsonObject {
  const items = Array.isArray(value['items']) ? (value['items'] as readonly unknown[]) : []
  const injected = items.map((item) => injectItem(item, run))
  return injected.every((item, i) => item === items[i]) ? value : { ...value, items: injected }
}

function injectItem(item: unknown, run: Run): unknown {
  // JSON is YAML: an item is read by the same rules as a document, numbers where a text belongs included.
  const object = readKnownObject(JSON.stringify(item), run.compat === 'istiod' ? 'drop' : 'keep')
  if (object === undefined) return item
  const injected = injectObject(object, run)
  return run.compat === 'off' && injected === object.value ? item : injected
}

function injectWorkload({ kind, value }: KnownObject, run: Run): JsonObject {
  const place = templatePlace(kind, run.compat)
  const pod = podOf(value, place)
  const workload = kind === 'Pod' ? run.workloadOf(pod) : workloadOfObject(value)
  const result = run.inject(pod, workload)
  if (!result.injected) {
    run.warn(skipWarning(result.reason, pod, workload))
    return value
  }
  const unknownFields = run.compat === 'istiod' ? 'drop' : 'keep'
  return withPod(value, decodeTyped(POD, result.pod, { unknownFields }) as Pod, place)
}

function workloadOfObject(object: JsonObject): Workload {
  const text = (...path: readonly string[]): string => {
    const value = valueAt(object, path)
    return typeof value === 'string' ? value : ''
  }
  return {
    kind: text('kind'),
    apiVersion: text('apiVersion'),
    name: text('metadata', 'name'),
    namespace: text('metadata', 'namespace'),
  }
}

function skipWarning(reason: string, pod: Pod, { kind, name, namespace }: Workload): string {
  const metadata = isJsonObject(pod.metadata) ? pod.metadata : {}
  const own = metadata['name']
  const known = typeof own === 'string' && own !== '' ? own : name
  const fullName = JSON.stringify(namespace === '' ? known : `${namespace}/${known}`)
  const subject = kind === '' ? fullName : `${kind} ${fullName}`
  const state = reason === 'host_network' ? 'host networking enabled' : 'sidecar injection disabled'
  return `===> Skipping injection because ${subject} has ${state}`
}
