import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contains, formatAddress, isLoopback, parseAddress, parsePrefix } from '../../src/redirect/addresses.ts'

const spelled: [literal: string, canonical: string | undefined][] = [
  ['10.0.0.1', '10.0.0.1'],
  ['010.0.0.1', undefined],
  ['10.0.0', undefined],
  ['10.0.0.256', undefined],
  ['FD00:0::A', 'fd00::a'],
  ['::10.0.0.53', '::a00:35'],
  ['::ffff:10.0.0.10', '::ffff:10.0.0.10'],
  ['::', '::'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['1:2:3:4:5:6:7::8', undefined],
  ['1::2::3', undefined],
  ['12345::', undefined],
  ['fe80::1%eth0', 'fe80::1%eth0'],
  ['fe80::1%', undefined],
  ['1.2.3.4::', undefined],
  [':1', undefined],
  ['1:', undefined],
  ['', undefined],
]
for (const [literal, canonical] of spelled) {
  test(`addresses: ${JSON.stringify(literal)} reads as ${canonical ?? 'nothing'}`, () => {
    const address = parseAddress(literal)
    assert.equal(address === undefined ? undefined : formatAddress(address), canonical)
  })
}

test('addresses: what is written reads back as the same bytes', () => {
  const bytes = fc.oneof(
    fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }),
    fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
  )
  fc.assert(
    fc.property(bytes, (some) => {
      const address = { family: some.length === 4 ? ('v4' as const) : ('v6' as const), bytes: some }
      assert.deepEqual(parseAddress(formatAddress(address)), address)
    }),
  )
})

const prefixes: [text: string, outcome: string][] = [
  ['10.1.2.3/8', '10.1.2.3/8'],
  ['2001:DB8:0:0::1/64', '2001:db8::1/64'],
  ['10.0.0.1', 'netip.ParsePrefix("10.0.0.1"): no \'/\''],
  ['10.0.0.0/33', 'netip.ParsePrefix("10.0.0.0/33"): prefix length out of range'],
  ['10.0.0.0/08', 'netip.ParsePrefix("10.0.0.0/08"): bad bits after slash: "08"'],
  ['fe80::1%eth0/64', 'netip.ParsePrefix("fe80::1%eth0/64"): IPv6 zones cannot be present in a prefix'],
]
for (const [text, outcome] of prefixes) {
  test(`addresses: the prefix ${text} gives ${outcome}`, () => {
    const parsed = parsePrefix(text)
    assert.equal(parsed.ok ? parsed.prefix.text : parsed.reason, outcome)
  })
}

test('addresses: a mapped loopback address is a loopback address', () => {
  assert.equal(isLoopback(parseAddress('::ffff:127.9.9.9') ?? assert.fail()), true)
  assert.equal(isLoopback(parseAddress('::2') ?? assert.fail()), false)
})

test('addresses: a prefix holds its addresses and no others', () => {
  const parsed = parsePrefix('10.96.0.0/12')
  assert.ok(parsed.ok)
  const holds = (text: string): boolean => contains(parsed.prefix, parseAddress(text) ?? assert.fail())
  assert.deepEqual(['10.95.255.255', '10.96.0.0', '10.111.255.255', '10.112.0.0', '::1'].map(holds), [
    false,
    true,
    true,
    false,
    false,
  ])
})
