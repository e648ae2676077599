/** Whether the path that a webhook entry names is one of this server's. */
import { INJECT_ROOT, VALIDATE_ROOT } from '../../api/webhook-paths.ts'
import type { Configuration, ConfigurationKind, Entry } from './configurations.ts'

const ROOTS: Readonly<Record<ConfigurationKind, string>> = {
  MutatingWebhookConfiguration: INJECT_ROOT,
  ValidatingWebhookConfiguration: VALIDATE_ROOT,
}

/** Whether a call to this path is answered by a webhook of ours; a prefix may have been taken away on the way. */
export function isServedPath(path: string): boolean {
  return [INJECT_ROOT, VALIDATE_ROOT].some((root) => `${path}/`.includes(`${root}/`))
}

/** The path that an entry should name; undefined while the one it names is good. */
export function betterPath({ clientConfig: { url, service } }: Entry, { kind }: Configuration): string | undefined {
  const root = ROOTS[kind]
  if (service !== undefined) return isBelow(service.path ?? '/', root) ? undefined : root
  if (url === undefined || !URL.canParse(url)) return undefined
  // In front of a server outside the cluster something may take a beginning of the path away.
  return `${new URL(url).pathname}/`.includes(`${root}/`) ? undefined : root
}

const isBelow = (path: string, root: string): boolean => path === root || path.startsWith(`${root}/`)
