/** The files a command is pointed at. */
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import type { Readable } from 'node:stream'
import { ProjectError, messageOf } from '../../base/errors.ts'

export interface InputFile {
  /** As the user would name it; `standard input` for `-`. */
  readonly name: string
  readonly text: string
}

export interface InputOptions {
  /** Folders with all folders below them. */
  readonly isRecursive: boolean
  readonly stdin: Readable
}

const MANIFEST = /\.(?:ya?ml|json)$/

/**
 * Texts of the files, of the manifests in the folders (sorted by name), and of standard input for `-`.
 * @throws ProjectError INPUT_UNREADABLE naming the path; also for a folder without manifests
 */
export async function readInputs(paths: readonly string[], options: InputOptions): Promise<InputFile[]> {
  const files: InputFile[] = []
  for (const path of paths) files.push(...(await readPath(path, options)))
  return files
}

async function readPath(path: string, options: InputOptions): Promise<InputFile[]> {
  if (path === '-') return [{ name: 'standard input', text: await textOf(options.stdin) }]
  try {
    if (!(await stat(path)).isDirectory()) return [{ name: path, text: await readFile(path, 'utf8') }]
    const names = await manifestsIn(path, options.isRecursive)
    return await Promise.all(names.map(async (name) => ({ name, text: await readFile(name, 'utf8') })))
  } catch (cause) {
    if (cause instanceof ProjectError) throw cause
    throw new ProjectError('INPUT_UNREADABLE', `${path}: ${messageOf(cause)}`, { cause })
  }
}

async function manifestsIn(folder: string, isRecursive: boolean): Promise<string[]> {
  const entries = await readdir(folder, { recursive: isRecursive, withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile() && MANIFEST.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  if (names.length > 0) return names
  throw new ProjectError('INPUT_UNREADABLE', `${folder}: expected .yaml, .yml or .json files, found none`)
}
