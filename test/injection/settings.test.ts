/** What injection reads from the chart's values. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readInjectionValues } from '../../src/injection/settings.ts'

const TAGS: readonly (readonly [yaml: string, want: string])[] = [
  ['{}', ''],
  ['{tag: "1.10"}', '1.10'],
  ['{tag: 1.10}', '1.1'],
  ['{tag: 11}', '11'],
  ['{tag: 1000000}', '1e+06'],
  ['{tag: null}', '<nil>'],
  ['{tag: true}', 'true'],
  ['{tag: [a, {b: 1}]}', '[a map[b:1]]'],
]
for (const [yaml, want] of TAGS) {
  test(`values: the tag of ${yaml} is printed as ${JSON.stringify(want)}`, () => {
    assert.equal(readInjectionValues(`global: ${yaml}`).tag, want)
  })
}
