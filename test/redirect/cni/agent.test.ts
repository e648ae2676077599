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

test('slots are given in line, and who gives up leaves it', async () => {
  const slots = createSlots(1)
  const never = new AbortController().signal
  const impatient = new AbortController()
  await slots.take(never)
  const order: string[] = []
  const second = slots.take(impatient.signal).catch(() => order.push('gave up'))
  const third = slots.take(never).then(() => order.push('third'))
  impatient.abort()
  await second
  slots.give()
  await third
  assert.deepEqual(order, ['gave up', 'third'])
})
