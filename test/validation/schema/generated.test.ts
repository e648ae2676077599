/** What is compiled ahead of time: up to date, and of one mind with ajv itself and with our own checker. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import type { ValidateFunction } from 'ajv'
import { compilePlainSchemas, createAjv } from '../../../scripts/generate-schemas/compile.ts'
import { plainSchemas } from '../../../scripts/generate-schemas/plain-schema.ts'
import { SPEC } from '../../../src/validation/field-path.ts'
import type { MeshObject } from '../../../src/validation/index.ts'
import { KINDS } from '../../../src/validation/registry.ts'
import { decode } from '../../../src/validation/schema/decode.ts'
import { PLAIN } from '../../../src/validation/schema/generated/plain.ts'
import { openApiSchema } from '../../../src/validation/schema/openapi.ts'
import { prune } from '../../../src/validation/schema/prune.ts'
import { checkStructure } from '../../../src/validation/schema/structure.ts'
import { PROJECT_ROOT, sharedPath } from '../../support/shared.ts'
import { randomFrom, randomMeshObject } from '../../support/random-mesh-object.ts'

const RUNS = Number(process.env.MUTATIONS ?? 5000)
const SCHEMAS = new Map(KINDS.map(({ schema }) => [schema.kind, schema.spec]))
const PLAIN_SCHEMAS = plainSchemas(SCHEMAS)

test('the generated validators are what the sources give', () => {
  const path = join(PROJECT_ROOT, 'src/validation/schema/generated/plain.ts')
  const isCurrent = readFileSync(path, 'utf8') === compilePlainSchemas(PLAIN_SCHEMAS)
  assert.ok(isCurrent, 'out of date: npm run generate')
})

/** Specs with the kinds they are of: random ones, and the recorded ones where they are at hand. */
function* specs(): Iterable<{ kind: string; spec: unknown }> {
  const random = randomFrom(20260202)
  for (let i = 0; i < RUNS; i++) yield specOf(randomMeshObject(random))
  const recorded = sharedPath('conformance', 'validation')
  if (recorded === undefined) return
  for (const line of readFileSync(join(recorded, 'generated.jsonl'), 'utf8').split('\n')) {
    if (line !== '') yield specOf((JSON.parse(line) as { object: MeshObject }).object)
  }
}
const specOf = ({ kind, spec }: MeshObject): { kind: string; spec: unknown } => ({ kind: String(kind), spec })

test('a plain spec is left alone by pruning, by the structural check and by decoding', () => {
  let plain = 0
  for (const { kind, spec } of specs()) {
    const schema = SCHEMAS.get(kind)
    if (schema === undefined || PLAIN[kind]?.(spec) !== true) continue
    plain += 1
    const shown = JSON.stringify({ kind, spec })
    assert.equal(prune(schema, spec, { at: SPEC, unknown: [] }), spec, shown)
    assert.deepEqual(checkStructure(schema, spec, SPEC), [], shown)
    const decoded = decode(schema, spec, SPEC)
    assert.equal('spec' in decoded ? decoded.spec : undefined, spec, shown)
  }
  assert.ok(plain > RUNS / 50, `only ${plain} of ${RUNS} are plain`)
})

test('without its bookkeeping, the generated code decides as ajv does', () => {
  const ajv = createAjv()
  for (const [name, schema] of [...PLAIN_SCHEMAS.definitions, ...PLAIN_SCHEMAS.kinds]) ajv.addSchema(schema, name)
  for (const { kind, spec } of specs()) {
    const wanted = ajv.getSchema(kind)?.(spec)
    assert.equal(PLAIN[kind]?.(spec), wanted, JSON.stringify({ kind, spec }))
  }
})

test("our structural check accepts what ajv accepts under the CRD's schema", () => {
  const validators = new Map([...SCHEMAS].map(([kind, schema]) => [kind, crdValidator(openApiSchema(schema))]))
  for (const { kind, spec } of specs()) {
    const schema = SCHEMAS.get(kind)
    if (schema === undefined || spec === undefined) continue
    const pruned = prune(schema, spec, { at: SPEC, unknown: [] })
    const validate = validators.get(kind)
    const errors = checkStructure(schema, pruned, SPEC)
    const shown = JSON.stringify({ kind, pruned, errors, theirs: validate?.errors })
    assert.equal(validate?.(pruned), errors.length === 0, shown)
  }
})

/** The API server's own keywords taught to ajv; it knows `nullable` and formats of numbers as OpenAPI has them. */
function crdValidator(schema: object): ValidateFunction {
  const ajv = new Ajv({ strict: false, validateFormats: true })
  ajv.addFormat('int32', {
    type: 'number',
    validate: (value: number) => Math.abs(value) < 2 ** 31 || value === -(2 ** 31),
  })
  ajv.addFormat('double', true)
  ajv.addKeyword({
    keyword: 'x-kubernetes-list-map-keys',
    type: 'array',
    validate: ([key = '']: readonly string[], values: readonly unknown[]) => {
      const keys = values.filter((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
      return new Set(keys.map((value) => JSON.stringify((value as MeshObject)[key]))).size === keys.length
    },
  })
  // No number of a CRD has more than 64 bits.
  ajv.addKeyword({
    keyword: 'x-int64',
    type: 'number',
    validate: (_: unknown, value: number) => Math.abs(value) <= 2 ** 63,
  })
  return ajv.compile(withInt64(schema) as object)
}

const withInt64 = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema), (_, value: unknown) =>
    typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'integer'
      ? { ...value, 'x-int64': true }
      : value,
  )
