/** What `doctor` can find: a code, its weight, and what it means. */

export type Severity = 'error' | 'warning'

/** docs/doctor.md lists these, and a test holds both together. Codes are never renamed or reused. */
export const FINDING_CODES = {
  NOT_INSTALLED: ['error', 'No webhook configuration leads to this server: nothing is injected or validated.'],
  CLOCK_SKEW: ['warning', "This machine's clock differs from the API server's; certificates are judged by the latter."],
  AUTHORITY_MISSING: ['error', 'There is no certificate authority: no server has been able to start.'],
  AUTHORITY_BROKEN: ['error', 'The stored certificate authority cannot be read.'],
  AUTHORITY_FOREIGN: [
    'error',
    'Something of others stands in the place of the certificate authority; we never overwrite it.',
  ],
  AUTHORITY_EXPIRED: ['error', 'The certificate authority has expired: every call of the API server fails.'],
  AUTHORITY_NEAR_EXPIRY: ['warning', 'The certificate authority should have been renewed, and was not.'],
  ROTATION_STUCK: ['warning', 'A change of the certificate authority has been going on for more than two days.'],
  BUNDLE_MISSING: ['error', 'An entry of ours has no caBundle: the API server refuses our certificate.'],
  BUNDLE_UNREADABLE: ['error', 'The caBundle of an entry of ours holds no certificate: every call fails.'],
  BUNDLE_FOREIGN: ['error', 'An entry of ours trusts somebody else: the API server refuses our certificate.'],
  BUNDLE_OUTDATED: [
    'error',
    'An entry of ours trusts an earlier authority only: the API server refuses our certificate.',
  ],
  FIELD_MANAGER_STALE: ['warning', 'Another program owns the caBundle of our entries, and may write it again.'],
  ISTIOD_PATCHES: ['error', 'istiod writes its own authority into our webhook configurations.'],
  ISTIOD_WOULD_PATCH: [
    'warning',
    'A webhook configuration of ours carries the revision of a running istiod, which takes it for its own.',
  ],
  SERVICE_MISSING: ['error', 'The Service that our entries name does not exist.'],
  SERVICE_PORT_WRONG: [
    'error',
    "The Service does not lead from the entry's port to the port that the server listens on.",
  ],
  ENTRY_PATH_WRONG: ['error', 'An entry of ours names a path that the server does not serve: every call fails.'],
  ENDPOINTS_MISSING: ['error', 'No replica is ready: every call fails.'],
  REPLICA_NOT_READY: ['warning', 'A replica is not ready; it has no usable serving certificate or no configuration.'],
  REPLICA_CLOCK_SKEW: [
    'warning',
    "A replica's clock differs from the API server's; with more than an hour it changes no certificate authority.",
  ],
  CERTIFICATE_PINNED: ['warning', 'The serving certificate is mounted by subPath: a renewed one never arrives.'],
  CERTIFICATE_STALE: [
    'warning',
    'A replica serves another certificate than the Secret holds from which it is mounted.',
  ],
  CONFIG_MAP_MISSING: [
    'warning',
    'A ConfigMap of the mesh, or a key of it, is missing; what is shipped serves in its place.',
  ],
  RIGHT_MISSING: ['error', "The server's account may not do something that it has to do."],
  ENTRIES_OVERLAP: ['error', 'Two entries of ours select the same pod, which is sent to us twice.'],
  INJECTORS_MAY_OVERLAP: [
    'warning',
    'Two injectors select the same pod, unless their matchConditions tell them apart, which are not evaluated here.',
  ],
  INJECTORS_OVERLAP: ['error', 'Two injectors select the same pod: both would inject it.'],
  SYSTEM_NAMESPACE_SELECTED: [
    'error',
    'Pods that the cluster, or this server, starts with have to wait for this server.',
  ],
  WEBHOOK_BLOCKED: ['error', 'The API server gets no answer from the webhook: a firewall drops what it sends.'],
  WEBHOOK_UNREACHABLE: ['error', 'The API server cannot connect to the webhook.'],
  WEBHOOK_UNTRUSTED: ['error', 'The API server does not accept the certificate of the webhook.'],
  WEBHOOK_SLOW: ['warning', 'The webhook needed more than half of the time that it has.'],
  POD_SECURITY_FORBIDS: ['error', 'A namespace enforces a Pod Security Standard that forbids what the sidecar needs.'],
  POD_REFUSED: ['error', 'A pod of a namespace of the mesh is refused.'],
  VALIDATION_SKIPPED: ['error', 'A mesh resource that must be refused was accepted: validation was not asked.'],
  VALIDATION_UNPROVEN: [
    'warning',
    'Somebody else refused what validation was to refuse; whether it works is not known.',
  ],
  POD_NOT_INJECTED: ['warning', 'A pod that should get a sidecar got none.'],
} as const satisfies Record<string, readonly [Severity, string]>

export type FindingCode = keyof typeof FINDING_CODES

export interface Finding {
  readonly code: FindingCode
  /** What it is about: as kubectl takes it where it is an object. */
  readonly subject: string
  /** What was found there. */
  readonly message: string
  /** The next command to run. */
  readonly next: string
}

export const severityOf = (code: FindingCode): Severity => FINDING_CODES[code][0]
