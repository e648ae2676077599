/** Addresses and prefixes with netip's complaints. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isIpAddress } from '../../../src/base/ip-address.ts'
import { checkPrefix } from '../../../src/injection/mesh/ip-prefix.ts'

const ADDRESSES: [text: string, valid: boolean][] = [
  ['1.2.3.4', true],
  ['1.2.3', false],
  ['1.2.3.4.5', false],
  ['1.2.3.04', false],
  ['1.2.3.256', false],
  [' 1.2.3.4', false],
  ['', false],
  ['::', true],
  ['::1', true],
  ['1::', true],
  ['1:2:3:4:5:6:7:8', true],
  ['1:2:3:4:5:6:7::', true],
  ['1:2:3:4:5:6:7:8::', false],
  ['::ffff:1.2.3.4', true],
  ['1:2:1.2.3.4', false],
  ['fe80::1%eth0', true],
  ['fe80::1%', false],
  ['12345::', false],
]
for (const [text, valid] of ADDRESSES) {
  test(`${JSON.stringify(text)} is ${valid ? 'an' : 'no'} IP address`, () => assert.equal(isIpAddress(text), valid))
}

const PREFIXES: [text: string, why: string][] = [
  ['*', "no '/'"],
  ['10.0.0.1', "no '/'"],
  ['x/8', 'ParseAddr("x"): unable to parse IP'],
  [' 10.0.0.0/8', 'ParseAddr(" 10.0.0.0"): unexpected character (at " 10.0.0.0")'],
  ['10.0.0/8', 'ParseAddr("10.0.0"): IPv4 address too short'],
  ['10..0.1/8', 'ParseAddr("10..0.1"): IPv4 field must have at least one digit (at ".0.1")'],
  ['010.0.0.0/8', 'ParseAddr("010.0.0.0"): IPv4 field has octet with leading zero'],
  ['1.2.3.999/8', 'ParseAddr("1.2.3.999"): IPv4 field has value >255'],
  ['%eth0/8', 'ParseAddr("%eth0"): missing IPv6 address'],
  ['1:::2/8', 'ParseAddr("1:::2"): each colon-separated field must have at least one digit (at ":2")'],
  ['1::2::3/8', 'ParseAddr("1::2::3"): multiple :: in address (at ":3")'],
  ['1:/8', 'ParseAddr("1:"): colon must be followed by more characters (at ":")'],
  ['1:2/8', 'ParseAddr("1:2"): address string too short'],
  ['fe80::1%eth0/64', 'IPv6 zones cannot be present in a prefix'],
  ['10.0.0.0/', 'bad bits after slash: ""'],
  ['10.0.0.0/08', 'bad bits after slash: "08"'],
  ['10.0.0.0/+8', 'bad bits after slash: "+8"'],
  ['10.0.0.0/33', 'prefix length out of range'],
  ['::/129', 'prefix length out of range'],
]
for (const [text, why] of PREFIXES) {
  test(`${JSON.stringify(text)} is no prefix`, () =>
    assert.throws(() => checkPrefix(text), { message: `netip.ParsePrefix(${JSON.stringify(text)}): ${why}` }))
}

for (const text of ['10.1.2.3/8', '0.0.0.0/0', '::/128', '::ffff:1.2.3.4/96', '1.2.3.4/32']) {
  test(`${text} is a prefix`, () => assert.doesNotThrow(() => checkPrefix(text)))
}
