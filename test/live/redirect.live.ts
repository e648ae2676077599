/** Real network namespaces: where connections land, that traces agree with the kernel, and that nothing is left behind. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { buildSync } from 'esbuild'
import { rulesetOfSave } from '../../src/redirect/trace/iptables-ruleset.ts'
import { rulesetOfNft } from '../../src/redirect/trace/nft-ruleset.ts'
import type { Packet, Ruleset } from '../../src/redirect/trace/packet.ts'
import { packetAddress, tracePacket, type End } from '../../src/redirect/trace/walk.ts'
import { namespaceState } from '../support/namespace-state.ts'
import { must, PEER, POD, PodNetwork, skipWithoutNamespaces, type Landing } from '../support/namespaces.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

const skip = skipWithoutNamespaces()
const PORTS = [53, 80, 443, 3306, 8080, 9090, 15008, 15020, 15021, 15090]
const SERVED = [...PORTS, 15001, 15006, 15053]
const SIDECAR = '-p 15001 -z 15006 -u 1337 -m REDIRECT -i * -b * -d 15090,15021,15020'.split(' ')
/** The command as one file: it starts a hundred times here, and a loader would take most of the time. */
const FOLDER = mkdtempSync(join(tmpdir(), 'redirect-'))
const COMMAND = join(FOLDER, 'command.mjs')
const SOURCE = `
import { runForeign } from './src/cli/istio-iptables.ts'
const { argv, env, stdout, stderr } = process
process.exitCode = await runForeign(argv.slice(2), { env, print: (t) => stdout.write(t), note: (t) => stderr.write(t) })
`

before(() => {
  if (skip !== false) return
  const stdin = { contents: SOURCE, resolveDir: PROJECT_ROOT }
  buildSync({ stdin, outfile: COMMAND, bundle: true, format: 'esm', platform: 'node' })
  // Also for those whose uid the check has.
  chmodSync(FOLDER, 0o755)
})
after(() => rmSync(FOLDER, { recursive: true }))

/** Node cannot open a transparent socket, which is what a proxy for TPROXY listens with. */
const python = spawnSync('python3', ['-V']).status === 0 ? false : 'needs python3'
const TRANSPARENT = `
import socket, sys, threading
def serve(family, level, option, host):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(level, option, 1)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((host, int(sys.argv[1])))
    s.listen()
    def loop():
        while True:
            c, peer = s.accept()
            own = c.getsockname()
            c.sendall(f'{peer[0]} {own[0]} {own[1]}'.encode())
            c.close()
    threading.Thread(target=loop, daemon=True).start()
serve(socket.AF_INET, socket.SOL_IP, 19, '0.0.0.0')
serve(socket.AF_INET6, socket.IPPROTO_IPV6, 75, '::')
print('ready', flush=True)
threading.Event().wait()
`

interface BackEnd {
  readonly name: string
  readonly args: readonly string[]
  readonly ruleset: (network: PodNetwork, family: 'v4' | 'v6') => Ruleset
}

const saved =
  (variant: string) =>
  (network: PodNetwork, family: 'v4' | 'v6'): Ruleset =>
    rulesetOfSave(network.inPod(`${family === 'v4' ? 'iptables' : 'ip6tables'}-${variant}-save`, []).stdout)

const BACK_ENDS: readonly BackEnd[] = [
  { name: 'iptables nft', args: ['--force-iptables-binary=nft'], ruleset: saved('nft') },
  { name: 'iptables legacy', args: ['--force-iptables-binary=legacy'], ruleset: saved('legacy') },
  {
    name: 'nftables',
    args: ['--native-nftables'],
    ruleset: (network) => rulesetOfNft(network.inPod('nft', ['-j', 'list', 'ruleset']).stdout),
  },
]

const FLAG_SETS: readonly (readonly string[])[] = [
  SIDECAR,
  ['-b', '8080,9090', '-i', '10.9.0.0/24,fd00:9::/64', '-x', '10.9.0.1/32', '-q', '443', '-o', '3306'],
  [...SIDECAR, '-o', '80,53', '-x', 'fd00:9::1/128', '-g', '2000'],
  ['-i', '127.0.0.0/8,::1/128', '-b', '80'],
  [...SIDECAR, '-c', 'eth0'],
  [...SIDECAR, '--redirect-dns', '--capture-all-dns', '--drop-invalid'],
]

function apply(network: PodNetwork, args: readonly string[], as: readonly string[] = []): number | null {
  const [file = '', ...rest] = [...as, process.execPath, COMMAND, ...args]
  const done = network.inPod(file, rest)
  if (done.status !== 0 && done.status !== 126) console.error(done.stderr)
  return done.status
}

/** The same numbers on every run. */
function* randomNumbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state * 1103515245 + 12345) & 0x7fffffff
    yield state >> 8
  }
}

function somePackets(count: number, numbers: Generator<number, never>): { from: 'pod' | 'peer'; landing: Landing }[] {
  const pick = <T>(list: readonly T[]): T => list[numbers.next().value % list.length] ?? assert.fail()
  return Array.from({ length: count }, () => {
    const from = pick(['pod', 'pod', 'peer'] as const)
    const host =
      from === 'peer'
        ? pick([POD.v4, POD.v6])
        : pick([PEER.v4, PEER.v6, POD.v4, POD.v6, '127.0.0.1', '127.0.0.2', '::1'])
    const landing = {
      host,
      port: pick(PORTS),
      uid: pick([0, 1000, 1337]),
      gid: pick([0, 1000, 1337, 2000]),
      protocol: 'tcp' as const,
    }
    return { from, landing }
  })
}

function packetOf(from: 'pod' | 'peer', { host, port, uid, gid, protocol }: Landing): Packet {
  const family = host.includes(':') ? 'v6' : 'v4'
  const local = host.startsWith('127.') || host === '::1' || host === POD[family]
  const source = from === 'peer' ? PEER[family] : local ? host : POD[family]
  const owner = from === 'pod' ? { uid, gid } : {}
  return {
    direction: from === 'pod' ? 'out' : 'in',
    family,
    protocol,
    source: packetAddress(source),
    destination: packetAddress(host),
    sourcePort: 40000,
    destinationPort: port,
    interface: from === 'pod' && local ? 'lo' : 'eth0',
    mark: 0,
    connectionMark: 0,
    state: 'NEW',
    ...owner,
  }
}

function whoAnswers(end: End, port: number): string {
  switch (end.at) {
    case 'redirected':
    case 'tproxy':
    case 'local':
      return `pod:${end.port}`
    case 'left':
      return `peer:${port}`
    case 'dropped':
      return 'timeout'
  }
}

for (const backEnd of BACK_ENDS) {
  describe(`redirection by ${backEnd.name}`, { skip }, () => {
    const network = new PodNetwork(`redirect-${BACK_ENDS.indexOf(backEnd)}`)
    before(async () => {
      network.open()
      await network.serve('pod', SERVED)
      await network.serve('peer', SERVED)
    })
    after(() => network.close())

    test('connections of the application arrive at 15001, those to it at 15006, the proxy is left alone', () => {
      assert.equal(apply(network, [...SIDECAR, ...backEnd.args]), 0)
      const owner = { gid: 1000, port: 80, protocol: 'tcp' } as const
      for (const family of ['v4', 'v6'] as const) {
        const outbound = network.land('pod', [
          { ...owner, host: PEER[family], uid: 1000 },
          { ...owner, host: PEER[family], uid: 1337 },
          { ...owner, host: POD[family], uid: 1337 },
          { ...owner, host: POD[family], uid: 1000 },
        ])
        assert.deepEqual(outbound, ['pod:15001', 'peer:80', 'pod:15006', 'pod:80'])
        const inbound = [80, 15021, 15008].map((port) => ({ ...owner, host: POD[family], uid: 0, port }))
        assert.deepEqual(network.land('peer', inbound), ['pod:15006', 'pod:15021', 'pod:15008'])
      }
    })

    test('DNS goes to the agent, and its own queries to the server', () => {
      assert.equal(apply(network, [...SIDECAR, '--redirect-dns', '--capture-all-dns', ...backEnd.args]), 0)
      const query = { host: PEER.v4, port: 53, gid: 1000 } as const
      for (const protocol of ['udp', 'tcp'] as const) {
        assert.deepEqual(network.land('pod', [{ ...query, protocol, uid: 1000 }]), ['pod:15053'])
        assert.deepEqual(network.land('pod', [{ ...query, protocol, uid: 1337 }]), ['peer:53'])
      }
    })

    test('TPROXY keeps the addresses of both ends', { skip: python }, async () => {
      assert.equal(apply(network, [...SIDECAR, '-m', 'TPROXY', '-z', '25006', ...backEnd.args]), 0)
      const proxy = network.startInPod('python3', ['-c', TRANSPARENT, '25006'])
      await proxy.ready
      const inbound = { uid: 0, gid: 0, protocol: 'tcp', port: 80 } as const
      for (const family of ['v4', 'v6'] as const) {
        assert.deepEqual(network.land('peer', [{ ...inbound, host: POD[family] }]), [
          `${PEER[family]} ${POD[family]} 80`,
        ])
      }
      await proxy.stop()
    })

    test('validation passes for the proxy, and says 126 without rules', () => {
      const ports = ['-p', '25001', '-z', '25006', '-u', '1337', '-i', '*', ...backEnd.args]
      const validate = [...ports, '--skip-rule-apply', '--run-validation', '--probe-timeout=1s']
      assert.equal(apply(network, [...ports, '-b', '*']), 0)
      assert.equal(apply(network, validate, ['setpriv', '--reuid=1337', '--regid=1337', '--clear-groups']), 0)
      assert.equal(apply(network, [...ports, '--cleanup-only']), 0)
      assert.equal(apply(network, validate, ['setpriv', '--reuid=1337', '--regid=1337', '--clear-groups']), 126)
    })

    test('a trace and the kernel agree', (t) => {
      let compared = 0
      for (const [i, flags] of FLAG_SETS.entries()) {
        assert.equal(apply(network, [...flags, ...backEnd.args]), 0)
        const rulesets = { v4: backEnd.ruleset(network, 'v4'), v6: backEnd.ruleset(network, 'v6') }
        const packets = somePackets(90, randomNumbers(i + 1))
        for (const from of ['pod', 'peer'] as const) {
          const landings = packets.filter((packet) => packet.from === from).map(({ landing }) => landing)
          const answers = network.land(from, landings)
          for (const [index, landing] of landings.entries()) {
            const packet = packetOf(from, landing)
            const { end, unknown } = tracePacket(packet, rulesets[packet.family])
            assert.deepEqual(unknown, [])
            assert.equal(answers[index], whoAnswers(end, landing.port), JSON.stringify({ flags, from, landing, end }))
            compared++
          }
        }
      }
      t.diagnostic(`${compared} packets`)
    })

    test('a second run changes nothing, and a cleanup leaves nothing', async () => {
      const flags = [
        ...SIDECAR,
        '-m',
        'TPROXY',
        '--redirect-dns',
        '--capture-all-dns',
        '--drop-invalid',
        '-c',
        'net1',
        '-k',
        'veth1',
      ]
      assert.equal(apply(network, [...flags, ...backEnd.args]), 0)
      const first = await state(network)
      assert.equal(apply(network, [...flags, ...backEnd.args]), 0)
      assert.equal(await state(network), first)
      assert.match(first, /fwmark 0x539 lookup 133/)
      assert.equal(apply(network, [...flags, '--cleanup-only', ...backEnd.args]), 0)
      assert.doesNotMatch(await state(network), /istio|net1|veth1|0x539|::6|REDIRECT|TPROXY/i)
      assert.equal(network.inPod('nft', ['list', 'ruleset']).stdout, '')
    })
  })
}

test('addresses count also where the other end of the cable is missing', { skip }, async () => {
  const network = new PodNetwork('redirect-carrier')
  network.open()
  try {
    must('ip', ['-n', network.peer, 'link', 'set', 'eth0', 'down'])
    assert.equal(apply(network, [...SIDECAR, '--dry-run']), 0)
  } finally {
    await network.close()
  }
})

/** All that the pod holds, as one text. */
async function state(network: PodNetwork): Promise<string> {
  const { rules, routing } = await namespaceState((file, args) => {
    const { status, stdout, stderr } = network.inPod(file, args)
    return Promise.resolve({ exitCode: status ?? 1, stdout, stderr, missing: false })
  })
  return rules + routing
}
