/** Labels that several selectors have in common. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import type { LabelSelector } from '../../../src/base/selector.ts'
import { labelsFor, matches } from '../../../src/cli/doctor/overlap.ts'

const one = (key: string, operator: string, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values.length === 0 ? {} : { values }) }],
})

const rows: { name: string; selectors: (LabelSelector | undefined)[]; want: Record<string, string> | undefined }[] = [
  { name: 'no selector asks for nothing', selectors: [undefined, {}], want: {} },
  { name: 'a value that both name', selectors: [one('a', 'In', 'x', 'y'), one('a', 'In', 'y')], want: { a: 'y' } },
  { name: 'different values', selectors: [one('a', 'In', 'x'), { matchLabels: { a: 'y' } }], want: undefined },
  { name: 'absence satisfies NotIn', selectors: [one('a', 'NotIn', 'x'), one('a', 'DoesNotExist')], want: {} },
  { name: 'a value that nobody names', selectors: [one('a', 'Exists'), one('a', 'NotIn', 'any')], want: { a: 'anyx' } },
  { name: 'present and absent', selectors: [one('a', 'Exists'), one('a', 'DoesNotExist')], want: undefined },
]
for (const { name, selectors, want } of rows) {
  test(`labelsFor: ${name}`, () => assert.deepEqual(labelsFor(selectors), want))
}

const selector = fc.record({
  matchExpressions: fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      operator: fc.constantFrom('In', 'NotIn'),
      values: fc.array(fc.constantFrom('x', 'y', 'z'), { minLength: 1 }),
    }),
    { maxLength: 4 },
  ),
})
const labels = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y', 'z', 'w'))

test('labelsFor finds labels whenever there are any, and only such that all match', () => {
  fc.assert(
    fc.property(fc.array(selector, { maxLength: 3 }), labels, (selectors, some) => {
      const found = labelsFor(selectors)
      if (found !== undefined) assert.ok(selectors.every((each) => matches(each, found)))
      else assert.ok(!selectors.every((each) => matches(each, some)))
    }),
  )
})
