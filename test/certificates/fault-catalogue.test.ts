/**
 * The fault catalogue, row by row, on replicas over one API server in memory and a clock that is moved by hand. Tests
 * carry the numbers of their rows; `ROWS` says where those of a row are, here or elsewhere.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import type { Clock } from '../../src/base/clock.ts'
import { ProjectError } from '../../src/base/errors.ts'
import { newAuthorityState } from '../../src/certificates/authority.ts'
import type { OwnAddress, WebhookConfiguration } from '../../src/certificates/ca-bundle.ts'
import { keepCaBundles, lookAtBundles } from '../../src/certificates/ca-bundle.ts'
import type { FileNews } from '../../src/certificates/file-source.ts'
import { startFileSource } from '../../src/certificates/file-source.ts'
import { createFileStore } from '../../src/certificates/file-store.ts'
import type { IssuedSource } from '../../src/certificates/issued-source.ts'
import { startIssuedSource } from '../../src/certificates/issued-source.ts'
import { issueLeaf, pairFault, servingNames } from '../../src/certificates/leaf.ts'
import type { AuthorityNews } from '../../src/certificates/news.ts'
import { createSecretStore } from '../../src/certificates/secret-store.ts'
import type { AuthorityStore } from '../../src/certificates/store.ts'
import { ROTATE_ANNOTATION } from '../../src/certificates/store.ts'
import type { KeyAlgorithm } from '../../src/certificates/x509.ts'
import { generateKeyOf, isIssuedBy, keyAlgorithmOf, readCertificate } from '../../src/certificates/x509.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import type { KubeObject } from '../../src/kube/resource.ts'
import { MUTATING_WEBHOOKS, SECRETS } from '../../src/kube/resource.ts'
import { createServerClock } from '../../src/kube/server-clock.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createFakeKubeClient, noAnswer } from '../support/fake-kube-client.ts'
import { createRecordingLog } from '../support/recording-log.ts'
import { PROJECT_ROOT } from '../support/shared.ts'

const NAMES = servingNames({ services: [{ name: 's', namespace: 'n' }] })
const SECRET = { resource: SECRETS, namespace: 'n', name: 'ca' }
const CONFIGURATION = { resource: MUTATING_WEBHOOKS, name: 'c' }
const OWN = { installation: 'test', own: { services: [{ name: 's', namespace: 'n' }], servesHost: () => false } }
const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1000, 60_000, 3_600_000, 86_400_000]

/** What a replica has for itself, where it differs from the others. */
interface OwnParts {
  readonly client?: KubeClient
  readonly clock?: Clock
  readonly isClockSane?: () => boolean
}

function cluster() {
  const client = createFakeKubeClient()
  const clock = createFakeClock()
  const log = createRecordingLog()
  const end = new AbortController()
  const news: AuthorityNews[] = []
  const { signal } = end
  const look = (bundlePem: string) =>
    lookAtBundles({ ...OWN, client, configurations: [CONFIGURATION] }, bundlePem, signal)
  const start = async ({ isClockSane = () => true, ...own }: OwnParts = {}): Promise<IssuedSource> => {
    const { client: ownClient = client, clock: ownClock = clock } = own
    const starting = startIssuedSource({
      store: createSecretStore({ client: ownClient, namespace: 'n', name: 'ca', clock, log }),
      isClockSane,
      installation: 'test',
      withoutStore: 'wait',
      names: NAMES,
      look,
      tell: (told) => void news.push(told),
      clock: ownClock,
      log,
      signal,
    })
    const source = await starting
    void keepCaBundles({
      ...OWN,
      client,
      configurations: [CONFIGURATION],
      wanted: () => source.authority(),
      onWantedChange: (listener) => source.onAuthorityChange(listener),
      clock,
      log,
      signal,
    })
    await settle()
    return source
  }
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  const pass = async (totalMs: number, stepMs = 30 * SECOND_MS): Promise<void> => {
    for (let passed = 0; passed < totalMs; passed += stepMs) {
      clock.advance(stepMs)
      await settle()
    }
  }
  const secret = () => client.get<KubeObject & { data?: Record<string, string> }>(SECRET, signal)
  const part = async (name: string): Promise<string> =>
    Buffer.from((await secret()).data?.[name] ?? '', 'base64').toString()
  const bundle = async (): Promise<string> => {
    const { webhooks } = await client.get<WebhookConfiguration>(CONFIGURATION, signal)
    return Buffer.from(webhooks?.[0]?.clientConfig.caBundle ?? '', 'base64').toString()
  }
  const register = (): void =>
    client.put(CONFIGURATION, {
      metadata: { name: 'c' },
      webhooks: [{ name: 'e', clientConfig: { service: { name: 's', namespace: 'n' } } }],
    } as KubeObject)
  const steps = (): string[] => news.flatMap((one) => (one.news === 'written' ? [one.step.do] : []))
  register()
  return { client, clock, log, end, news, look, start, settle, pass, secret, part, bundle, register, steps }
}

const trusted = (source: IssuedSource, bundlePem: string): boolean =>
  isIssuedBy(source.current().certPem, source.authority().signer.certificate.pem) &&
  bundlePem.includes(source.authority().signer.certificate.pem)

async function annotate(
  { client, secret }: Pick<ReturnType<typeof cluster>, 'client' | 'secret'>,
  token: string,
): Promise<void> {
  const { metadata, ...rest } = await secret()
  client.put(SECRET, { ...rest, metadata: { ...metadata, annotations: { [ROTATE_ANNOTATION]: token } } })
}

test('a change from beginning to end on three replicas: every leaf is trusted at every moment', async () => {
  const world = cluster()
  const replicas = [await world.start(), await world.start(), await world.start()]
  const first = replicas[0]?.authority().signer.certificate.fingerprint
  await annotate(world, 'x')
  const phases: string[] = []
  for (let minute = 0; minute < 26 * 60; minute++) {
    await world.pass(MINUTE_MS, MINUTE_MS)
    const bundlePem = await world.bundle()
    for (const source of replicas) assert.ok(trusted(source, bundlePem), `minute ${minute}`)
    phases.push(await world.part('phase'))
    if (phases.at(-1) === 'stable' && minute > 30) break
  }
  assert.deepEqual([...new Set(phases)], ['trusting', 'switching', 'stable'])
  assert.ok(phases.filter((phase) => phase === 'trusting').length >= 10)
  for (const source of replicas) assert.notEqual(source.authority().signer.certificate.fingerprint, first)
  assert.deepEqual(world.steps(), ['create', 'begin', 'promote', 'retire'])
  world.end.abort()
})

test('row 1: a Secret that is deleted comes back within two seconds, the same, and no bundle changes', async () => {
  const world = cluster()
  await world.start()
  await world.start()
  const [before, bundlePem] = [await world.part('ca.crt'), await world.bundle()]
  world.client.remove(SECRET)
  await world.settle()
  assert.equal(await world.part('ca.crt'), before)
  assert.equal(await world.bundle(), bundlePem)
  assert.deepEqual(world.steps(), ['create', 'restore'])
  world.end.abort()
})

test('row 3: data emptied by a re-apply, with and without our label, is filled again', async () => {
  const world = cluster()
  await world.start()
  const before = await world.part('ca.crt')
  for (const labels of [{ 'mesh-admission.io/webhook-ca': 'true' }, {}]) {
    world.client.put(SECRET, { metadata: { name: 'ca', namespace: 'n', labels } })
    await world.settle()
    assert.equal(await world.part('ca.crt'), before)
  }
  world.end.abort()
})

test('row 4: a Secret that is spoilt comes back from memory, and nothing of it is logged', async () => {
  const world = cluster()
  await world.start()
  const before = await world.part('signer.key')
  const intact = await world.secret()
  const foreignKey = newAuthorityState({ installation: 'test', generation: 1, nowMs: 0 }).signer.key
  const foreign = foreignKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  for (const text of ['secret nonsense', foreign]) {
    world.client.put(SECRET, {
      ...intact,
      data: { ...intact.data, 'signer.key': Buffer.from(text).toString('base64') },
    } as KubeObject)
    await world.settle()
    assert.equal(await world.part('signer.key'), before)
  }
  assert.doesNotMatch(JSON.stringify(world.log.lines), /secret nonsense|PRIVATE KEY/)
  world.end.abort()
})

test('row 6: a Secret of somebody else is waited out, named and never written', async () => {
  const world = cluster()
  world.client.put(SECRET, { metadata: { name: 'ca', namespace: 'n' }, data: { theirs: 'eA==' } } as KubeObject)
  const starting = world.start()
  await world.pass(5 * MINUTE_MS)
  assert.equal(world.client.requests.filter((request) => /^(create|replace)/.test(request)).length, 0)
  assert.ok(world.news.some(({ news }) => news === 'foreign'))
  assert.match(JSON.stringify(world.log.lines.map(({ fields }) => String(fields.err))), /Secret n\/ca/)
  world.client.remove(SECRET)
  await world.pass(MINUTE_MS)
  assert.equal((await starting).authority().generation, 1)
  world.end.abort()
})

test('row 7: an API server that is away at the start is waited for', async () => {
  const world = cluster()
  for (let i = 0; i < 4; i++) world.client.failures.push({ verb: 'get', error: noAnswer() })
  const starting = world.start()
  await world.pass(10 * MINUTE_MS)
  assert.equal((await starting).isUsable(), true)
  world.end.abort()
})

test('row 8: while the API server is away leaves are renewed, and the change of authority waits', async () => {
  const world = cluster()
  const source = await world.start()
  const before = source.current().certPem
  for (let i = 0; i < 100_000; i++) world.client.failures.push({ verb: 'get', error: noAnswer() })
  for (let minute = 0; minute < 25 * 24 * 60; minute += 9) {
    world.clock.advance(9 * MINUTE_MS)
    if (minute % 90 === 0) await world.settle()
  }
  await world.settle()
  assert.notEqual(source.current().certPem, before)
  assert.equal(isIssuedBy(source.current().certPem, source.authority().bundlePem), true)
  assert.deepEqual(world.steps(), ['create'])
  world.end.abort()
})

test('row 14, row 15: after a sleep the leaf is renewed with the next tick, also one that ended meanwhile', async () => {
  for (const days of [21, 31]) {
    const world = cluster()
    const source = await world.start()
    const before = source.current().certPem
    world.clock.advance(days * DAY_MS)
    assert.equal(source.isUsable(), days < 30)
    await world.settle()
    assert.notEqual(source.current().certPem, before)
    assert.equal(source.isUsable(), true)
    world.end.abort()
  }
})

test('row 16: after a sleep past the end of the authority there is a new one at once, and callers are told', async () => {
  const world = cluster()
  const source = await world.start()
  world.clock.advance(400 * DAY_MS)
  await world.settle()
  assert.deepEqual(world.steps(), ['create', 'create'])
  assert.equal(await world.bundle(), source.authority().bundlePem)
  assert.ok(trusted(source, await world.bundle()))
  world.end.abort()
})

test('row 17, row 18: a replica that starts in the middle of a change goes on with it', async () => {
  const world = cluster()
  await world.start()
  await annotate(world, 'x')
  await world.settle()
  assert.equal(await world.part('phase'), 'trusting')
  const late = await world.start()
  assert.ok(trusted(late, await world.bundle()))
  await world.pass(15 * MINUTE_MS)
  assert.equal(await world.part('phase'), 'switching')
  const later = await world.start()
  assert.ok(trusted(later, await world.bundle()))
  assert.equal(later.authority().signer.certificate.fingerprint, late.authority().signer.certificate.fingerprint)
  world.end.abort()
})

test('row 20, row 22: a bundle that is blanked, or a configuration made anew, is filled within a second', async () => {
  const world = cluster()
  await world.start()
  const before = await world.bundle()
  world.register()
  await world.pass(SECOND_MS, 100)
  assert.equal(await world.bundle(), before)
  world.client.remove(CONFIGURATION)
  await world.settle()
  world.register()
  await world.pass(SECOND_MS, 100)
  assert.equal(await world.bundle(), before)
  world.end.abort()
})

test('row 36: after a leaked key the next one signs within two minutes, and the old one is trusted for five', async () => {
  const world = cluster()
  const source = await world.start()
  const leaked = source.authority().signer.certificate.pem
  await annotate(world, 'emergency-1')
  await world.pass(2 * MINUTE_MS)
  assert.equal(await world.part('phase'), 'switching')
  assert.equal(isIssuedBy(source.current().certPem, leaked), false)
  await world.pass(6 * MINUTE_MS)
  assert.equal((await world.bundle()).includes(leaked), false)
  world.end.abort()
})

/** A clock that is off by `jump.ms` until the API server has told the time with an answer. */
function jumpingReplica({ client, clock }: Pick<ReturnType<typeof cluster>, 'client' | 'clock'>, jump: { ms: number }) {
  const server = createServerClock({ ...clock, nowMs: () => clock.nowMs() + jump.ms })
  const get: KubeClient['get'] = async (place, signal) => {
    try {
      return await client.get(place, signal)
    } finally {
      server.note(clock.nowMs())
    }
  }
  return {
    client: { ...client, get },
    clock: server,
    isClockSane: () => Math.abs(server.skewMs() ?? 0) <= HOUR_MS,
  }
}

for (const [row, jumpMs] of [
  ['row 11: a clock that jumps 40 days forward', 40 * DAY_MS],
  ['row 12: a clock that jumps two hours back', -2 * HOUR_MS],
] as const) {
  test(`${row} changes neither leaf nor authority, and new leaves have the API server's dates`, async () => {
    const world = cluster()
    const jump = { ms: 0 }
    const source = await world.start(jumpingReplica(world, jump))
    const before = source.current().certPem
    jump.ms = jumpMs
    await world.pass(5 * MINUTE_MS)
    assert.equal(source.current().certPem, before)
    assert.equal(source.isUsable(), true)
    await annotate(world, 'x')
    await world.pass(5 * MINUTE_MS)
    assert.deepEqual(world.steps(), ['create'], 'with a clock that is off no change is begun')
    const late = await world.start(jumpingReplica(world, jump))
    assert.equal(pairFault(late.current(), world.clock.nowMs()), undefined)
    jump.ms = 0
    await world.pass(MINUTE_MS)
    assert.deepEqual(world.steps(), ['create', 'begin'])
    world.end.abort()
  })
}

test('row 13: callers whose clock is up to an hour behind accept leaf and authority at once', async () => {
  const world = cluster()
  const source = await world.start()
  const theirMs = world.clock.nowMs() - 59 * MINUTE_MS
  assert.equal(pairFault(source.current(), theirMs), undefined)
  assert.ok(source.authority().signer.certificate.notBeforeMs <= theirMs)
  assert.match(pairFault(source.current(), theirMs - 2 * MINUTE_MS)?.what ?? '', /not valid before/)
  world.end.abort()
})

test('row 19: a replica whose watch is dead finds a change with its next tick', async () => {
  const world = cluster()
  const silence: KubeClient['watch'] = async function* (_place, { signal }) {
    yield* []
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  await world.start()
  const deaf = await world.start({ client: { ...world.client, watch: silence } })
  const before = deaf.current().certPem
  await annotate(world, 'x')
  await world.pass(15 * MINUTE_MS)
  assert.equal(await world.part('phase'), 'switching')
  assert.notEqual(deaf.current().certPem, before)
  assert.ok(trusted(deaf, await world.bundle()))
  world.end.abort()
})

/** Keeps the bundle of a configuration with one entry, and tells what came of it. */
async function keepOnly(world: ReturnType<typeof cluster>, configuration: KubeObject, own: OwnAddress = OWN.own) {
  const { client, clock, log, end, settle } = world
  client.put(CONFIGURATION, configuration)
  const news: string[] = []
  void keepCaBundles({
    ...OWN,
    own,
    client,
    configurations: [CONFIGURATION],
    wanted: () => newAuthorityState({ installation: 'test', generation: 1, nowMs: clock.nowMs() }),
    onWantedChange: () => () => undefined,
    tell: (told) => news.push(told.news === 'failed' ? told.reason : told.news),
    clock,
    log,
    signal: end.signal,
  })
  await settle()
  return news
}

const leadingTo = (clientConfig: object): KubeObject =>
  ({ metadata: { name: 'c' }, webhooks: [{ name: 'e', clientConfig }] }) as KubeObject

for (const [what, clientConfig] of Object.entries({
  Service: { service: { name: 'other', namespace: 'n' } },
  host: { url: 'https://elsewhere/inject' },
  path: { service: { name: 's', namespace: 'n', path: '/injekt' } },
  name: { service: { name: 'unnamed', namespace: 'n', path: '/inject' } },
})) {
  test(`row 25: an entry that leads to another ${what} than those of ours is left alone, counted, and complained about once`, async () => {
    const world = cluster()
    const services = [...OWN.own.services, { name: 'unnamed', namespace: 'n' }]
    const answers: OwnAddress['answers'] = ({ host, path }) => host === 's.n.svc' && path === '/inject'
    const news = await keepOnly(world, leadingTo(clientConfig), { ...OWN.own, services, answers })
    await world.pass(30 * MINUTE_MS)
    assert.deepEqual(
      world.client.requests.filter((request) => request.startsWith('patch')),
      [],
    )
    assert.equal(news.filter((one) => one === 'webhook_entry_not_found').length, 1)
    assert.equal(world.log.lines.filter(({ level }) => level === 'warn').length, 1)
    world.end.abort()
  })
}

test('row 38: a configuration that is taken over while its patch is on the way stays as it is', async () => {
  const world = cluster()
  const theirs = leadingTo({ service: { name: 'other', namespace: 'n' } })
  const patch: KubeClient['patch'] = (place, body, options) => {
    world.client.put(CONFIGURATION, theirs)
    return world.client.patch(place, body, options)
  }
  const news = await keepOnly(
    { ...world, client: { ...world.client, patch } },
    leadingTo({ service: OWN.own.services[0] as object }),
  )
  await world.pass(5 * MINUTE_MS)
  assert.equal(news.filter((one) => one === 'attempt').length, 1)
  assert.equal(news.includes('written'), false)
  assert.equal(await world.bundle(), '')
  world.end.abort()
})

test('row 26: a folder that cannot be written leaves the authority in memory, and what was there untouched', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'full-'))
  const end = new AbortController()
  const clock = createFakeClock()
  const log = createRecordingLog()
  const news: AuthorityNews[] = []
  const full = new ProjectError('CERT_STORE_UNREADABLE', 'no space left on device')
  const start = (store: AuthorityStore) =>
    startIssuedSource({
      store,
      installation: 'test',
      withoutStore: 'memory',
      names: NAMES,
      tell: (told) => void news.push(told),
      clock,
      log,
      signal: end.signal,
    })
  const stuck = { ...createFileStore(folder), write: () => Promise.reject(full) }
  try {
    const alone = await start(stuck)
    assert.equal(pairFault(alone.current(), clock.nowMs()), undefined)
    assert.deepEqual(readdirSync(folder), [])
    const stored = (await start(createFileStore(folder))).authority()
    const heir = await start(stuck)
    assert.equal(heir.authority().bundlePem, stored.bundlePem)
    await clock.untilWaiting(3)
    clock.advance(300 * DAY_MS)
    const isRefused = (one: AuthorityNews): boolean => one.news === 'notWritten' && one.step.do === 'begin'
    while (!news.some(isRefused)) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(heir.authority().bundlePem, stored.bundlePem)
    assert.ok(log.lines.some(({ level }) => level === 'warn'))
  } finally {
    end.abort()
    rmSync(folder, { recursive: true })
  }
})

test('row 28: a pair mounted by subPath is told once, served to its end, and then the replica is unready', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sub-path-'))
  const end = new AbortController()
  const clock = createFakeClock()
  const { signer } = newAuthorityState({ installation: 'test', generation: 1, nowMs: clock.nowMs() })
  const leaf = issueLeaf({ authority: signer, names: NAMES, nowMs: clock.nowMs() })
  const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
  try {
    writeFileSync(files.certFile, leaf.certPem)
    writeFileSync(files.keyFile, leaf.keyPem)
    const [log, told] = [createRecordingLog(), [] as FileNews[]]
    const source = await startFileSource({
      ...files,
      // As by subPath: isPinned is tested on mount tables.
      pinned: (paths) => Promise.resolve(paths),
      tell: (one) => told.push(one),
      clock,
      log,
      signal: end.signal,
    })
    assert.deepEqual(told, [{ news: 'pinned', files: [files.certFile, files.keyFile] }])
    assert.deepEqual(
      log.lines.map(({ level, text }) => [level, text.split(':')[0]]),
      [['warn', 'mounted by subPath']],
    )
    clock.advance(leaf.notAfterMs - clock.nowMs() - 1)
    assert.equal(source.isUsable(), true)
    clock.advance(1)
    assert.deepEqual([source.isUsable(), source.current().certPem], [false, leaf.certPem])
  } finally {
    end.abort()
    rmSync(folder, { recursive: true })
  }
})

/** A replica whose pair comes from files that others write; `issue` writes the next pair of an authority. */
function replicaOfFiles(world: ReturnType<typeof cluster>, isWriter: boolean) {
  const { client, clock, log, end } = world
  const folder = mkdtempSync(join(tmpdir(), 'external-'))
  const issue = ({ signer }: ReturnType<typeof external>): void => {
    const leaf = issueLeaf({ authority: signer, names: NAMES, nowMs: clock.nowMs() })
    const target = mkdtempSync(join(folder, '..state-'))
    for (const [name, text] of Object.entries({
      'tls.crt': leaf.certPem,
      'tls.key': leaf.keyPem,
      'ca.crt': signer.certificate.pem,
    }))
      writeFileSync(join(target, name), text)
    symlinkSync(target, join(folder, '..new'))
    renameSync(join(folder, '..new'), join(folder, '..data'))
  }
  const start = async () => {
    const source = await startFileSource({
      certFile: join(folder, 'tls.crt'),
      keyFile: join(folder, 'tls.key'),
      isTrusted: async (authoritiesPem) => (await world.look(authoritiesPem)).isIncluded,
      clock,
      log,
      signal: end.signal,
    })
    void keepCaBundles({
      ...OWN,
      client,
      configurations: [CONFIGURATION],
      writer: { mayWrite: () => isWriter, onChange: () => () => undefined },
      wanted: () => ({ bundlePem: source.bundle() ?? '', generation: undefined }),
      onWantedChange: (listener) => source.onBundleChange(listener),
      clock,
      log,
      signal: end.signal,
    })
    return source
  }
  return { issue, start, folder }
}

const external = (nowMs: number) => newAuthorityState({ installation: 'external', generation: 1, nowMs })

test('row 29: an external authority that changes is trusted beside the former one before its leaf is served', async () => {
  const world = cluster()
  const [first, next] = [external(world.clock.nowMs()), external(world.clock.nowMs())]
  const replicas = [replicaOfFiles(world, true), replicaOfFiles(world, false)]
  try {
    for (const { issue } of replicas) issue(first)
    const sources = await Promise.all(replicas.map(({ start }) => start()))
    const isServedBy = (state: typeof first, i: number): boolean =>
      isIssuedBy(sources[i]?.current().certPem ?? '', state.signer.certificate.pem)
    const check = async (): Promise<void> => {
      const bundlePem = await world.bundle()
      for (const i of [0, 1]) {
        const signer = [first, next].find((state) => isServedBy(state, i))
        assert.ok(signer !== undefined && bundlePem.includes(signer.bundlePem), `replica ${i}`)
      }
    }
    const pass = async (seconds: number): Promise<void> => {
      for (let i = 0; i < seconds; i++) {
        world.clock.advance(SECOND_MS)
        // Files are read for real.
        await new Promise((resolve) => setTimeout(resolve, 5))
        await world.settle()
        await check()
      }
    }
    while ((await world.bundle()) === '') await world.pass(SECOND_MS, SECOND_MS)
    await pass(15)
    // The kubelet brings the files to one replica half a minute before the other.
    replicas[0]?.issue(next)
    await pass(30)
    assert.deepEqual([isServedBy(next, 0), isServedBy(first, 1)], [true, true])
    assert.equal(await world.bundle(), next.bundlePem + first.bundlePem)
    replicas[1]?.issue(next)
    await pass(30)
    assert.equal(isServedBy(next, 1), true)
    world.clock.advance(DAY_MS)
    await pass(15)
    assert.equal(await world.bundle(), next.bundlePem)
  } finally {
    world.end.abort()
    for (const { folder } of replicas) rmSync(folder, { recursive: true })
  }
})

const [HERE, LIVE] = ['certificates/fault-catalogue.test.ts', 'live/api/high-availability.live.ts']
const [BUNDLE, ROTATION] = ['certificates/ca-bundle.test.ts', 'certificates/rotation.test.ts']
const [SOURCES, LISTEN] = ['certificates/sources.test.ts', 'server/listen.test.ts']
const [DOCTOR, MANIFESTS] = ['cli/doctor/checks.test.ts', 'cli/manifests.test.ts']

/** Row -> the files below `test` that have a test of it. What a row promises is in the titles. */
const ROWS: Readonly<Record<number, readonly string[]>> = {
  1: [HERE, ROTATION, LIVE],
  2: [ROTATION],
  3: [HERE, LIVE],
  4: [HERE, ROTATION, 'certificates/authority-store.cases.ts', LIVE],
  5: [ROTATION],
  6: [HERE],
  7: [HERE],
  8: [HERE, BUNDLE, LIVE],
  9: ['kube/leader.test.ts'],
  10: [BUNDLE],
  11: [HERE, 'kube/leader.test.ts', LIVE],
  12: [HERE, 'kube/leader.test.ts'],
  13: [HERE],
  14: [HERE],
  15: [HERE],
  16: [HERE, ROTATION],
  17: [HERE],
  18: [HERE],
  19: [HERE, 'cli/serve/certificates.test.ts'],
  20: [HERE, LIVE],
  21: [BUNDLE, LIVE],
  22: [HERE],
  23: [BUNDLE],
  24: [BUNDLE],
  25: [HERE, 'cli/entry-path.test.ts', DOCTOR],
  26: [HERE],
  27: [SOURCES],
  28: [HERE, 'certificates/pinned-files.test.ts', 'cli/replicas.test.ts', 'cli/certs/status.test.ts', DOCTOR],
  29: [HERE, 'certificates/handover.test.ts', 'certificates/published.test.ts', 'live/api/certificate-files.live.ts'],
  30: [SOURCES, LISTEN],
  31: [LIVE],
  32: [LISTEN, LIVE],
  33: [MANIFESTS],
  34: [MANIFESTS],
  35: [LISTEN],
  36: [HERE, ROTATION],
  37: [ROTATION],
  38: [HERE],
}
const LAST_ROW = 38

test('every row of the catalogue has its tests, where it says', () => {
  const numbers = Array.from({ length: LAST_ROW }, (_, i) => i + 1)
  assert.deepEqual(Object.keys(ROWS).map(Number), numbers)
  for (const [row, files] of Object.entries(ROWS)) {
    for (const file of files) {
      const source = readFileSync(join(PROJECT_ROOT, 'test', file), 'utf8')
      const titles = source.match(/\b(?:test|storeTest)\(\s*(['"`]).*?\1,/gs) ?? []
      const has = new RegExp(`^\\w+\\(\\s*.(?:row \\d+, )*row ${row}\\b`)
      // A table of planted faults has names of its own, which its tests repeat.
      const isPlanted = source.includes(`'row ${row}: `)
      assert.ok(isPlanted || titles.some((title) => has.test(title)), `row ${row} in ${file}`)
    }
  }
})

const openssl = ((): string | false => {
  try {
    execFileSync('openssl', ['version'])
    return false
  } catch {
    return 'no openssl here'
  }
})()

for (const algorithm of ['ecdsa-p256', 'rsa-2048', 'rsa-3072'] as const satisfies readonly KeyAlgorithm[]) {
  test(
    `openssl's strict verification accepts what ${algorithm} makes, with two authorities in the bundle`,
    { skip: openssl },
    async () => {
      const nowMs = Date.now()
      const newState = async (generation: number) =>
        newAuthorityState({ installation: 'test', generation, nowMs, key: await generateKeyOf(algorithm) })
      const [former, { signer }] = [await newState(1), await newState(2)]
      const leaf = issueLeaf({ authority: signer, names: NAMES, nowMs, key: await generateKeyOf(algorithm) })
      assert.equal(keyAlgorithmOf(signer.key), algorithm)
      const folder = mkdtempSync(join(tmpdir(), 'strict-'))
      try {
        writeFileSync(join(folder, 'leaf.pem'), leaf.certPem)
        writeFileSync(join(folder, 'bundle.pem'), signer.certificate.pem + former.bundlePem)
        const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 's.n.svc']
        const told = execFileSync('openssl', [
          ...verify,
          '-CAfile',
          join(folder, 'bundle.pem'),
          join(folder, 'leaf.pem'),
        ])
        assert.match(told.toString(), /leaf\.pem: OK/)
        const text = execFileSync('openssl', ['x509', '-in', join(folder, 'leaf.pem'), '-noout', '-text']).toString()
        assert.equal(/Key Encipherment/.test(text), algorithm !== 'ecdsa-p256')
        assert.ok(readCertificate(leaf.certPem).names.includes('s.n.svc'))
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
  )
}
