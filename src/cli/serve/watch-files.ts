/** Word of changed files, however they were changed: written, renamed over, or swapped by a symbolic link above them. */
import { watch, type FSWatcher } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface WatchFilesOptions {
  /** Files, or folders whose direct content counts. They need not exist. */
  readonly paths: readonly string[]
  readonly signal: AbortSignal
  /** One call for changes close together. */
  readonly changed: () => void
}

/** A change is rarely one event: editors write, rename and touch; a mounted volume swaps several links. */
const DEBOUNCE_MS = 100
/** Watches miss what happens above a watched folder and on network file systems, so the files are looked at too. */
const POLL_MS = 500

/** Watches until `signal` aborts. The folders, not the files: a watch on a file is dead once the file was replaced. */
export function watchFiles({ paths, signal, changed }: WatchFilesOptions): void {
  if (paths.length === 0 || signal.aborted) return
  const watchers: FSWatcher[] = []
  let pending: NodeJS.Timeout | undefined
  // Counted from the first event, not the last: another file of the folder may be written all the time.
  const note = (): void => {
    pending ??= setTimeout(() => {
      pending = undefined
      changed()
    }, DEBOUNCE_MS)
  }
  for (const folder of new Set(paths.flatMap((path) => [dirname(path), path]))) {
    const watcher = tryWatch(folder, note)
    if (watcher !== undefined) watchers.push(watcher)
  }
  const poll = pollFiles(paths, note)
  signal.addEventListener('abort', () => {
    clearTimeout(pending)
    clearInterval(poll)
    for (const watcher of watchers) watcher.close()
  })
}

/** Out of watches, or not there: the poll still sees it. */
function tryWatch(folder: string, note: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, note)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}

function pollFiles(paths: readonly string[], note: () => void): NodeJS.Timeout {
  let last: string | undefined
  return setInterval(() => {
    void signatureOf(paths).then((signature) => {
      if (last !== undefined && signature !== last) note()
      last = signature
    })
  }, POLL_MS).unref()
}

/** Identity, size and time of every file, links followed. */
async function signatureOf(paths: readonly string[]): Promise<string> {
  const parts = await Promise.all(paths.map(async (path) => `${path}=${await identityOf(path)}`))
  return parts.join('\n')
}

async function identityOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, isDirectory } = await describe(path)
    if (!isDirectory) return `${ino}:${size}:${mtimeMs}`
    const names = (await readdir(path)).sort()
    return (await Promise.all(names.map(async (name) => `${name}=${await fileIdentity(join(path, name))}`))).join(',')
  } catch {
    return 'absent'
  }
}

async function fileIdentity(path: string): Promise<string> {
  const { ino, size, mtimeMs } = await describe(path)
  return `${ino}:${size}:${mtimeMs}`
}

async function describe(path: string) {
  const found = await stat(path)
  return { ino: found.ino, size: found.size, mtimeMs: found.mtimeMs, isDirectory: found.isDirectory() }
}
