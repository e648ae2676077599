import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDurationMs } from '../../src/base/duration.ts'

const cases: readonly { text: string; want: number | undefined }[] = [
  { text: '10s', want: 10_000 },
  { text: '1m30s', want: 90_000 },
  { text: '500ms', want: 500 },
  { text: '1.5h', want: 5_400_000 },
  { text: '.5s', want: 500 },
  { text: '2.s', want: 2000 },
  { text: '250us', want: 0.25 },
  { text: '250µs', want: 0.25 },
  { text: '-2s', want: -2000 },
  { text: '+2s', want: 2000 },
  { text: '0', want: 0 },
  { text: '-0', want: -0 },
  { text: '', want: undefined },
  { text: '-', want: undefined },
  { text: '10', want: undefined },
  { text: 's', want: undefined },
  { text: '.s', want: undefined },
  { text: '1d', want: undefined },
  { text: '1s ', want: undefined },
  { text: '1 s', want: undefined },
  { text: '--1s', want: undefined },
]

for (const { text, want } of cases) {
  test(`parseDurationMs: ${JSON.stringify(text)} is ${want ?? 'no duration'}`, () => {
    assert.equal(Math.abs(parseDurationMs(text) ?? Number.NaN), Math.abs(want ?? Number.NaN))
    assert.equal((parseDurationMs(text) ?? 0) < 0, (want ?? 0) < 0)
  })
}

test('parseDurationMs adds the terms of whatever Go prints', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(59), fc.nat(59), (hours, minutes, seconds) => {
      const text = `${hours}h${minutes}m${seconds}s`
      assert.equal(parseDurationMs(text), ((hours * 60 + minutes) * 60 + seconds) * 1000)
    }),
  )
})
