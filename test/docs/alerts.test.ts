/** The alerts that are shipped ask for metrics and labels that there are, and for what section 11 of the contract lists. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { load } from 'js-yaml'

import { createMetrics } from '../../src/server/metrics.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

const text = readFileSync(join(PROJECT_ROOT, 'manifests', 'alerts', 'prometheus-rule.yaml'), 'utf8')
const { spec } = load(text) as { spec: { groups: { rules: Alert[] }[] } }
const alerts = spec.groups.flatMap(({ rules }) => rules)

/** Given to every series by whoever scrapes it. */
const OF_THE_TARGET = ['namespace', 'pod']
const FUNCTIONS = ['min', 'max', 'sum', 'by', 'time', 'rate', 'increase', 'abs']

const labelsOf = new Map(
  (createMetrics().registry.getMetricsAsArray() as unknown as { name: string; labelNames: string[] }[]).map(
    ({ name, labelNames }) => [name, labelNames],
  ),
)
const documented = readFileSync(join(PROJECT_ROOT, 'docs', 'metrics.md'), 'utf8')

/** The expression without quoted texts, whose words are values. */
const bare = (expr: string): string => expr.replaceAll(/"[^"]*"/g, '""')
const metricsIn = (expr: string): string[] => bare(expr).match(/\b[a-z]+(?:_[a-z]+){2,}\b/g) ?? []

for (const { alert, expr, annotations, labels } of alerts) {
  test(`alert ${alert}: its metric and labels are ours, and documented`, () => {
    const [metric, ...others] = metricsIn(expr)
    assert.ok(metric !== undefined && others.length === 0, expr)
    const known = labelsOf.get(metric) ?? assert.fail(`no metric ${metric}`)
    assert.ok(documented.includes(`| \`${metric}\` |`), metric)
    const allowed = [...known, ...OF_THE_TARGET]
    const words = bare(expr).match(/\b[a-z_]+\b/g) ?? []
    for (const word of words) assert.ok([metric, 'm', ...allowed, ...FUNCTIONS].includes(word), `${word} in ${expr}`)
    for (const [, label = ''] of JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g))
      assert.ok(
        bare(expr)
          .match(/by \(([^)]*)\)/)?.[1]
          ?.split(', ')
          .includes(label),
        `${label} is summed away`,
      )
    assert.equal(expr.split('(').length, expr.split(')').length)
    assert.match(labels.severity, /^(?:warning|critical)$/)
    // Counters are cut to their growth, gauges are not.
    assert.equal(/_total\b/.test(metric), /\[\d+m\]/.test(expr), expr)
  })
}

test('alerts: what must be told, and after which time', () => {
  const told = Object.fromEntries(alerts.map(({ alert, expr, for: time }) => [alert, [time, expr] as const]))
  const want: Readonly<Record<string, readonly [string | undefined, RegExp]>> = {
    MeshAdmissionCertificateEnds: ['10m', /certificate_not_after_seconds.* - time\(\) < 5 \* 86400$/],
    MeshAdmissionAuthorityEnds: ['10m', /kind="signer".* - time\(\) < 60 \* 86400$/],
    MeshAdmissionBundleOutOfSync: ['5m', /bundle_in_sync\) == 0$/],
    MeshAdmissionCertificateRejected: ['2m', /handshake_errors_total\{code=~.*> 0$/],
    MeshAdmissionRotationStuck: ['48h', /phase!="stable"\}\) == 1$/],
    MeshAdmissionBundleFight: [undefined, /bundle_fights_total.*> 0$/],
    MeshAdmissionCertificateRefused: ['15m', /reload_errors_total.*> 0$/],
  }
  for (const [name, [time, expr]] of Object.entries(want)) {
    assert.equal(told[name]?.[0], time, name)
    assert.match(told[name]?.[1] ?? '', expr)
  }
})

test('alerts: a rejection of our certificate is one, an ordinary failure is none', () => {
  const { expr } = alerts.find(({ alert }) => alert === 'MeshAdmissionCertificateRejected') ?? assert.fail()
  const code = new RegExp(`^(?:${/code=~"([^"]+)"/.exec(expr)?.[1] ?? ''})$`)
  for (const alert of ['BAD_CERTIFICATE', 'UNKNOWN_CA', 'CERTIFICATE_EXPIRED', 'CERTIFICATE_UNKNOWN'])
    for (const version of ['SSLV3', 'TLSV1']) assert.match(`ERR_SSL_${version}_ALERT_${alert}`, code)
  for (const ordinary of ['ECONNRESET', 'ERR_SSL_UNSUPPORTED_PROTOCOL', 'ERR_SSL_HTTP_REQUEST'])
    assert.doesNotMatch(ordinary, code)
})
