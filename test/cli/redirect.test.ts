import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { CommandContext } from '../../src/cli/output.ts'
import { runProgram } from '../../src/cli/program.ts'
import { must, skipWithoutNamespaces } from '../support/namespaces.ts'

/** The command asks it for the addresses of its namespace. */
const skip = spawnSync('ip', ['-V']).error === undefined ? false : 'needs ip'

interface Ran {
  readonly exit: number
  readonly out: string
  readonly err: string
}

async function run(
  args: readonly string[],
  { env = {}, stdin = '' }: { env?: Record<string, string>; stdin?: string } = {},
): Promise<Ran> {
  let out = ''
  let err = ''
  const context: CommandContext = {
    env,
    stdin: Readable.from([stdin]),
    color: false,
    print: (text) => {
      out += text
    },
    note: (text) => {
      err += text
    },
  }
  const exit = await runProgram(args, context)
  return { exit, out, err }
}

test('istio-iptables: a dry run prints the rules and touches nothing', { skip }, async () => {
  const { exit, out } = await run(['istio-iptables', '--dry-run', '-i', '*', '-b', '*', '-d', '15021'])
  assert.equal(exit, 0)
  assert.match(out, /^# iptables-restore\n\*nat\n/)
  assert.match(out, /^-A ISTIO_INBOUND -p tcp --dport 15021 -j RETURN$/m)
})

test('istio-iptables: with nftables a dry run prints the transaction', { skip }, async () => {
  const { out } = await run(['init', '-n', '-i', '*'], { env: { NATIVE_NFTABLES: 'true' } })
  assert.match(out, /^# nft\nadd table inet istio-proxy-nat$/m)
})

const exits: { name: string; args: string[]; exit: number; err: RegExp; skip?: false | string }[] = [
  { name: 'an unknown flag is 255', args: ['--restore-format'], exit: 255, err: /unknown flag: --restore-format/ },
  {
    name: 'a bad value is 1',
    args: ['-n', '--force-iptables-binary=x'],
    exit: 1,
    err: /validate: invalid FORCE_IPTABLES_BINARY/,
    skip,
  },
  { name: 'a range that is none is 1', args: ['-n', '-i', '10.0.0.1'], exit: 1, err: /no '\/'/, skip },
  { name: 'an unknown mode is 255', args: ['--compat', 'x'], exit: 255, err: /expected "istiod" or "off"/ },
  {
    name: 'a failed validation is 126',
    args: ['--skip-rule-apply', '-i', 'no range', '--run-validation', '--probe-timeout=0', '-p', '0', '-z', '0'],
    exit: 126,
    err: /workload is not ready for Istio[^]*missing: -t nat -A ISTIO_OUTPUT -o lo ! -d 127.0.0.1\/32 -p tcp ! --dport 15008 -m owner --uid-owner \d+ -j ISTIO_IN_REDIRECT[^]*set by: the CNI plugin/,
    skip,
  },
]
for (const { name, args, exit, err, skip = false } of exits) {
  test(`istio-iptables: ${name}`, { skip }, async () => {
    const ran = await run(['istio-iptables', ...args])
    assert.equal(ran.exit, exit)
    assert.match(ran.err, err)
  })
}

test('istio-iptables: help lists every flag', async () => {
  const { exit, out } = await run(['istio-iptables', '--help'])
  assert.equal(exit, 0)
  assert.match(out, /-b, --istio-inbound-ports string .*ISTIO_INBOUND_PORTS/)
})

test('trace-packet: follows a packet by flags', async () => {
  const { exit, out } = await run([
    'trace-packet',
    '--to',
    '10.96.0.1:80',
    '--uid',
    '1000',
    '--',
    '-u',
    '1337',
    '-i',
    '*',
  ])
  assert.equal(exit, 0)
  assert.match(out, /^=> redirected to port 15001 of this namespace$/m)
})

const POD = `
metadata: { name: shop, annotations: { sidecar.istio.io/status: '{}' } }
spec:
  containers:
    - { name: app, securityContext: { runAsUser: 1000 } }
    - { name: istio-proxy, securityContext: { runAsUser: 1337, runAsGroup: 1337 } }
`

test('trace-packet: follows a packet of a container by the annotations of its pod', async () => {
  const from = async (container: string): Promise<unknown> => {
    const args = ['trace-packet', '--to', '10.96.0.1:80', '-f', '-', '--container', container, '-o', 'json']
    return (JSON.parse((await run(args, { stdin: POD })).out) as { end: unknown }).end
  }
  assert.deepEqual(await from('app'), { at: 'redirected', port: 15001 })
  assert.deepEqual(await from('istio-proxy'), { at: 'left', interface: 'eth0' })
})

test('trace-packet: follows a packet by what iptables-save printed', async () => {
  const stdin = '*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 15006\nCOMMIT\n'
  const { out } = await run(['trace-packet', '--in', '--to', '10.244.0.5:80', '--rules', '-'], { stdin })
  assert.match(out, /redirected to port 15006/)
})

test('trace-packet: an address without a port is refused with what was expected', async () => {
  const { exit, err } = await run(['trace-packet', '--to', '10.96.0.1'])
  assert.equal(exit, 2)
  assert.match(err, /to: expected address:port or \[address\]:port, got "10\.96\.0\.1"/)
})

const POD_YAML = `
metadata: {name: shop, namespace: prod, annotations: {sidecar.istio.io/status: '{}'}}
spec:
  containers:
    - {name: app, securityContext: {runAsUser: 1000}}
    - {name: istio-proxy, args: [proxy, sidecar], securityContext: {runAsUser: 1337}}
`
const RULES =
  '*nat\n:ISTIO_OUTPUT - [0:0]\n-A OUTPUT -j ISTIO_OUTPUT\n-A ISTIO_OUTPUT -p tcp -j REDIRECT --to-ports 15001\nCOMMIT\n'
const ENDS = [
  /redirected to port 15001/,
  /redirected to port 15006/,
  /redirected to port 15001/,
  /redirected to port 15001/,
]

test('trace-packet: every example of the help does what it says', async () => {
  const { command } = await import('../../src/cli/trace-packet.ts')
  const folder = mkdtempSync(join(tmpdir(), 'trace-'))
  writeFileSync(join(folder, 'pod.yaml'), POD_YAML)
  writeFileSync(join(folder, 'rules.txt'), RULES)
  try {
    const live = command.examples.at(-1)
    assert.match(live?.line ?? '', /--netns/)
    for (const [i, { line }] of command.examples.slice(0, -1).entries()) {
      const words = line.split(' ').map((word) => word.replaceAll("'", ''))
      const args = words.slice(1).map((word) => (/\.(yaml|txt)$/.test(word) ? join(folder, word) : word))
      const { exit, out, err } = await run(args)
      assert.equal(exit, 0, `${line}: ${err}`)
      assert.match(out, ENDS[i] ?? /never/, line)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test(
  'trace-packet: a live namespace is read, whatever back end its rules are in',
  { skip: skipWithoutNamespaces() },
  async () => {
    const name = `trace-${process.pid}`
    must('ip', ['netns', 'add', name])
    try {
      const netns = ['--netns', `/var/run/netns/${name}`]
      const trace = (): Promise<Ran> => run(['trace-packet', '--to', '10.96.0.1:80', '--uid', '1000', ...netns])
      assert.match((await trace()).out, /not redirected/)
      for (const flags of [
        ['--force-iptables-binary=legacy'],
        ['--force-iptables-binary=nft'],
        ['--native-nftables'],
      ]) {
        const text = (await run(['istio-iptables', '-n', '-i', '*', '-b', '*', ...flags])).out
        const tool =
          flags[0] === '--native-nftables' ? ['nft', '-f', '-'] : [`iptables-${flags[0]?.split('=')[1] ?? ''}-restore`]
        const done = spawnSync('ip', ['netns', 'exec', name, ...tool], { input: text.split('# ip6')[0] ?? '' })
        assert.equal(done.status, 0, String(done.stderr))
        const { out } = await trace()
        assert.match(out, /redirected to port 15001/, flags.join(' '))
      }
      const missing = await run(['trace-packet', '--to', '10.96.0.1:80', '--netns', '/no/such'])
      assert.equal(missing.exit, 2)
    } finally {
      spawnSync('ip', ['netns', 'del', name])
    }
  },
)
