/** Keeps the certificate authority in a folder: for a server without a cluster. */
import type { FSWatcher } from 'node:fs'
import { watch } from 'node:fs'
import { chmod, lstat, mkdir, mkdtemp, open, readFile, readdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'

import { ProjectError, messageOf } from '../base/errors.ts'
import type { AuthorityState } from './authority.ts'
import { decodeAuthorityState, encodeAuthorityState } from './authority.ts'
import type { AuthorityStore, StoredAuthority } from './store.ts'

/** Link to the state in force: `<folder>/current/ca.crt` stays a good path over all changes. */
export const CURRENT_LINK = 'current'
/** File with the text of an operator's last request for a new authority, as the annotation of a Secret has it. */
export const ROTATE_FILE = 'rotate'

const STATE_PREFIX = 'state-'
const TEMPORARY_PREFIX = 'new-'
/** A temporary folder this old belongs to a process that died while it wrote. */
const ABANDONED_MS = 3_600_000
const READ_TRIES = 5
const FOLDER_MODE = 0o700
const KEY_MODE = 0o600
const CERTIFICATE_MODE = 0o644
const FOREIGN_READERS = 0o077
/** A token has some 30 characters. */
const MAX_REQUEST = 200

/**
 * Every state is a folder `state-<version>` of its own, filled under another name and then renamed: it is there whole or
 * not at all, and of two processes that rename to the same version the file system lets one win. The highest version
 * counts; `current` is for people.
 */
export function createFileStore(folder: string): AuthorityStore {
  return {
    place: folder,
    read: () => inFolder(folder, () => readNewest(folder)),
    write: (state, over) => inFolder(folder, () => writeNext(folder, state, over)),
    watch: (changed, signal) => watchFolder(folder, changed, signal),
  }
}

async function readNewest(folder: string): Promise<StoredAuthority> {
  for (let left = READ_TRIES; ; left--) {
    const version = (await versionsIn(folder)).at(-1)
    if (version === undefined) return { holds: 'nothing' }
    try {
      return await readVersion(folder, version)
    } catch (err) {
      // A newer state came while this one was read, and the old folder went.
      if (left === 0 || !hasCode(err, 'ENOENT')) throw err
    }
  }
}

async function readVersion(folder: string, version: number): Promise<StoredAuthority> {
  const place = join(folder, stateName(version))
  const stored: Record<string, string> = {}
  for (const name of await readdir(place)) {
    const path = join(place, name)
    if (isSecret(name)) await refuseForeignReaders(path)
    stored[name] = await readFile(path, 'utf8')
  }
  const asked = await readRequest(folder)
  try {
    return { holds: 'state', state: decodeAuthorityState(stored), version: String(version), ...asked }
  } catch (err) {
    if (err instanceof ProjectError && err.code === 'CERT_STORE_FOREIGN') throw err
    return { holds: 'broken', why: messageOf(err), version: String(version), ...asked }
  }
}

/** Asks whoever keeps the authority of this folder for a new one. @throws ProjectError CERT_STORE_UNREADABLE */
export async function askForRotation(folder: string, token: string): Promise<void> {
  await inFolder(folder, async () => {
    const temporary = join(folder, `${TEMPORARY_PREFIX}${ROTATE_FILE}-${process.pid}`)
    await rm(temporary, { force: true })
    await writeDurably(temporary, `${token}\n`, KEY_MODE)
    await rename(temporary, join(folder, ROTATE_FILE))
    await syncFolder(folder)
  })
}

async function readRequest(folder: string): Promise<{ readonly asked?: string }> {
  try {
    const asked = (await readFile(join(folder, ROTATE_FILE), 'utf8')).trim().slice(0, MAX_REQUEST)
    return asked === '' ? {} : { asked }
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return {}
    throw err
  }
}

async function refuseForeignReaders(keyPath: string): Promise<void> {
  const mode = (await lstat(keyPath)).mode & 0o777
  if ((mode & FOREIGN_READERS) === 0) return
  throw new ProjectError(
    'CERT_STORE_UNREADABLE',
    `${keyPath}: expected a key that only its owner can read (mode 600), got mode ${mode.toString(8)}`,
  )
}

async function writeNext(folder: string, state: AuthorityState, over: string | undefined): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
  const newest = (await versionsIn(folder)).at(-1)
  if ((newest === undefined ? undefined : String(newest)) !== over) return false
  const version = (newest ?? 0) + 1
  const temporary = await mkdtemp(join(folder, TEMPORARY_PREFIX))
  try {
    for (const [name, text] of Object.entries(encodeAuthorityState(state))) {
      await writeDurably(join(temporary, name), text, isSecret(name) ? KEY_MODE : CERTIFICATE_MODE)
    }
    await syncFolder(temporary)
    if (!(await claim(temporary, join(folder, stateName(version))))) return false
    await pointCurrent(folder, version)
    await removeOlder(folder, version)
    await syncFolder(folder)
    return true
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** Renaming onto a folder that has content fails: whoever comes second learns it here. */
async function claim(temporary: string, place: string): Promise<boolean> {
  try {
    await rename(temporary, place)
    return true
  } catch (err) {
    if (hasCode(err, 'ENOTEMPTY') || hasCode(err, 'EEXIST')) return false
    throw err
  }
}

async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  // The process's umask may have taken bits away.
  await chmod(path, mode)
}

async function pointCurrent(folder: string, version: number): Promise<void> {
  const link = join(folder, `${TEMPORARY_PREFIX}link-${process.pid}-${version}`)
  await rm(link, { force: true })
  await symlink(stateName(version), link)
  await rename(link, join(folder, CURRENT_LINK))
}

/** Old keys must not lie about, and what a dead process left is rubbish. */
async function removeOlder(folder: string, version: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const old = versionOf(name) !== undefined && (versionOf(name) ?? 0) < version
    if (old || (name.startsWith(TEMPORARY_PREFIX) && (await isAbandoned(path)))) {
      await rm(path, { recursive: true, force: true })
    }
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).mtimeMs < Date.now() - ABANDONED_MS
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return false
    throw err
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function versionsIn(folder: string): Promise<number[]> {
  try {
    const versions = (await readdir(folder)).map(versionOf).filter((version) => version !== undefined)
    return versions.sort((a, b) => a - b)
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return []
    throw err
  }
}

const stateName = (version: number): string => `${STATE_PREFIX}${version}`

function versionOf(name: string): number | undefined {
  const digits = /^state-([1-9]\d{0,14})$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

const isSecret = (name: string): boolean => name.endsWith('.key')

function watchFolder(folder: string, changed: () => void, signal: AbortSignal): void {
  let watcher: FSWatcher
  try {
    watcher = watch(folder, { signal, persistent: false }, changed)
  } catch {
    // No folder, or no watches left on this machine: whoever keeps the authority asks from time to time anyhow.
    return
  }
  watcher.on('error', () => {
    watcher.close()
  })
}

async function inFolder<T>(folder: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (err) {
    if (err instanceof ProjectError) throw err
    throw new ProjectError('CERT_STORE_UNREADABLE', `certificate folder ${folder}: ${messageOf(err)}`, { cause: err })
  }
}

function hasCode(err: unknown, code: string): boolean {
  return err instanceof Error && 'code' in err && err.code === code
}
