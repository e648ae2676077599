/** Odd results of the plugin before us, and odd configurations: what Go's decoder and the CNI library make of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNetConf } from '../../../src/redirect/cni/netconf.ts'
import { EMPTY_RESULT, printResult } from '../../../src/redirect/cni/result.ts'

/** What is printed for a configuration with this `prevResult`, or why nothing is. */
function passedOn(cniVersion: string, prevResult: unknown, more: object = {}): unknown {
  try {
    const conf = parseNetConf({ cniVersion, name: 'net', prevResult, ...more })
    return printResult(conf.prevResult ?? EMPTY_RESULT, conf.cniVersion)
  } catch (error) {
    return error instanceof Error ? error.message : error
  }
}

const NO_RANGE = /invalid CIDR address/

for (const { name, version, prev, want } of [
  {
    name: 'an address that is absent is printed as nothing',
    version: '1.0.0',
    prev: { cniVersion: '1.0.0', ips: [{ gateway: '10.0.0.1' }] },
    want: { cniVersion: '1.0.0', ips: [{ address: '<nil>', gateway: '10.0.0.1' }] },
  },
  {
    name: 'an address that is null is refused',
    version: '1.0.0',
    prev: { cniVersion: '1.0.0', ips: [{ address: null }] },
    want: NO_RANGE,
  },
  {
    name: 'an address that is empty is refused',
    version: '0.4.0',
    prev: { cniVersion: '0.4.0', ips: [{ address: '' }] },
    want: NO_RANGE,
  },
  {
    name: 'a second slash is refused',
    version: '1.0.0',
    prev: { cniVersion: '1.0.0', ips: [{ address: '10.0.0.5/24/3' }] },
    want: NO_RANGE,
  },
  {
    name: 'the version of an address is a text, until results have none',
    version: '0.3.1',
    prev: { cniVersion: '0.3.1', ips: [{ address: '10.0.0.5/24', version: 4 }] },
    want: /version of type string/,
  },
  {
    name: 'the version of an address is nothing where results have none',
    version: '1.0.0',
    prev: { cniVersion: '1.0.0', ips: [{ address: '10.0.0.5/24', version: 4 }] },
    want: { cniVersion: '1.0.0', ips: [{ address: '10.0.0.5/24' }] },
  },
  {
    name: 'without a version the oldest is printed',
    version: '',
    prev: { ip4: { ip: '10.0.0.5/24' } },
    want: { cniVersion: '0.1.0', ip4: { ip: '10.0.0.5/24' }, dns: {} },
  },
  {
    name: 'an empty configuration of a family is an address of the other',
    version: '0.2.0',
    prev: { cniVersion: '0.2.0', ip4: {} },
    want: { cniVersion: '0.2.0', ip6: { ip: '<nil>' }, dns: {} },
  },
]) {
  test(`result: ${name}`, () => {
    const got = passedOn(version, prev)
    if (want instanceof RegExp) assert.match(String(got), want)
    else assert.deepEqual(got, want)
  })
}

test('result: attachments have texts, and may be null', () => {
  const attachments = (list: unknown): unknown => passedOn('1.1.0', undefined, { 'cni.dev/valid-attachments': list })
  assert.deepEqual(attachments([null, { containerID: 'a', ifname: 'b' }]), { cniVersion: '1.1.0' })
  assert.match(String(attachments([{ containerID: 1 }])), /containerID of type string/)
})
