/** Go's texts: durations, numbers and their errors, quoting. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  goJsonString,
  goQuote,
  parseBool,
  parseGoDuration,
  parseInteger,
  parseUint,
} from '../../../src/injection/mesh/go-text.ts'

const DURATIONS: [text: string, ns: bigint][] = [
  ['0', 0n],
  ['-0', 0n],
  ['45s', 45_000_000_000n],
  ['1h30m', 5_400_000_000_000n],
  ['-1.5s', -1_500_000_000n],
  ['.5s', 500_000_000n],
  ['5.s', 5_000_000_000n],
  ['3µs2ns', 3_002n],
  ['+1ms', 1_000_000n],
  ['0.9999999999999999999s', 1_000_000_000n],
  ['-9223372036854775808ns', -(1n << 63n)],
]
for (const [text, ns] of DURATIONS) test(`${text} is a duration`, () => assert.equal(parseGoDuration(text), ns))

const BAD_DURATIONS: [text: string, message: string][] = [
  ['', 'time: invalid duration ""'],
  ['-', 'time: invalid duration "-"'],
  ['.s', 'time: invalid duration ".s"'],
  ['45', 'time: missing unit in duration "45"'],
  ['1é', 'time: unknown unit "\\xc3\\xa9" in duration "1\\xc3\\xa9"'],
  ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
  ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
  ['99999999999999999999', 'time: invalid duration "99999999999999999999"'],
]
for (const [text, message] of BAD_DURATIONS) {
  test(`${JSON.stringify(text)} is no duration`, () => assert.throws(() => parseGoDuration(text), { message }))
}

test('a duration of many digits is read in no time', () => {
  assert.equal(parseGoDuration(`0.${'1'.repeat(500_000)}s`), 111_111_111n)
  assert.throws(() => parseGoDuration(`${'1'.repeat(500_000)}s`), /time: invalid duration/)
})

const BAD_NUMBERS: [name: string, read: () => unknown, message: string][] = [
  ['uint empty', () => parseUint('', 16), 'strconv.ParseUint: parsing "": invalid syntax'],
  ['uint signed', () => parseUint('+1', 16), 'strconv.ParseUint: parsing "+1": invalid syntax'],
  ['uint16 large', () => parseUint('65536', 16), 'strconv.ParseUint: parsing "65536": value out of range'],
  ['uint32 large', () => parseUint('4294967296', 32), 'strconv.ParseUint: parsing "4294967296": value out of range'],
  [
    'uint large before the bad character',
    () => parseUint('70000x', 16),
    'strconv.ParseUint: parsing "70000x": value out of range',
  ],
  ['int text', () => parseInteger('x'), 'strconv.Atoi: parsing "x": invalid syntax'],
  [
    'int large',
    () => parseInteger('9223372036854775808'),
    'strconv.Atoi: parsing "9223372036854775808": value out of range',
  ],
  ['bool', () => parseBool('yes'), 'strconv.ParseBool: parsing "yes": invalid syntax'],
]
for (const [name, read, message] of BAD_NUMBERS) {
  test(`strconv refuses: ${name}`, () => assert.throws(read, { message }))
}

test('numbers and bools that are fine', () => {
  assert.equal(parseUint('065535', 16), 65535)
  assert.equal(parseUint('4294967295', 32), 4294967295)
  assert.equal(parseInteger('-80'), -80)
  for (const text of ['1', 't', 'T', 'true', 'TRUE', 'True']) assert.equal(parseBool(text), true)
  for (const text of ['0', 'f', 'F', 'false', 'FALSE', 'False']) assert.equal(parseBool(text), false)
})

test('quoting', () => {
  assert.equal(
    goQuote('a"\\\n\x00\x7fé\u2028\u{1f642}\u{e0001}'),
    '"a\\"\\\\\\n\\x00\\x7fé\\u2028\u{1f642}\\U000e0001"',
  )
  assert.equal(goJsonString('<&>\u2028\ud800'), '"\\u003c\\u0026\\u003e\\u2028\ufffd"')
})
