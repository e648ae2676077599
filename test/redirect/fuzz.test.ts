/** Random input against a namespace in memory: nothing throws, rules are all there or none of them, failures leave no trace. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT } from '../../src/base/log.ts'
import { runPlugin, type PluginOutcome } from '../../src/redirect/cni/plugin.ts'
import type { Compat } from '../../src/redirect/flags.ts'
import { runInit, type InitOutcome } from '../../src/redirect/init.ts'
import { iptablesRules } from '../../src/redirect/iptables.ts'
import { redirectProgram } from '../../src/redirect/program.ts'
import { createFakeNamespace, kernelSpelling, type FakeNamespace } from '../support/fake-namespace.ts'
import {
  createRandom,
  pick,
  randomAddresses,
  randomCall,
  randomCommand,
  randomPod,
  type Random,
} from '../support/random-redirection.ts'

/** FUZZ=100000 runs the full number. */
const RUNS = Number(process.env.FUZZ ?? '2000')
const SEED = Number(process.env.FUZZ_SEED ?? '7')

const FOREIGN = [
  '',
  '*nat\n-A OUTPUT -p udp -j ACCEPT\nCOMMIT\n',
  '*filter\n-A INPUT -p 99 -j ACCEPT\nCOMMIT\n',
] as const

interface Host {
  readonly addresses: readonly string[]
  readonly resolvConf: string
}

function randomHost(random: Random): Host {
  const resolvConf = pick(random, [
    'nameserver 10.96.0.10\n',
    'nameserver fd00::a\nnameserver 10.96.0.10\n',
    '',
    'nameserver fe80::1%eth0\n',
  ])
  return { addresses: randomAddresses(random), resolvConf }
}

const factsOf = ({
  addresses,
  resolvConf,
}: Host): { addresses: () => readonly string[]; resolvConf: () => string; uidOf: () => undefined } => ({
  addresses: () => addresses,
  resolvConf: () => resolvConf,
  uidOf: () => undefined,
})

interface Command {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly host: Host
}

function init({ args, env, host }: Command, namespace: FakeNamespace, compat: Compat = 'off'): Promise<InitOutcome> {
  return runInit(
    { args, env, compat },
    {
      host: factsOf(host),
      run: namespace.run,
      recordRun: () => Promise.resolve({ exitCode: 0, stdout: '', stderr: '', missing: false }),
      network: namespace.network,
      probe: () => Promise.resolve({ ok: true }),
      log: SILENT,
    },
  )
}

/** Every rule planned is there in its order, in chains that hold nothing else. */
function assertComplete({ config }: InitOutcome, namespace: FakeNamespace): void {
  assert.ok(config)
  const program = redirectProgram(config)
  const [families] = JSON.parse(namespace.state()) as [Record<string, Record<string, Record<string, string[]>>>]
  for (const family of ['v4', 'v6'] as const) {
    const wanted: Record<string, string[]> = {}
    for (const { table, chain, at, words } of family === 'v6' && !config.ipv6Enabled
      ? []
      : iptablesRules(program, family)) {
      const rules = (wanted[`${table} ${chain}`] ??= [])
      rules.splice(at === undefined ? rules.length : at - 1, 0, kernelSpelling(words.join(' ').trim().split(/\s+/)))
    }
    for (const [key, rules] of Object.entries(wanted)) {
      const [table = '', chain = ''] = key.split(' ')
      const found = families[family]?.[table]?.[chain] ?? []
      const ours = chain.startsWith('ISTIO_') ? found : found.filter((rule) => rules.includes(rule))
      assert.deepEqual(ours, rules, key)
    }
    const chains = Object.entries(families[family] ?? {}).flatMap(([table, all]) =>
      Object.keys(all).map((chain) => `${table} ${chain}`),
    )
    assert.deepEqual(
      chains.filter((key) => key.includes(' ISTIO_') && wanted[key] === undefined),
      [],
    )
  }
}

/** Runs `body` once a seed, and says which one failed. */
async function forEachSeed(count: number, body: (random: Random) => Promise<void>): Promise<void> {
  for (let i = 0; i < count; i++) {
    try {
      await body(createRandom(SEED * 1_000_003 + i))
    } catch (error) {
      throw new Error(
        `FUZZ_SEED=${SEED}, run ${i}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        { cause: error },
      )
    }
  }
}

test('fuzz: a command puts all its rules in place or changes nothing, and a failure in its middle leaves no trace', async (t) => {
  const exits = new Map<number, number>()
  await forEachSeed(RUNS, async (random) => {
    const command = { ...randomCommand(random), host: randomHost(random) }
    const foreign = pick(random, FOREIGN)
    const namespace = createFakeNamespace({ v4: foreign, v6: foreign })
    const before = namespace.state()
    const outcome = await init(command, namespace)
    exits.set(outcome.exit, (exits.get(outcome.exit) ?? 0) + 1)
    assert.ok(outcome.exit === 0 || (outcome.error !== undefined && outcome.stage !== undefined))
    const { config } = outcome
    if (outcome.exit !== 0 || config === undefined || config.dryRun || config.skipRuleApply || config.cleanupOnly) {
      if (config?.cleanupOnly !== true) assert.equal(namespace.state(), before)
      return
    }
    if (outcome.backend === 'iptables') assertComplete(outcome, namespace)
    const applied = namespace.state()
    await failAt(1 + random(namespace.changes()), { command, foreign, before })
    assert.equal((await init(command, namespace)).exit, 0)
    assert.equal(namespace.state(), applied, 'a second run changes something')
    const cleaned = await init({ ...command, args: asCleanup(command.args) }, namespace)
    assert.equal(cleaned.exit, 0, cleaned.error)
    assert.equal(namespace.state(), before, 'a cleanup leaves something')
  })
  t.diagnostic(`${RUNS} commands, by exit status: ${JSON.stringify(Object.fromEntries(exits))}`)
})

/** The last word of a flag counts; after a bare `--` nothing is a flag. */
function asCleanup(args: readonly string[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  return [...args.slice(0, end), '--cleanup-only=true', ...args.slice(end)]
}

async function failAt(failing: number, given: { command: Command; foreign: string; before: string }): Promise<void> {
  const { command, foreign, before } = given
  const broken = createFakeNamespace({ v4: foreign, v6: foreign, failing })
  const outcome = await init(command, broken)
  assert.equal(outcome.exit, 1)
  assert.equal(broken.state(), before, `the failure of change ${failing} leaves something`)
}

test('fuzz: rules of other flags are replaced whole, and put back when that fails', async () => {
  await forEachSeed(Math.ceil(RUNS / 3), async (random) => {
    const host = randomHost(random)
    const [first, second] = [
      { ...randomCommand(random), host },
      { ...randomCommand(random), host },
    ]
    const namespace = createFakeNamespace()
    const native = (await init(first, namespace)).config?.nativeNftables
    const before = namespace.state()
    const done = namespace.changes()
    const outcome = await init(second, namespace)
    if (outcome.exit !== 0 || outcome.backend !== 'iptables' || native === true) return
    const { config } = outcome
    if (config === undefined || config.dryRun || config.cleanupOnly) return
    assertComplete(outcome, namespace)
    if (namespace.changes() === done) return
    const failing = done + 1 + random(namespace.changes() - done)
    const broken = createFakeNamespace({ failing })
    await init(first, broken)
    assert.equal((await init(second, broken)).exit, 1)
    assert.equal(broken.state(), before, `the failure of change ${failing} leaves something`)
  })
})

test('fuzz: as istiod does, nothing throws either', async () => {
  await forEachSeed(RUNS, async (random) => {
    const command = { ...randomCommand(random), host: randomHost(random) }
    const outcome = await init(command, createFakeNamespace({ failing: random(20) }), 'istiod')
    assert.ok([0, 1, 255].includes(outcome.exit))
  })
})

test('fuzz: a call of the plugin is answered in the form of the protocol, and redirects whole or not at all', async (t) => {
  const decisions = new Map<string, number>()
  await forEachSeed(RUNS, async (random) => {
    const call = randomCall(random)
    const pod = randomPod(random)
    const host = randomHost(random)
    const compat = pick(random, ['off', 'off', 'istiod'] as const)
    const namespace = createFakeNamespace({ failing: random(3) === 0 ? 1 + random(8) : 0 })
    const before = namespace.state()
    const outcome = await runPlugin(call, {
      compat,
      connect: () => Promise.resolve(),
      getPod: () => (random(20) === 0 ? Promise.reject(new Error('not found')) : Promise.resolve(pod)),
      wait: () => Promise.resolve(),
      isOwnNamespace: () => Promise.resolve(false),
      openNamespace: () => Promise.resolve({ ...namespace, host: factsOf(host), log: SILENT, record: false }),
    })
    decisions.set(outcome.decision, (decisions.get(outcome.decision) ?? 0) + 1)
    assertWellFormed(outcome)
    if (outcome.decision !== 'redirect' && compat === 'off') assert.equal(namespace.state(), before)
    if (outcome.decision === 'redirect') assert.notEqual(namespace.state(), before)
  })
  t.diagnostic(`${RUNS} calls, by decision: ${JSON.stringify(Object.fromEntries(decisions))}`)
})

function assertWellFormed({ exit, stdout, decision, error }: PluginOutcome): void {
  assert.equal(exit, error === undefined ? 0 : 1)
  assert.equal(decision === 'error', error !== undefined)
  if (exit === 0 && stdout === '') return
  const printed = JSON.parse(stdout) as { code?: unknown; msg?: unknown }
  if (exit === 1) assert.deepEqual([typeof printed.code, typeof printed.msg], ['number', 'string'])
}
