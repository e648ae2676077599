/** What our own writes left in the live webhook configurations: a replica that starts knows no earlier authority from files. */
import type { CaBundleOptions, OwnAddress, WebhookConfiguration } from './ca-bundle.ts'
import { leadsToUs, ownsBundle } from './ca-bundle.ts'
import { FORMER_MS } from './handover.ts'
import type { Handover } from './handover.ts'
import { FIELD_MANAGER } from './store.ts'
import { bundleIdentity, readCertificate, splitCertificates } from './x509.ts'

export type PublishedOptions = Pick<CaBundleOptions, 'client' | 'configurations' | 'own'>

/**
 * The authorities that we published within a day, each until a day after that write: other replicas may serve leaves of
 * them still. A configuration that cannot be read tells nothing.
 */
export async function publishedLately(options: PublishedOptions, signal: AbortSignal): Promise<Handover['former']> {
  const { client, configurations, own } = options
  const live = await Promise.all(
    configurations.map((place) => client.get<WebhookConfiguration>(place, signal).catch(() => undefined)),
  )
  const found = live.flatMap((configuration) => (configuration === undefined ? [] : authoritiesOf(configuration, own)))
  return [...new Map(found.map((one) => [bundleIdentity(one.pem), one])).values()]
}

function authoritiesOf(configuration: WebhookConfiguration, own: OwnAddress): Handover['former'] {
  const { metadata, webhooks = [] } = configuration
  const ours = metadata.managedFields?.find((fields) => fields.manager === FIELD_MANAGER && ownsBundle(fields))
  // What others wrote there is not ours to keep.
  if (ours === undefined) return []
  const writtenMs = Date.parse(ours.time ?? '') || 0
  return webhooks
    .filter((entry) => leadsToUs(entry, own))
    .flatMap(({ clientConfig: { caBundle = '' } }) => splitCertificates(Buffer.from(caBundle, 'base64').toString()))
    .flatMap((pem) => withEnd(pem, writtenMs + FORMER_MS))
}

function withEnd(pem: string, untilMs: number): Handover['former'] {
  try {
    return [{ pem, untilMs: Math.min(untilMs, readCertificate(pem).notAfterMs) }]
  } catch {
    return []
  }
}
