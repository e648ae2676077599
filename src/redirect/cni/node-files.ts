/** Files of the node that the installer writes: complete or not at all, and never a half one in between. */
import { randomInt } from 'node:crypto'
import { chmod, copyFile, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf, ProjectError } from '../../base/errors.ts'
import { isConfigName, isLoadable } from './cni-config.ts'

/** In every executable of ours, whatever its version. */
const MARKER = 'mesh-admission-cni-forwarder'
/** Ours is under one; nobody need read a foreign one of fifty. */
const MAX_OWN_BYTES = 8 * 1024 * 1024

/** Replaces a file. The temporary name ends in digits: no runtime takes it for a configuration. */
export async function writeAtomically(path: string, text: string, mode: number): Promise<void> {
  const temporary = temporaryName(path)
  try {
    await writeFile(temporary, text, { mode })
    // The umask has no say.
    await chmod(temporary, mode)
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

function temporaryName(path: string): string {
  return `${path}.tmp.${randomInt(2 ** 31)}`
}

/**
 * Copies every regular file of `source` that is not the same in `target`.
 * @throws ProjectError CNI_CONFIG_UNUSABLE naming the target
 */
export async function copyExecutables(source: string, target: string): Promise<string[]> {
  try {
    const entries = await readdir(source, { withFileTypes: true })
    const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name)
    for (const name of names) await copyExecutable(join(source, name), join(target, name))
    return names
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const hint = code === 'EROFS' ? ' (is the node’s CNI folder elsewhere? see cniBinDir of your platform)' : ''
    throw new ProjectError('CNI_CONFIG_UNUSABLE', `${target}: ${messageOf(error)}${hint}`, { cause: error })
  }
}

async function copyExecutable(from: string, to: string): Promise<void> {
  await removeStale(to)
  if (await isSame(from, to)) return
  const temporary = temporaryName(to)
  try {
    await copyFile(from, temporary)
    await chmod(temporary, (await stat(from)).mode & 0o7777)
    await rename(temporary, to)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** What a copy that was interrupted left behind. */
async function removeStale(path: string): Promise<void> {
  const prefix = `${basename(path)}.tmp.`
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(prefix)) await rm(join(dirname(path), name), { force: true })
  }
}

async function isSame(from: string, to: string): Promise<boolean> {
  try {
    const [source, target] = await Promise.all([stat(from), stat(to)])
    if (source.size !== target.size || (source.mode & 0o7777) !== (target.mode & 0o7777)) return false
    return (await readFile(from)).equals(await readFile(to))
  } catch {
    return false
  }
}

/** Whether an executable is somebody else's. One that is not there is nobody's. */
export async function isForeignExecutable(path: string): Promise<boolean> {
  try {
    const { size } = await stat(path)
    return size > MAX_OWN_BYTES || !(await readFile(path)).includes(MARKER)
  } catch {
    return false
  }
}

/** Names of the configurations that a runtime would load, the one that it uses first. */
export async function loadableConfigs(folder: string): Promise<string[]> {
  const loadable: string[] = []
  for (const name of await configNames(folder)) {
    const text = await readText(join(folder, name))
    if (text !== undefined && isLoadable(name, text, await listFolder(folder, text))) loadable.push(name)
  }
  return loadable
}

/** Names of all configurations, broken ones too, in the order in which runtimes look at them. */
export async function configNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => !entry.isDirectory() && isConfigName(entry.name))
    .map(({ name }) => name)
    .sort()
}

/** A file's text, or undefined where there is none that can be read. */
export async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

/** Plugins of a list may lie in a folder of its name. */
async function listFolder(folder: string, text: string): Promise<(list: string) => readonly string[]> {
  const list = nameOfList(text)
  if (list === undefined || list.includes('/') || list.startsWith('.')) return () => []
  const names = (await readdir(join(folder, list)).catch(() => [])).filter((name) => name.endsWith('.conf'))
  const texts = await Promise.all(names.map((name) => readText(join(folder, list, name))))
  return () => texts.filter((one) => one !== undefined)
}

function nameOfList(text: string): string | undefined {
  try {
    const { name } = JSON.parse(text) as { name?: unknown }
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}
