/** Who trusts whom, in the order it was seen: bundles of webhook configurations, and signers of served certificates. */
import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'

import { systemClock } from '../../src/base/clock.ts'
import { SILENT } from '../../src/base/log.ts'
import type { WebhookConfiguration } from '../../src/certificates/ca-bundle.ts'
import { splitCertificates } from '../../src/certificates/x509.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { runInformer } from '../../src/kube/informer.ts'
import type { Resource } from '../../src/kube/resource.ts'
import { Store } from '../../src/kube/store.ts'
import type { Backend } from './balancer.ts'

/** What changed, `performance.now()` when it was seen. */
export type TrustEvent = { readonly atMs: number } & (
  | { readonly kind: 'bundle'; readonly entry: string; readonly pem: string; readonly subjects: readonly string[] }
  /** Undefined: the replica serves no more. */
  | { readonly kind: 'signer'; readonly replica: string; readonly subject: string | undefined }
)

export interface TrustLog {
  readonly events: readonly TrustEvent[]
  /** What the first entry that was seen held so long ago, PEM: API servers hear of a change later than others. */
  bundleBefore(delayMs: number): string
}

export interface TrustLogOptions {
  readonly client: KubeClient
  readonly configurations: readonly { readonly resource: Resource; readonly name: string }[]
  /** The replicas that serve at this moment. */
  readonly replicas: () => readonly Backend[]
  readonly signal: AbortSignal
}

/** A replica that serves what an entry does not trust. */
export interface Breach {
  readonly replica: string
  readonly signer: string
  readonly entry: string
  readonly trusted: readonly string[]
}

const PROBE_MS = 200
const PROBE_TIMEOUT_MS = 5_000

/** Follows every entry by watch and asks every replica for its certificate, until `signal` aborts. */
export function keepTrustLog({ client, configurations, replicas, signal }: TrustLogOptions): TrustLog {
  const events: TrustEvent[] = []
  for (const { resource, name } of configurations) {
    const store = new Store<Bundles>()
    store.onChange(({ before = {}, after = {} }) => events.push(...bundleEvents(name, before, after)))
    const fieldSelector = `metadata.name=${name}`
    const shared = { client, store, fieldSelector, clock: systemClock, log: SILENT, signal }
    void runInformer<WebhookConfiguration, Bundles>({ ...shared, place: { resource }, keep: bundlesOf })
  }
  void probeSigners({ replicas, events, signal })
  return { events, bundleBefore: (delayMs) => bundleAt(events, performance.now() - delayMs) }
}

/** After each event: who was served what was not trusted. */
export function replayTrust(
  events: readonly TrustEvent[],
): { readonly event: TrustEvent; readonly breaches: Breach[] }[] {
  const bundles = new Map<string, readonly string[]>()
  const signers = new Map<string, string>()
  return events.map((event) => {
    if (event.kind === 'bundle') bundles.set(event.entry, event.subjects)
    else if (event.subject === undefined) signers.delete(event.replica)
    else signers.set(event.replica, event.subject)
    return { event, breaches: breachesOf(bundles, signers) }
  })
}

/** How long each spell after `fromMs` lasted in which something served was not trusted, milliseconds. */
export function repairTimes(events: readonly TrustEvent[], fromMs: number): number[] {
  const times: number[] = []
  let sinceMs: number | undefined
  for (const { event, breaches } of replayTrust(events)) {
    if (event.atMs < fromMs) continue
    if (breaches.length > 0) sinceMs ??= event.atMs
    else if (sinceMs !== undefined) {
      times.push(event.atMs - sinceMs)
      sinceMs = undefined
    }
  }
  return times
}

/** `+12.3 s  replica-2 serves g3`; generations stand for the names that hold them. */
export function describeTrust(event: TrustEvent, startMs: number): string {
  const at = `+${((event.atMs - startMs) / 1000).toFixed(1)} s`
  if (event.kind === 'bundle')
    return `${at}  ${event.entry} trusts ${event.subjects.map(shortName).join(', ') || 'nobody'}`
  return `${at}  ${event.replica} ${event.subject === undefined ? 'serves no more' : `serves ${shortName(event.subject)}`}`
}

type Bundles = Readonly<Record<string, string>>

const bundlesOf = ({ webhooks = [] }: WebhookConfiguration): Bundles =>
  Object.fromEntries(
    webhooks.map(({ name, clientConfig: { caBundle = '' } }) => [name, Buffer.from(caBundle, 'base64').toString()]),
  )

function bundleEvents(configuration: string, before: Bundles, after: Bundles): TrustEvent[] {
  const changed = Object.entries(after).filter(([name, pem]) => before[name] !== pem)
  return changed.map(([name, pem]) => ({
    atMs: performance.now(),
    kind: 'bundle',
    entry: `${configuration}/${name}`,
    pem,
    subjects: splitCertificates(pem).map((one) => new X509Certificate(one).subject),
  }))
}

function bundleAt(events: readonly TrustEvent[], atMs: number): string {
  const first = events.find((event) => event.kind === 'bundle')
  if (first === undefined) return ''
  const seen = events.findLast((event) => event.kind === 'bundle' && event.entry === first.entry && event.atMs <= atMs)
  return (seen as typeof first | undefined)?.pem ?? first.pem
}

function breachesOf(bundles: ReadonlyMap<string, readonly string[]>, signers: ReadonlyMap<string, string>): Breach[] {
  return [...signers].flatMap(([replica, signer]) =>
    [...bundles].flatMap(([entry, trusted]) => (trusted.includes(signer) ? [] : [{ replica, signer, entry, trusted }])),
  )
}

type Probing = Pick<TrustLogOptions, 'replicas' | 'signal'> & { readonly events: TrustEvent[] }

async function probeSigners({ replicas, events, signal }: Probing): Promise<void> {
  const known = new Map<string, string>()
  const note = (replica: string, subject: string | undefined): void => {
    if (known.get(replica) === subject) return
    if (subject === undefined) known.delete(replica)
    else known.set(replica, subject)
    events.push({ atMs: performance.now(), kind: 'signer', replica, subject })
  }
  while (!signal.aborted) {
    const serving = replicas()
    for (const name of known.keys()) if (!serving.some((replica) => replica.name === name)) note(name, undefined)
    await Promise.all(serving.map(async ({ name, port }) => note(name, await signerAt(port))))
    await systemClock.wait(PROBE_MS, signal)
  }
}

/** Subject of the authority that signed what is served on this port; undefined where nothing is. */
function signerAt(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, timeout: PROBE_TIMEOUT_MS })
    const end = (subject: string | undefined): void => {
      socket.destroy()
      resolve(subject)
    }
    socket.on('secureConnect', () => end(socket.getPeerX509Certificate()?.issuer))
    socket.on('error', () => end(undefined))
    socket.on('timeout', () => end(undefined))
  })
}

/** Subjects hold the generation: `CN=mesh-admission-webhook-ca-g3-1f2e3d4c`. */
const shortName = (subject: string): string => /-(g\d+)-[0-9a-f]+$/m.exec(subject)?.[1] ?? subject
