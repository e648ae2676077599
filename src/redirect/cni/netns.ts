/** A pod's network namespace as the agent sees it: opened once, and every tool runs in exactly that one. */
import { open, stat, statfs, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Family } from '../addresses.ts'
import { realHost } from '../host.ts'
import { ipNetwork } from '../ip-tool.ts'
import type { Run, RunResult } from '../run.ts'
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
  readonly run: Run
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
  const run = runIn(own, options)
  return {
    host: { ...realHost, addresses: () => listAddresses(run) },
    run,
    network: ipNetwork(run),
    legacyInUse: legacyQuestion(run),
    log: options.log,
    record: false,
    close: () => file.close(),
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

const ENDED: RunResult = { exitCode: 126, stdout: '', stderr: 'the call is over', missing: false }

/** Runs tools in the namespace. Its file is the lock of the legacy tools: pods do not wait for each other. */
function runIn(namespace: string, { run, signal }: NamespaceOptions): Run {
  return async (file, args, options = {}) => {
    if (signal.aborted) return ENDED
    const env = { ...options.env, PATH: process.env.PATH ?? '', XTABLES_LOCKFILE: namespace }
    const result = await run('nsenter', [`--net=${namespace}`, '--', file, ...args], { signal, ...options, env })
    return isMissing(file, result) ? { ...result, missing: true } : result
  }
}

/** What nsenter says when the tool itself is not there. */
function isMissing(file: string, { exitCode, stderr }: { exitCode: number; stderr: string }): boolean {
  return exitCode === 127 && stderr.includes(`failed to execute ${file}`)
}

/** Asks once for both families, and only when it is asked: every process costs a pod's start a millisecond or two. */
function legacyQuestion(run: Run): (family: Family) => Promise<boolean> {
  let counted: Promise<string> | undefined
  return async (family) => {
    // Prints `<file>:<lines>`; a file that is not there is told on standard error.
    counted ??= run('grep', ['-c', '.', LEGACY_TABLES.v4, LEGACY_TABLES.v6]).then(({ stdout }) => stdout)
    return new RegExp(`^${LEGACY_TABLES[family]}:[1-9]`, 'm').test(await counted)
  }
}

interface Link {
  readonly addr_info?: readonly { readonly family: string; readonly local?: string; readonly prefixlen?: number }[]
}

async function listAddresses(run: Run): Promise<readonly string[]> {
  const listed = await run('ip', ['-j', 'addr', 'show'])
  if (listed.exitCode !== 0) throw new Error(`addresses of the namespace cannot be listed: ${listed.stderr.trim()}`)
  const infos = (JSON.parse(listed.stdout) as Link[]).flatMap(({ addr_info = [] }) => addr_info)
  const texts = (family: string): string[] =>
    infos.filter((one) => one.family === family).map(({ local = '', prefixlen = 0 }) => `${local}/${prefixlen}`)
  return [...texts('inet'), ...texts('inet6')]
}
