/** Reading a spec as the webhook does: numbers in quotes, enums by number, second spellings. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SPEC } from '../../../src/validation/field-path.ts'
import { decode } from '../../../src/validation/schema/decode.ts'
import { double, enumOf, i32, list, object, text, u32 } from '../../../src/validation/schema/dsl.ts'
import type { Schema } from '../../../src/validation/schema/dsl.ts'

const ERROR = 'error'
function read(schema: Schema, value: unknown): unknown {
  const result = decode(object({ field: schema }), { field: value }, SPEC)
  return 'error' in result ? ERROR : (result.spec as { field?: unknown }).field
}

test('numbers may stand in quotes, with spaces around them or as null', () => {
  const rows: readonly (readonly [Schema, unknown, unknown])[] = [
    [i32(), '5', 5],
    [i32(), ' 5 ', 5],
    [i32(), 'null', 0],
    [i32(), '', ERROR],
    [i32(), '05', ERROR],
    [i32(), '+5', ERROR],
    [i32(), '1e3', ERROR],
    [i32(), 2147483648, ERROR],
    [u32(), '-1', ERROR],
    [double(), '1.5', 1.5],
    [double(), ' 1e3', 1000],
    [double(), '-Infinity', -Infinity],
    [double(), ' NaN', ERROR],
    [double(), '.5', ERROR],
  ]
  for (const [schema, value, wanted] of rows) assert.equal(read(schema, value), wanted, JSON.stringify(value))
})

test('an enum is a name or any 32-bit number', () => {
  const schema = enumOf(['A', 'B'])
  const rows: readonly (readonly [unknown, unknown])[] = [
    ['A', 'A'],
    [1, 'B'],
    [7, '7'],
    [-(2 ** 31), '-2147483648'],
    [2 ** 31, ERROR],
    ['1', ERROR],
    ['', ERROR],
    [1.5, ERROR],
  ]
  for (const [value, wanted] of rows) assert.equal(read(schema, value), wanted, JSON.stringify(value))
})

test('the references to targets have no second spelling', () => {
  const schema = object({ targetRef: text(), exportTo: list(text()) })
  const result = decode(schema, { target_ref: 7, export_to: ['a'] }, SPEC)
  assert.deepEqual(result, { spec: { exportTo: ['a'] } })
})
