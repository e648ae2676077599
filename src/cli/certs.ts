/** `mesh-admission certs`: shows, renews and exports the certificate authority of an installation. */
import { Argument } from 'commander'

import { systemClock } from '../base/clock.ts'
import { parseDurationMs } from '../base/duration.ts'
import { ProjectError } from '../base/errors.ts'
import { askForRotation, ROTATE_FILE } from '../certificates/file-store.ts'
import { ROTATE_ANNOTATION } from '../certificates/store.ts'
import { splitCertificates } from '../certificates/x509.ts'
import { exportText, writeExport } from './certs/export.ts'
import type { StoredState } from './certs/forecast.ts'
import { forecast } from './certs/forecast.ts'
import type { RotateRequest } from './certs/rotate.ts'
import { followRotation, newToken, requestRotation } from './certs/rotate.ts'
import type { KnownSettings } from './certs/rotation-settings.ts'
import { addDwellFlags, knownSettings, settingsFor } from './certs/rotation-settings.ts'
import { certsStatus, isHealthy } from './certs/status.ts'
import { statusText } from './certs/status-text.ts'
import type { CertsPlace } from './certs/store.ts'
import { addPlaceFlags, findPlace } from './certs/store.ts'
import type { CommandInput, CommandModule } from './commands.ts'
import type { Format } from './format.ts'
import { addFormatFlag, structured } from './format.ts'
import { listConfigurations } from './installed/configurations.ts'
import { readReplicas } from './installed/replicas.ts'
import { servedFiles } from './installed/served-files.ts'
import { findDeployment } from './installed/served-options.ts'
import type { CommandContext } from './output.ts'
import { EXIT } from './output.ts'

const KEEP_ALIVE_MS = 60_000

type Options = CommandInput['options']
interface Run {
  readonly place: CertsPlace
  readonly options: Options
  readonly context: CommandContext
  readonly signal: AbortSignal
}

const ACTIONS: Readonly<Record<string, (run: Run) => Promise<number>>> = { status, rotate, export: exportBundle }
/** Flags that make sense for one action only. */
const FLAGS_OF: Readonly<Record<string, string>> = {
  emergency: 'rotate',
  wait: 'rotate',
  dryRun: 'rotate',
  withKey: 'export',
  outputFile: 'export',
}

export const command: CommandModule = {
  examples: [
    { text: 'Who signs, until when, and what each webhook configuration trusts', line: 'mesh-admission certs status' },
    {
      text: 'The same for a program, and for a revision',
      line: 'mesh-admission certs status --revision canary -o json',
    },
    {
      text: 'A new authority, without a failed call; every step is told',
      line: 'mesh-admission certs rotate --wait 30h',
    },
    { text: 'The key has leaked: the same within minutes', line: 'mesh-admission certs rotate --emergency --wait 15m' },
    { text: 'What a caller must trust', line: 'mesh-admission certs export --output-file ca.crt' },
  ],
  configure: (command) => {
    command.addArgument(new Argument('<action>', 'what to do').choices(Object.keys(ACTIONS)))
    addPlaceFlags(command)
    addFormatFlag(command)
    addDwellFlags(command)
    command
      .option('--emergency', 'rotate: the key is known to others, do not wait long')
      .option('--wait <duration>', 'rotate: follow the steps for so long, until the new authority is trusted alone')
      .option('--dry-run', 'rotate: ask the API server whether it could be done')
      .option('--output-file <file>', 'export: write there instead of printing')
      .option('--with-key', 'export: the signing key too, into a new file of mode 600')
  },
  run: async ({ args, options }: CommandInput, context: CommandContext) => {
    const [action = ''] = args
    checkFlags(action, options)
    const act = ACTIONS[action] ?? status
    const place = await findPlace(options, context.env)
    return act({ place, options, context, signal: new AbortController().signal })
  },
}

function checkFlags(action: string, options: Options): void {
  for (const [flag, belongsTo] of Object.entries(FLAGS_OF)) {
    if (options[flag] === undefined || belongsTo === action) continue
    const name = flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw new ProjectError('OPTION_INVALID', `--${name}: expected with certs ${belongsTo}, got it with certs ${action}`)
  }
}

async function status({ place, options, context, signal }: Run): Promise<number> {
  const { plan, store, cluster } = place
  const stored = await store.read(signal)
  const configurations = cluster === undefined ? [] : await listConfigurations(cluster.client, signal)
  const known = await knownSettings(place, options, signal)
  const nowMs = (cluster?.clock ?? systemClock).nowMs()
  const served = await whatIsServed(place, signal)
  const told = certsStatus({ plan, place: store.place, stored, configurations, known, ...served, nowMs })
  const format = options.output as Format
  context.print(format === 'text' ? statusText(told, nowMs) : structured(told, format))
  return isHealthy(told) ? EXIT.clean : EXIT.findings
}

/** What replicas and their Deployment tell, where we may ask. */
async function whatIsServed({ plan, cluster }: CertsPlace, signal: AbortSignal) {
  if (cluster === undefined) return { files: undefined, replicas: [] }
  const { client } = cluster
  const files = servedFiles(await findDeployment(client, plan, signal))
  return { files, replicas: await readReplicas(client, plan, signal).catch(() => []) }
}

async function rotate({ place, options, context, signal }: Run): Promise<number> {
  const { store } = place
  const timeoutMs = waitTime(options.wait)
  const from = await currentState(place, signal)
  const token = newToken(systemClock.nowMs(), options.emergency === true)
  const dryRun = options.dryRun === true
  const asked = await askIn(place, { token, dryRun, signal })
  context.print(`${store.place}: ${asked}=${token}${dryRun ? ' (dry run)' : ''}\n`)
  if (dryRun || timeoutMs === undefined) return EXIT.clean
  const known = await knownSettings(place, options, signal)
  const onStep = (stored: StoredState): void => context.print(stepLine(stored, known))
  onStep(from)
  const end = AbortSignal.timeout(timeoutMs)
  // The clock's timers keep no process alive, and between two looks there is nothing else.
  const alive = setInterval(() => undefined, KEEP_ALIVE_MS)
  const following = followRotation({ store, from, onStep, clock: systemClock, signal: end })
  const isDone = await following.finally(() => clearInterval(alive))
  if (!isDone) context.note('the rotation goes on; mesh-admission certs status tells how far it is\n')
  return isDone ? EXIT.clean : EXIT.findings
}

type Request = Pick<RotateRequest, 'token' | 'dryRun' | 'signal'>

/** Where it was written: an annotation of the Secret, or a file of the folder. */
async function askIn({ plan, cluster, store }: CertsPlace, request: Request): Promise<string> {
  if (cluster !== undefined) {
    const { namespace, secret: name } = plan
    await requestRotation({ client: cluster.client, namespace, name, ...request })
    return ROTATE_ANNOTATION
  }
  if (!request.dryRun) await askForRotation(store.place, request.token)
  return ROTATE_FILE
}

function waitTime(given: unknown): number | undefined {
  if (typeof given !== 'string') return undefined
  const timeMs = parseDurationMs(given)
  if (timeMs !== undefined && timeMs > 0) return timeMs
  throw new ProjectError('OPTION_INVALID', `--wait: expected a duration such as 30h, got ${given}`)
}

function stepLine(stored: StoredState, known: KnownSettings): string {
  const nowMs = systemClock.nowMs()
  const { phase, bundlePem, generation } = stored.state
  const trusted = splitCertificates(bundlePem).length === 1 ? 'alone' : 'beside the former one'
  const { what, why, atMs } = forecast(stored, { isTrusted: true, settings: settingsFor(stored, known), nowMs })
  const ahead = `next, not before ${new Date(atMs).toISOString()}: ${what} (${why})`
  return `${new Date(nowMs).toISOString()} ${phase}, generation ${generation} trusted ${trusted}; ${ahead}\n`
}

async function exportBundle({ place, options, context, signal }: Run): Promise<number> {
  const withKey = options.withKey === true
  const file = typeof options.outputFile === 'string' ? options.outputFile : undefined
  if (withKey && file === undefined)
    throw new ProjectError('OPTION_INVALID', '--with-key: expected --output-file beside it: a key is never printed')
  const text = exportText((await currentState(place, signal)).state, withKey)
  if (file === undefined) context.print(text)
  else await writeExport(file, text, withKey)
  return EXIT.clean
}

async function currentState({ store }: CertsPlace, signal: AbortSignal): Promise<StoredState> {
  const stored = await store.read(signal)
  if (stored.holds === 'state') return stored
  const why = stored.holds === 'broken' ? stored.why : 'nothing is stored there'
  throw new ProjectError('CERT_STATE_INVALID', `${store.place}: ${why}`)
}
