/** `mesh-admission serve`: the admission webhook, from files or with what is shipped. */
import { systemClock } from '../base/clock.ts'
import { createLog, type Log } from '../base/log.ts'
import type { CommandInput, CommandModule } from './commands.ts'
import { EXIT, type CommandContext } from './output.ts'
import { announcement } from './serve/announce.ts'
import { openCluster } from './serve/cluster.ts'
import { compileEngine } from './serve/engine.ts'
import { createFileSource } from './serve/file-source.ts'
import { addServeFlags, resolveServeOptions } from './serve/options.ts'
import { startWebhook } from './serve/webhook.ts'

export const command: CommandModule = {
  examples: [
    { text: 'Our templates, default values, a certificate authority of our own:', line: 'mesh-admission serve' },
    {
      text: "istiod's configuration, as kubectl prints it:",
      line: 'mesh-admission serve --injectConfigFile injector.yaml --meshConfigFile mesh.yaml',
    },
    {
      text: 'Namespaces, nodes and ProxyConfigs from a folder; any free ports:',
      line: 'mesh-admission serve --objects objects/ --port 0 --health-port 0 --metrics-port 0',
    },
  ],
  configure: addServeFlags,
  run: serve,
}

/** Serves until SIGTERM or SIGINT; a second one ends at once. */
async function serve({ options: given }: CommandInput, context: CommandContext): Promise<number> {
  const options = resolveServeOptions(given, context.env)
  const log = createLog({ level: options.logLevel })
  for (const warning of options.warnings) log.warn({ warning }, 'odd variable')
  const { stop, stopping, hurry } = endSignals(log)
  const life = new AbortController()
  try {
    const cluster = await openCluster(options, { env: context.env, clock: systemClock, log, signal: life.signal })
    const source = cluster?.source ?? createFileSource(options)
    const compile = compileEngine(options, { env: context.env, log })
    const starting = startWebhook(options, { source, cluster, compile, clock: systemClock, log, giveUp: stopping })
    const webhook = await unlessAborted(starting, stopping)
    if (webhook === undefined) return EXIT.clean
    process.on('SIGHUP', () => webhook.evaluate())
    const { port, healthPort, metricsPort } = webhook
    log.info({ port, healthPort, metricsPort, revision: options.revision }, 'serving')
    // In a cluster nobody reads along, and the API server knows where to call and whom to trust.
    if (cluster === undefined) context.print(announcement(webhook, options.address))
    await stop
    await webhook.close(hurry)
    log.info({}, 'ended')
    return EXIT.clean
  } finally {
    life.abort()
  }
}

/** A start that was told to end is no failure. */
async function unlessAborted<T>(started: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await started
  } catch (err) {
    if (signal.aborted) return undefined
    throw err
  }
}

interface EndSignals {
  readonly stop: Promise<void>
  /** Aborted when `stop` resolves. */
  readonly stopping: AbortSignal
  readonly hurry: AbortSignal
}

/** `stop` resolves on the first signal; `hurry` is aborted by the second. */
function endSignals(log: Log): EndSignals {
  const [stopping, hurry] = [new AbortController(), new AbortController()]
  const stop = new Promise<void>((resolve) => {
    let count = 0
    const take = (name: NodeJS.Signals): void => {
      count++
      log.info({ signal: name }, count === 1 ? 'ending' : 'ending at once')
      if (count === 1) {
        stopping.abort()
        resolve()
      } else hurry.abort()
    }
    process.on('SIGTERM', take).on('SIGINT', take)
  })
  return { stop, stopping: stopping.signal, hurry: hurry.signal }
}
