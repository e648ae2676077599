/** Telemetry: metrics, tracing, access logs. */
import { entry, field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { entriesOf } from '../schema/keys.ts'
import type { Metrics, Providers, Telemetry, Tracing } from '../schema/kinds/telemetry.ts'
import { wrongCelSyntax } from './cel-syntax.ts'
import { checkTargeting } from './labels.ts'
import type { KindRules } from './rule-context.ts'

export const checkTelemetry: KindRules<Telemetry> = (spec, { report }) => {
  checkTargeting(spec, SPEC, report)
  for (const [i, metrics] of (spec.metrics ?? []).entries())
    checkMetrics(metrics, index(field(SPEC, 'metrics'), i), report)
  checkTracing(spec.tracing ?? [], field(SPEC, 'tracing'), report)
  for (const [i, { filter, providers }] of (spec.accessLogging ?? []).entries()) {
    const at = index(field(SPEC, 'accessLogging'), i)
    if (filter !== undefined) checkFilter(filter.expression ?? '', field(field(at, 'filter'), 'expression'), report)
    checkProviders(providers, field(at, 'providers'), report)
  }
}

function checkProviders(providers: Providers | undefined, at: FieldPath, report: Report): void {
  const nameless = (providers ?? []).findIndex(({ name = '' }) => name === '')
  if (nameless !== -1)
    report.error('PROVIDER_NAME', field(index(at, nameless), 'name'), 'providers.name may not be empty')
}

function checkMetrics({ providers, overrides = [] }: Metrics, at: FieldPath, report: Report): void {
  checkProviders(providers, field(at, 'providers'), report)
  for (const [i, { tagOverrides = {}, match }] of overrides.entries()) {
    const here = index(field(at, 'overrides'), i)
    for (const [tag, override] of entriesOf(tagOverrides)) {
      const tagAt = entry(field(here, 'tagOverrides'), tag)
      if (tag === '') report.warn('TAG_NAME', tagAt, 'tagOverrides.name may not be empty')
      // istiod: UPSERT is the default here, unlike in the CRD's rule.
      const { operation = 'UPSERT', value = '' } = override
      if (operation === 'UPSERT' && value === '')
        report.error('TAG_OVERRIDE', tagAt, 'tagOverrides.value must be set when operation is UPSERT')
      if (operation === 'REMOVE' && value !== '')
        report.error('TAG_OVERRIDE', tagAt, 'tagOverrides.value may only be set when operation is UPSERT')
    }
    if (match?.customMetric === '')
      report.error('CUSTOM_METRIC', field(field(here, 'match'), 'customMetric'), 'customMetric may not be empty')
  }
}

function checkTracing(tracing: readonly Tracing[], at: FieldPath, report: Report): void {
  if (tracing.length > 1) report.warn('TRACING_MULTIPLE', at, 'multiple tracing is not currently supported')
  for (const [i, { providers, randomSamplingPercentage = 0, customTags = {} }] of tracing.entries()) {
    const here = index(at, i)
    if ((providers ?? []).length > 1)
      report.warn('TRACING_MULTIPLE', field(here, 'providers'), 'multiple providers is not currently supported')
    checkProviders(providers, field(here, 'providers'), report)
    if (randomSamplingPercentage < 0 || randomSamplingPercentage > 100) {
      const text = `randomSamplingPercentage must be in range [0.0, 100.0], got ${randomSamplingPercentage}`
      report.error('PERCENT_RANGE', field(here, 'randomSamplingPercentage'), text)
    }
    for (const [tag, value] of entriesOf(customTags))
      checkCustomTag(tag, value, { at: entry(field(here, 'customTags'), tag), report })
  }
}

type CustomTag = NonNullable<Tracing['customTags']>[string]

function checkCustomTag(
  name: string,
  { literal, header, environment }: CustomTag,
  { at, report }: { at: FieldPath; report: Report },
): void {
  const refuse = (what: string): void => report.error('CUSTOM_TAG', at, `${what} may not be empty`)
  if (name === '') refuse('tag name')
  if (literal !== undefined && (literal.value ?? '') === '') refuse('literal tag value')
  if (header !== undefined && (header.name ?? '') === '') refuse('header tag name')
  if (environment !== undefined && (environment.name ?? '') === '') refuse('environment tag name')
}

function checkFilter(expression: string, at: FieldPath, report: Report): void {
  const wrong = wrongCelSyntax(expression)
  if (wrong !== undefined) report.error('CEL_SYNTAX', at, `must be a valid CEL expression, ${wrong}`)
}
