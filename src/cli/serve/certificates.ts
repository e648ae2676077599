/** Wires the serving certificate: where it comes from, who is told to trust it, and who watches over both. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { keepCaBundles, type OwnAddress, type WantedBundle } from '../../certificates/ca-bundle.ts'
import { startFileSource, type FileNews } from '../../certificates/file-source.ts'
import { createFileStore, CURRENT_LINK } from '../../certificates/file-store.ts'
import { startIssuedSource, type IssuedSource } from '../../certificates/issued-source.ts'
import { servesHost, servingNames } from '../../certificates/leaf.ts'
import { publishedLately } from '../../certificates/published.ts'
import type { RotationSettings } from '../../certificates/rotation.ts'
import { Observed, type CertificateSource } from '../../certificates/source.ts'
import type { Check } from '../../server/health.ts'
import type { Metrics } from '../../server/metrics.ts'
import { isServedPath } from '../installed/entry-path.ts'
import { noteAuthority, tellAuthority, tellBundle, tellFiles, type NewsDeps } from './certificate-news.ts'
import type { Cluster } from './cluster.ts'
import type { RotationOptions, ServeOptions } from './options.ts'

export interface CertificateDeps {
  readonly cluster: Cluster | undefined
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Log
  /** Ends everything that goes on. */
  readonly signal: AbortSignal
}

/** A certificate source, with what others want to know of it. */
export interface Certificates extends CertificateSource {
  isUsable(): boolean
  /** What callers must trust, PEM; undefined when nobody can tell. */
  bundle(): string | undefined
  /** Something happened that may concern certificates: everything is looked at anew, now. */
  evaluateSoon(): void
  /** File with the authority that callers must trust; undefined when there is none on disk. */
  readonly caFile: string | undefined
}

const DAY_MS = 86_400_000
const LOOK_BACK_MS = 5000
const HOUR_MS = 3_600_000
const MAX_JITTER_SHARE = 0.05
/** With a clock that is off by more, no change is begun without need. */
const MAX_SKEW_MS = HOUR_MS
const ODD_SKEW_MS = 300_000
/**
 * A replica that was cut off from the API server for so long does not know which authority callers trust. Less than the
 * former authority stays trusted.
 */
const MAX_SILENCE_MS = 12 * HOUR_MS

export async function startCertificates(options: ServeOptions, deps: CertificateDeps): Promise<Certificates> {
  return options.tlsFiles === undefined ? fromAuthority(options, deps) : fromFiles(options, options.tlsFiles, deps)
}

async function fromFiles(
  options: ServeOptions,
  files: NonNullable<ServeOptions['tlsFiles']>,
  deps: CertificateDeps,
): Promise<Certificates> {
  const { cluster, clock, log, metrics, signal } = deps
  const own: { source?: CertificateSource } = {}
  // Entries whose name the leaf does not hold are not written, so they are not waited for.
  const servesName = (host: string): boolean => own.source !== undefined && servesHost(own.source.current(), host)
  const isTrusted = cluster === undefined ? undefined : trustIn(cluster, addressOf(cluster, servesName))
  const tell = (news: FileNews): void => tellFiles(news, metrics)
  const former = cluster === undefined ? [] : await publishedBefore(cluster, signal)
  const source = await startFileSource({ ...files, former, isTrusted, tell, clock, log, signal })
  own.source = source
  const wanted = (): WantedBundle | undefined => {
    const bundlePem = source.bundle()
    return bundlePem === undefined ? undefined : { bundlePem, generation: undefined }
  }
  const doubt = new Observed<void>(undefined)
  const onWantedChange = (listener: () => void) => source.onBundleChange(listener)
  if (options.patchCaBundle) publish(source, deps, { wanted, onWantedChange, doubt })
  const caFile = ifThere(files.caFile ?? join(dirname(files.certFile), 'ca.crt'))
  return { ...source, bundle: () => source.bundle(), evaluateSoon: () => doubt.set(), caFile }
}

/** An API server that is away must not hold up the start: then nothing is known of earlier authorities. */
function publishedBefore(cluster: Cluster, signal: AbortSignal) {
  const own: OwnAddress = { services: cluster.services, servesHost: () => true }
  return publishedLately(cluster.bundles(own), AbortSignal.any([signal, AbortSignal.timeout(LOOK_BACK_MS)]))
}

/** Whether all configurations trust some authorities, as the API server has them now. */
function trustIn(cluster: Cluster, own: OwnAddress) {
  const { look } = cluster.authority(own)
  return async (authoritiesPem: string, signal: AbortSignal): Promise<boolean> => {
    const found = await look?.(authoritiesPem, signal)
    return found === undefined || (found.isReadable && found.isIncluded)
  }
}

async function fromAuthority(options: ServeOptions, deps: CertificateDeps): Promise<Certificates> {
  const { cluster, metrics, signal } = deps
  const source = await startOwn(options, deps)
  noteAuthority(source.authority(), metrics)
  const stop = source.onAuthorityChange((state) => noteAuthority(state, metrics))
  signal.addEventListener('abort', stop, { once: true })
  const doubt = new Observed<void>(undefined)
  const publishing: Publishing = {
    doubt,
    wanted: () => {
      const { bundlePem, generation } = source.authority()
      return { bundlePem, generation }
    },
    onWantedChange: (listener) => source.onAuthorityChange(listener),
    onNewer: () => source.evaluateSoon(),
  }
  if (options.patchCaBundle) publish(source, deps, publishing)
  const caFile = cluster === undefined ? ifThere(join(options.stateDir, CURRENT_LINK, 'ca.crt')) : undefined
  const evaluateSoon = (): void => {
    source.evaluateSoon()
    doubt.set()
  }
  return { ...source, bundle: () => source.authority().bundlePem, evaluateSoon, caFile }
}

/** An authority of our own: in a Secret where there is a cluster, else in a folder. */
function startOwn(options: ServeOptions, deps: CertificateDeps): Promise<IssuedSource> {
  const { clock, log, cluster, signal } = deps
  const names = servingNames({ services: cluster?.services ?? [], extra: options.tlsExtraNames })
  const settings = rotationSettings(options.rotation)
  return startIssuedSource({
    ...placeOf(options, deps, names),
    installation: options.installation,
    settings,
    leafLifetimeMs: options.rotation.leafLifetimeMs,
    names,
    clock,
    log,
    signal,
  })
}

function placeOf({ stateDir }: ServeOptions, deps: CertificateDeps, names: readonly string[]) {
  const { cluster } = deps
  const news = newsDeps(deps)
  if (cluster === undefined) {
    const tell = (told: Parameters<typeof tellAuthority>[0]): void => tellAuthority(told, news)
    return { store: createFileStore(stateDir), withoutStore: 'memory' as const, tell }
  }
  const leader = cluster.leader()
  const noteSkew = createSkewWatch(deps, cluster)
  return {
    ...cluster.authority(addressOf(cluster, (host) => names.includes(host))),
    withoutStore: 'wait' as const,
    mayRotate: () => leader.mayWrite(),
    isClockSane: () => Math.abs(cluster.clock.skewMs() ?? 0) <= MAX_SKEW_MS,
    tell: (told: Parameters<typeof tellAuthority>[0]) => {
      tellAuthority(told, news)
      if (told.news === 'read') noteSkew()
    },
  }
}

function newsDeps({ cluster, metrics }: CertificateDeps): NewsDeps {
  return { metrics, record: cluster?.record, secret: cluster?.secret }
}

/** Earlier by a random time, once for each process. */
function rotationSettings({
  caLifetimeMs,
  trustDwellMs,
  retireDwellMs,
  keyAlgorithm,
}: RotationOptions): RotationSettings {
  const earlierMs = Math.random() * Math.min(DAY_MS, caLifetimeMs * MAX_JITTER_SHARE)
  return { authorityLifetimeMs: caLifetimeMs, earlierMs, trustDwellMs, retireDwellMs, keyAlgorithm }
}

/** Says once when our clock and the API server's begin to differ. */
function createSkewWatch({ log, metrics }: CertificateDeps, { clock }: Cluster): () => void {
  let isOdd = false
  return () => {
    const skewMs = clock.skewMs()
    if (skewMs === undefined) return
    metrics.clockSkew.set(Math.round(skewMs / 1000))
    const wasOdd = isOdd
    isOdd = Math.abs(skewMs) > ODD_SKEW_MS
    if (isOdd && !wasOdd)
      log.warn({ skewSeconds: Math.round(skewMs / 1000) }, "our clock differs from the API server's, whose time counts")
  }
}

interface Publishing extends Pick<Parameters<typeof keepCaBundles>[0], 'wanted' | 'onWantedChange'> {
  /** A later authority of ours is published than we know of. */
  readonly onNewer?: () => void
  /** Set when callers refuse us. */
  readonly doubt: Observed<void>
}

/** Keeps the bundle in our webhook configurations, where there is a cluster. */
function publish(source: CertificateSource, deps: CertificateDeps, { onNewer, doubt, ...wanted }: Publishing): void {
  const { cluster, signal, metrics } = deps
  if (cluster === undefined) return
  const { record } = cluster
  void keepCaBundles({
    ...cluster.bundles(addressOf(cluster, (host) => servesHost(source.current(), host))),
    ...wanted,
    onDoubt: (listener) => doubt.onChange(listener),
    signal,
    writer: cluster.leader(),
    tell: (news) => {
      tellBundle(news, { metrics, record })
      if (news.news === 'newer') onNewer?.()
    },
  })
}

/** Our Services and the hosts of our certificate; calls elsewhere would fail whatever their caBundle says. */
function addressOf({ services }: Cluster, servesName: (host: string) => boolean): OwnAddress {
  return { services, servesHost: servesName, answers: ({ host, path }) => servesName(host) && isServedPath(path) }
}

function ifThere(file: string): string | undefined {
  return existsSync(file) ? file : undefined
}

/** What readiness asks of certificates. Never the API server's health, or nobody could become ready to repair things. */
export function certificateChecks(
  certificates: () => Certificates | undefined,
  cluster: Cluster | undefined,
): readonly Check[] {
  const checks = [{ name: 'certificate', problem: () => usability(certificates()) }]
  if (cluster === undefined) return checks
  return [...checks, { name: 'api-server', problem: () => silence(cluster, certificates()) }]
}

/** What looks expired may be a clock that jumped: the evaluation asks the API server for the time. */
function usability(certificates: Certificates | undefined): string | undefined {
  if (certificates === undefined) return 'none yet'
  if (certificates.isUsable()) return undefined
  certificates.evaluateSoon()
  return 'expired'
}

function silence({ clock }: Cluster, certificates: Certificates | undefined): string | undefined {
  if (clock.sinceAnswerMs() <= MAX_SILENCE_MS) return undefined
  certificates?.evaluateSoon()
  return 'no answer for 12 hours'
}
