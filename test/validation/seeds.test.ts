/** The examples of the seed documents: each gets the verdict that section 20 of the policy reference states. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkText } from '../../src/cli/validate/check.ts'
import type { FileFinding } from '../../src/cli/validate/check.ts'
import { readDocuments } from '../../src/cli/validate/documents.ts'
import type { MeshObject } from '../../src/validation/index.ts'
import { analyze, validate } from '../../src/validation/index.ts'
import type { SeedRow } from '../support/seed-documents.ts'
import { completed, seedRows } from '../support/seed-documents.ts'
import { sharedPath, skipWithout } from '../support/shared.ts'

const reference = sharedPath('reference', 'validation-policy.md')
const seeds = sharedPath('seeds')
const rows = reference === undefined || seeds === undefined ? [] : seedRows(reference, seeds)
const skip = skipWithout(seeds)

/** What the table gives as the reason: parts of `code place: text` of findings, one each. */
const REASONS: Readonly<Record<string, readonly RegExp[]>> = {
  '000:187': [/^ADVICE_HEADER_NAME spec\.http\[0\]\.match\[0\]\.headers\[uri\]/],
  '000:256': [/^ADVICE_IGNORED spec\.tcp\[0\]\.match\[0\]\.sourceSubnet/],
  '000:317': [/^CONSECUTIVE_ERRORS_DEPRECATED spec\.trafficPolicy\.outlierDetection\.consecutiveErrors/],
  '000:91': [/^ADVICE_RESOLUTION spec/],
  '000:113': [/^ADVICE_SELECTOR spec/],
  '000:368': [
    /listchecker: .*AuthorizationPolicy/,
    /listentry: .*AuthorizationPolicy/,
    /Kind=rule: .*AuthorizationPolicy/,
  ],
  '000:423': [/^KIND_LEGACY .*PeerAuthentication .*istio-system/],
  '000:435': [/^KIND_LEGACY .*PeerAuthentication in the same namespace/],
  '000:448': [/^KIND_LEGACY .*selector/],
  '000:470': [/^KIND_LEGACY .*RequestAuthentication/],
  '001:234': [/^YAML /, /^KIND_UNKNOWN .*apiVersion and kind/],
  '001:246': [/^YAML /, /^KIND_UNKNOWN .*apiVersion and kind/],
  '001:317': [/^FIELD_UNKNOWN spec\.http\[0\]\.fault\.fixedDelay/, /^ADVICE_DELAY spec\.http\[0\]\.fault\.delay/],
  '002:1051': [/^FIELD_UNKNOWN spec\.components\.ingressGateways\[0\]\.kabel.*did you mean "label"/],
  '002:2251': [/^ROUTE_UNREACHABLE spec\.http\[1\].*"customers-v2-routes"/],
  '002:2759': [/^ROUTE_ACTION spec\.http\[0\]/],
  '002:2769': [/^ROUTE_ACTION spec\.http\[0\]/],
  '002:2875': [/^ROUTE_ACTION spec\.http\[0\]/],
  '002:4209': [/^IST0128 /],
  '002:4666': [/^FIELD_UNKNOWN name/, /^FIELD_UNKNOWN namespace/, /^JWKS_URI spec\.jwtRules\[0\]\.jwksUri/],
  '002:4725': [/^YAML /],
  '002:4794': [/^ADVICE_SOURCE_OPEN spec\.rules\[0\]\.from\[1\]\.source/],
  '002:4826': [/^FIELD_UNKNOWN spec\.rules\[0\]\.to\[0\]\.operation\.host:.*did you mean "hosts"/],
  '002:4864': [/^YAML /],
  '002:5105': [/^ADVICE_POLICY_SCOPE spec/],
  '002:5147': [/^YAML /],
  '002:5210': [/^YAML key source stands here for the second time/],
  '002:5769': [/^ENVOY_PATCH_INCOMPLETE spec\.configPatches\[0\]\.patch/],
  '002:5803': [/^YAML /],
  '002:5931': [/^FIELD_UNKNOWN spec\.selector\.labels/, /^SELECTOR_EMPTY spec\.selector/],
  '002:6139': [/^ADVICE_PLACEHOLDER spec\.url/],
  '002:6404': [/^YAML /],
  '002:7291': [/^YAML /],
}
/** What was broken by typesetting, and how it was meant. */
const REPAIRS: Readonly<Record<string, readonly [broken: RegExp, meant: string]>> = {
  '002:4725': [/^spec: selector:/m, 'spec:\n selector:'],
  '002:5147': [/principals:\n/, 'principals: '],
  '002:6404': [/^metadata: {2}name/m, 'metadata:\n  name'],
  '002:7291': [/to:\n *("[^]*20)\n *outlierDetection/, 'to:\n              $1\n    outlierDetection'],
}

interface Answer {
  readonly checked: number
  readonly findings: readonly Pick<FileFinding, 'severity' | 'code' | 'message'>[]
  /** Of what a client without strict field validation would send; undefined where nothing can be read. */
  readonly lenient: 'accept' | 'reject' | undefined
}

function answerOf({ kind, verdict }: SeedRow, example: string): Answer {
  const text = kind.startsWith('fragments after') ? example : completed(example)
  const { checked, findings } = checkText(text, { file: 'example.yaml', strict: true })
  if (verdict.startsWith('no') || (checked === 0 && findings.length === 0)) {
    return { checked, findings, lenient: undefined }
  }
  const objects = readDocuments(text)
    .map(({ value }) => value as MeshObject | undefined | null)
    .filter((value) => value !== null)
  const messages = verdict === 'warn' ? analyze(objects.filter((object) => object !== undefined)) : []
  const verdicts = objects.map((object) => (object === undefined ? 'reject' : validate(object).verdict))
  return {
    checked,
    findings: [
      ...findings,
      ...messages.map(({ code, text: message }) => ({ severity: 'warning' as const, code, message })),
    ],
    lenient: verdicts.includes('reject') ? 'reject' : 'accept',
  }
}

/** In the words of the table, as far as they can be told from the answer. */
function verdictOf(wanted: string, { checked, findings, lenient }: Answer): string {
  const count = (severity: string): number => findings.filter((finding) => finding.severity === severity).length
  if (wanted.startsWith('no')) return checked === 0 ? wanted : 'checked'
  if (count('error') > 0) return lenient === 'accept' ? 'reject strict' : 'reject'
  if (count('warning') === 0) return 'accept'
  return wanted.startsWith('accept') ? 'accept, should warn' : 'warn'
}

const agrees = (wanted: string, got: string): boolean =>
  wanted === got ||
  (wanted.startsWith('reject as') && got === 'reject') ||
  (wanted.startsWith('accept') && !wanted.includes('should') && got.startsWith('accept'))

test('examples get the verdict that the table states', { skip }, () => {
  assert.ok(rows.length > 120, `${rows.length} rows`)
  const different = rows.flatMap((row) => {
    const got = verdictOf(row.verdict, answerOf(row, row.text))
    return agrees(row.verdict, got) ? [] : [`${row.id} ${row.kind}: ${got}, want ${row.verdict}`]
  })
  assert.equal(different.join('\n'), '')
})

test('findings on examples name the place and the reason that the table gives', { skip }, () => {
  const missing = Object.entries(REASONS).flatMap(([id, reasons]) => {
    const row = rows.find((one) => one.id === id)
    assert.ok(row, id)
    const texts = answerOf(row, row.text).findings.map(({ code, message }) => `${code} ${message}`)
    const unmet = reasons.filter((reason) => !texts.some((text) => reason.test(text)))
    return unmet.map((reason) => `${id}: ${String(reason)} not in ${texts.join(' | ')}`)
  })
  assert.equal(missing.join('\n'), '')
})

test('what typesetting broke is accepted once repaired', { skip }, () => {
  for (const [id, [broken, meant]] of Object.entries(REPAIRS)) {
    const row = rows.find((one) => one.id === id)
    assert.ok(row, id)
    const { findings, lenient } = answerOf(row, row.text.replace(broken, meant))
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'error'),
      [],
      id,
    )
    assert.equal(lenient, 'accept', id)
  }
})
