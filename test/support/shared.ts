/** Where recorded cases of the real system are, when they stand beside this checkout; tests skip themselves otherwise. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SHARED = join(PROJECT_ROOT, '..', 'shared')

/** Absolute path of a file or folder of `../shared`, or undefined where it is not at hand. */
export function sharedPath(...parts: readonly string[]): string | undefined {
  const path = join(SHARED, ...parts)
  return existsSync(path) ? path : undefined
}

/** The `skip` option of a test that needs `path`. */
export function skipWithout(path: string | undefined): false | string {
  return path === undefined ? 'recorded cases are not at hand (../shared)' : false
}
