/** The whole server in this process, with a stand-in for the engine that answers the text of its configuration. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { ProjectError } from '../../../src/base/errors.ts'
import type { Configuration } from '../../../src/cli/serve/configuration.ts'
import { announcement } from '../../../src/cli/serve/announce.ts'
import { createFileSource } from '../../../src/cli/serve/file-source.ts'
import type { Engine } from '../../../src/cli/serve/live-engine.ts'
import { resolveServeOptions } from '../../../src/cli/serve/options.ts'
import { startWebhook, type RunningWebhook } from '../../../src/cli/serve/webhook.ts'
import { temporaryFolder } from '../../support/files.ts'
import { recordingLog, review, type LoggedLine } from '../../support/webhook.ts'

interface Started {
  readonly webhook: RunningWebhook
  readonly folder: string
  readonly lines: LoggedLine[]
  /** Resolves at the next line with this text. */
  readonly logged: (text: string) => Promise<void>
}

function fakeCompile({ configText }: Configuration): Engine {
  if (configText.includes('broken'))
    throw new ProjectError('CONFIG_INVALID', 'config: template: inject:7: unexpected "}"')
  return () => ({ denied: configText })
}

async function start(t: TestContext, flags: Record<string, unknown> = {}, env = {}): Promise<Started> {
  // Hooks run in this order: the folder goes after the server that keeps its authority there.
  let end = (): Promise<void> => Promise.resolve()
  t.after(() => end())
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'config'), 'one')
  const given = {
    port: '0',
    healthPort: '0',
    metricsPort: '0',
    address: '127.0.0.1',
    stateDir: join(folder, 'state'),
    injectConfigFile: join(folder, 'config'),
    ...flags,
  }
  const options = resolveServeOptions(given, env)
  const lines: LoggedLine[] = []
  const waiting: { text: string; resolve: () => void }[] = []
  const log = recordingLog({
    push: (line: LoggedLine) => {
      for (const { resolve } of waiting.filter(({ text }) => text === line.text)) resolve()
      return lines.push(line)
    },
  } as LoggedLine[]) // the log only ever pushes
  const logged = (text: string): Promise<void> => new Promise((resolve) => waiting.push({ text, resolve }))
  const deps = {
    source: createFileSource(options),
    compile: fakeCompile,
    clock: systemClock,
    log,
    cluster: undefined,
    giveUp: new AbortController().signal,
  }
  const webhook = await startWebhook(options, deps)
  end = () => webhook.close(AbortSignal.abort())
  return { webhook, folder, lines, logged }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8')
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  return text
}

async function post({ port, caFile }: RunningWebhook): Promise<{ status: number; text: string }> {
  const ca = readFileSync(caFile ?? '', 'utf8')
  const headers = { 'content-type': 'application/json' }
  const outgoing = request({ port, ca, headers, host: '127.0.0.1', method: 'POST', path: '/inject?timeout=5s' })
  outgoing.end(JSON.stringify(review('web')))
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { status: answer.statusCode ?? 0, text: await textOf(answer) }
}

async function message(webhook: RunningWebhook): Promise<string> {
  const { text } = await post(webhook)
  return (JSON.parse(text) as { response: { status: { message: string } } }).response.status.message
}

async function get(port: number, path: string): Promise<{ status: number; text: string }> {
  const [answer] = (await once(httpGet({ port, host: '127.0.0.1', path, agent: false }), 'response')) as [
    IncomingMessage,
  ]
  return { status: answer.statusCode ?? 0, text: await textOf(answer) }
}

test('serve: callers verify the certificate against the file that is announced', async (t) => {
  const { webhook, folder } = await start(t)
  assert.equal(webhook.caFile, join(folder, 'state', 'current', 'ca.crt'))
  assert.equal(await message(webhook), 'one')
  assert.equal((await stat(join(folder, 'state'))).mode & 0o777, 0o700)
  const text = announcement(webhook, undefined)
  assert.match(text, new RegExp(`^Serving https://localhost:${webhook.port}/inject\nCA: ${webhook.caFile}\n`))
  assert.match(text, new RegExp(`curl -sS --cacert ${webhook.caFile} .* https://localhost:${webhook.port}/inject\n$`))
})

test('serve: a second start has the same authority', async (t) => {
  const first = await start(t)
  const caPem = readFileSync(first.webhook.caFile ?? '', 'utf8')
  await first.webhook.close(AbortSignal.abort())
  const second = await start(t, { stateDir: join(first.folder, 'state') })
  assert.equal(readFileSync(second.webhook.caFile ?? '', 'utf8'), caPem)
  await second.webhook.close(AbortSignal.abort())
})

test('serve: probes and metrics have ports of their own', async (t) => {
  const { webhook } = await start(t)
  assert.deepEqual(await get(webhook.healthPort, '/readyz'), { status: 200, text: 'ok' })
  await post(webhook)
  const { text } = await get(webhook.metricsPort, '/metrics')
  assert.match(text, /^sidecar_injection_requests_total 1$/m)
  assert.match(text, /^mesh_admission_config_generation 1$/m)
  assert.equal((await get(webhook.metricsPort, '/readyz')).status, 404)
})

test('serve: a good change is live, a broken one is refused with its place, and then a good one is live again', async (t) => {
  const { webhook, folder, lines, logged } = await start(t)
  let news = logged('configuration taken over')
  await writeFile(join(folder, 'config'), 'two')
  await news
  assert.equal(await message(webhook), 'two')
  news = logged('configuration refused, the last good one stays')
  await writeFile(join(folder, 'config'), 'broken')
  await news
  assert.equal(await message(webhook), 'two')
  const refusal = lines.find(({ level }) => level === 'error')
  assert.match(String((refusal?.fields.err as Error).message), /^config: template: inject:7/)
  assert.match((await get(webhook.metricsPort, '/metrics')).text, /^mesh_admission_config_last_reload_success 0$/m)
  news = logged('configuration taken over')
  await writeFile(join(folder, 'config'), 'three')
  await news
  assert.equal(await message(webhook), 'three')
})

test('serve: a first configuration that is broken ends the start, and leaves nothing behind', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'config'), 'broken')
  await assert.rejects(start(t, { injectConfigFile: join(folder, 'config') }), { code: 'CONFIG_INVALID' })
})

test('serve: a port that is taken ends the start', async (t) => {
  const { webhook } = await start(t)
  await assert.rejects(start(t, { metricsPort: String(webhook.port) }), {
    code: 'LISTEN_FAILED',
    message: /^metrics port/,
  })
})

test('serve: INJECT_ENABLED=false takes the paths away', async (t) => {
  const { webhook } = await start(t, {}, { INJECT_ENABLED: 'false' })
  assert.equal((await post(webhook)).status, 404)
})

test('serve: while it drains, the server is unready and serves', async (t) => {
  const { webhook } = await start(t, { shutdownDelay: '1h' })
  const hurry = new AbortController()
  const closed = webhook.close(hurry.signal)
  assert.equal((await get(webhook.healthPort, '/readyz')).status, 503)
  assert.equal((await get(webhook.healthPort, '/livez')).status, 200)
  assert.equal(await message(webhook), 'one')
  hurry.abort()
  await closed
  await assert.rejects(post(webhook), { code: 'ECONNREFUSED' })
})
