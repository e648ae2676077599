/** Domain names: the quick look at them and the long one say the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { badLabel, domainProblem } from '../../src/base/host-names.ts'

const label = fc.string({ unit: fc.constantFrom(...'aZ09-_*é'), maxLength: 4 })
const longLabel = fc.integer({ min: 60, max: 66 }).map((length) => 'a'.repeat(length))
const domain = fc.array(fc.oneof({ weight: 9, arbitrary: label }, longLabel), { minLength: 1, maxLength: 3 })

test('a domain is sound when each of its labels is and the last is no number', () => {
  fc.assert(
    fc.property(domain, (labels) => {
      const text = labels.join('.')
      const isSound = text !== '' && badLabel(labels) === undefined && !/^[0-9]+$/.test(labels.at(-1) ?? '')
      assert.equal(domainProblem(text) === undefined, isSound, text)
    }),
    { numRuns: 5000 },
  )
})
