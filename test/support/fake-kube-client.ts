/** An API server in memory: versions, conflicts, watches and failures as the real one has them. */
import { ProjectError } from '../../src/base/errors.ts'
import type { KubeClient, ListOptions, WatchEvent, WatchOptions } from '../../src/kube/client.ts'
import type { KubeObject, ObjectPlace } from '../../src/kube/resource.ts'
import { pathOf } from '../../src/kube/resource.ts'

interface Webhooked extends KubeObject {
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig: object }[]
}

export interface FakeKubeClient extends KubeClient {
  /** Every request, as `verb path`. */
  readonly requests: string[]
  /** Answers the next requests of a verb with these, first come first served. */
  readonly failures: { readonly verb: string; readonly error: ProjectError }[]
  /** Writes as somebody else would. */
  put(place: ObjectPlace, object: KubeObject): void
  remove(place: ObjectPlace): void
  /** Ends all watches: with an error, or as the API server does when their time is over. */
  endWatches(error?: ProjectError): void
  watching(): number
}

export const refusal = (status: number): ProjectError =>
  new ProjectError('KUBE_REFUSED', `refused with ${status}`, { details: { status } })
export const noAnswer = (): ProjectError => new ProjectError('KUBE_UNREACHABLE', 'no answer')

interface Watcher {
  readonly collection: string
  readonly queue: WatchEvent<KubeObject>[]
  readonly name: string | undefined
  ended: { readonly error: ProjectError | undefined } | undefined
  wake: () => void
}

export function createFakeKubeClient(): FakeKubeClient {
  const objects = new Map<string, KubeObject>()
  const watchers = new Set<Watcher>()
  const requests: string[] = []
  const failures: FakeKubeClient['failures'] = []
  let version = 100

  const arrive = (verb: string, place: ObjectPlace): void => {
    requests.push(`${verb} ${pathOf(place)}`)
    const next = failures.find((failure) => failure.verb === verb)
    if (next === undefined) return
    failures.splice(failures.indexOf(next), 1)
    throw next.error
  }
  const tell = (place: ObjectPlace, type: WatchEvent<KubeObject>['type'], object: KubeObject): void => {
    const { name, ...collection } = place
    for (const watcher of watchers) {
      if (watcher.collection !== pathOf(collection) || (watcher.name !== undefined && watcher.name !== name)) continue
      watcher.queue.push({ type, object })
      watcher.wake()
    }
  }
  const store = (place: ObjectPlace, object: KubeObject): KubeObject => {
    const isNew = !objects.has(pathOf(place))
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } }
    objects.set(pathOf(place), stored)
    tell(place, isNew ? 'ADDED' : 'MODIFIED', stored)
    return stored
  }
  const existing = (place: ObjectPlace, precondition?: string): KubeObject => {
    const object = objects.get(pathOf(place))
    if (object === undefined) throw refusal(404)
    if (precondition !== undefined && precondition !== object.metadata.resourceVersion) throw refusal(409)
    return object
  }
  const inCollection = (place: ObjectPlace, { fieldSelector, labelSelector = '' }: ListOptions): KubeObject[] =>
    [...objects.entries()]
      .filter(([path]) => path.startsWith(`${pathOf(place)}/`))
      .map(([, object]) => object)
      .filter(({ metadata }) => fieldSelector === undefined || fieldSelector === `metadata.name=${metadata.name}`)
      .filter(({ metadata: { labels = {} } }) =>
        labelSelector
          .split(',')
          .every((pair) => pair === '' || labels[pair.split('=')[0] ?? ''] === pair.split('=')[1]),
      )

  async function* watch(place: ObjectPlace, options: WatchOptions): AsyncGenerator<WatchEvent<KubeObject>> {
    arrive('watch', place)
    const name = options.fieldSelector?.replace('metadata.name=', '')
    const watcher: Watcher = { collection: pathOf(place), queue: [], name, ended: undefined, wake: () => undefined }
    watchers.add(watcher)
    options.signal.addEventListener('abort', () => {
      watcher.ended = { error: undefined }
      watcher.wake()
    })
    try {
      for (;;) {
        yield* watcher.queue.splice(0)
        if (watcher.ended?.error !== undefined) throw watcher.ended.error
        if (watcher.ended !== undefined) return
        if (watcher.queue.length === 0) await new Promise<void>((resolve) => (watcher.wake = resolve))
      }
    } finally {
      watchers.delete(watcher)
    }
  }

  // The fake knows objects only as such; what a test put there is what it gets back.
  return {
    requests,
    failures,
    get: async (place) => {
      await Promise.resolve()
      arrive('get', place)
      return existing(place) as never
    },
    text: async (place) => {
      await Promise.resolve()
      arrive('text', place)
      return (existing(place) as KubeObject & { readonly text: string }).text
    },
    list: async (place, options) => {
      await Promise.resolve()
      arrive('list', place)
      return { metadata: { resourceVersion: String(version) }, items: inCollection(place, options) as never }
    },
    watch: watch as KubeClient['watch'],
    create: async (place, object) => {
      await Promise.resolve()
      arrive('create', place)
      const at = { ...place, name: object.metadata.name }
      if (objects.has(pathOf(at))) throw refusal(409)
      return store(at, object) as never
    },
    replace: async (place, object) => {
      await Promise.resolve()
      arrive('replace', place)
      existing(place, object.metadata.resourceVersion)
      return store(place, object) as never
    },
    patch: async (place, patch) => {
      await Promise.resolve()
      arrive('patch', place)
      const { metadata, webhooks = [] } = patch as Webhooked
      const before = existing(place, metadata.resourceVersion) as Webhooked
      const merged = (before.webhooks ?? []).map((entry) => {
        const change = webhooks.find(({ name }) => name === entry.name)
        return change === undefined
          ? entry
          : { ...entry, clientConfig: { ...entry.clientConfig, ...change.clientConfig } }
      })
      const annotations = { ...before.metadata.annotations, ...metadata.annotations }
      return store(place, {
        ...before,
        metadata: { ...before.metadata, annotations },
        webhooks: merged,
      } as KubeObject) as never
    },
    delete: async (place) => {
      await Promise.resolve()
      arrive('delete', place)
      existing(place)
      objects.delete(pathOf(place))
    },
    put: (place, object) => void store(place, object),
    remove: (place) => {
      const object = existing(place)
      objects.delete(pathOf(place))
      tell(place, 'DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } })
    },
    endWatches: (error) => {
      for (const watcher of watchers) {
        watcher.ended = { error }
        watcher.wake()
      }
    },
    watching: () => watchers.size,
  }
}
