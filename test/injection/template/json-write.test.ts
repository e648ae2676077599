/** JSON as Go writes it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonOf } from '../../../src/injection/template/go/json-write.ts'
import { sliceOf, type StructType } from '../../../src/injection/template/types.ts'
import { TypedValue } from '../../../src/injection/template/value.ts'

/** A struct that writes its JSON itself. */
const SELF_WRITTEN: StructType = { kind: 'struct', name: 'T', fields: [], toJson: (self) => JSON.stringify(self) }

test('json: what a type writes of itself is indented like the rest', () => {
  const list = new TypedValue(sliceOf(SELF_WRITTEN), [{ a: { b: ['x,y:{', '"'], c: {}, d: [] } }])
  assert.equal(jsonOf(list, { indent: '  ' }), JSON.stringify([{ a: { b: ['x,y:{', '"'], c: {}, d: [] } }], null, 2))
})

test('json: any such JSON is indented as JavaScript does it', () => {
  fc.assert(
    fc.property(fc.object(), (value) => {
      const text = jsonOf(new TypedValue(SELF_WRITTEN, value), { indent: '  ' })
      assert.equal(text, JSON.stringify(value, null, 2))
    }),
  )
})
