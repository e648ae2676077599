/** A webhook application around a stand-in for the engine, and reviews to send it. */
import type { FastifyInstance } from 'fastify'
import { SILENT, type Log, type LogFields } from '../../src/base/log.ts'
import { buildApp } from '../../src/server/app.ts'
import { createHealth, type Health } from '../../src/server/health.ts'
import { createMetrics, type Metrics } from '../../src/server/metrics.ts'
import type { MemoOptions } from '../../src/server/memo.ts'
import type { Inject } from '../../src/server/routes/inject.ts'
import type { Validate } from '../../src/server/routes/validate.ts'
import type { MinTlsVersion } from '../../src/server/tls.ts'
import type { CertificatePair } from '../../src/certificates/leaf.ts'

/** Stands for the engine: a pod named `skip` is skipped, `deny` denied, `throw` breaks, any other gets one label. */
export const fakeInject: Inject = ({ pod, path }) => {
  const name = (pod as { metadata?: { name?: string } }).metadata?.name
  if (name === 'skip') return { injected: false, reason: 'host_network' }
  if (name === 'deny') return { denied: 'annotation is wrong' }
  if (name === 'throw') throw new Error('engine broke')
  return { injected: true, patch: [{ op: 'add', path: '/metadata/labels', value: { seen: path } }] }
}

export interface LoggedLine {
  readonly level: keyof Log
  readonly text: string
  readonly fields: LogFields
}

/** A log that keeps its lines. */
export function recordingLog(lines: LoggedLine[]): Log {
  const at = (level: keyof Log) => (fields: LogFields, text: string) => void lines.push({ level, text, fields })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export interface Webhook {
  readonly app: FastifyInstance
  readonly health: Health
  readonly metrics: Metrics
}

export interface WebhookOptions {
  readonly inject?: Inject | undefined
  readonly currentInject?: () => Inject | undefined
  readonly log?: Log
  readonly pair?: CertificatePair
  readonly memo?: MemoOptions
  readonly validate?: Validate
  readonly maxConnectionAgeMs?: number
  readonly minTlsVersion?: MinTlsVersion
}

export function webhook({
  inject = fakeInject,
  currentInject = () => inject,
  log = SILENT,
  pair,
  memo,
  validate,
  maxConnectionAgeMs = 0,
  minTlsVersion,
}: WebhookOptions = {}): Webhook {
  const health = createHealth([])
  const metrics = createMetrics()
  const optional = { ...(pair === undefined ? {} : { pair }), ...(validate === undefined ? {} : { validate }) }
  const app = buildApp({ currentInject, memo, health, metrics, log, maxConnectionAgeMs, minTlsVersion, ...optional })
  return { app, health, metrics }
}

export const REVIEW_V1 = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' }

/** A review of a pod with this name, as an API server would send it. */
export function review(name: string, request: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [] } }
  return { ...REVIEW_V1, request: { uid: 'u-1', namespace: 'shop', operation: 'CREATE', object, ...request } }
}

/** Value of a metric without labels, or of the one with exactly these. */
export async function metricValue(
  metrics: Metrics,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(name)?.get()
  const found = metric?.values.find((value) => JSON.stringify(value.labels) === JSON.stringify(labels))
  return found?.value ?? 0
}
