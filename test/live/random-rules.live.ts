/** Random configurations in real network namespaces: the kernel holds the program, whole or not at all, and gives it up again. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, describe, test } from 'node:test'
import { messageOf } from '../../src/base/errors.ts'
import { SILENT } from '../../src/base/log.ts'
import { createShells } from '../../src/redirect/cni/namespace-shell.ts'
import { openNamespace, type OpenNamespace } from '../../src/redirect/cni/netns.ts'
import { decideForPod } from '../../src/redirect/cni/pod-redirect.ts'
import { deriveConfig, type RedirectConfig } from '../../src/redirect/config.ts'
import { parseFlags, type RedirectSettings } from '../../src/redirect/flags.ts'
import { programRules } from '../../src/redirect/init.ts'
import { iptablesRules, renderRestore } from '../../src/redirect/iptables.ts'
import { renderTransaction } from '../../src/redirect/nftables.ts'
import { redirectProgram } from '../../src/redirect/program.ts'
import { namespaceState } from '../support/namespace-state.ts'
import { must, skipWithoutNamespaces } from '../support/namespaces.ts'
import { createRandom, pick, randomCommand, randomPod, type Random } from '../support/random-redirection.ts'

/** RULES=500 runs more of them. */
const CASES = Number(process.env.RULES ?? '20')
const SEED = Number(process.env.RULES_SEED ?? '1')

interface BackEnd {
  readonly name: string
  readonly settings: Pick<RedirectSettings, 'forceIptablesBinary' | 'nativeNftables'>
}

const BACK_ENDS: readonly BackEnd[] = [
  { name: 'iptables nft', settings: { forceIptablesBinary: 'nft', nativeNftables: false } },
  { name: 'iptables legacy', settings: { forceIptablesBinary: 'legacy', nativeNftables: false } },
  { name: 'nftables', settings: { forceIptablesBinary: '', nativeNftables: true } },
]

const ADDRESSES = ['10.0.0.5/24', '10.0.0.5/24 fd00::5/64', 'fd00::5/64'] as const

/** Rules of somebody else, which stay where they are. */
const FOREIGN = ['', '*nat\n-A OUTPUT -p udp --dport 9999 -j ACCEPT\nCOMMIT\n'] as const

interface Case {
  readonly settings: RedirectSettings
  readonly addresses: readonly string[]
  readonly foreign: string
}

/** A configuration that a command line, its variables or a pod asks for. */
function randomCase(random: Random, backEnd: BackEnd): Case {
  const asked = random(3) === 0 ? settingsOfPod(random) : settingsOfCommand(random)
  if (asked === undefined) return randomCase(random, backEnd)
  const alike = { dryRun: false, skipRuleApply: false, cleanupOnly: false, networkNamespace: '' }
  return {
    settings: { ...asked, ...alike, ...backEnd.settings },
    addresses: pick(random, ADDRESSES).split(' '),
    foreign: backEnd.settings.nativeNftables ? '' : pick(random, FOREIGN),
  }
}

function settingsOfCommand(random: Random): RedirectSettings | undefined {
  const { args, env } = randomCommand(random)
  const flags = parseFlags(args, env, 'off')
  return flags.kind === 'settings' ? flags.settings : undefined
}

function settingsOfPod(random: Random): RedirectSettings | undefined {
  const decision = decideForPod(randomPod(random), 'off')
  return decision.do === 'redirect' ? decision.settings : undefined
}

for (const backEnd of BACK_ENDS) {
  describe(`random rules by ${backEnd.name}`, { skip: skipWithoutNamespaces() }, () => {
    const shells = createShells({ path: process.env.PATH ?? '' })
    const names = ['rules', 'reference'].map((name) => `${name}-${BACK_ENDS.indexOf(backEnd)}-${process.pid}`)
    after(() => {
      shells.close()
      for (const name of names) spawnSync('ip', ['netns', 'del', name])
    })

    /** A pod's namespace that was just made, with these addresses and rules. */
    async function fresh(name: string, { addresses, foreign }: Case): Promise<OpenNamespace> {
      spawnSync('ip', ['netns', 'del', name])
      must('ip', ['netns', 'add', name])
      const namespace = await openNamespace(`/var/run/netns/${name}`, {
        netnsDir: '/var/run/netns',
        procDir: '/proc',
        callerPid: process.pid,
        signal: new AbortController().signal,
        shells,
        log: SILENT,
      })
      const commands = [
        'link set lo up',
        'link add eth0 type veth peer name eth1',
        'link set eth0 up',
        'link set eth1 up',
        ...addresses.map((one) => `addr add ${one} dev eth0 ${one.includes(':') ? 'nodad' : ''}`),
      ]
      for (const command of commands) await namespace.run('ip', command.trim().split(' '))
      const variant = backEnd.settings.forceIptablesBinary
      if (foreign !== '') await namespace.run(`iptables-${variant}-restore`, ['--noflush'], { stdin: foreign })
      return namespace
    }

    /** The configuration in this namespace, or undefined where it is refused before anything is done. */
    async function configOf(given: Case): Promise<RedirectConfig | undefined> {
      const facts = {
        addresses: () => given.addresses,
        resolvConf: () => 'nameserver 10.96.0.10\nnameserver fd00::a\n',
        uidOf: () => undefined,
      }
      try {
        const config = await deriveConfig(given.settings, facts, 'off')
        redirectProgram(config)
        return config
      } catch {
        return undefined
      }
    }

    /** Gives the program to the tools alone, and tells whether they took it. */
    async function load(config: RedirectConfig, { run }: OpenNamespace): Promise<boolean> {
      const program = redirectProgram(config)
      if (config.nativeNftables) {
        // In the original's words: ours must come to the same.
        const stdin = renderTransaction(program, { ipv6: config.ipv6Enabled })
        return (await run('nft', ['-f', '-'], { stdin })).exitCode === 0
      }
      for (const family of config.ipv6Enabled ? (['v4', 'v6'] as const) : (['v4'] as const)) {
        const tool = `${family === 'v4' ? 'iptables' : 'ip6tables'}-${config.forceIptablesBinary}-restore`
        const stdin = renderRestore(iptablesRules(program, family))
        if ((await run(tool, ['--noflush'], { stdin })).exitCode !== 0) return false
      }
      return true
    }

    /** Whether the rules are in place; the reason why not must be one that the tools give, or that of the routes. */
    async function applied(config: RedirectConfig, namespace: OpenNamespace, isTaken: boolean): Promise<boolean> {
      try {
        await programRules(config, namespace)
      } catch (error) {
        assert.ok(!isTaken || messageOf(error).startsWith('failed to configure routes'), messageOf(error))
        return false
      }
      assert.ok(isTaken, 'rules were taken that the tools refuse')
      return true
    }

    async function checkCase(given: Case): Promise<'applied' | 'refused' | undefined> {
      const [namespace, reference] = await Promise.all(names.map((name) => fresh(name, given)))
      assert.ok(namespace && reference)
      try {
        const config = await configOf(given)
        if (config === undefined) return undefined
        const before = await namespaceState(namespace.run)
        if (!(await applied(config, namespace, await load(config, reference)))) {
          assert.deepEqual(await namespaceState(namespace.run), before, 'a refusal left something behind')
          return 'refused'
        }
        const first = await namespaceState(namespace.run)
        assert.equal(first.rules, (await namespaceState(reference.run)).rules, 'the kernel holds something else')
        await programRules(config, namespace)
        assert.deepEqual(await namespaceState(namespace.run), first, 'a second run changed something')
        await programRules({ ...config, cleanupOnly: true }, namespace)
        assert.deepEqual(await namespaceState(namespace.run), before, 'a cleanup left something behind')
        return 'applied'
      } finally {
        await Promise.all([namespace.close(), reference.close()])
      }
    }

    test(`${CASES} configurations are in place as the tools alone would put them, and are removed without a trace`, async (t) => {
      const random = createRandom(SEED * 1_000 + BACK_ENDS.indexOf(backEnd))
      const counts = { applied: 0, refused: 0 }
      while (counts.applied + counts.refused < CASES) {
        const given = randomCase(random, backEnd)
        try {
          const outcome = await checkCase(given)
          if (outcome !== undefined) counts[outcome]++
        } catch (error) {
          throw new Error(`${JSON.stringify(given)}\n${messageOf(error)}`, { cause: error })
        }
      }
      t.diagnostic(JSON.stringify(counts))
      assert.ok(counts.applied > 0)
    })
  })
}
