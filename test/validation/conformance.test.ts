/** Holds validation against what the real system answered to recorded resources. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { load } from 'js-yaml'
import { answerValidationCase } from '../../scripts/answer/validation.ts'
import type { ValidationAnswer } from '../../scripts/answer/validation.ts'
import type { MeshObject } from '../../src/validation/index.ts'
import { sharedPath, skipWithout } from '../support/shared.ts'

interface Recorded {
  readonly verdict: string
  readonly webhook: boolean
  readonly paths: readonly string[]
  readonly warnings: number
  readonly pruned: readonly string[]
  readonly strict: string
}

const folder = sharedPath('conformance', 'validation')
/** Sets of resources have a form of their own. */
const OTHER_FORMS = new Set(['analysis'])

function parseYaml(text: string): MeshObject | undefined {
  try {
    return load(text) as MeshObject
  } catch {
    return undefined
  }
}

/** Undefined when equal; else what differs. */
function difference(answer: ValidationAnswer, want: Recorded): string | undefined {
  if (answer.verdict !== want.verdict) return `verdict ${answer.verdict}, want ${want.verdict}`
  if (answer.webhook.accepted !== want.webhook) return `webhook ${answer.webhook.accepted}, want ${want.webhook}`
  const reported = new Set([...answer.schema.errors, ...answer.cel].map(({ path }) => path))
  const missing = want.paths.filter((path) => !reported.has(path))
  if (missing.length > 0) return `not reported: ${missing.join(', ')}; reported: ${[...reported].join(', ')}`
  const extra = [...reported].filter((path) => !want.paths.includes(path))
  if (extra.length > 0) return `reported beyond the recorded ones: ${extra.join(', ')}`
  if (answer.webhook.warnings.length < want.warnings)
    return `${answer.webhook.warnings.length} warnings, want ${want.warnings}`
  if (answer.strict !== want.strict) return `strict ${answer.strict}, want ${want.strict}`
  if (answer.schema.pruned.join() !== want.pruned.join())
    return `pruned ${answer.schema.pruned.join()}, want ${want.pruned.join()}`
  return undefined
}

interface Expected {
  readonly verdict: string
  readonly strict: string
  readonly webhook: string
  readonly errors: readonly { readonly by: string; readonly path?: string }[]
  readonly warnings: readonly string[]
  readonly unknownFields: readonly string[]
  readonly unstable?: boolean
}

function* recordedFiles(root: string): Iterable<{ id: string; object: MeshObject; want: Recorded }> {
  for (const kind of readdirSync(root, { withFileTypes: true })) {
    if (!kind.isDirectory() || OTHER_FORMS.has(kind.name)) continue
    for (const file of readdirSync(join(root, kind.name))) {
      if (!file.endsWith('.yaml')) continue
      const path = join(root, kind.name, file)
      const object = parseYaml(readFileSync(path, 'utf8'))
      const expected = JSON.parse(readFileSync(path.replace(/\.yaml$/, '.expected.json'), 'utf8')) as Expected
      if (expected.unstable === true) continue
      const paths = expected.errors.flatMap(({ by, path: at }) => (by === 'webhook' || at === undefined ? [] : [at]))
      const { verdict, strict, webhook, warnings, unknownFields } = expected
      const want = {
        verdict,
        strict,
        webhook: webhook === 'accept',
        paths,
        warnings: warnings.length,
        pruned: unknownFields,
      }
      if (object !== undefined) yield { id: `${kind.name}/${file}`, object, want }
      else assert.equal(verdict, 'reject', `${kind.name}/${file} is no YAML`)
    }
  }
}

interface Generated {
  readonly id: string
  readonly object: MeshObject
  readonly expected: {
    readonly kind: string
    readonly verdict: string
    readonly strict: string
    readonly unstable?: boolean
    readonly schema: { readonly errors: readonly { readonly path: string }[]; readonly pruned: readonly string[] }
    readonly cel: readonly { readonly path: string }[]
    readonly webhook: { readonly accepted: boolean; readonly warnings: readonly string[] }
  }
}

function* recordedLines(root: string): Iterable<{ id: string; object: MeshObject; want: Recorded }> {
  for (const line of readFileSync(join(root, 'generated.jsonl'), 'utf8').split('\n')) {
    if (line === '') continue
    const { id, object, expected } = JSON.parse(line) as Generated
    if (expected.unstable === true) continue
    const { verdict, strict, schema, cel, webhook } = expected
    const paths = [...schema.errors, ...cel].map(({ path }) => path)
    const want = {
      verdict,
      strict,
      webhook: webhook.accepted,
      paths,
      warnings: webhook.warnings.length,
      pruned: schema.pruned,
    }
    yield { id, object, want }
  }
}

for (const [name, source] of [
  ['recorded resources', recordedFiles],
  ['generated resources', recordedLines],
] as const) {
  test(`${name} get the real system's answer`, { skip: skipWithout(folder) }, (t) => {
    const different: string[] = []
    let count = 0
    for (const { id, object, want } of source(folder ?? '')) {
      count += 1
      const why = difference(answerValidationCase({ id, object }), want)
      if (why !== undefined) different.push(`${id}: ${why}`)
    }
    t.diagnostic(`${count - different.length} of ${count} equal`)
    assert.equal(different.join('\n'), '')
  })
}
