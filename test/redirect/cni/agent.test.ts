/** The agent's socket: frames, limits, and what becomes of calls that do not end. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { SILENT } from '../../../src/base/log.ts'
import { SOCKET_NAME, startAgent, type Agent, type AgentOptions } from '../../../src/redirect/cni/agent.ts'
import { readCall, writeReply } from '../../../src/redirect/cni/call-frame.ts'
import { createSlots } from '../../../src/redirect/cni/slots.ts'
import type { RunResult } from '../../../src/redirect/run.ts'
import { createFakeNamespace } from '../../support/fake-namespace.ts'

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

/** A call as the executable sends it. */
function frame(env: Readonly<Record<string, string>>, stdin: string, pid = 1): Uint8Array {
  const variables = bytes(Object.entries(env).map(([name, value]) => `${name}=${value}\0`).join('')) // prettier-ignore
  const head = `mesh-cni 1 ${pid} ${variables.length} ${bytes(stdin).length}\n`
  return Buffer.concat([bytes(head), variables, bytes(stdin)])
}

test('a call is read back as it was sent, and no part of it is a call', () => {
  const name = fc.stringMatching(/^CNI_[A-Z]{1,8}$/)
  const value = fc.string({ unit: 'grapheme' }).map((one) => one.replaceAll('\0', ''))
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.string({ unit: 'grapheme' }), fc.nat(), (env, stdin, cut) => {
      const sent = frame(env, stdin, 77)
      assert.deepEqual(readCall(sent), { pid: 77, env: { ...env }, stdin })
      assert.equal(readCall(sent.subarray(0, cut % sent.length)), undefined)
    }),
  )
})

for (const [name, sent] of [
  ['another protocol', 'GET / HTTP/1.1\r\n\r\n'],
  ['no head at all', 'x'.repeat(200)],
  ['a size that would fill the memory', 'mesh-cni 1 1 0 999999999\n'],
] as const) {
  test(`${name} is refused`, () => {
    assert.throws(() => readCall(bytes(sent)), { code: 'CNI_CALL_INVALID' })
  })
}

test('a reply counts bytes, not characters', () => {
  assert.equal(new TextDecoder().decode(writeReply({ exit: 1, stdout: 'é', stderr: 'x' })), '1 2 1\néx')
})

interface Started {
  readonly agent: Agent
  readonly call: (sent: Uint8Array) => Promise<string>
}

async function started(t: TestContext, given: Partial<AgentOptions> = {}): Promise<Started> {
  const runDir = mkdtempSync(join(tmpdir(), 'agent-'))
  // What an agent that was killed leaves behind.
  writeFileSync(join(runDir, SOCKET_NAME), '')
  const agent = await startAgent({
    runDir,
    compat: 'off',
    clock: { nowMs: () => 0, wait: () => Promise.resolve() },
    log: SILENT,
    ports: {
      connect: () => Promise.resolve(),
      getPod: () => new Promise(() => undefined),
      openNamespace: () => Promise.reject(new Error('no namespace')),
      isOwnNamespace: () => Promise.resolve(false),
    },
    ...given,
  })
  t.after(async () => {
    await agent.close()
    rmSync(runDir, { recursive: true })
  })
  const call = (sent: Uint8Array): Promise<string> => text(connect(agent.socketPath).on('error', () => undefined).end(sent)) // prettier-ignore
  return { agent, call }
}

const ENV = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c', CNI_NETNS: '/n', CNI_IFNAME: 'e', CNI_PATH: '/b', CNI_ARGS: 'K8S_POD_NAME=p;K8S_POD_NAMESPACE=n' } // prettier-ignore
const CONF = '{"cniVersion":"1.0.0","name":"n"}'

test('the socket replaces a dead one, and only its owner may call', async (t) => {
  const { agent } = await started(t)
  assert.equal(statSync(agent.socketPath).mode & 0o777, 0o600)
})

test('a socket that was removed is opened anew', async (t) => {
  const { agent } = await started(t)
  rmSync(agent.socketPath)
  await agent.restore()
  const socket = connect(agent.socketPath)
  socket.write(frame({ CNI_COMMAND: 'VERSION' }, ''))
  assert.match(await text(socket), /^0 /)
  const { ino } = statSync(agent.socketPath)
  await agent.restore()
  assert.equal(statSync(agent.socketPath).ino, ino)
})

test('a call that takes too long is told to come again', async (t) => {
  const { agent } = await started(t, { callLimitMs: 20 })
  const socket = connect(agent.socketPath)
  socket.write(frame(ENV, CONF))
  assert.match(await text(socket), /^1 \d+ 0\n\{\s+"code": 11,/)
})

test('more calls than there is room for are told to come again', async (t) => {
  const { agent } = await started(t, { maxCalls: 0 })
  const socket = connect(agent.socketPath)
  socket.write(frame(ENV, CONF))
  assert.match(await text(socket), /"code": 11,/)
})

test('what is no call gets no answer, and the agent goes on', async (t) => {
  const { agent, call } = await started(t)
  assert.equal(await call(bytes('GET / HTTP/1.1\r\n\r\n')), '')
  const socket = connect(agent.socketPath)
  socket.write(frame({ CNI_COMMAND: 'VERSION' }, ''))
  assert.match(await text(socket), /^0 /)
  assert.ok(existsSync(agent.socketPath))
})

const CALM = { nowMs: () => 0, wait: () => Promise.resolve() }
const MESH_POD = {
  metadata: { annotations: { 'sidecar.istio.io/status': '{}' } },
  spec: { containers: [{ name: 'istio-proxy' }] },
}

interface Ports {
  /** What happened, in order. */
  readonly events: string[]
  readonly ports: AgentOptions['ports']
  /** Lets the API server answer, and namespaces be closed. */
  readonly release: { pod: (pod: object) => void; close: () => void }
}

function gate<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((done) => (resolve = done))
  return { promise, resolve }
}

/** A namespace whose tools succeed and print nothing, and an API server that answers when it is told to. */
function slowPorts(): Ports {
  const events: string[] = []
  const pod = gate<object>()
  const closing = gate<void>()
  const run = (file: string): Promise<RunResult> => {
    events.push(file)
    return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', missing: false })
  }
  const namespace = {
    host: { addresses: () => ['10.0.0.5/24'], resolvConf: () => '', uidOf: () => undefined },
    run,
    network: createFakeNamespace().network,
    log: SILENT,
    record: false,
    close: async () => {
      await closing.promise
      events.push('closed')
    },
  }
  return {
    events,
    release: { pod: pod.resolve, close: () => closing.resolve(undefined) },
    ports: {
      connect: () => Promise.resolve(),
      getPod: () => {
        events.push('asked')
        return pod.promise
      },
      openNamespace: () => {
        events.push('opened')
        return Promise.resolve(namespace)
      },
      isOwnNamespace: () => Promise.resolve(false),
    },
  }
}

function send(agent: Agent): Promise<string> {
  const socket = connect(agent.socketPath)
  socket.write(frame(ENV, CONF))
  return text(socket)
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

test('the answer does not wait for the namespace to be closed, but its slot does', async (t) => {
  const { events, ports, release } = slowPorts()
  const { agent } = await started(t, { ports, clock: CALM, maxNamespaces: 1 })
  release.pod(MESH_POD)
  assert.match(await send(agent), /^0 /)
  assert.ok(events.includes('iptables-nft-restore'), events.join())
  assert.equal(events.includes('closed'), false)
  const written = (): number => events.filter((one) => one === 'iptables-nft-restore').length
  const second = send(agent)
  await until(() => events.filter((one) => one === 'asked').length === 2)
  assert.equal(written(), 1)
  release.close()
  assert.match(await second, /^0 /)
  assert.deepEqual([written(), events.indexOf('closed') < events.lastIndexOf('iptables-nft-restore')], [2, true])
})

test('one namespace at a time is opened before its pod is known, and closed when it is not needed', async (t) => {
  const { events, ports, release } = slowPorts()
  const { agent } = await started(t, { ports, clock: CALM })
  const answers = [send(agent), send(agent)]
  await until(() => events.filter((one) => one === 'asked').length === 2)
  assert.deepEqual([...events].sort(), ['asked', 'asked', 'opened'])
  release.close()
  release.pod({ spec: { containers: [{ name: 'app' }] } })
  for (const answer of await Promise.all(answers)) assert.match(answer, /^0 /)
  await until(() => events.includes('closed'))
  assert.deepEqual([...events].sort(), ['asked', 'asked', 'closed', 'opened'])
})

test('a namespace that cannot be opened is no failure of a pod that does not need it', async (t) => {
  const { ports, release } = slowPorts()
  const openNamespace = (): Promise<never> => Promise.reject(new Error('no namespace'))
  const { agent } = await started(t, { ports: { ...ports, openNamespace }, clock: CALM })
  release.pod({ spec: { containers: [{ name: 'app' }] } })
  assert.match(await send(agent), /^0 /)
})

test('slots are given in line, and who gives up leaves it', async () => {
  const slots = createSlots(1)
  const never = new AbortController().signal
  const impatient = new AbortController()
  await slots.take(never)
  const order: string[] = []
  const second = slots.take(impatient.signal).catch(() => order.push('gave up'))
  const third = slots.take(never).then(() => order.push('third'))
  assert.equal(slots.takeNow(), false)
  impatient.abort()
  await second
  slots.give()
  await third
  assert.deepEqual(order, ['gave up', 'third'])
  slots.give()
  assert.deepEqual([slots.takeNow(), slots.takeNow()], [true, false])
})
