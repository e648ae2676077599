/** Puts the authority into our webhook configurations and keeps it there. */
import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'
import { ProjectError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { KubeClient } from '../kube/client.ts'
import { hasStatus } from '../kube/client.ts'
import { runInformer } from '../kube/informer.ts'
import type { KubeObject, ObjectMeta, Resource } from '../kube/resource.ts'
import { Store } from '../kube/store.ts'
import type { TrustLook } from './keeper.ts'
import { FIELD_MANAGER } from './store.ts'
import { bundleIdentity, readCertificate, splitCertificates } from './x509.ts'

/** Which entries are ours, whatever they are called: those that lead to this server. */
export interface OwnAddress {
  readonly services: readonly { readonly name: string; readonly namespace: string }[]
  /** Whether the serving certificate covers the host of an entry with a `url`. */
  readonly servesHost: (host: string) => boolean
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
  /** Told of every write: what went wrong with it, or undefined. */
  readonly onWrite?: (place: ConfigurationPlace, failure: unknown) => void
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

export interface WebhookConfiguration extends KubeObject {
  readonly metadata: ObjectMeta & { readonly managedFields?: readonly ManagedFields[] }
  readonly webhooks?: readonly WebhookEntry[]
}

export interface WebhookEntry {
  readonly name: string
  readonly clientConfig: {
    readonly url?: string
    readonly service?: { readonly name: string; readonly namespace: string }
    readonly caBundle?: string
  }
}

interface ManagedFields {
  readonly manager?: string
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
/** Writes at ever longer distance, then one a minute: two controllers that disagree must not load the API server. */
const FAST_WRITES = 5
const FIRST_PAUSE_MS = 100
const SLOW_PAUSE_MS = 60_000
const MEMORY_MS = 600_000
const [NOT_FOUND, CONFLICT, UNPROCESSABLE] = [404, 409, 422]

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
  const ours = webhooks.filter((entry) => leadsToUs(entry, own))
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
    .filter((entry) => leadsToUs(entry, own))
  const identity = bundleIdentity(bundlePem)
  return {
    isReadable: !looks.includes('refused'),
    generation: Math.max(0, ...entries.map((entry) => generationIn(bundleOf(entry), installation))),
    isConfirmed: entries.every((entry) => bundleIdentity(bundleOf(entry)) === identity),
  }
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
  store.onChange(() => alarm.ring())
  const stopListening = options.onWantedChange(() => alarm.ring())
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
  const budget = createBudget(clock)
  while (!signal.aborted) {
    const pauseMs = await settle(place, { ...options, configuration: store.get(name), budget })
    await alarm.sleep(pauseMs)
  }
  stopListening()
  await watching
}

interface Settling extends CaBundleOptions {
  readonly configuration: WebhookConfiguration | undefined
  readonly budget: Budget
}

/** One look, at most one write; returns how long to wait for news, milliseconds. */
async function settle(place: ConfigurationPlace, settling: Settling): Promise<number> {
  const { configuration, budget, log, signal } = settling
  const wanted = settling.wanted()
  if (configuration === undefined || wanted === undefined) return POLL_MS
  const step = bundleStep(configuration, wanted, settling)
  if (step.do === 'nothing') return POLL_MS
  if (step.do === 'yield') {
    log.warn(
      { configuration: place.name, generation: step.generation },
      'a newer certificate authority is published, not ours',
    )
    return POLL_MS
  }
  const pauseMs = budget.pauseMs()
  if (pauseMs > 0) return pauseMs
  budget.spend()
  reportFight(place, settling)
  try {
    await write(place, step.patch, settling)
    return POLL_MS
  } catch (err) {
    // Somebody else wrote meanwhile: the watch brings the new version, and the decision is made anew.
    if (hasStatus(err, CONFLICT) || hasStatus(err, UNPROCESSABLE)) return budget.pauseMs()
    if (!signal.aborted) log.warn({ err, configuration: place.name }, 'caBundle not written')
    return Math.max(budget.pauseMs(), FIRST_PAUSE_MS)
  }
}

async function write(place: ConfigurationPlace, patch: BundlePatch, settling: Settling): Promise<void> {
  const { client, log, onWrite, signal } = settling
  try {
    await client.patch(place, patch, { fieldManager: FIELD_MANAGER, signal })
    onWrite?.(place, undefined)
    log.info({ configuration: place.name, entries: patch.webhooks.length }, 'caBundle written')
  } catch (err) {
    onWrite?.(place, err)
    throw err
  }
}

function reportFight(place: ConfigurationPlace, { budget, configuration, log }: Settling): void {
  if (budget.spent() !== FAST_WRITES + 1) return
  const managers = managersOfBundle(configuration)
  log.error(
    { configuration: place.name, managers },
    'another program writes caBundle again and again; going on once a minute',
  )
}

interface Budget {
  /** How long until the next write is allowed, milliseconds. */
  pauseMs(): number
  spend(): void
  /** Writes within the last ten minutes. */
  spent(): number
}

function createBudget(clock: Clock): Budget {
  let writes: number[] = []
  const recent = (): number[] => (writes = writes.filter((atMs) => clock.nowMs() - atMs < MEMORY_MS))
  return {
    pauseMs: () => {
      const last = recent().at(-1)
      if (last === undefined) return 0
      const distanceMs = writes.length < FAST_WRITES ? FIRST_PAUSE_MS * 2 ** (writes.length - 1) : SLOW_PAUSE_MS
      return Math.max(0, last + distanceMs - clock.nowMs())
    },
    spend: () => {
      writes.push(clock.nowMs())
    },
    spent: () => recent().length,
  }
}

/** Whether the API server reaches this server by the entry. */
export function leadsToUs({ clientConfig: { url, service } }: WebhookEntry, own: OwnAddress): boolean {
  if (service !== undefined) {
    return own.services.some(({ name, namespace }) => name === service.name && namespace === service.namespace)
  }
  if (url === undefined || !URL.canParse(url)) return false
  return own.servesHost(new URL(url).hostname.replace(/^\[|\]$/g, ''))
}

const bundleOf = ({ clientConfig: { caBundle = '' } }: WebhookEntry): string =>
  Buffer.from(caBundle, 'base64').toString('utf8')

/** Highest generation of our own authorities in a bundle, told by their common names. */
function generationIn(bundlePem: string, installation: string): number {
  const prefix = `${installation}-webhook-ca-g`
  const generations = splitCertificates(bundlePem).map((pem) => {
    const name = commonNameOf(pem)
    const digits = name.startsWith(prefix) ? /^(\d{1,15})-/.exec(name.slice(prefix.length))?.[1] : undefined
    return Number(digits ?? 0)
  })
  return Math.max(0, ...generations)
}

/** A bundle may hold anything: whoever wrote nonsense into it gets it replaced. */
function commonNameOf(pem: string): string {
  try {
    return readCertificate(pem).commonName
  } catch {
    return ''
  }
}

function managersOfBundle(configuration: WebhookConfiguration | undefined): string[] {
  const managers = (configuration?.metadata.managedFields ?? [])
    .filter(({ fieldsV1 }) => JSON.stringify(fieldsV1)?.includes('"f:caBundle"'))
    .map(({ manager = 'unknown' }) => manager)
  return [...new Set(managers)].filter((manager) => manager !== FIELD_MANAGER)
}

/** The part of a configuration that decisions are made on. */
function trimmed({ metadata, webhooks = [] }: WebhookConfiguration): WebhookConfiguration {
  return { metadata, webhooks: webhooks.map(({ name, clientConfig }) => ({ name, clientConfig })) }
}
