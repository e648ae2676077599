/** Puts the authority into our webhook configurations and keeps it there. */
import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'
import { ProjectError, messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { KubeClient } from '../kube/client.ts'
import { hasStatus } from '../kube/client.ts'
import { runInformer } from '../kube/informer.ts'
import type { KubeObject, ObjectMeta, Resource } from '../kube/resource.ts'
import { Store } from '../kube/store.ts'
import type { TrustLook } from './keeper.ts'
import { FIELD_MANAGER } from './store.ts'
import { generationOf } from './trust.ts'
import type { WriteBudget } from './write-budget.ts'
import { FIGHT_REPEATS, createWriteBudget } from './write-budget.ts'
import { bundleIdentity, identitiesIn, readCertificate, splitCertificates } from './x509.ts'

/** Which entries are ours, whatever they are called: those that lead to this server. */
export interface OwnAddress {
  readonly services: readonly { readonly name: string; readonly namespace: string }[]
  /** Whether the serving certificate covers the host of an entry with a `url`. */
  readonly servesHost: (host: string) => boolean
  /** Whether a call is answered: the certificate holds the name, and the path is served. @default every call is */
  readonly answers?: (target: EntryTarget) => boolean
}

/** Where the API server calls by an entry. */
export interface EntryTarget {
  readonly host: string
  readonly path: string
}

/** What every entry of ours must hold. */
export interface WantedBundle {
  readonly bundlePem: string
  /** Undefined for an authority that is not ours to make. */
  readonly generation: number | undefined
}

/** A webhook configuration, mutating or validating. */
export interface ConfigurationPlace {
  readonly resource: Resource
  readonly name: string
}

export interface CaBundleOptions {
  readonly client: KubeClient
  /** One that is missing is waited for. */
  readonly configurations: readonly ConfigurationPlace[]
  readonly installation: string
  readonly own: OwnAddress
  /** The bundle to publish, or undefined while it is unknown. */
  readonly wanted: () => WantedBundle | undefined
  /** Tells of a change of `wanted`; returns what ends it. */
  readonly onWantedChange: (listener: () => void) => () => void
  /** Tells that callers refuse us, whatever the watch says: the configurations are read anew. @default nobody does */
  readonly onDoubt?: (listener: () => void) => () => void
  /** Whether this process is the one that writes, and word of a change. @default it is */
  readonly writer?: Writer
  readonly tell?: (news: BundleNews) => void
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

export interface Writer {
  mayWrite(): boolean
  onChange(listener: () => void): () => void
}

/** Reasons of writes that failed, in istiod's words. */
export type PatchFailure = 'load_ca_bundle_failure' | 'webhook_entry_not_found' | 'webhook_update_failure'

export type BundleNews = { readonly place: ConfigurationPlace } & (
  | { readonly news: 'attempt'; readonly isRetry: boolean }
  | { readonly news: 'written'; readonly entries: readonly string[]; readonly isRepair: boolean }
  | { readonly news: 'failed'; readonly reason: PatchFailure; readonly failure?: unknown }
  /** Another program writes the field again and again. */
  | { readonly news: 'fight'; readonly managers: readonly string[]; readonly isFirst: boolean }
  /** A later generation of ours is published than we know of. */
  | { readonly news: 'newer'; readonly generation: number }
  /** What was seen last. */
  | { readonly news: 'seen'; readonly isInSync: boolean; readonly failsClosed: boolean }
)

export interface WebhookConfiguration extends KubeObject {
  readonly metadata: ObjectMeta & { readonly managedFields?: readonly ManagedFields[] }
  readonly webhooks?: readonly WebhookEntry[]
}

export interface WebhookEntry {
  readonly name: string
  readonly failurePolicy?: string
  readonly clientConfig: {
    readonly url?: string
    readonly service?: { readonly name: string; readonly namespace: string; readonly path?: string }
    readonly caBundle?: string
  }
}

export interface ManagedFields {
  readonly manager?: string
  readonly time?: string
  readonly fieldsV1?: unknown
}

/** What one configuration needs. */
export type BundleStep =
  | { readonly do: 'nothing' }
  | { readonly do: 'patch'; readonly patch: BundlePatch }
  /** A newer replica was here: our knowledge is old, and writing would undo its work. */
  | { readonly do: 'yield'; readonly generation: number }

export interface BundlePatch {
  readonly metadata: { readonly resourceVersion: string }
  readonly webhooks: readonly { readonly name: string; readonly clientConfig: { readonly caBundle: string } }[]
}

const RELIST_MS = 600_000
const POLL_MS = 60_000
const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 60_000
/** After this time a right that is missing is complained about again. */
const COMPLAINT_MS = 600_000
/** Not ours to write: look again soon, the one who writes may be gone. */
const OTHERS_MS = 10_000
const MAX_BUNDLE_BYTES = 65_536
const [FORBIDDEN, NOT_FOUND, CONFLICT, UNPROCESSABLE] = [403, 404, 409, 422]
/** Name under which istiod writes. */
const ISTIOD_MANAGER = 'pilot-discovery'

/**
 * Keeps `caBundle` of every entry that leads to us equal to what is wanted, until `signal` aborts. Touches no other field,
 * no entry of others, and nothing on trouble: it is logged and tried again.
 */
export async function keepCaBundles(options: CaBundleOptions): Promise<void> {
  await Promise.all(options.configurations.map((place) => keepOne(place, options)))
}

/** Decides for one configuration. The patch names the version it was decided on. */
export function bundleStep(
  configuration: WebhookConfiguration,
  wanted: WantedBundle,
  { own, installation }: Pick<CaBundleOptions, 'own' | 'installation'>,
): BundleStep {
  const { metadata, webhooks = [] } = configuration
  if (metadata.deletionTimestamp !== undefined) return { do: 'nothing' }
  const ours = webhooks.filter((entry) => isAnswered(entry, own))
  const seen = Math.max(0, ...ours.map((entry) => generationIn(bundleOf(entry), installation)))
  if (wanted.generation !== undefined && seen > wanted.generation) return { do: 'yield', generation: seen }
  const identity = bundleIdentity(wanted.bundlePem)
  const different = ours.filter((entry) => bundleIdentity(bundleOf(entry)) !== identity)
  if (different.length === 0) return { do: 'nothing' }
  const caBundle = Buffer.from(wanted.bundlePem).toString('base64')
  return {
    do: 'patch',
    patch: {
      metadata: { resourceVersion: metadata.resourceVersion ?? '' },
      webhooks: different.map(({ name }) => ({ name, clientConfig: { caBundle } })),
    },
  }
}

/** What the live configurations trust: read from the API server, not from a cache. One that is missing asks for nothing. */
export async function lookAtBundles(
  { client, configurations, own, installation }: LookOptions,
  bundlePem: string,
  signal: AbortSignal,
): Promise<TrustLook> {
  const looks = await Promise.all(configurations.map((place) => liveOrRefused(client, place, signal)))
  const entries = looks
    .flatMap((configuration) => (configuration === 'refused' ? [] : (configuration?.webhooks ?? [])))
    .filter((entry) => isAnswered(entry, own))
  const identity = bundleIdentity(bundlePem)
  return {
    isReadable: !looks.includes('refused'),
    generation: Math.max(0, ...entries.map((entry) => generationIn(bundleOf(entry), installation))),
    isConfirmed: entries.every((entry) => bundleIdentity(bundleOf(entry)) === identity),
    isIncluded: entries.every((entry) => includesAll(bundleOf(entry), bundlePem)),
    mark: JSON.stringify(looks.map((configuration) => (configuration === 'refused' ? '' : writersOf(configuration)))),
  }
}

function includesAll(bundlePem: string, wantedPem: string): boolean {
  const there = identitiesIn(bundlePem)
  return [...identitiesIn(wantedPem)].every((one) => there.has(one))
}

/** Changes whenever somebody writes a caBundle, and with nothing else. */
function writersOf(configuration: WebhookConfiguration | undefined): unknown {
  const fields = configuration?.metadata.managedFields ?? []
  return [configuration?.metadata.uid, ...fields.filter(ownsBundle).map(({ manager, time }) => ({ manager, time }))]
}

type LookOptions = Pick<CaBundleOptions, 'client' | 'configurations' | 'installation' | 'own'>

/** @throws ProjectError KUBE_UNREACHABLE */
async function liveOrRefused(
  client: KubeClient,
  place: ConfigurationPlace,
  signal: AbortSignal,
): Promise<WebhookConfiguration | 'refused' | undefined> {
  try {
    return await live(client, place, signal)
  } catch (err) {
    if (err instanceof ProjectError && err.code === 'KUBE_REFUSED') return 'refused'
    throw err
  }
}

async function live(
  client: KubeClient,
  place: ConfigurationPlace,
  signal: AbortSignal,
): Promise<WebhookConfiguration | undefined> {
  try {
    return await client.get<WebhookConfiguration>(place, signal)
  } catch (err) {
    if (hasStatus(err, NOT_FOUND)) return undefined
    throw err
  }
}

async function keepOne(place: ConfigurationPlace, options: CaBundleOptions): Promise<void> {
  const { resource, name } = place
  const { client, clock, log, signal } = options
  const store = new Store<WebhookConfiguration>()
  const alarm = new Alarm(clock, signal)
  const keeping: Keeping = { place, options, budget: createWriteBudget(clock), fresh: undefined, ...NOTHING_SAID }
  const ring = (): void => alarm.ring()
  const ends = [
    store.onChange(() => {
      keeping.fresh = undefined
      ring()
    }),
    options.onWantedChange(ring),
    options.writer?.onChange(ring),
    options.onDoubt?.(() => {
      keeping.isDoubtful = true
      ring()
    }),
  ]
  const watching = runInformer<WebhookConfiguration, WebhookConfiguration>({
    client,
    place: { resource },
    // By name: rights on all configurations would be rights over the whole cluster.
    fieldSelector: `metadata.name=${name}`,
    keep: trimmed,
    store,
    relistMs: RELIST_MS,
    clock,
    log,
    signal,
  })
  while (!signal.aborted) {
    if (keeping.isDoubtful) await readAgain(keeping)
    await alarm.sleep(await settle(keeping, keeping.fresh ?? store.get(name)))
  }
  for (const end of ends) end?.()
  await watching
}

/** Reads the configuration past the watch; without an answer the watch must do. */
async function readAgain(keeping: Keeping): Promise<void> {
  const { place, options } = keeping
  keeping.isDoubtful = false
  keeping.fresh = await live(options.client, place, options.signal).then(trimmedOrNone, () => undefined)
}

/** What is remembered of one configuration. */
interface Keeping {
  readonly place: ConfigurationPlace
  readonly options: CaBundleOptions
  readonly budget: WriteBudget
  /** Read after a lost race; the watch brings the same, unless it is dead. */
  fresh: WebhookConfiguration | undefined
  isDoubtful: boolean
  /** Tries without an answer, one after another. */
  unanswered: number
  complainedMs: number
  /** Entries that were complained about. */
  strangers: string
}

const NOTHING_SAID = { isDoubtful: false, unanswered: 0, complainedMs: -Infinity, strangers: '' }

/** One look, at most one write; returns how long to wait for news, milliseconds. */
async function settle(keeping: Keeping, configuration: WebhookConfiguration | undefined): Promise<number> {
  const { place, options } = keeping
  const { log, clock, writer, tell, own } = options
  const wanted = options.wanted()
  if (configuration === undefined || wanted === undefined) return POLL_MS
  const problem = bundleProblem(wanted.bundlePem, clock.nowMs())
  if (problem !== undefined) return refuse(keeping, problem)
  complainOfStrangers(keeping, configuration)
  const step = bundleStep(configuration, wanted, options)
  const failsClosed = (configuration.webhooks ?? [])
    .filter((entry) => isAnswered(entry, own))
    .every(({ failurePolicy = 'Fail' }) => failurePolicy === 'Fail')
  tell?.({ news: 'seen', place, isInSync: step.do === 'nothing', failsClosed })
  if (step.do === 'nothing') return POLL_MS
  if (step.do === 'yield') {
    const { generation } = step
    tell?.({ news: 'newer', place, generation })
    log.warn({ configuration: place.name, generation }, 'a newer certificate authority is published, not ours')
    return POLL_MS
  }
  if (writer?.mayWrite() === false) return OTHERS_MS
  return write(keeping, { configuration, patch: step.patch, identity: bundleIdentity(wanted.bundlePem) })
}

/** Why a bundle must not be published, or undefined: the API server takes any, and fails every call with a bad one. */
export function bundleProblem(bundlePem: string, nowMs: number): string | undefined {
  if (bundlePem.length > MAX_BUNDLE_BYTES) return `longer than ${MAX_BUNDLE_BYTES} bytes`
  try {
    const certificates = splitCertificates(bundlePem).map(readCertificate)
    if (certificates.length === 0) return 'holds no certificate'
    return certificates.some(({ notAfterMs }) => nowMs < notAfterMs) ? undefined : 'holds only expired certificates'
  } catch (err) {
    return messageOf(err)
  }
}

function refuse(keeping: Keeping, problem: string): number {
  const { place, options } = keeping
  if (mayComplain(keeping)) {
    options.log.error({ configuration: place.name, problem }, 'certificate authority not fit to be published')
    options.tell?.({ news: 'failed', place, reason: 'load_ca_bundle_failure' })
  }
  return POLL_MS
}

function mayComplain(keeping: Keeping): boolean {
  const nowMs = keeping.options.clock.nowMs()
  if (Math.abs(nowMs - keeping.complainedMs) < COMPLAINT_MS) return false
  keeping.complainedMs = nowMs
  return true
}

/** Said once: a configuration of ours whose entries lead elsewhere is set up wrongly, and nothing will repair it. */
function complainOfStrangers(keeping: Keeping, { webhooks = [] }: WebhookConfiguration): void {
  const { place, options } = keeping
  const strangers = webhooks.filter((entry) => !isAnswered(entry, options.own)).map(({ name }) => name)
  const said = strangers.join()
  if (said === keeping.strangers) return
  keeping.strangers = said
  if (said === '') return
  options.log.warn(
    { configuration: place.name, entries: strangers },
    'entries that do not lead to this server, to another name or path of it: left alone',
  )
  options.tell?.({ news: 'failed', place, reason: 'webhook_entry_not_found' })
}

interface BundleWrite {
  readonly configuration: WebhookConfiguration
  readonly patch: BundlePatch
  readonly identity: string
}

async function write(keeping: Keeping, { configuration, patch, identity }: BundleWrite): Promise<number> {
  const { place, options, budget } = keeping
  const { client, log, signal, tell } = options
  const pauseMs = budget.pauseMs(identity)
  if (pauseMs > 0) return pauseMs
  const undone = budget.successes(identity)
  reportFight(keeping, configuration, undone)
  tell?.({ news: 'attempt', place, isRetry: budget.tries(identity) > 0 })
  budget.spend(identity)
  try {
    await client.patch(place, patch, { fieldManager: FIELD_MANAGER, signal })
    keeping.unanswered = 0
    budget.succeed(identity)
    const entries = patch.webhooks.map(({ name }) => name)
    tell?.({ news: 'written', place, entries, isRepair: undone > 0 })
    log.info({ configuration: place.name, entries: entries.length }, 'caBundle written')
    return POLL_MS
  } catch (err) {
    if (signal.aborted) return 0
    return afterFailure(keeping, err, identity)
  }
}

async function afterFailure(keeping: Keeping, err: unknown, identity: string): Promise<number> {
  const { place, options, budget } = keeping
  const { log, tell } = options
  // Somebody else wrote meanwhile, or an entry is gone: the decision is made anew on what is there now.
  if (hasStatus(err, CONFLICT) || hasStatus(err, UNPROCESSABLE)) {
    log.debug({ configuration: place.name }, 'caBundle not written, another was faster')
    await readAgain(keeping)
    return budget.pauseMs(identity)
  }
  tell?.({ news: 'failed', place, reason: 'webhook_update_failure', failure: err })
  if (!hasStatus(err, FORBIDDEN)) log.warn({ err, configuration: place.name }, 'caBundle not written')
  else if (mayComplain(keeping))
    log.error({ err, configuration: place.name, verb: 'patch' }, 'caBundle not written: the right is missing')
  if (err instanceof ProjectError && err.code === 'KUBE_REFUSED') return Math.max(budget.pauseMs(identity), 1)
  const longestMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** keeping.unanswered++)
  return longestMs * (0.5 + Math.random() / 2)
}

function reportFight({ place, options }: Keeping, configuration: WebhookConfiguration, undone: number): void {
  if (undone < FIGHT_REPEATS) return
  const managers = managersOfBundle(configuration)
  const isFirst = undone === FIGHT_REPEATS
  options.tell?.({ news: 'fight', place, managers, isFirst })
  if (!isFirst) return
  const hint = managers.includes(ISTIOD_MANAGER)
    ? { hint: 'istiod patches what carries the label istio.io/rev of its revision: use another revision' }
    : {}
  options.log.error(
    { configuration: place.name, managers, ...hint },
    'another program writes caBundle again and again; going on, once a second at most',
  )
}

/** Whether the API server reaches this server by the entry. */
export function leadsToUs({ clientConfig: { url, service } }: WebhookEntry, own: OwnAddress): boolean {
  if (service !== undefined) {
    return own.services.some(({ name, namespace }) => name === service.name && namespace === service.namespace)
  }
  if (url === undefined || !URL.canParse(url)) return false
  return own.servesHost(bareHost(new URL(url).hostname))
}

/** Whether it leads to us, by a name that callers accept, to a path that is served. Any other entry is set up wrongly. */
function isAnswered(entry: WebhookEntry, own: OwnAddress): boolean {
  return leadsToUs(entry, own) && (own.answers?.(targetOf(entry)) ?? true)
}

/** Kubernetes: the name asked for is `<service>.<namespace>.svc`, and without a path it is the root. */
function targetOf({ clientConfig: { url = '', service } }: WebhookEntry): EntryTarget {
  if (service !== undefined) return { host: `${service.name}.${service.namespace}.svc`, path: service.path ?? '/' }
  const { hostname, pathname } = new URL(url)
  return { host: bareHost(hostname), path: pathname }
}

const bareHost = (hostname: string): string => hostname.replace(/^\[|\]$/g, '')

const bundleOf = ({ clientConfig: { caBundle = '' } }: WebhookEntry): string =>
  Buffer.from(caBundle, 'base64').toString('utf8')

/** Highest generation of our own authorities in a bundle, told by their common names. */
function generationIn(bundlePem: string, installation: string): number {
  const generations = splitCertificates(bundlePem).map((pem) => generationOf(commonNameOf(pem), installation))
  return Math.max(0, ...generations.map((generation) => generation ?? 0))
}

/** A bundle may hold anything: whoever wrote nonsense into it gets it replaced. */
function commonNameOf(pem: string): string {
  try {
    return readCertificate(pem).commonName
  } catch {
    return ''
  }
}

/** Whether these managed fields hold a caBundle. */
export const ownsBundle = ({ fieldsV1 = {} }: ManagedFields): boolean =>
  JSON.stringify(fieldsV1).includes('"f:caBundle"')

function managersOfBundle(configuration: WebhookConfiguration | undefined): string[] {
  const managers = (configuration?.metadata.managedFields ?? [])
    .filter(ownsBundle)
    .map(({ manager = 'unknown' }) => manager)
  return [...new Set(managers)].filter((manager) => manager !== FIELD_MANAGER)
}

/** The part of a configuration that decisions are made on. */
function trimmed({ metadata, webhooks = [] }: WebhookConfiguration): WebhookConfiguration {
  return {
    metadata,
    webhooks: webhooks.map(({ name, clientConfig, failurePolicy = 'Fail' }) => ({ name, clientConfig, failurePolicy })),
  }
}

const trimmedOrNone = (found: WebhookConfiguration | undefined): WebhookConfiguration | undefined =>
  found === undefined ? undefined : trimmed(found)
