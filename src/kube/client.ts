/** Requests to the API server: get, list, watch, create, replace, patch, delete. */
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

import { ProjectError, messageOf } from '../base/errors.ts'
import type { ClusterConnection } from './config.ts'
import type { KubeList, KubeObject, ObjectPlace } from './resource.ts'
import { describePlace, pathOf } from './resource.ts'

export interface ListOptions {
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Only `metadata` of each object: the rest is neither sent nor parsed. */
  readonly metadataOnly?: boolean
  readonly signal: AbortSignal
}

export interface WatchOptions extends ListOptions {
  /** Where to begin: the version that a list or an event gave. */
  readonly resourceVersion: string
}

export interface WriteOptions {
  /** Who owns the written fields, for people and tools that compare. */
  readonly fieldManager?: string
  /** For show: everything happens, admission included, but nothing is stored. */
  readonly dryRun?: boolean
  readonly signal: AbortSignal
}

/** A change of a watched collection. `BOOKMARK` says only how far the watch has come. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: T
}

/** What an object must still be. */
export interface Preconditions {
  readonly uid?: string
  readonly resourceVersion?: string
}

/**
 * All throw ProjectError KUBE_REFUSED when the API server answers with an error (`details.status` is the HTTP status,
 * `details.reason` Kubernetes' word for it) and KUBE_UNREACHABLE when no complete answer came.
 */
export interface KubeClient {
  get<T extends KubeObject>(place: ObjectPlace, signal: AbortSignal): Promise<T>
  /** What somebody behind the API server's proxy answers, as text. */
  text(place: ObjectPlace, signal: AbortSignal): Promise<string>
  /** The whole collection, fetched in pages. */
  list<T extends KubeObject>(place: ObjectPlace, options: ListOptions): Promise<KubeList<T>>
  /** Changes after `resourceVersion`, until the API server ends the watch (it does, every few minutes). */
  watch<T extends KubeObject>(place: ObjectPlace, options: WatchOptions): AsyncIterable<WatchEvent<T>>
  create<T extends KubeObject>(place: ObjectPlace, object: T, options: WriteOptions): Promise<T>
  /** Replaces the object; with `metadata.resourceVersion` only if nobody else did. */
  replace<T extends KubeObject>(place: ObjectPlace, object: T, options: WriteOptions): Promise<T>
  /** Strategic merge patch. */
  patch<T extends KubeObject>(place: ObjectPlace, patch: unknown, options: WriteOptions): Promise<T>
  /** With preconditions only if the object is still that one. */
  delete(place: ObjectPlace, signal: AbortSignal, preconditions?: Preconditions): Promise<void>
}

export interface ClientOptions {
  readonly connection: ClusterConnection
  readonly userAgent: string
  /** Longest time for one answer, milliseconds. @default 30000 */
  readonly timeoutMs?: number
  /** Objects a page of a list. @default 500, as kubectl and client-go */
  readonly pageSize?: number
  /** Told with every answer what time it is for the API server, epoch milliseconds cut to the second. */
  readonly onServerTime?: (serverMs: number) => void
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly place: ObjectPlace
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
  readonly signal: AbortSignal
  readonly timeoutMs?: number
}

const JSON_TYPE = 'application/json'
const STRATEGIC_MERGE_TYPE = 'application/strategic-merge-patch+json'
const METADATA = { list: 'PartialObjectMetadataList', object: 'PartialObjectMetadata' } as const
/** Between 4 and 8 minutes: bounds how long a watch may hang on a connection that is dead without a sign. */
const WATCH_SECONDS = { shortest: 240, spread: 240 }
const WATCH_GRACE_MS = 15_000

/** Whether `err` is the API server's answer with this HTTP status. */
export function hasStatus(err: unknown, status: number): boolean {
  return err instanceof ProjectError && err.code === 'KUBE_REFUSED' && err.details.status === status
}

export function createKubeClient(options: ClientOptions): KubeClient {
  const { timeoutMs = 30_000 } = options
  const ask = async <T>(call: Omit<Call, 'timeoutMs'>): Promise<T> =>
    readJson<T>(await send(options, { ...call, timeoutMs }), call)
  const write = (method: Call['method'], contentType: string) => {
    return <T extends KubeObject>(place: ObjectPlace, body: unknown, { fieldManager, dryRun, signal }: WriteOptions) =>
      ask<T>({
        method,
        place,
        body,
        contentType,
        query: { fieldManager, dryRun: dryRun === true ? 'All' : undefined },
        signal,
      })
  }
  return {
    get: (place, signal) => ask({ method: 'GET', place, signal }),
    text: async (place, signal) => {
      const call: Call = { method: 'GET', place, accept: 'text/plain, */*', signal, timeoutMs }
      return readGood(await send(options, call), call)
    },
    list: (place, listOptions) => listPages(place, listOptions, { ask, pageSize: options.pageSize ?? 500 }),
    watch: (place, watchOptions) => watchEvents(options, place, watchOptions),
    create: write('POST', JSON_TYPE),
    replace: write('PUT', JSON_TYPE),
    patch: write('PATCH', STRATEGIC_MERGE_TYPE),
    delete: async (place, signal, preconditions) => {
      const body = preconditions === undefined ? undefined : { apiVersion: 'v1', kind: 'DeleteOptions', preconditions }
      await ask({ method: 'DELETE', place, body, signal })
    },
  }
}

/** A list of metadata says `null` when it is empty. */
type Page<T> = Omit<KubeList<T>, 'items'> & { readonly items: readonly T[] | null }

interface Pager {
  readonly ask: <T>(call: Call) => Promise<T>
  readonly pageSize: number
}

async function listPages<T extends KubeObject>(
  place: ObjectPlace,
  { labelSelector, fieldSelector, metadataOnly, signal }: ListOptions,
  { ask, pageSize }: Pager,
): Promise<KubeList<T>> {
  const items: T[] = []
  let next: string | undefined
  for (;;) {
    const query = { labelSelector, fieldSelector, limit: String(pageSize), continue: next }
    const accept = metadataOnly ? metadataType('list') : JSON_TYPE
    const page = await ask<Page<T>>({ method: 'GET', place, query, accept, signal })
    for (const item of page.items ?? []) items.push(item)
    next = page.metadata.continue
    if (next === undefined || next === '') return { metadata: page.metadata, items }
  }
}

async function* watchEvents<T extends KubeObject>(
  options: ClientOptions,
  place: ObjectPlace,
  { labelSelector, fieldSelector, metadataOnly, resourceVersion, signal }: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const seconds = WATCH_SECONDS.shortest + Math.floor(Math.random() * WATCH_SECONDS.spread)
  const query = { labelSelector, fieldSelector, resourceVersion, watch: '1', allowWatchBookmarks: 'true' }
  const accept = metadataOnly ? metadataType('object') : JSON_TYPE
  const call: Call = { method: 'GET', place, query: { ...query, timeoutSeconds: String(seconds) }, accept, signal }
  const response = await send(options, { ...call, timeoutMs: seconds * 1000 + WATCH_GRACE_MS })
  if ((response.statusCode ?? 0) >= 400) await readJson(response, call)
  try {
    for await (const line of linesOf(response)) {
      const event = JSON.parse(line) as { type: string; object: unknown }
      if (event.type === 'ERROR') throw refused(call, event.object, undefined)
      yield event as WatchEvent<T>
    }
  } catch (err) {
    throw err instanceof ProjectError ? err : unreachable(call, err)
  } finally {
    response.destroy()
  }
}

const metadataType = (form: keyof typeof METADATA): string =>
  `application/json;as=${METADATA[form]};g=meta.k8s.io;v=v1,application/json`

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter((line) => line !== '')
  }
}

async function send(options: ClientOptions, call: Call): Promise<IncomingMessage> {
  call.signal.throwIfAborted()
  const { server } = options.connection
  const payload = call.body === undefined ? undefined : JSON.stringify(call.body)
  try {
    const { headers, ...connection } = await options.connection.requestOptions()
    const url = `${server}${pathOf(call.place)}${queryOf(call.query)}`
    const answer = await exchange(url, payload, {
      ...connection,
      method: call.method,
      signal: call.signal,
      timeoutMs: call.timeoutMs ?? 0,
      headers: {
        ...(headers as Record<string, string>),
        'user-agent': options.userAgent,
        accept: call.accept ?? JSON_TYPE,
        ...(payload === undefined ? {} : bodyHeaders(payload, call)),
      },
    })
    const serverMs = Date.parse(answer.headers.date ?? '')
    if (!Number.isNaN(serverMs)) options.onServerTime?.(serverMs)
    return answer
  } catch (err) {
    throw unreachable(call, err)
  }
}

/** Node counts no body of a DELETE: without its length it would be read as the beginning of the next request. */
const bodyHeaders = (payload: string, { contentType = JSON_TYPE }: Call): Record<string, string> => ({
  'content-type': contentType,
  'content-length': String(Buffer.byteLength(payload)),
})

function exchange(
  url: string,
  payload: string | undefined,
  { timeoutMs, ...options }: RequestOptions & { timeoutMs: number },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('http:') ? httpRequest : httpsRequest)(url, options, resolve)
    const deadline = setTimeout(
      () => request.destroy(new Error(`no end of the answer after ${timeoutMs} ms`)),
      timeoutMs,
    )
    request.on('close', () => clearTimeout(deadline))
    request.on('error', reject)
    request.end(payload)
  })
}

function queryOf(query: Call['query'] = {}): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}

async function readJson<T>(response: IncomingMessage, call: Call): Promise<T> {
  const text = await readText(response, call)
  const status = response.statusCode ?? 0
  const body = parsed(text)
  if (status >= 200 && status < 300 && body !== undefined) return body as T
  throw refused(call, body ?? { message: text.slice(0, 200).trim() }, status)
}

async function readGood(response: IncomingMessage, call: Call): Promise<string> {
  const text = await readText(response, call)
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return text
  throw refused(call, parsed(text) ?? { message: text.slice(0, 200).trim() }, status)
}

async function readText(response: IncomingMessage, call: Call): Promise<string> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer)
  } catch (err) {
    throw unreachable(call, err)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** From a Kubernetes Status, or whatever stands in its place. */
function refused(call: Call, body: unknown, httpStatus: number | undefined): ProjectError {
  const { code, reason, message } = (body ?? {}) as { code?: number; reason?: string; message?: string }
  const status = httpStatus ?? code
  const what = `${call.method} ${describePlace(call.place)}: ${status ?? 'error'} ${message ?? reason ?? ''}`.trimEnd()
  return new ProjectError('KUBE_REFUSED', what, { details: { status, reason } })
}

function unreachable(call: Call, cause: unknown): ProjectError {
  return new ProjectError('KUBE_UNREACHABLE', `${call.method} ${describePlace(call.place)}: ${messageOf(cause)}`, {
    cause,
  })
}
