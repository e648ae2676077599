/** Keeps a store equal to a collection of the cluster: list, then watch, for ever. */
import { createBackoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { KubeClient, WatchEvent } from './client.ts'
import { hasStatus } from './client.ts'
import type { KubeObject, ObjectPlace } from './resource.ts'
import { describePlace } from './resource.ts'
import type { Store } from './store.ts'

export interface InformerOptions<O extends KubeObject, T> {
  readonly client: KubeClient
  readonly place: ObjectPlace
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Ask for `metadata` only. @default false */
  readonly metadataOnly?: boolean
  /** What to keep of each object: memory holds nothing else. */
  readonly keep: (object: O) => T
  readonly store: Store<T>
  /** Lists again when a watch ends after this time, in case an event was lost, milliseconds. @default never */
  readonly relistMs?: number
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

const GONE = 410
const NOT_FOUND = 404
const SHORT_WATCH_MS = 1000

/** `namespace/name`, or the name alone: the key of an object in its store. */
export function keyOf({ metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

/**
 * Runs until `signal` aborts. A watch that ended is resumed where it stopped; a broken one is listed anew. Trouble is
 * logged once and waited out, never thrown. A kind the cluster does not know counts as empty.
 */
export async function runInformer<O extends KubeObject, T>(options: InformerOptions<O, T>): Promise<void> {
  const { clock, log, signal, place } = options
  const backoff = createBackoff({ clock })
  let isTrouble = false
  while (!signal.aborted) {
    try {
      await listAndWatch(options, () => {
        if (isTrouble) log.info({ resource: describePlace(place) }, 'watching again')
        isTrouble = false
        backoff.reset()
      })
      continue
    } catch (err) {
      if (signal.aborted) return
      if (!isTrouble && !isOrdinary(err)) {
        log.warn({ err, resource: describePlace(place) }, 'watch broken, trying again')
        isTrouble = true
      }
    }
    await backoff.wait(signal)
  }
}

/** 410: the API server has forgotten where we were. 404: it does not know the kind (yet). Nobody needs to act. */
const isOrdinary = (err: unknown): boolean => hasStatus(err, GONE) || hasStatus(err, NOT_FOUND)

/** Returns when it is time to list again. */
async function listAndWatch<O extends KubeObject, T>(
  options: InformerOptions<O, T>,
  listed: () => void,
): Promise<void> {
  const { clock, relistMs = Infinity, signal } = options
  let version = await listInto(options)
  listed()
  const untilMs = clock.nowMs() + relistMs * (0.9 + 0.2 * Math.random())
  while (!signal.aborted && clock.nowMs() < untilMs) {
    const startedMs = clock.nowMs()
    // Ends normally when the API server's time for one watch is over.
    for await (const event of watchFrom(options, version)) version = applyEvent(options, event)
    // One that ends at once, again and again, must not become a busy loop.
    if (clock.nowMs() - startedMs < SHORT_WATCH_MS) await clock.wait(SHORT_WATCH_MS, signal)
  }
}

async function listInto<O extends KubeObject, T>(options: InformerOptions<O, T>): Promise<string> {
  const { client, place, store, keep } = options
  try {
    const { items, metadata } = await client.list<O>(place, selectionOf(options))
    store.replaceAll(items.map((item) => [keyOf(item), versionOf(item), keep(item)] as const))
    return metadata.resourceVersion
  } catch (err) {
    if (hasStatus(err, NOT_FOUND)) store.replaceAll([])
    throw err
  }
}

function watchFrom<O extends KubeObject, T>(
  options: InformerOptions<O, T>,
  resourceVersion: string,
): AsyncIterable<WatchEvent<O>> {
  return options.client.watch<O>(options.place, { ...selectionOf(options), resourceVersion })
}

function applyEvent<O extends KubeObject, T>({ store, keep }: InformerOptions<O, T>, event: WatchEvent<O>): string {
  const { object } = event
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
      store.put(keyOf(object), versionOf(object), keep(object))
      break
    case 'DELETED':
      store.remove(keyOf(object))
      break
    case 'BOOKMARK':
  }
  return versionOf(object)
}

function selectionOf<O extends KubeObject, T>(options: InformerOptions<O, T>) {
  const { labelSelector, fieldSelector, metadataOnly = false, signal } = options
  return {
    metadataOnly,
    signal,
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  }
}

const versionOf = (object: KubeObject): string => object.metadata.resourceVersion ?? ''
