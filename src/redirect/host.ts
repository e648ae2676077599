/** The facts of the host that we run on. */
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import type { Family } from './addresses.ts'
import type { HostFacts } from './config.ts'
import { listAddresses } from './ip-tool.ts'
import { runTool } from './run.ts'

/** The kernel lists what this namespace has of them; reading creates none. */
const LEGACY_TABLES = { v4: '/proc/self/net/ip_tables_names', v6: '/proc/self/net/ip6_tables_names' } as const
const RESOLV_CONF = '/etc/resolv.conf'
const PASSWD = '/etc/passwd'
const INTERFACES = '/proc/self/net/dev'

/** Reads them when asked; accounts come from the file alone, since name services may need the network that we set up. */
export const realHost: HostFacts = {
  addresses: async () => {
    const all = networkInterfaces()
    // Interfaces that are down, or whose cable has no other end, are not among them; the kernel tells of those too.
    if ((await interfaceNames()).some((name) => all[name] === undefined)) return listAddresses(runTool)
    const texts = (family: string): string[] =>
      Object.values(all)
        .flatMap((list) => list ?? [])
        .filter((one) => one.family === family)
        .map((one) => one.cidr ?? one.address)
    return [...texts('IPv4'), ...texts('IPv6')]
  },
  resolvConf: () => readFile(RESOLV_CONF, 'utf8'),
  uidOf: async (account) => {
    const text = await readFile(PASSWD, 'utf8').catch(() => '')
    const line = text.split('\n').find((one) => one.startsWith(`${account}:`))
    const uid = line?.split(':')[2]
    return uid !== undefined && /^[0-9]+$/.test(uid) ? Number(uid) : undefined
  },
}

/** Names of all interfaces of our namespace. */
async function interfaceNames(): Promise<string[]> {
  const text = await readFile(INTERFACES, 'utf8').catch(() => '')
  return [...text.matchAll(/^\s*([^\s:]+):/gm)].map(([, name = '']) => name)
}

/** Whether tables of iptables' legacy variant exist in our namespace. */
export async function legacyTablesExist(family: Family): Promise<boolean> {
  const names = await readFile(LEGACY_TABLES[family], 'utf8').catch(() => '')
  return names.trim() !== ''
}
