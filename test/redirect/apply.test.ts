import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SILENT } from '../../src/base/log.ts'
import { deriveConfig, type HostFacts } from '../../src/redirect/config.ts'
import { DEFAULT_SETTINGS, type Compat, type RedirectSettings } from '../../src/redirect/flags.ts'
import { programRules } from '../../src/redirect/init.ts'
import { iptablesRules, renderRestore } from '../../src/redirect/iptables.ts'
import { renderTransaction } from '../../src/redirect/nftables.ts'
import { redirectProgram } from '../../src/redirect/program.ts'
import type { Network } from '../../src/redirect/routes.ts'
import type { Run, RunResult } from '../../src/redirect/run.ts'

const HOST: HostFacts = {
  addresses: () => ['10.0.0.5/24', 'fd00::5/64'],
  resolvConf: () => 'nameserver 10.96.0.10\n',
  uidOf: () => undefined,
}
const OK: RunResult = { exitCode: 0, stdout: '', stderr: '', missing: false }

interface World {
  readonly run: Run
  readonly restored: { tool: string; text: string }[]
  readonly changed: string[]
  readonly network: Network
}

/** Tools that print what `saved` says, hold no rule that is asked for, and fail where `fails` says so. */
function world(saved: Readonly<Record<string, string>> = {}, fails: (file: string) => boolean = () => false): World {
  const restored: World['restored'] = []
  const changed: string[] = []
  const run: Run = (file, args, { stdin = '' } = {}) => {
    if (args.includes('--version')) return Promise.resolve({ ...OK, stdout: `${file} v1.8.9 (nf_tables)` })
    if (file.endsWith('-save')) return Promise.resolve({ ...OK, stdout: saved[file] ?? '' })
    if (args.includes('-C') || stdin.includes('\n-C ')) return Promise.resolve({ ...OK, exitCode: 1 })
    if (args.includes('--test') || args.includes('--check')) return Promise.resolve(OK)
    restored.push({ tool: file, text: stdin })
    return Promise.resolve(fails(file) ? { ...OK, exitCode: 2, stderr: `${file}: no` } : OK)
  }
  const note =
    (what: string) =>
    (subject: unknown): Promise<true> => {
      changed.push(`${what} ${JSON.stringify(subject)}`)
      return Promise.resolve(true)
    }
  const network: Network = {
    addLoopbackAddress: note('add address'),
    removeLoopbackAddress: async (cidr) => void (await note('remove address')(cidr)),
    addPolicyRule: note('add rule'),
    removePolicyRule: async (rule) => void (await note('remove rule')(rule)),
    hasPolicyRule: () => Promise.resolve(true),
    addLocalRoute: note('add route'),
    removeLocalRoute: async (route) => void (await note('remove route')(route)),
  }
  return { run, restored, changed, network }
}

async function program(
  settings: Partial<RedirectSettings>,
  { run, network }: World,
  compat: Compat = 'off',
): Promise<void> {
  const config = await deriveConfig({ ...DEFAULT_SETTINGS, outboundRangesInclude: '*', ...settings }, HOST, compat)
  await programRules(config, { run, network, log: SILENT, record: false })
}

const OLD = `*nat
:OUTPUT ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_OLD - [0:0]
-A OUTPUT -p udp -j ACCEPT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -j ISTIO_OLD
COMMIT
`

test('apply: what is there of ours is replaced in one commit, what is not stays', async () => {
  const host = world({ 'iptables-nft-save': OLD })
  await program({}, host)
  const [first] = host.restored
  assert.equal(first?.tool, 'iptables-nft-restore')
  assert.equal(first.text.match(/COMMIT/g)?.length, 1)
  assert.match(first.text, /^-D OUTPUT -j ISTIO_OUTPUT$/m)
  assert.match(first.text, /^-F ISTIO_OLD\n-X ISTIO_OLD$/m)
  assert.doesNotMatch(first.text, /udp -j ACCEPT/)
})

test('apply: when IPv6 fails, IPv4 is put back as it was', async () => {
  const host = world({ 'iptables-nft-save': OLD }, (file) => file === 'ip6tables-nft-restore')
  await assert.rejects(program({}, host), /ip6tables-nft-restore: xtables parameter problem/)
  const last = host.restored.findLast(({ tool }) => tool === 'iptables-nft-restore')
  assert.match(last?.text ?? '', /^-A ISTIO_OUTPUT -j ISTIO_OLD$/m)
  assert.match(last?.text ?? '', /^-A OUTPUT -j ISTIO_OUTPUT$/m)
  assert.deepEqual(host.changed, ['add address "::6/128"', 'remove address "::6/128"'])
})

test('apply: when an address cannot be set, no rule is made and what was set is taken back, unless as istiod does', async () => {
  const tproxy = { interceptionMode: 'TPROXY', inboundPortsInclude: '*', dualStack: true }
  const run = async (compat: Compat): Promise<World> => {
    const host = world()
    const network = { ...host.network, addLocalRoute: () => Promise.reject(new Error('no')) }
    await assert.rejects(program(tproxy, { ...host, network }, compat), /failed to configure routes: no/)
    return host
  }
  const ours = await run('off')
  assert.deepEqual([ours.restored, ours.changed.at(-1)], [[], 'remove address "::6/128"'])
  const istiod = await run('istiod')
  assert.ok(istiod.restored.length > 0 && !istiod.changed.some((line) => line.startsWith('remove')))
})

test('apply: IPv6 of a pod with IPv4 is redirected too, unless as istiod does', async () => {
  const tools = async (compat: Compat): Promise<string[]> => {
    const host = world()
    await program({}, host, compat)
    return host.restored.map(({ tool }) => tool).filter((tool) => tool.endsWith('-restore'))
  }
  assert.deepEqual(await tools('off'), ['iptables-nft-restore', 'ip6tables-nft-restore'])
  assert.deepEqual(await tools('istiod'), ['iptables-nft-restore'])
})

test('apply: a policy rule that is there is not added again, unless as istiod does', async () => {
  const tproxy = { interceptionMode: 'TPROXY', inboundPortsInclude: '*' }
  const rules = async (compat: Compat): Promise<number> => {
    const host = world()
    await program(tproxy, host, compat)
    return host.changed.filter((line) => line.startsWith('add rule')).length
  }
  assert.deepEqual([await rules('off'), await rules('istiod')], [0, 1])
})

test('apply: a cleanup takes addresses and routes away, istiod adds them', async () => {
  const cleanup = { interceptionMode: 'TPROXY', inboundPortsInclude: '*', cleanupOnly: true }
  const ours = world()
  await program(cleanup, ours)
  assert.ok(ours.changed.length > 0 && ours.changed.every((line) => line.startsWith('remove')))
  const istiod = world()
  await program(cleanup, istiod, 'istiod')
  assert.ok(istiod.changed.every((line) => line.startsWith('add')))
})

test('apply: nftables drops tables that are no longer needed, istiod leaves them', async () => {
  const text = async (compat: Compat): Promise<string> => {
    const host = world()
    await program({ nativeNftables: true }, host, compat)
    return host.restored.find(({ tool }) => tool === 'nft')?.text ?? ''
  }
  assert.match(await text('off'), /delete table inet istio-proxy-raw/)
  assert.doesNotMatch(await text('istiod'), /delete/)
})

test('apply: nftables gets its rules in their final order, istiod inserts them by index', async () => {
  const inbound = async (compat: Compat): Promise<string[]> => {
    const host = world()
    await program({ nativeNftables: true, interceptionMode: 'TPROXY', dualStack: true }, host, compat)
    const text = host.restored.find(({ tool }) => tool === 'nft')?.text ?? ''
    const place = ' rule inet istio-proxy-mangle istio-inbound '
    return text.split('\n').filter((line) => line.includes(place)).map((line) => line.replace(place, ': ')) // prettier-ignore
  }
  const marked = 'meta l4proto tcp mark 1337 counter return'
  const passedOn = 'iifname lo meta l4proto tcp ip saddr 127.0.0.6/32 counter return'
  const passedOnV6 = 'iifname lo meta l4proto tcp ip6 saddr ::6/128 counter return'
  const others = 'iifname lo meta l4proto tcp mark != 1338 counter return'
  assert.deepEqual(
    await inbound('off'),
    [marked, passedOnV6, others, passedOn].map((text) => `add: ${text}`),
  )
  assert.deepEqual(await inbound('istiod'), [
    `add: ${marked}`,
    `add: ${passedOn}`,
    `insert: index 1 ${passedOnV6}`,
    `insert: index 2 ${others}`,
  ])
})

const NAMES = Object.keys(DEFAULT_SETTINGS).filter(
  (name) => typeof DEFAULT_SETTINGS[name as keyof RedirectSettings] === 'string',
)

test('apply: no value can put a line or an argument of its own into the rules', async () => {
  const entry = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom('80', '*', 'a b', 'x\nCOMMIT', '-j', '; drop', '10.0.0.0/8'),
  )
  const value = fc.array(entry, { maxLength: 3 }).map((entries) => entries.join(','))
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.constantFrom(...NAMES), value), fc.boolean(), async (values, redirectDns) => {
      const settings = { ...DEFAULT_SETTINGS, ...values, redirectDns, interceptionMode: 'TPROXY' }
      let rules
      try {
        rules = redirectProgram(await deriveConfig(settings, HOST, 'off'))
      } catch {
        return // refused before any rule was made
      }
      const restore = renderRestore(iptablesRules(rules, 'v4')).split('\n')
      assert.ok(
        restore.every((line) => /^(\* (nat|mangle|raw)|-N ISTIO_\w+|-[AI] [A-Z_]+ .*|COMMIT|)$/.test(line)),
        restore.join('\n'),
      )
      const nft = renderTransaction(rules, { ipv6: true }).split('\n')
      assert.ok(
        nft.every(
          (line) =>
            /^((add|flush|insert) (table|chain|rule) inet istio-proxy-|$)/.test(line) && !line.includes('; drop'),
        ),
      )
    }),
    { numRuns: 2000 },
  )
})

test('apply: the module that the kernel lacks is named, and nothing stays of the search for it', async () => {
  const host = world()
  const words =
    'iptables-nft-restore: line 8: RULE_APPEND failed (No such file or directory): rule in chain ISTIO_OUTPUT'
  const run: Run = (file, args, options) => {
    const refused = file.endsWith('-restore') && /--uid-owner|--gid-owner/.test(options?.stdin ?? '')
    if (refused) return Promise.resolve({ ...OK, exitCode: 1, stderr: words })
    return host.run(file, args, options)
  }
  await assert.rejects(program({}, { ...host, run }), /the kernel lacks xt_owner$/m)
  const added = host.restored.filter(({ text }) => /^-A ISTIO_PREFLIGHT/m.test(text)).length
  const removed = host.restored.filter(({ text }) => /^-X ISTIO_PREFLIGHT/m.test(text)).length
  assert.ok(removed > added)
})

test('apply: a missing nft, or what nft misses in the kernel, is named', async () => {
  const native = { nativeNftables: true }
  const failing = (result: Partial<RunResult>): World => {
    const host = world()
    return { ...host, run: () => Promise.resolve({ ...OK, exitCode: 1, ...result }) }
  }
  await assert.rejects(program(native, failing({ missing: true })), /nft binary is missing/)
  const stderr =
    '/dev/stdin:9:1-80: Error: Could not process rule: No such file or directory\nadd rule inet x y redirect to :1\n'
  await assert.rejects(program(native, failing({ stderr })), /the kernel lacks nft_redir$/m)
})
