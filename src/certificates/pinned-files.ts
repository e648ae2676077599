/** Files that never change while the process lives: Kubernetes mounts by `subPath` what was there when the pod started. */
import { readFile, realpath } from 'node:fs/promises'

const MOUNT_TABLE = '/proc/self/mountinfo'
/** The kubelet writes each state of a volume into a folder `..<time>`: a mount of what is in it knows no later state. */
const FROZEN_STATE = /\/\.\.\d[^/]*(?:\/|$)/

interface Mount {
  /** What is mounted, as a path in its own file system. */
  readonly root: string
  readonly point: string
}

/** Those of `paths` that are mounted so. None where there is no mount table: only Linux has one, and only it mounts so. */
export async function pinnedFiles(paths: readonly string[]): Promise<string[]> {
  const table = await readFile(MOUNT_TABLE, 'utf8').catch(() => '')
  const places = await Promise.all(paths.map(async (path) => ({ path, real: await realpath(path).catch(() => path) })))
  return places.filter(({ real }) => isPinned(real, table)).map(({ path }) => path)
}

/** Whether the file is a mount of its own, or lies in one of a state that is over. `table` is a mountinfo of proc(5). */
export function isPinned(path: string, table: string): boolean {
  // A later mount on the same place covers the earlier one.
  const above = mountsIn(table).filter(({ point }) => isBelow(path, point))
  const mount = above.reduce<Mount | undefined>(deeper, undefined)
  return mount !== undefined && (mount.point === path || FROZEN_STATE.test(mount.root))
}

const deeper = (found: Mount | undefined, next: Mount): Mount =>
  found === undefined || next.point.length >= found.point.length ? next : found

const isBelow = (path: string, point: string): boolean =>
  path === point || path.startsWith(point === '/' ? point : `${point}/`)

/** `36 35 98:0 <root> <point> <options> ...` */
function mountsIn(table: string): Mount[] {
  return table.split('\n').flatMap((line) => {
    const [, , , root, point] = line.split(' ')
    return root === undefined || point === undefined ? [] : [{ root: unescaped(root), point: unescaped(point) }]
  })
}

/** Blanks, tabs, newlines and backslashes stand there as octal numbers. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
