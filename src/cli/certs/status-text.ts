/** `certs status` for people. */
import type { BundleVerdict } from '../../certificates/trust.ts'
import { columns } from '../format.ts'
import type {
  AuthorityStatus,
  CertificateStatus,
  CertsStatus,
  FilesStatus,
  ReplicaStatus,
  WebhookStatus,
} from './status.ts'

const MEANING: Readonly<Record<BundleVerdict | 'unknown', string>> = {
  inSync: 'as published',
  different: 'the signer, but not exactly what is published',
  outdated: 'an earlier authority of ours: calls fail',
  foreign: 'somebody else: calls fail',
  missing: 'nothing: calls fail',
  unreadable: 'unreadable: calls fail',
  unknown: 'nothing to compare with',
}

export function statusText(status: CertsStatus, nowMs: number): string {
  const { authority } = status
  const lines = [
    ['store', status.store],
    ...(status.files === undefined ? [] : [['files', filesText(status.files)]]),
    ...(authority.holds === 'state' ? authorityLines(authority, nowMs) : [['authority', `none: ${authority.why}`]]),
  ]
  return `${columns(lines)}${replicaLines(status.replicas, nowMs)}${webhookLines(status.webhooks)}`
}

function filesText({ certFile, secret, isPinned }: FilesStatus): string {
  const from = secret === undefined ? '' : `, of Secret ${secret}`
  return `${certFile}${from}${isPinned ? '; mounted by subPath, NEVER RENEWED while a pod lives' : ''}`
}

function replicaLines(replicas: readonly ReplicaStatus[], nowMs: number): string {
  if (replicas.length === 0) return ''
  const rows = replicas.map(({ pod, fingerprint, notAfter }) => [
    pod,
    fingerprint?.slice(0, 16) ?? '-',
    notAfter === undefined ? '-' : `${notAfter}, ${distance(notAfter, nowMs)} left`,
  ])
  return `\n${columns([['REPLICA', 'SERVES', 'UNTIL'], ...rows])}`
}

function authorityLines(
  { phase, phaseSince, signer, bundle, expired, next }: AuthorityStatus,
  nowMs: number,
): string[][] {
  return [
    ['phase', `${phase} since ${phaseSince}`],
    ['signer', `${described(signer)}${expired ? ', EXPIRED' : `, ${distance(signer.notAfter, nowMs)} left`}`],
    ['caBundle', bundle.map(named).join(' and ')],
    [
      'next',
      `${next.what} (${next.why}), ${Date.parse(next.at) <= nowMs ? 'now due' : `${next.at}, in ${distance(next.at, nowMs)}`}`,
    ],
  ]
}

function webhookLines(webhooks: readonly WebhookStatus[]): string {
  if (webhooks.length === 0) return '\nno webhook configuration leads here\n'
  const rows = webhooks.map(({ configuration, entry, verdict, trusts }) => [
    configuration,
    entry,
    trusts.length === 0 ? '-' : trusts.map(named).join(' and '),
    MEANING[verdict],
  ])
  return `\n${columns([['CONFIGURATION', 'ENTRY', 'TRUSTS', 'WHICH IS'], ...rows])}`
}

const described = (one: CertificateStatus): string => `${named(one)} (${one.commonName}), until ${one.notAfter}`

const named = ({ generation, commonName, fingerprint }: CertificateStatus): string =>
  generation === undefined ? `${commonName || fingerprint.slice(0, 16)} (not ours)` : `generation ${generation}`

const MINUTE_MS = 60_000
const UNITS = [
  { name: 'd', ms: 1440 * MINUTE_MS },
  { name: 'h', ms: 60 * MINUTE_MS },
  { name: 'min', ms: MINUTE_MS },
] as const

/** `243 d`, `23 h`, `9 min`, in the largest unit that gives at least two of it. */
function distance(at: string, nowMs: number): string {
  const leftMs = Date.parse(at) - nowMs
  const unit = UNITS.find(({ ms }) => leftMs >= 2 * ms)
  return unit === undefined
    ? `${Math.max(0, Math.ceil(leftMs / 1000))} s`
    : `${Math.floor(leftMs / unit.ms)} ${unit.name}`
}
