/** A pod's network namespace as the agent sees it: opened once, and every tool runs in exactly that one. */
import { open, stat, statfs, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { realHost } from '../host.ts'
import { ipNetwork, listAddresses } from '../ip-tool.ts'
import type { Shells } from './namespace-shell.ts'
import type { Namespace } from './plugin.ts'

/** Where the host's folders are mounted in the agent's container. */
export interface HostMounts {
  /** The host's /var/run/netns. @default /var/run/netns */
  readonly netnsDir: string
  /** The host's /proc. */
  readonly procDir: string
}

export interface NamespaceOptions extends HostMounts {
  /** The process on the host that called: `/proc/self` in a path means it. */
  readonly callerPid: number
  readonly shells: Shells
  readonly log: Log
  /** Ends tools that run when it aborts. */
  readonly signal: AbortSignal
}

/** To be closed when the call is over. */
export interface OpenNamespace extends Namespace {
  readonly close: () => Promise<void>
}

/** Type of the file system of namespaces, from the kernel's linux/magic.h. */
const NSFS_MAGIC = 0x6e736673
/** What the namespace of the reader has of them; reading creates none. */
const LEGACY_TABLES = { v4: '/proc/self/net/ip_tables_names', v6: '/proc/self/net/ip6_tables_names' } as const

/**
 * Opens the namespace that a path of the host names.
 * @throws Error with the words of the original when the path is missing or is no namespace
 */
export async function openNamespace(path: string, options: NamespaceOptions): Promise<OpenNamespace> {
  const file = await openChecked(path, localPath(path, options))
  // Through our own descriptor: what the path names may change while rules are written.
  const own = `/proc/${process.pid}/fd/${file.fd}`
  const { run, read, close } = options.shells.enter({ namespace: own, signal: options.signal })
  // Asked for at once: every configuration needs them. A failure is told to whoever needs them.
  const addresses = listAddresses(run)
  addresses.catch(() => undefined)
  return {
    host: { ...realHost, addresses: () => addresses },
    run,
    network: ipNetwork(run),
    legacyInUse: async (family) => (await read(LEGACY_TABLES[family])).trim() !== '',
    log: options.log,
    record: false,
    close: async () => {
      await close()
      await file.close()
    },
  }
}

/** Whether the caller itself runs in the namespace that the path names. */
export async function isNamespaceOf(path: string, options: HostMounts & { callerPid: number }): Promise<boolean> {
  const caller = join(options.procDir, String(options.callerPid), 'ns', 'net')
  const [theirs, asked] = await Promise.all([stat(caller), stat(localPath(path, options))])
  return theirs.ino === asked.ino && theirs.dev === asked.dev
}

/** Where a path of the host is in this container. */
function localPath(path: string, { netnsDir, procDir, callerPid }: HostMounts & { callerPid: number }): string {
  const named = /^(?:\/var)?\/run\/netns\/([^/]+)$/.exec(path)?.[1]
  if (named !== undefined && named !== '.' && named !== '..') return join(netnsDir, named)
  const own = /^\/proc\/(?:thread-)?self\/(ns\/net)$/.exec(path)?.[1]
  if (own !== undefined) return join(procDir, String(callerPid), own)
  const process = /^\/proc\/([0-9]+(?:\/task\/[0-9]+)?\/ns\/net)$/.exec(path)?.[1]
  return process === undefined ? path : join(procDir, process)
}

async function openChecked(path: string, local: string): Promise<FileHandle> {
  const failed = (why: string): Error => new Error(`failed to open netns ${JSON.stringify(path)}: ${why}`)
  let file: FileHandle
  try {
    if ((await statfs(local)).type !== NSFS_MAGIC) throw new Error('not a network namespace')
    file = await open(local, 'r')
  } catch (error) {
    throw failed(messageOf(error))
  }
  return file
}
