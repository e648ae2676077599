/** The real executable with a real agent behind it, and with none. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { answerCniCase } from '../../../scripts/answer/redirect.ts'
import { SILENT } from '../../../src/base/log.ts'
import { SOCKET_NAME, startAgent, type AgentPorts } from '../../../src/redirect/cni/agent.ts'
import type { PluginDeps, PluginOutcome } from '../../../src/redirect/cni/plugin.ts'
import type { CniCall, CniError } from '../../../src/redirect/cni/protocol.ts'
import type { JsonObject } from '../../../src/redirect/cni/go-json.ts'
import { buildForwarder, callForwarder, skipWithoutCompiler, type Finished } from '../../support/forwarder.ts'
import { essence, recordedCases } from '../../support/redirect-cases.ts'
import { sharedPath, skipWithout } from '../../support/shared.ts'

const skip = skipWithoutCompiler()
const cases = sharedPath('conformance', 'redirect')
const INSTANT = { nowMs: () => 0, wait: () => Promise.resolve() }

/** Ports of the agent that do what the plugin's would. */
function portsOf(deps: () => PluginDeps): AgentPorts {
  return {
    connect: () => deps().connect(''),
    getPod: (pod) => deps().getPod(pod),
    openNamespace: async (path) => ({ ...(await deps().openNamespace(path)), close: () => Promise.resolve() }),
    isOwnNamespace: (path) => deps().isOwnNamespace(path),
  }
}

/** What the executable printed, as an outcome; the rest is the agent's. */
function printedOutcome({ exit, stdout, stderr }: Finished, outcome: PluginOutcome): PluginOutcome {
  const { error: _error, result: _result, ...rest } = outcome
  const printed = stdout === '' ? undefined : (JSON.parse(stdout) as JsonObject)
  const shown = exit === 0 ? { result: printed } : { error: printed as unknown as CniError }
  return { ...rest, exit: exit === 0 ? 0 : 1, stdout, stderr, ...(printed === undefined ? {} : shown) } as PluginOutcome
}

/** The same text with the run folder of the test, where it is an object. */
function withRunDir(stdin: string, runDir: string): string {
  try {
    const conf: unknown = JSON.parse(stdin)
    if (typeof conf !== 'object' || conf === null || Array.isArray(conf)) return stdin
    const { cni_agent_run_dir: given } = conf as { cni_agent_run_dir?: unknown }
    return given === undefined || typeof given === 'string'
      ? JSON.stringify({ ...conf, cni_agent_run_dir: runDir })
      : stdin
  } catch {
    return stdin
  }
}

describe('the executable on the host', { skip }, () => {
  let folder = ''
  let forwarder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cni-'))
    forwarder = buildForwarder({ folder, runDir: folder, flags: ['-g', '-fsanitize=address,undefined'] })
  })
  after(() => rmSync(folder, { recursive: true }))

  test('every recorded call gets the original answer through the agent', { skip: skipWithout(cases) }, async (t) => {
    let deps: PluginDeps | undefined
    let answered: PluginOutcome | undefined
    const ports = portsOf(() => deps ?? assert.fail('no case is being answered'))
    const agent = await startAgent({
      runDir: folder,
      compat: 'istiod',
      ports,
      clock: INSTANT,
      log: SILENT,
      onAnswer: (_, outcome) => (answered = outcome),
    })
    const throughForwarder = async ({ env, stdin }: CniCall, given: PluginDeps): Promise<PluginOutcome> => {
      deps = given
      answered = undefined
      const finished = await callForwarder(forwarder, env as Record<string, string>, withRunDir(stdin, folder))
      return printedOutcome(finished, answered ?? assert.fail(`the agent was not asked: ${finished.stdout}`))
    }
    const different: string[] = []
    const recorded = recordedCases(cases ?? '')
    let count = 0
    try {
      for (const { case: input, answer } of recorded) {
        if (input.op !== 'cni') continue
        count++
        try {
          assert.deepEqual(essence(await answerCniCase(input, throughForwarder)), essence(answer))
        } catch (error) {
          different.push(`${input.id}: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
    } finally {
      await agent.close()
    }
    t.diagnostic(`${count - different.length} of ${count} cases equal`)
    assert.equal(different.length, 0, different.slice(0, 5).join('\n'))
  })

  const PREVIOUS = { cniVersion: '1.0.0', ips: [{ address: '10.0.0.5/24' }] }
  const CONF = {
    cniVersion: '1.0.0',
    name: 'n',
    pod_namespace: 'istio-system',
    exclude_namespaces: ['kube-system', 'lists'],
    prevResult: PREVIOUS,
  }
  const podArgs = (namespace: string, name: string): string =>
    `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_UID=1`
  const AGENT_POD = podArgs('istio-system', 'istio-cni-node-x')

  interface Alone {
    readonly name: string
    readonly command: string
    readonly args?: string
    readonly conf?: unknown
    /** Printed on standard output, or the code of the error. */
    readonly want: unknown
  }
  const alone: Alone[] = [
    { name: 'VERSION', command: 'VERSION', conf: 'nothing', want: { cniVersion: '1.1.0', supportedVersions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] } },
    { name: 'DEL, whatever the configuration', command: 'DEL', conf: '[', want: undefined },
    { name: 'GC', command: 'GC', want: undefined },
    { name: "ADD of the agent's own pod", command: 'ADD', args: AGENT_POD, want: PREVIOUS },
    { name: 'ADD in an excluded namespace', command: 'ADD', args: podArgs('lists', 'p'), want: PREVIOUS },
    { name: 'ADD without a previous result', command: 'ADD', args: AGENT_POD, conf: { ...CONF, prevResult: null }, want: { cniVersion: '1.0.0' } },
    { name: 'ADD of an older version', command: 'ADD', args: AGENT_POD, conf: { ...CONF, cniVersion: '0.3.1', prevResult: undefined }, want: { cniVersion: '0.3.1', dns: {} } },
    { name: 'a namesake of the agent elsewhere', command: 'ADD', args: podArgs('prod', 'istio-cni-node-x'), want: 11 },
    { name: 'a pod of the mesh', command: 'ADD', args: podArgs('prod', 'shop'), want: 11 },
    { name: 'a namespace that begins like an excluded one', command: 'ADD', args: podArgs('kube-system2', 'p'), want: 11 },
    { name: 'a name in a nested list', command: 'ADD', args: podArgs('x', 'p'), conf: { ...CONF, exclude_namespaces: [['x']], a: { exclude_namespaces: ['x'] } }, want: 11 },
    { name: 'a broken configuration', command: 'ADD', args: AGENT_POD, conf: `${JSON.stringify(CONF)}x`, want: 11 },
    { name: 'a previous result of another version', command: 'ADD', args: AGENT_POD, conf: { ...CONF, cniVersion: '0.4.0' }, want: 6 },
    { name: 'the oldest versions', command: 'ADD', args: AGENT_POD, conf: { ...CONF, cniVersion: '0.2.0' }, want: 11 },
    { name: 'no pod', command: 'ADD', args: '', want: 11 },
    { name: 'CHECK', command: 'CHECK', args: AGENT_POD, want: 11 },
    { name: 'STATUS', command: 'STATUS', want: 50 },
    { name: 'JSON nested without end', command: 'ADD', args: AGENT_POD, conf: '['.repeat(1_000_000), want: 11 },
  ] // prettier-ignore
  for (const { name, command, args = '', conf = CONF, want } of alone) {
    test(`without an agent: ${name}`, async () => {
      const stdin = typeof conf === 'string' ? conf : JSON.stringify(conf)
      const { exit, stdout, stderr } = await callForwarder(forwarder, { CNI_COMMAND: command, CNI_ARGS: args }, stdin)
      const printed = stdout === '' ? undefined : (JSON.parse(stdout) as { code?: number })
      assert.equal(stderr, '')
      assert.deepEqual(typeof want === 'number' ? printed?.code : printed, want)
      assert.equal(exit, typeof want === 'number' ? 1 : 0)
    })
  }

  for (const [name, reply] of [
    ['hangs up', ''],
    ['answers half', '0 10 0\nhalf'],
    ['answers nonsense', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['claims too much', '0 999999999 999999999\n'],
  ] as const) {
    test(`an agent that ${name} is no agent`, async () => {
      const server = createServer((socket) => socket.resume().end(reply)).listen(join(folder, SOCKET_NAME))
      try {
        const env = { CNI_COMMAND: 'ADD', CNI_ARGS: podArgs('prod', 'shop') }
        const { exit, stdout } = await callForwarder(forwarder, env, JSON.stringify(CONF))
        assert.deepEqual([exit, (JSON.parse(stdout) as CniError).code], [1, 11])
      } finally {
        await new Promise((resolve) => server.close(resolve))
      }
    })
  }

  test('an agent that never answers is given up, and its own pod still starts', async () => {
    const impatient = mkdtempSync(join(tmpdir(), 'cni-'))
    const path = buildForwarder({ folder: impatient, runDir: impatient, timeLimitMs: 50 })
    const server = createServer((socket) => socket.resume()).listen(join(impatient, SOCKET_NAME))
    try {
      const call = (args: string): Promise<Finished> =>
        callForwarder(path, { CNI_COMMAND: 'ADD', CNI_ARGS: args }, JSON.stringify(CONF))
      assert.equal((JSON.parse((await call(podArgs('prod', 'shop'))).stdout) as CniError).code, 11)
      assert.deepEqual(JSON.parse((await call(AGENT_POD)).stdout), PREVIOUS)
    } finally {
      await new Promise((resolve) => server.close(resolve))
      rmSync(impatient, { recursive: true })
    }
  })
})
