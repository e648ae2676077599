import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { ProjectError } from '../../../src/base/errors.ts'
import type { Configuration, ConfigurationSource } from '../../../src/cli/serve/configuration.ts'
import { createLiveEngine, type LiveEngine } from '../../../src/cli/serve/live-engine.ts'
import { worldOf } from '../../../src/cli/serve/objects.ts'
import { createMetrics, type Metrics } from '../../../src/server/metrics.ts'
import { metricValue, recordingLog, type LoggedLine } from '../../support/webhook.ts'

/** A configuration whose text is `text`. `broken` does not compile. */
function configuration(text: string, worldVersion = 'w1'): Configuration {
  const origin = { config: 'c.yaml', values: 'v.yaml', mesh: 'm.yaml' }
  const texts = { configText: text, valuesText: '', meshTexts: [] }
  return { ...texts, origin, version: text, world: worldOf(undefined), worldVersion }
}

interface Bench {
  readonly engine: LiveEngine
  readonly metrics: Metrics
  readonly lines: LoggedLine[]
  readonly compiled: string[]
  next: Configuration | ProjectError
}

function bench(): Bench {
  const metrics = createMetrics()
  const lines: LoggedLine[] = []
  const compiled: string[] = []
  const source: ConfigurationSource = {
    isRequired: true,
    read: () => (state.next instanceof ProjectError ? Promise.reject(state.next) : Promise.resolve(state.next)),
    watch: () => undefined,
  }
  const compile = ({ configText }: Configuration) => {
    compiled.push(configText)
    if (configText === 'broken') throw new ProjectError('CONFIG_INVALID', 'c.yaml: template: inject:7: unexpected "}"')
    return () => ({ denied: configText })
  }
  const engine = createLiveEngine({ source, compile, clock: systemClock, log: recordingLog(lines), metrics })
  const state: Bench = { engine, metrics, lines, compiled, next: configuration('one') }
  return state
}

const answer = ({ engine }: Bench): unknown => engine.current()?.({ pod: {}, namespace: '', path: '' })

test('live engine: a good change is taken over', async () => {
  const b = bench()
  assert.equal(b.engine.current(), undefined)
  await b.engine.reload()
  assert.deepEqual(answer(b), { denied: 'one' })
  b.next = configuration('two')
  await b.engine.reload()
  assert.deepEqual(answer(b), { denied: 'two' })
  assert.equal(await metricValue(b.metrics, 'mesh_admission_config_generation'), 2)
})

test('live engine: a broken change is refused, once and loudly, and the last good one stays', async () => {
  const b = bench()
  await b.engine.reload()
  const before = b.engine.current()
  b.next = configuration('broken')
  for (let i = 0; i < 3; i++) await assert.rejects(b.engine.reload(), { message: /c\.yaml: template: inject:7/ })
  assert.equal(b.engine.current(), before)
  assert.equal(b.lines.filter(({ level }) => level === 'error').length, 1)
  assert.equal(await metricValue(b.metrics, 'mesh_admission_config_last_reload_success'), 0)
  assert.equal(await metricValue(b.metrics, 'mesh_admission_config_reloads_total', { result: 'refused' }), 1)
})

test('live engine: back to the one in force is good news and no work', async () => {
  const b = bench()
  await b.engine.reload()
  b.next = new ProjectError('CONFIG_UNREADABLE', 'c.yaml: ENOENT')
  await assert.rejects(b.engine.reload())
  b.next = configuration('one')
  await b.engine.reload()
  assert.equal(await metricValue(b.metrics, 'mesh_admission_config_last_reload_success'), 1)
  assert.deepEqual(b.compiled, ['one'])
})

test('live engine: the same texts in another world are another engine, but are not compiled again', async () => {
  const b = bench()
  await b.engine.reload()
  const before = b.engine.current()
  await b.engine.reload()
  assert.equal(b.engine.current(), before, 'nothing changed: remembered answers stay good')
  b.next = configuration('one', 'w2')
  await b.engine.reload()
  assert.notEqual(b.engine.current(), before)
  assert.deepEqual(b.compiled, ['one'])
})

test('live engine: reloads do not overtake each other', async () => {
  const b = bench()
  const first = b.engine.reload()
  b.next = configuration('two')
  await Promise.all([first, b.engine.reload()])
  assert.deepEqual(answer(b), { denied: 'two' })
})
