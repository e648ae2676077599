/** The engine for the newest good configuration: compiled when that changes, never while a request waits. */
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Metrics } from '../../server/metrics.ts'
import type { Inject, InjectOutcome, InjectRequest } from '../../server/routes/inject.ts'
import type { Configuration, ConfigurationSource, World } from './configuration.ts'

/** An engine compiled from one configuration; the world is asked anew for each pod. */
export type Engine = (request: InjectRequest, world: World) => InjectOutcome

export interface LiveEngineDeps {
  readonly source: ConfigurationSource
  /** Makes the engine. Throws, in the user's words, when the configuration is not usable. */
  readonly compile: (configuration: Configuration) => Engine
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export interface LiveEngine {
  /** Undefined while no configuration was usable; another function after every change of configuration or world. */
  current(): Inject | undefined
  /** Reads anew and takes over what is good. Rejects with what was wrong, which is logged and counted already. */
  reload(): Promise<void>
  /** Follows the source until `signal` aborts: a broken change is refused and the last good configuration stays. */
  follow(signal: AbortSignal): void
}

export function createLiveEngine(deps: LiveEngineDeps): LiveEngine {
  const state: State = { inForce: undefined, refused: undefined, generation: 0 }
  // One after the other: a slow read must not overtake a later one.
  let last: Promise<void> = Promise.resolve()
  const reload = (): Promise<void> => {
    last = last.catch(() => undefined).then(() => reloadOnce(state, deps))
    return last
  }
  return {
    current: () => state.inForce?.inject,
    reload,
    follow: (signal) => deps.source.watch(() => void reload().catch(() => undefined), signal),
  }
}

interface State {
  inForce: InForce | undefined
  /** Why the newest configuration was refused, so that the same trouble is reported once. */
  refused: string | undefined
  generation: number
}

interface InForce {
  readonly version: string
  readonly worldVersion: string
  readonly engine: Engine
  /** The engine in its world. */
  readonly inject: Inject
}

async function reloadOnce(state: State, deps: LiveEngineDeps): Promise<void> {
  try {
    const configuration = await deps.source.read()
    if (configuration.version !== state.inForce?.version) takeOver(state, configuration, deps)
    else if (configuration.worldVersion !== state.inForce.worldVersion) {
      state.inForce = bind(state.inForce.engine, configuration)
    }
    if (state.refused !== undefined) deps.log.info({}, 'configuration is good again')
    state.refused = undefined
    deps.metrics.configReloadSuccess.set(1)
  } catch (err) {
    refuse(state, err, deps)
    throw err
  }
}

function bind(engine: Engine, { version, world, worldVersion }: Configuration): InForce {
  return { version, worldVersion, engine, inject: (request) => engine(request, world) }
}

function takeOver(state: State, configuration: Configuration, { compile, clock, log, metrics }: LiveEngineDeps): void {
  state.inForce = bind(compile(configuration), configuration)
  state.generation++
  metrics.configReloads.inc({ result: 'taken' })
  metrics.configGeneration.set(state.generation)
  metrics.configReloadTime.set(clock.nowMs() / 1000)
  log.info({ generation: state.generation, ...configuration.origin }, 'configuration taken over')
}

function refuse(state: State, err: unknown, { log, metrics }: LiveEngineDeps): void {
  metrics.configReloadSuccess.set(0)
  const problem = messageOf(err)
  if (problem === state.refused) return
  state.refused = problem
  metrics.configReloads.inc({ result: 'refused' })
  const inForce = state.generation === 0 ? 'none' : `generation ${state.generation}`
  log.error({ err, inForce }, 'configuration refused, the last good one stays')
}
