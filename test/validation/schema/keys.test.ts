/** Keys of long maps, listed once a validation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entriesOf, keysOf, rememberingKeys } from '../../../src/validation/schema/keys.ts'

const mapOf = (size: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, i]))

test('the keys of a long map are listed once while it is being remembered', () => {
  const map = mapOf(2000)
  rememberingKeys(() => {
    const first = keysOf(map)
    assert.deepEqual(first, Object.keys(map))
    assert.equal(keysOf(map), first)
    assert.deepEqual(entriesOf(map), Object.entries(map))
  })
})

test('a map that changes between two validations shows all its keys', () => {
  const map = mapOf(2000)
  const count = () => rememberingKeys(() => keysOf(map).length)
  assert.equal(count(), 2000)
  map['new'] = 1
  assert.equal(count(), 2001)
  assert.equal(keysOf(map).length, 2001)
})

test('nothing is remembered once a validation has failed', () => {
  const map = mapOf(2000)
  assert.throws(() =>
    rememberingKeys(() => {
      keysOf(map)
      throw new Error('broken')
    }),
  )
  map['new'] = 1
  assert.equal(keysOf(map).length, 2001)
})
