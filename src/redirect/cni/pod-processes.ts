/** Finds a running pod's network namespace among the processes of the node. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAddress } from '../addresses.ts'

const HOST_INIT = '1'
/** Field 22 of /proc/<pid>/stat; two come before the name, which may hold anything. */
const START_TIME_AFTER_NAME = 19

interface Candidate {
  readonly pid: number
  /** Clock ticks since boot; the last resort sorts last. */
  readonly startedAt: number
}

/**
 * Process id of the oldest process whose namespace holds the address: the pod's pause container.
 * The node's own namespace never counts.
 */
export async function findPodProcess(procDir: string, podIp: string): Promise<number | undefined> {
  const host = await namespaceOf(procDir, HOST_INIT)
  const pids = (await readdir(procDir)).filter((name) => /^[0-9]+$/.test(name))
  const holds = new Map<string, boolean>()
  const found: Candidate[] = []
  for (const pid of pids) {
    const namespace = await namespaceOf(procDir, pid)
    if (namespace === undefined || namespace === host) continue
    const known = holds.get(namespace) ?? (await holdsAddress(join(procDir, pid, 'net'), podIp))
    holds.set(namespace, known)
    if (known) found.push({ pid: Number(pid), startedAt: await startTime(join(procDir, pid, 'stat')) })
  }
  return found.sort((a, b) => a.startedAt - b.startedAt)[0]?.pid
}

async function namespaceOf(procDir: string, pid: string): Promise<string | undefined> {
  return readlink(join(procDir, pid, 'ns', 'net')).catch(() => undefined)
}

async function holdsAddress(net: string, ip: string): Promise<boolean> {
  const address = parseAddress(ip)
  if (address === undefined) return false
  if (address.family === 'v4') return localAddresses(await readOrEmpty(join(net, 'fib_trie'))).includes(ip)
  const hex = [...address.bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return (await readOrEmpty(join(net, 'if_inet6'))).split('\n').some((line) => line.startsWith(hex))
}

/** What the kernel's table of IPv4 routes delivers to the namespace itself. */
function localAddresses(fibTrie: string): string[] {
  return [...fibTrie.matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g)].map(([, address = '']) => address)
}

async function startTime(stat: string): Promise<number> {
  const text = await readOrEmpty(stat)
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[START_TIME_AFTER_NAME])
  return text === '' || Number.isNaN(ticks) ? Infinity : ticks
}

async function readOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
