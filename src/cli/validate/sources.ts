/** The texts a command is to look at: files, folders, patterns, standard input. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { messageOf, ProjectError } from '../../base/errors.ts'

export interface Source {
  /** As the user will recognise it: a path, or `<stdin>`. */
  readonly name: string
  readonly read: () => Promise<string>
}

const EXTENSIONS = ['.yaml', '.yml', '.json']

/**
 * In the order given, folders walked in the order of their names. A file that is named is read whatever it is called.
 * @throws ProjectError OPTION_INVALID for what does not exist, and for patterns that match nothing
 */
export async function findSources(given: readonly string[], stdin: Readable): Promise<readonly Source[]> {
  const sources: Source[] = []
  for (const name of given.flatMap((one) => one.split(',')).filter((one) => one !== '')) {
    if (name === '-') sources.push({ name: '<stdin>', read: () => text(stdin) })
    else for (const path of await expand(name)) sources.push({ name: path, read: () => readFile(path, 'utf8') })
  }
  return sources
}

async function expand(name: string): Promise<readonly string[]> {
  const kind = await kindOf(name)
  if (kind === 'file') return [name]
  if (kind === 'folder') return walk(name)
  if (!/[*?]/.test(name)) throw new ProjectError('OPTION_INVALID', `--filename: ${name} does not exist`)
  const base = baseOf(name)
  const below = (await kindOf(base)) === 'folder' ? await walk(base, false) : []
  const matching = below.filter((path) => patternOf(name).test(path.split(sep).join('/')))
  if (matching.length === 0) throw new ProjectError('OPTION_INVALID', `--filename: no file matches ${name}`)
  return matching
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ProjectError('OPTION_INVALID', `--filename: ${path}: ${messageOf(err)}`, { cause: err })
  }
}

async function walk(folder: string, onlyKnown = true): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const found: string[] = []
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await walk(path, onlyKnown)))
    else if (!onlyKnown || EXTENSIONS.some((extension) => entry.name.endsWith(extension))) found.push(path)
  }
  return found
}

/** The part of a pattern before its first star, up to a slash. */
function baseOf(pattern: string): string {
  const fixed = pattern.slice(0, pattern.search(/[*?]/))
  const slash = fixed.lastIndexOf('/')
  return slash === -1 ? '.' : slash === 0 ? '/' : fixed.slice(0, slash)
}

/** `**` crosses folders, `*` and `?` do not. */
function patternOf(pattern: string): RegExp {
  const source = pattern
    .replace(/^\.\//, '')
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('**/', '\u0000')
    .replaceAll('**', '\u0001')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
    .replaceAll('\u0000', '(?:.*/)?')
    .replaceAll('\u0001', '.*')
  return new RegExp(`^${source}$`)
}
