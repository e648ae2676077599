import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalQuantity, parseQuantity, QUANTITY, scaledValue } from '../../../src/injection/model/quantity.ts'

const CANONICAL: readonly { text: string; want: string; why: string }[] = [
  { text: '2000m', want: '2', why: 'whole units lose their suffix' },
  { text: '1500m', want: '1500m', why: 'a part of a unit keeps it' },
  { text: '1024Mi', want: '1Gi', why: 'the largest suffix that divides evenly' },
  { text: '1.5Gi', want: '1536Mi', why: 'no fraction before a binary suffix' },
  { text: '512', want: '512', why: 'plain numbers stay' },
  { text: '0.5', want: '500m', why: 'no fraction before a decimal suffix either' },
  { text: '0.5Ki', want: '512', why: 'below 1024 there is no binary suffix' },
  { text: '0.1Ki', want: '102400m', why: 'a fraction left over makes it decimal' },
  { text: '1e3', want: '1e3', why: 'exponents are a format of their own' },
  { text: '10000E', want: '10', why: 'beyond exa no suffix is left' },
  { text: '0.0', want: '0', why: 'any zero' },
  { text: '-', want: '0', why: 'no digits count as zero' },
  { text: '1.500', want: '1.500', why: 'written like a canonical text, so kept' },
  { text: '+5m', want: '+5m', why: 'likewise' },
  { text: '0.1n', want: '1n', why: 'nothing is smaller than a billionth' },
  { text: '9223372036854775808Ki', want: '9223372036854775807', why: 'binary values have a ceiling' },
]
for (const { text, want, why } of CANONICAL) {
  test(`quantity ${text} is written ${want}: ${why}`, () => assert.equal(canonicalQuantity(text), want))
}

const REFUSED: readonly { text: string; want: RegExp }[] = [
  { text: '', want: /quantities must match/ },
  { text: '1.2.3', want: /quantities must match/ },
  { text: ' 1', want: /quantities must match/ },
  { text: '1x', want: /quantities must match/ },
  { text: '1K', want: /suffix$/ },
  { text: 'Pi', want: /numeric part/ },
  { text: '12345678901234567890e999999', want: /numeric part/ },
]
for (const { text, want } of REFUSED) {
  test(`quantity ${JSON.stringify(text)} is refused`, () => assert.throws(() => canonicalQuantity(text), want))
}

test('a canonical quantity is its own canonical text and has the same value', () => {
  const quantities = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 11n }), fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi'))
    .map(([digits, suffix]) => `${digits}${suffix}`)
  fc.assert(
    fc.property(quantities, (text) => {
      const once = canonicalQuantity(text)
      assert.equal(canonicalQuantity(once), once)
      const [before, after] = [parseQuantity(text), parseQuantity(once)]
      assert.equal(scaledValue(after, -9), scaledValue(before, -9))
    }),
  )
})

test('templates read whole and thousandth parts, rounded up', () => {
  const call = (name: string, text: string): unknown => QUANTITY.methods?.[name]?.call(text, [])
  assert.equal(call('Value', '1500m'), 2)
  assert.equal(call('MilliValue', '1500m'), 1500)
  assert.equal(call('Value', '1Gi'), 1073741824)
  assert.equal(call('String', '1024Mi'), '1Gi')
  assert.equal(call('IsZero', '0m'), true)
})
