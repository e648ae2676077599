/** Turns what the keepers of certificates tell into metrics, and into Events for people who look at the objects. */
import { messageOf, ProjectError } from '../../base/errors.ts'
import type { AuthorityState } from '../../certificates/authority.ts'
import type { BundleNews, ConfigurationPlace } from '../../certificates/ca-bundle.ts'
import type { FileNews } from '../../certificates/file-source.ts'
import type { AuthorityNews } from '../../certificates/news.ts'
import type { WriteStep } from '../../certificates/rotation.ts'
import { readCertificate, splitCertificates } from '../../certificates/x509.ts'
import type { RecordEvent } from '../../kube/event-recorder.ts'
import type { ObjectPlace } from '../../kube/resource.ts'
import { VALIDATING_WEBHOOKS } from '../../kube/resource.ts'
import type { Metrics } from '../../server/metrics.ts'

export interface NewsDeps {
  readonly metrics: Metrics
  /** Undefined without a cluster: there is nothing that an Event could be about. */
  readonly record: RecordEvent | undefined
  /** The Secret of the authority. */
  readonly secret: ObjectPlace | undefined
}

type EventWords = Readonly<Record<WriteStep['do'], { readonly reason: string; readonly text: string }>>

const STEP_EVENTS: EventWords = {
  create: { reason: 'CACreated', text: 'certificate authority made' },
  restore: { reason: 'CASecretRestored', text: 'certificate authority written again from memory' },
  begin: { reason: 'CARotationBegun', text: 'next certificate authority made; it signs once all callers trust it' },
  promote: { reason: 'CAPromoted', text: 'next certificate authority signs; the former one stays trusted for a while' },
  retire: { reason: 'CARetired', text: 'former certificate authority no longer trusted' },
}

export function tellAuthority(news: AuthorityNews, { metrics, record, secret }: NewsDeps): void {
  switch (news.news) {
    case 'read':
      return metrics.authorityGeneration.set({ where: 'store' }, news.generation ?? 0)
    case 'notWritten':
      return metrics.authorityWrites.inc({ step: news.step.do, result: news.failure === undefined ? 'lost' : 'error' })
    case 'written': {
      const { step, state } = news
      metrics.authorityWrites.inc({ step: step.do, result: 'ok' })
      if (secret !== undefined) record?.({ about: secret, kind: 'Secret', ...stepEvent(step, state) })
      return
    }
    case 'foreign':
      if (secret === undefined) return
      return record?.({
        about: secret,
        kind: 'Secret',
        type: 'Warning',
        reason: 'CASecretForeign',
        message: messageOf(news.failure),
      })
  }
}

function stepEvent(step: WriteStep, { generation }: AuthorityState) {
  // The first one of an installation is no news; one that replaces another without an overlap is.
  const isRegenerated = step.do === 'create' && generation > 1
  const { reason, text } = STEP_EVENTS[step.do]
  const isWarning = isRegenerated || step.do === 'restore'
  return {
    type: isWarning ? ('Warning' as const) : ('Normal' as const),
    reason: isRegenerated ? 'CARegenerated' : reason,
    message: `${text} (generation ${generation}, ${step.reason})`,
  }
}

/** What a replica knows of the authority. */
export function noteAuthority({ generation, phase, signer, bundlePem }: AuthorityState, metrics: Metrics): void {
  metrics.authorityGeneration.set({ where: 'memory' }, generation)
  for (const one of ['stable', 'trusting', 'switching'])
    metrics.authorityPhase.set({ phase: one }, one === phase ? 1 : 0)
  const ends = splitCertificates(bundlePem).map((pem) => readCertificate(pem).notAfterMs)
  metrics.authorityNotAfter.set({ kind: 'signer' }, signer.certificate.notAfterMs / 1000)
  metrics.authorityNotAfter.set({ kind: 'bundle_oldest' }, Math.min(...ends) / 1000)
}

export function tellFiles(news: FileNews, metrics: Metrics): void {
  switch (news.news) {
    case 'refused':
      metrics.certificateReloads.inc({ result: 'refused' })
      return metrics.certificateReloadErrors.inc({ reason: news.reason })
    case 'pinned':
      return metrics.certificatePinnedFiles.set(news.files.length)
  }
}

export function tellBundle(news: BundleNews, { metrics, record }: Pick<NewsDeps, 'metrics' | 'record'>): void {
  const { place } = news
  const { name } = place
  switch (news.news) {
    case 'seen':
      metrics.bundleInSync.set({ kind: kindOf(place), name }, news.isInSync ? 1 : 0)
      return metrics.failsClosed.set({ kind: kindOf(place), name }, news.failsClosed ? 1 : 0)
    case 'attempt':
      metrics.patchAttempts.inc({ name })
      if (news.isRetry) metrics.patchRetries.inc({ name })
      return
    case 'written':
      if (isValidating(place)) metrics.validationConfigUpdates.inc()
      return
    case 'failed':
      metrics.patchFailures.inc({ name, reason: news.reason })
      if (isValidating(place)) metrics.validationConfigUpdateErrors.inc({ reason: reasonOf(news.failure) })
      return
    case 'newer':
      return
    case 'fight':
      return tellFight(place, news, { metrics, record })
  }
}

function tellFight(
  place: ConfigurationPlace,
  { managers, isFirst }: Extract<BundleNews, { news: 'fight' }>,
  { metrics, record }: Pick<NewsDeps, 'metrics' | 'record'>,
): void {
  for (const manager of managers) metrics.bundleFights.inc({ name: place.name, manager })
  if (!isFirst) return
  record?.({
    about: place,
    kind: kindOf(place),
    type: 'Warning',
    reason: 'CABundleFight',
    message: `caBundle is written again and again by ${managers.join(', ')}; it is repaired, once a second at most`,
  })
}

const isValidating = ({ resource }: ConfigurationPlace): boolean => resource === VALIDATING_WEBHOOKS

const kindOf = (place: ConfigurationPlace): string =>
  isValidating(place) ? 'ValidatingWebhookConfiguration' : 'MutatingWebhookConfiguration'

function reasonOf(failure: unknown): string {
  const reason = failure instanceof ProjectError ? failure.details.reason : undefined
  return typeof reason === 'string' ? reason : 'Unknown'
}
