/** Keeps the plugin installed on the node: executable first, configuration last; watches both and repairs what drifts. */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { ProjectError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Compat } from '../flags.ts'
import {
  chainedEntry,
  insertPlugin,
  isStale,
  isStandalone,
  PLUGIN_TYPE,
  removePlugin,
  serializeOrdered,
  standaloneEntry,
  whyNotInstalled,
  type PluginSettings,
} from './cni-config.ts'
import {
  configNames,
  copyExecutables,
  isForeignExecutable,
  loadableConfigs,
  readText,
  writeAtomically,
} from './node-files.ts'

/** Value of the label `result` of istio_cni_installs_total. */
export type InstallResult = 'SUCCESS' | 'COPY_BINARIES_FAILURE' | 'CREATE_CNI_CONFIG_FAILURE'

/** Where the plugin goes on the node, and how. */
export interface InstallPlaces {
  /** Folder of the node's CNI configurations, as this process sees it. */
  readonly configDir: string
  /** Name of the primary configuration; empty: found. */
  readonly configName: string
  /** Whether our entry goes into the primary configuration, or into a file of its own. */
  readonly chained: boolean
  /** Whether files that we create are readable for their group. */
  readonly groupRead: boolean
  readonly binarySource: string
  readonly binaryTarget: string
}

export interface InstallOptions extends InstallPlaces {
  readonly settings: PluginSettings
  readonly compat: Compat
  /** Calls `changed` after changes below the paths, until the signal aborts. */
  readonly watch: (watch: { paths: readonly string[]; signal: AbortSignal; changed: () => void }) => void
  readonly onReady: (ready: boolean) => void
  readonly onResult: (result: InstallResult) => void
  readonly clock: Clock
  readonly log: Log
}

/** What an installer has done so far; `uninstall` undoes it. */
export interface Installation {
  /** Configuration that our entry was last seen in. */
  configPath?: string
  /** istiod: the first configuration found counts as configured from then on. */
  pinnedName?: string
  /** Somebody else's plugin is installed: nothing of it may be touched. */
  foreign: boolean
}

type Outcome = { readonly do: 'ready'; readonly wrote: boolean } | { readonly do: 'wait'; readonly reason: string }

const STANDALONE_NAME = 'YYY-istio-cni.conf'
const ISTIO_KUBECONFIG = 'istio-cni-kubeconfig'
const RETRY_MS = 5000
const QUICK_MS = 5000
const PAUSE_MS = 1000
const PATIENCE = 5

export function createInstallation(): Installation {
  return { foreign: false }
}

/** Installs, watches and repairs until `signal` aborts. Trouble is logged, counted and tried again, never thrown. */
export async function runInstaller(options: InstallOptions, done: Installation, signal: AbortSignal): Promise<void> {
  const { configDir, binaryTarget, clock } = options
  const change = createChange(signal)
  options.watch({ paths: [configDir, join(binaryTarget, PLUGIN_TYPE)], signal, changed: change.note })
  const struggle = createStruggle(options)
  let reported = ''
  while (!signal.aborted) {
    change.forget()
    const outcome = await attempt(options, done)
    options.onReady(outcome.do === 'ready')
    if (outcome.do === 'wait' && outcome.reason !== reported)
      options.log.error({ reason: outcome.reason }, 'plugin is not installed')
    if (outcome.do === 'ready' && (outcome.wrote || reported !== ''))
      options.log.info({ path: done.configPath ?? '' }, 'plugin is installed')
    reported = outcome.do === 'wait' ? outcome.reason : ''
    if (outcome.do === 'ready' && outcome.wrote) await struggle.pause(signal)
    await change.next(outcome.do === 'ready' ? undefined : clock.wait(RETRY_MS, signal))
  }
  options.onReady(false)
}

interface Change {
  readonly note: () => void
  /** What happens from now on counts. */
  readonly forget: () => void
  /** Resolves at a change, or at the end of `alternative`. */
  readonly next: (alternative: Promise<void> | undefined) => Promise<void>
}

/** An end is a change too. */
function createChange(signal: AbortSignal): Change {
  let noted = false
  let wake = (): void => undefined
  const note = (): void => {
    noted = true
    wake()
  }
  signal.addEventListener('abort', note, { once: true })
  return {
    note,
    forget: () => {
      noted = signal.aborted
    },
    next: (alternative) =>
      new Promise((resolve) => {
        wake = resolve
        if (noted) resolve()
        void alternative?.then(resolve)
      }),
  }
}

/** Slows down, and then says so, when something takes our entry out as fast as we put it in. */
function createStruggle({ clock, log, configDir }: InstallOptions): { pause(signal: AbortSignal): Promise<void> } {
  let lastMs = -Infinity
  let rounds = 0
  return {
    pause: async (signal) => {
      const sinceMs = clock.nowMs() - lastMs
      lastMs = clock.nowMs()
      rounds = sinceMs < QUICK_MS ? rounds + 1 : 0
      if (rounds === 0) return
      if (rounds > PATIENCE) {
        const names = await configNames(configDir)
        const hint = names.some((name) => name.includes('cilium'))
          ? 'set cni.exclusive=false in Cilium'
          : 'see who else writes there'
        log.warn({ rounds, hint }, 'something reverts our changes of the CNI configuration')
      }
      await clock.wait(PAUSE_MS, signal)
    },
  }
}

async function attempt(options: InstallOptions, done: Installation): Promise<Outcome> {
  const { onResult } = options
  let failure: InstallResult = 'COPY_BINARIES_FAILURE'
  try {
    const foreign = options.compat === 'off' ? await findForeign(options) : undefined
    done.foreign = foreign !== undefined
    if (foreign !== undefined) return { do: 'wait', reason: foreign }
    await copyExecutables(options.binarySource, options.binaryTarget)
    failure = 'CREATE_CNI_CONFIG_FAILURE'
    const outcome = await (options.chained ? ensureChained(options, done) : ensureStandalone(options, done))
    if (outcome.do === 'ready') onResult('SUCCESS')
    return outcome
  } catch (error) {
    onResult(failure)
    const reason = error instanceof Error ? error.message : String(error)
    return { do: 'wait', reason }
  }
}

/** Another agent's plugin in use, by its executable and what refers to it; a mere leftover file is replaced. */
async function findForeign({ binaryTarget, configDir, settings }: InstallOptions): Promise<string | undefined> {
  const executable = join(binaryTarget, PLUGIN_TYPE)
  if (!(await isForeignExecutable(executable))) return undefined
  const users: string[] = []
  for (const name of await configNames(configDir)) {
    const text = (await readText(join(configDir, name))) ?? ''
    if (removePlugin(text) !== undefined || isStandalone(text)) users.push(name)
  }
  if ((await readText(join(settings.agentRunDir, ISTIO_KUBECONFIG))) !== undefined) users.push(ISTIO_KUBECONFIG)
  if (users.length === 0) return undefined
  return `${executable} is another installation's, and ${users.join(', ')} of it is in use; remove that first`
}

async function ensureChained(options: InstallOptions, done: Installation): Promise<Outcome> {
  const { configDir, compat, log } = options
  const loadable = await loadableConfigs(configDir)
  const [first] = loadable
  if (first === undefined) return { do: 'wait', reason: `${configDir}: no CNI configuration yet` }
  const name = await primaryName(options, done, first)
  if (name === undefined) return { do: 'wait', reason: `${configDir}: no ${options.configName} yet` }
  if (name !== first)
    log.warn({ path: join(configDir, name), reason: first }, 'our CNI configuration is preempted by another')
  const path = join(configDir, name)
  const text = (await readText(path)) ?? ''
  const entry = chainedEntry(options.settings)
  const isFirstSight = done.configPath !== path
  const isWanted = whyNotInstalled(text, true) !== undefined
  const isOld = compat === 'istiod' ? isFirstSight : isStale(text, entry)
  const written = isWanted || isOld ? await writeChained(path, insertPlugin(text, entry)) : path
  const wrong = whyNotInstalled((await readText(written)) ?? '', true)
  if (wrong !== undefined) throw new ProjectError('CNI_CONFIG_UNUSABLE', `${written}: ${wrong}`)
  done.configPath = written
  return { do: 'ready', wrote: isWanted || isOld }
}

/** The configured file or its sibling of the other extension; else the one that runtimes use. */
async function primaryName(
  { configName, configDir, compat }: InstallOptions,
  done: Installation,
  first: string,
): Promise<string | undefined> {
  const wanted = configName === '' ? done.pinnedName : configName
  if (wanted === undefined) {
    if (compat === 'istiod') done.pinnedName = first
    return first
  }
  const names = await configNames(configDir)
  const sibling = wanted.endsWith('.conf') ? `${wanted}list` : wanted.replace(/\.conflist$/, '.conf')
  return [wanted, sibling].find((name) => names.includes(name))
}

/** Writes the list under its extension; a single configuration that it replaces goes away. */
async function writeChained(path: string, text: string): Promise<string> {
  const { mode } = await stat(path)
  const target = path.endsWith('.conf') ? `${path}list` : path
  await writeAtomically(target, text, mode & 0o7777)
  if (target !== path) await rm(path)
  return target
}

async function ensureStandalone(options: InstallOptions, done: Installation): Promise<Outcome> {
  const path = standalonePath(options)
  const text = serializeOrdered(standaloneEntry(options.settings))
  const found = await readText(path)
  const isRight =
    options.compat === 'istiod' && done.configPath !== undefined
      ? found !== undefined && whyNotInstalled(found, false) === undefined
      : found === text
  if (!isRight) await writeAtomically(path, text, options.groupRead ? 0o640 : 0o600)
  done.configPath = path
  return { do: 'ready', wrote: !isRight }
}

function standalonePath({ configDir, configName }: InstallOptions): string {
  return join(configDir, configName === '' ? STANDALONE_NAME : configName)
}

/**
 * Takes the plugin off the node: configuration first, so that no runtime asks for an executable that is gone.
 * A failure ends it, with the executable in place. The primary configuration itself is never removed.
 */
export async function uninstall(options: InstallOptions, done: Installation): Promise<void> {
  if (done.foreign) return
  const paths = await pathsToClean(options, done)
  for (const path of paths) {
    const text = (await readText(path)) ?? ''
    const without = removePlugin(text)
    if (without !== undefined) await writeAtomically(path, without, (await stat(path)).mode & 0o7777)
    else if (isStandalone(text)) await rm(path)
  }
  await rm(join(options.binaryTarget, PLUGIN_TYPE), { force: true })
  options.log.info({ paths }, 'plugin is removed')
}

/** istiod: only the file that was written last; an entry in a file that was replaced since stays. */
async function pathsToClean({ compat, configDir }: InstallOptions, { configPath }: Installation): Promise<string[]> {
  if (compat === 'istiod') return configPath === undefined ? [] : [configPath]
  return (await configNames(configDir)).map((name) => join(configDir, name))
}
