import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rulesetOfSave } from '../../../src/redirect/trace/iptables-ruleset.ts'
import { rulesetOfNft } from '../../../src/redirect/trace/nft-ruleset.ts'
import type { Packet } from '../../../src/redirect/trace/packet.ts'
import { ownerOf, rulesetOfSettings, settingsOfFlags, settingsOfPod } from '../../../src/redirect/trace/source.ts'
import { formatEnd, packetAddress, tracePacket, type End } from '../../../src/redirect/trace/walk.ts'

const OUT: Packet = {
  direction: 'out',
  family: 'v4',
  protocol: 'tcp',
  source: packetAddress('10.244.0.5'),
  destination: packetAddress('10.96.0.1'),
  sourcePort: 40000,
  destinationPort: 80,
  interface: 'eth0',
  uid: 1000,
  gid: 1000,
  mark: 0,
  connectionMark: 0,
  state: 'NEW',
}
const { uid: _uid, gid: _gid, ...ownerless } = OUT
const IN: Packet = {
  ...ownerless,
  direction: 'in',
  source: packetAddress('10.244.0.9'),
  destination: packetAddress('10.244.0.5'),
}
const SIDECAR = ['-u', '1337', '-i', '*', '-b', '*', '-d', '15021']
const facts = { addresses: ['10.244.0.5/24'], nameServers: ['10.96.0.10'] }

async function endFor(flags: readonly string[], packet: Packet): Promise<End> {
  const settings = settingsOfFlags(flags, {}, 'off')
  const ruleset = await rulesetOfSettings(settings, { family: packet.family, facts, compat: 'off' })
  return tracePacket(packet, ruleset).end
}

const rows: { name: string; flags?: string[]; packet: Packet; end: End }[] = [
  { name: 'an application calls out', packet: OUT, end: { at: 'redirected', port: 15001 } },
  { name: 'the proxy calls out', packet: { ...OUT, uid: 1337 }, end: { at: 'left', interface: 'eth0' } },
  { name: 'the proxy group calls out', packet: { ...OUT, gid: 1337 }, end: { at: 'left', interface: 'eth0' } },
  { name: 'UDP is left alone', packet: { ...OUT, protocol: 'udp' }, end: { at: 'left', interface: 'eth0' } },
  { name: 'a stranger calls in', packet: IN, end: { at: 'redirected', port: 15006 } },
  { name: 'a probe calls in', packet: { ...IN, destinationPort: 15021 }, end: { at: 'local', port: 15021 } },
  {
    name: 'a packet of an old connection meets no nat rule',
    packet: { ...OUT, state: 'ESTABLISHED' },
    end: { at: 'left', interface: 'eth0' },
  },
  {
    name: 'DNS is captured',
    flags: [...SIDECAR, '--redirect-dns'],
    packet: { ...OUT, protocol: 'udp', destination: packetAddress('10.96.0.10'), destinationPort: 53 },
    end: { at: 'redirected', port: 15053 },
  },
  {
    name: 'an invalid packet is dropped',
    flags: [...SIDECAR, '--drop-invalid'],
    packet: { ...IN, state: 'INVALID' },
    end: { at: 'dropped' },
  },
  {
    name: 'TPROXY keeps addresses',
    flags: [...SIDECAR, '-m', 'TPROXY'],
    packet: IN,
    end: { at: 'tproxy', port: 15006 },
  },
  {
    name: 'the proxy calling its own pod is redirected inbound, also with TPROXY',
    flags: [...SIDECAR, '-m', 'TPROXY'],
    packet: { ...OUT, uid: 1337, destination: packetAddress('10.244.0.5'), interface: 'lo' },
    end: { at: 'redirected', port: 15006 },
  },
  {
    name: 'the proxy group calling its own pod is marked, and so comes to TPROXY',
    flags: [...SIDECAR, '-m', 'TPROXY'],
    packet: { ...OUT, gid: 1337, destination: packetAddress('10.244.0.5'), interface: 'lo' },
    end: { at: 'tproxy', port: 15006 },
  },
  {
    name: 'a marked packet passes TPROXY',
    flags: [...SIDECAR, '-m', 'TPROXY'],
    packet: { ...IN, mark: 1337 },
    end: { at: 'local', port: 80 },
  },
]
for (const { name, flags = SIDECAR, packet, end } of rows) {
  test(`trace: ${name}`, async () => assert.deepEqual(await endFor(flags, packet), end))
}

test('trace: what iptables-save prints is read in its own spelling', () => {
  const ruleset = rulesetOfSave(`*mangle
:OUTPUT ACCEPT [0:0]
[5:300] -A OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j MARK --set-xmark 0x53a/0xffffffff
-A OUTPUT -p tcp -m connmark --mark 0x539 -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff
COMMIT
*nat
-A OUTPUT -m mark --mark 0x539 -j DROP
-A OUTPUT -p tcp -m multiport ! --dports 53,15008 -j REDIRECT --to-ports 15001
COMMIT
`)
  assert.deepEqual(tracePacket(OUT, ruleset).end, { at: 'redirected', port: 15001 })
  assert.deepEqual(tracePacket({ ...OUT, connectionMark: 1337 }, ruleset).end, { at: 'dropped' })
  assert.deepEqual(tracePacket({ ...OUT, destinationPort: 53 }, ruleset).end, { at: 'left', interface: 'eth0' })
})

test('trace: a rule that is not understood is told and does not match', () => {
  const found = tracePacket(OUT, rulesetOfSave('*nat\n-A OUTPUT -m recent --rcheck -j DROP\nCOMMIT\n'))
  assert.deepEqual(found.end, { at: 'left', interface: 'eth0' })
  assert.match(found.unknown.join(), /--rcheck/)
})

test('trace: chains that jump in a circle end', () => {
  const found = tracePacket(OUT, rulesetOfSave('*nat\n-A OUTPUT -j A1\n-A A1 -j a2\n-A a2 -j a2\nCOMMIT\n'))
  assert.equal(found.end.at, 'left')
})

test('trace: a negated match on an IPv4 header does not hold for IPv6', () => {
  const rule = (expr: unknown[]): string =>
    JSON.stringify({
      nftables: [
        { chain: { family: 'inet', table: 't', name: 'output', type: 'nat', hook: 'output', prio: -100 } },
        { rule: { family: 'inet', table: 't', chain: 'output', expr } },
      ],
    })
  const notLoopback = { match: { op: '!=', left: { payload: { protocol: 'ip', field: 'daddr' } }, right: '127.0.0.1' } }
  const ruleset = rulesetOfNft(rule([notLoopback, { counter: null }, { redirect: { port: 15001 } }]))
  const v6: Packet = { ...OUT, family: 'v6', source: packetAddress('fd00::1'), destination: packetAddress('fd00::2') }
  assert.deepEqual(tracePacket(OUT, ruleset).end, { at: 'redirected', port: 15001 })
  assert.deepEqual(tracePacket(v6, ruleset).end, { at: 'left', interface: 'eth0' })
})

test('trace: a pod is followed by its init container, else by its annotations', () => {
  const proxy = { name: 'istio-proxy', securityContext: { runAsUser: 1337 } }
  const annotations = { 'sidecar.istio.io/status': '{}', 'traffic.sidecar.istio.io/excludeOutboundPorts': '3306' }
  const byAnnotation = { metadata: { annotations }, spec: { containers: [proxy] } }
  assert.equal(settingsOfPod(byAnnotation, 'istiod').outboundPortsExclude, '3306')
  const init = { name: 'istio-init', args: ['istio-iptables', '-o', '5432'] }
  const byContainer = { metadata: { annotations }, spec: { initContainers: [init], containers: [proxy] } }
  assert.equal(settingsOfPod(byContainer, 'istiod').outboundPortsExclude, '5432')
  assert.deepEqual(ownerOf(byContainer, 'istio-proxy'), { uid: 1337, gid: 0 })
  assert.throws(() => ownerOf(byContainer, 'app'), /expected one of istio-init, istio-proxy/)
  assert.throws(() => settingsOfPod({ spec: { containers: [] } }, 'istiod'), /not redirected/)
})

test('trace: no text makes the readers throw anything but their own error', () => {
  const word = fc.constantFrom(
    '-A',
    'OUTPUT',
    '-j',
    'REDIRECT',
    '!',
    '-d',
    '1.2.3.4/8',
    '--dport',
    '1:2',
    '*nat',
    'constructor',
  )
  const line = fc.array(fc.oneof(word, fc.string({ maxLength: 5 })), { maxLength: 8 }).map((words) => words.join(' '))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.jsonValue(), (lines, json) => {
      const save = rulesetOfSave(['*nat', ...lines].join('\n'))
      assert.ok(formatEnd(tracePacket(OUT, save).end).startsWith('=>'))
      tracePacket(OUT, rulesetOfNft(JSON.stringify({ nftables: [{ rule: json }, { chain: json }] })))
    }),
    { numRuns: 1000 },
  )
})
