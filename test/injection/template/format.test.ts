/** Go's number and text formats, in general: what is written reads back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareText, fromBytes, toBytes } from '../../../src/injection/template/go/byte-text.ts'
import { durationText, parseDuration } from '../../../src/injection/template/go/duration.ts'
import { formatFloat } from '../../../src/injection/template/go/format-float.ts'
import { parseFloat64 } from '../../../src/injection/template/go/parse-number.ts'
import { quote, unquote } from '../../../src/injection/template/go/quote.ts'
import { sprintf } from '../../../src/injection/template/format.ts'

const bytes = fc.uint8Array({ maxLength: 40 })

test('any bytes survive as a text', () => {
  fc.assert(fc.property(bytes, (given) => assert.deepEqual(toBytes(fromBytes(given)), given)))
})

test('texts compare as their bytes do', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      assert.equal(
        Math.sign(compareText(fromBytes(a), fromBytes(b))),
        Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))),
      )
    }),
  )
})

test('a quoted text unquotes to itself', () => {
  fc.assert(fc.property(bytes, (given) => assert.equal(unquote(quote(fromBytes(given))), fromBytes(given))))
})

test('the shortest form of a float reads back, in every verb', () => {
  const float = fc.double({ noNaN: true, noDefaultInfinity: true })
  fc.assert(
    fc.property(float, fc.constantFrom('e', 'f', 'g', 'x'), (value, verb) => {
      assert.equal(parseFloat64(formatFloat(value, { verb: verb, precision: -1 })).value, value)
    }),
  )
})

test('a duration reads back', () => {
  const ns = fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n })
  fc.assert(fc.property(ns, (value) => assert.deepEqual(parseDuration(durationText(value)), { ns: value })))
})

test('printf ends for every format and never runs away', () => {
  const value = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.array(fc.string()))
  fc.assert(
    fc.property(
      fc.stringMatching(/^[%a-zA-Z0-9.*[\]#+ -]{0,12}$/),
      fc.array(value, { maxLength: 3 }),
      (format, values) => {
        try {
          assert.equal(typeof sprintf(format, values), 'string')
        } catch (thrown) {
          assert.match(String(thrown), /text longer than/)
        }
      },
    ),
  )
})
