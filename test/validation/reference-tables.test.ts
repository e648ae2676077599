/** The tables of small examples that the reference documents end with: which layers refuse each of them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { load } from 'js-yaml'
import { validate } from '../../src/validation/index.ts'
import type { Validation } from '../../src/validation/index.ts'
import { sharedPath, skipWithout } from '../support/shared.ts'

const networking = sharedPath('reference', 'validation-networking.md')
const policy = sharedPath('reference', 'validation-policy.md')

const KINDS: Readonly<Record<string, readonly [apiVersion: string, kind: string]>> = {
  VS: ['networking.istio.io/v1', 'VirtualService'],
  DR: ['networking.istio.io/v1', 'DestinationRule'],
  GW: ['networking.istio.io/v1', 'Gateway'],
  SE: ['networking.istio.io/v1', 'ServiceEntry'],
  SC: ['networking.istio.io/v1', 'Sidecar'],
  WE: ['networking.istio.io/v1', 'WorkloadEntry'],
  WG: ['networking.istio.io/v1', 'WorkloadGroup'],
  EF: ['networking.istio.io/v1alpha3', 'EnvoyFilter'],
  PC: ['networking.istio.io/v1beta1', 'ProxyConfig'],
  AP: ['security.istio.io/v1', 'AuthorizationPolicy'],
  PA: ['security.istio.io/v1', 'PeerAuthentication'],
  RA: ['security.istio.io/v1', 'RequestAuthentication'],
  TEL: ['telemetry.istio.io/v1', 'Telemetry'],
  WP: ['extensions.istio.io/v1alpha1', 'WasmPlugin'],
  TE: ['extensions.istio.io/v1alpha1', 'TrafficExtension'],
}

interface Row {
  readonly number: string
  readonly cell: string
  readonly wanted: string
  readonly validation: Validation
}
type Document = Readonly<Record<string, unknown>>

function validateAs(kindName: string, spec: unknown, whole: Document = { spec }): Validation {
  const [apiVersion, kind] = KINDS[kindName] ?? ['', '']
  const metadata = { name: 'n1', namespace: 'ns1', ...(whole['metadata'] as Document | undefined) }
  return validate({ apiVersion, kind, ...whole, metadata })
}

function* rows(path: string, pattern: RegExp): Iterable<Row> {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, number = '', kind = '', cell = '', wanted = ''] = pattern.exec(line) ?? []
    if (number === '' || !Object.hasOwn(KINDS, kind)) continue
    const flow = /`(.*)`/.exec(cell)?.[1]
    if (flow === undefined) continue
    const text = flow.replaceAll('§', 'route: [{destination: {host: a}}]').replace('‹63 × a›', 'a'.repeat(63))
    const document = load(text.replaceAll('\\|', '|')) as Document
    const dryRun = /annotation istio\.io\/dry-run(?: "(\w+)")?/.exec(cell)
    const annotated = { metadata: { annotations: { 'istio.io/dry-run': dryRun?.[1] ?? '' } }, spec: document }
    const whole = 'spec' in document ? document : dryRun === null ? { spec: document } : annotated
    yield { number, cell, wanted: wanted.trim(), validation: validateAs(kind, document, whole) }
  }
}

const warns = ({ findings }: Validation): boolean => findings.some(({ severity }) => severity === 'warning')

/** In the networking document's words: each layer asked on its own. */
function layersOf(validation: Validation): string {
  const { schema, cel, webhook } = validation
  const layers = [schema.accepted ? '' : 'S', cel.length > 0 ? 'C' : '', webhook.accepted ? '' : 'W'].filter(Boolean)
  if (layers.length > 0) return `reject ${layers.join('+')}`
  return warns(validation) ? 'accept, warn' : 'accept'
}

/** In the policy document's words: S is schema and CEL, R and D are the webhook's rules and decoding. */
function verdictOf(wanted: string, validation: Validation): string {
  const { schema, cel, webhook, strict, webhookAfterPruning } = validation
  const asked = (letters: string): boolean => new RegExp(`\\b(?:${letters})\\b`).test(wanted)
  if (wanted.includes('strict')) {
    const lenient = /; (.*)/.exec(wanted)?.[1] ?? ''
    const after = webhookAfterPruning.accepted ? (warns(validation) ? 'W lenient' : 'A lenient') : 'X R'
    return `${strict === 'reject' ? 'X strict' : 'A'}; ${lenient === '' ? '' : after}`
  }
  const schemaRefuses = !schema.accepted || cel.length > 0
  const parts: string[] = []
  if (schemaRefuses !== (asked('S') && !wanted.startsWith('A S')))
    parts.push(`schema ${schemaRefuses ? 'refuses' : 'accepts'}`)
  if (webhook.accepted === (asked('R|D') && !/(?:W|A) R|rules alone A/.test(wanted) && wanted.includes('X'))) {
    parts.push(`webhook ${webhook.accepted ? 'accepts' : 'refuses'}`)
  }
  if (wanted.startsWith('W') && !warns(validation)) parts.push('no warning')
  return parts.length === 0 ? wanted : parts.join(', ')
}

test(
  'networking examples are refused by exactly the layers the reference names',
  { skip: skipWithout(networking) },
  () => {
    const all = [...rows(networking ?? '', /^\| (\d+) \| (\w\w) \| (.*) \| ([^|]+) \| [^|]*\|$/)]
    assert.ok(all.length > 240, `${all.length} rows`)
    const different = all.filter(({ wanted, validation }) => layersOf(validation) !== wanted)
    const texts = different.map(
      ({ number, cell, wanted, validation }) => `${number} ${cell}: ${layersOf(validation)}, want ${wanted}`,
    )
    assert.equal(texts.join('\n'), '')
  },
)

test('policy examples get the verdict the reference names', { skip: skipWithout(policy) }, () => {
  const all = [...rows(policy ?? '', /^\| (\d+) \| ([A-Z]+) \| (.*) \| ([^|]+) \| [^|]*\|$/)]
  assert.ok(all.length > 80, `${all.length} rows`)
  const different = all.filter(({ wanted, validation }) => verdictOf(wanted, validation) !== wanted)
  const texts = different.map(
    ({ number, cell, wanted, validation }) => `${number} ${cell}: ${verdictOf(wanted, validation)}, want ${wanted}`,
  )
  assert.equal(texts.join('\n'), '')
})
