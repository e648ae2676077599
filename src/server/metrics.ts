/** Every metric of the webhook server: name, help and labels. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** istiod: its own buckets; too wide for a webhook of milliseconds, but dashboards were made for them. */
const ISTIOD_TIME_BUCKETS = [0.1, 1, 3, 5, 10, 20, 30, 60]
const TIME_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export type Metrics = ReturnType<typeof createMetrics>

/** Why a request got no review for an answer. */
export type Refusal =
  'broken_body' | 'too_large' | 'empty_body' | 'content_type' | 'timeout' | 'not_ready' | 'encoding' | 'internal'

/**
 * Instruments of one server, in a registry of their own.
 * istiod: the names without our prefix count exactly what its own count, oddities included.
 */
export function createMetrics() {
  const registry = new Registry()
  return {
    registry,
    ...istiodMetrics(registry),
    ...reviewMetrics(registry),
    ...istiodValidationMetrics(registry),
    ...validationMetrics(registry),
    ...configMetrics(registry),
    ...connectionMetrics(registry),
    ...authorityMetrics(registry),
    ...bundleMetrics(registry),
  }
}

/** Adds what prom-client knows of the process: CPU, memory, event loop lag, garbage collection. */
export function collectProcessMetrics({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry })
}

function istiodMetrics(registry: Registry) {
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [registry] })
  return {
    requests: counter('sidecar_injection_requests_total', 'Injection requests, counted before the body is read.'),
    successes: counter(
      'sidecar_injection_success_total',
      'Answers written as a review, denials and skips included (istiod counts them so).',
    ),
    failures: counter('sidecar_injection_failure_total', 'Requests refused, reviews not understood and pods denied.'),
    skips: counter('sidecar_injection_skip_total', 'Pods that are not injected because policy says so.'),
    time: new Histogram({
      name: 'sidecar_injection_time_seconds',
      help: 'Seconds from request to answer, in buckets as wide as those of istiod.',
      buckets: ISTIOD_TIME_BUCKETS,
      registers: [registry],
    }),
  }
}

function reviewMetrics(registry: Registry) {
  return {
    injected: new Counter({
      name: 'mesh_admission_injections_total',
      help: 'Pods that got a patch.',
      registers: [registry],
    }),
    skipped: new Counter({
      name: 'mesh_admission_skips_total',
      help: 'Pods left alone, by the rule that decided.',
      labelNames: ['reason'] as const,
      registers: [registry],
    }),
    denied: new Counter({
      name: 'mesh_admission_denials_total',
      help: 'Pods denied because injection failed: a bad annotation, a broken pod, a template error.',
      registers: [registry],
    }),
    undecodable: new Counter({
      name: 'mesh_admission_undecodable_reviews_total',
      help: 'Bodies that are no AdmissionReview, or one without a request.',
      registers: [registry],
    }),
    refused: new Counter({
      name: 'mesh_admission_refusals_total',
      help: 'Requests that got no review for an answer, by cause.',
      labelNames: ['reason'] as const,
      registers: [registry],
    }),
    memo: new Counter({
      name: 'mesh_admission_memo_total',
      help: 'Reviews that could be answered from memory: hit (they were), miss, check (computed to compare).',
      labelNames: ['result'] as const,
      registers: [registry],
    }),
    memoMismatches: new Counter({
      name: 'mesh_admission_memo_mismatches_total',
      help: 'Remembered answers that differed from the computed one. Anything but 0 is a bug.',
      registers: [registry],
    }),
    duration: new Histogram({
      name: 'mesh_admission_review_duration_seconds',
      help: 'Seconds from request for injection to answer.',
      buckets: TIME_BUCKETS,
      registers: [registry],
    }),
  }
}

/** istiod: these names have no `_total`. */
function istiodValidationMetrics(registry: Registry) {
  const resource = ['group', 'version', 'resource'] as const
  return {
    validationsPassed: new Counter({
      name: 'galley_validation_passed',
      help: 'Mesh resources found valid, dry runs included.',
      labelNames: resource,
      registers: [registry],
    }),
    validationsFailed: new Counter({
      name: 'galley_validation_failed',
      help: 'Mesh resources refused, dry runs not counted; reason unsupported_operation: allowed unseen, such as a DELETE.',
      labelNames: [...resource, 'reason'] as const,
      registers: [registry],
    }),
    validationHttpErrors: new Counter({
      name: 'galley_validation_http_error',
      help: 'Requests for validation without a body, of a wrong content type, or whose answer could not be written.',
      labelNames: ['status'] as const,
      registers: [registry],
    }),
    validationConfigUpdates: new Counter({
      name: 'galley_validation_config_updates',
      help: 'Writes of caBundle into validating webhook configurations.',
      registers: [registry],
    }),
    validationConfigUpdateErrors: new Counter({
      name: 'galley_validation_config_update_error',
      help: "Such writes that failed, by the API server's reason.",
      labelNames: ['reason'] as const,
      registers: [registry],
    }),
  }
}

function validationMetrics(registry: Registry) {
  return {
    validations: new Counter({
      name: 'mesh_admission_validations_total',
      help: 'Mesh resources reviewed, by result: allowed, denied, or unexamined (a DELETE or a subresource, always allowed).',
      labelNames: ['result'] as const,
      registers: [registry],
    }),
    validationWarnings: new Counter({
      name: 'mesh_admission_validation_warnings_total',
      help: 'Warnings sent along with mesh resources that were allowed.',
      registers: [registry],
    }),
    validationDuration: new Histogram({
      name: 'mesh_admission_validation_duration_seconds',
      help: 'Seconds from request for validation to answer.',
      buckets: TIME_BUCKETS,
      registers: [registry],
    }),
  }
}

function configMetrics(registry: Registry) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] })
  return {
    configGeneration: gauge(
      'mesh_admission_config_generation',
      'How many configurations have been taken over since start; 0 while there is none.',
    ),
    configReloadSuccess: gauge(
      'mesh_admission_config_last_reload_success',
      '1 if the newest configuration is in force, 0 if it was refused and an older one stays.',
    ),
    configReloadTime: gauge(
      'mesh_admission_config_last_success_timestamp_seconds',
      'When the configuration in force was taken over, Unix time.',
    ),
    configReloads: new Counter({
      name: 'mesh_admission_config_reloads_total',
      help: 'Configurations read, by result.',
      labelNames: ['result'] as const,
      registers: [registry],
    }),
  }
}

function connectionMetrics(registry: Registry) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] })
  return {
    certificateNotAfter: gauge(
      'mesh_admission_certificate_not_after_seconds',
      'When the serving certificate expires, Unix time.',
    ),
    certificateInfo: new Gauge({
      name: 'mesh_admission_certificate_info',
      help: 'Always 1: SHA-256 fingerprint of the serving certificate, and the names that it holds, sorted.',
      labelNames: ['fingerprint', 'names'] as const,
      registers: [registry],
    }),
    certificatePinnedFiles: gauge(
      'mesh_admission_certificate_pinned_files',
      'Files of the serving certificate that are mounted by subPath, and so are never renewed while the process lives.',
    ),
    certificateReloadErrors: new Counter({
      name: 'mesh_admission_certificate_reload_errors_total',
      help: 'Serving certificates refused, each time they are tried, by reason: parse, key_mismatch, chain (the authority beside it is another), san, expired (or not valid yet), io.',
      labelNames: ['reason'] as const,
      registers: [registry],
    }),
    certificateReloads: new Counter({
      name: 'mesh_admission_certificate_reloads_total',
      help: 'Serving certificates offered for service, by result.',
      labelNames: ['result'] as const,
      registers: [registry],
    }),
    handshakeErrors: new Counter({
      name: 'mesh_admission_tls_handshake_errors_total',
      help: 'TLS handshakes that failed, by error code. ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: a caller rejects our certificate.',
      labelNames: ['code'] as const,
      registers: [registry],
    }),
    openConnections: gauge('mesh_admission_open_connections', 'Connections to the webhook port.'),
    draining: gauge('mesh_admission_draining', '1 while the server finishes its work before it ends.'),
  }
}

function authorityMetrics(registry: Registry) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] })
  return {
    authorityNotAfter: new Gauge({
      name: 'mesh_admission_authority_not_after_seconds',
      help: 'When the authority expires, Unix time: the one that signs (signer), and the first of those that callers are to trust (bundle_oldest).',
      labelNames: ['kind'] as const,
      registers: [registry],
    }),
    authorityGeneration: new Gauge({
      name: 'mesh_admission_authority_generation',
      help: 'Generation of the newest authority, as this replica knows it (memory) and as it is stored (store); 0: nothing usable is stored.',
      labelNames: ['where'] as const,
      registers: [registry],
    }),
    authorityPhase: new Gauge({
      name: 'mesh_admission_authority_phase',
      help: '1 for the phase of the authority: stable, trusting (callers learn of the next one) or switching (the former one is still trusted).',
      labelNames: ['phase'] as const,
      registers: [registry],
    }),
    authorityWrites: new Counter({
      name: 'mesh_admission_authority_writes_total',
      help: 'Steps this replica wanted to write: create, restore, begin, promote, retire; by result: ok, lost (another was faster), error.',
      labelNames: ['step', 'result'] as const,
      registers: [registry],
    }),
    authorityLeader: gauge(
      'mesh_admission_authority_leader',
      '1 on the replica that holds the Lease: it changes the authority and writes caBundle.',
    ),
    clockSkew: gauge(
      'mesh_admission_clock_skew_seconds',
      "Our clock minus the API server's, as the date of its last answer tells.",
    ),
  }
}

/** istiod: the names of the first three, and their reasons. */
function bundleMetrics(registry: Registry) {
  return {
    patchAttempts: new Counter({
      name: 'webhook_patch_attempts_total',
      help: 'Writes of caBundle that were tried, by webhook configuration.',
      labelNames: ['name'] as const,
      registers: [registry],
    }),
    patchRetries: new Counter({
      name: 'webhook_patch_retries_total',
      help: 'Such writes of what had been written before: it failed, or somebody undid it.',
      labelNames: ['name'] as const,
      registers: [registry],
    }),
    patchFailures: new Counter({
      name: 'webhook_patch_failures_total',
      help: 'Such writes that failed, or were not even tried because the bundle is bad or an entry does not lead here.',
      labelNames: ['name', 'reason'] as const,
      registers: [registry],
    }),
    bundleFights: new Counter({
      name: 'mesh_admission_bundle_fights_total',
      help: 'Writes of caBundle after more than five within ten minutes that another program undid, by that program.',
      labelNames: ['name', 'manager'] as const,
      registers: [registry],
    }),
    bundleInSync: new Gauge({
      name: 'mesh_admission_bundle_in_sync',
      help: '1 if all our entries of a webhook configuration hold the bundle they should, else 0.',
      labelNames: ['kind', 'name'] as const,
      registers: [registry],
    }),
    failsClosed: new Gauge({
      name: 'mesh_admission_webhook_fails_closed',
      help: '1 if all our entries of a webhook configuration have failurePolicy Fail, else 0.',
      labelNames: ['kind', 'name'] as const,
      registers: [registry],
    }),
  }
}
