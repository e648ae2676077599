/** The facts of the host that we run on. */
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import type { Family } from './addresses.ts'
import type { HostFacts } from './config.ts'

/** The kernel lists what this namespace has of them; reading creates none. */
const LEGACY_TABLES = { v4: '/proc/self/net/ip_tables_names', v6: '/proc/self/net/ip6_tables_names' } as const
const RESOLV_CONF = '/etc/resolv.conf'
const PASSWD = '/etc/passwd'

/** Reads them when asked; accounts come from the file alone, since name services may need the network that we set up. */
export const realHost: HostFacts = {
  addresses: () => {
    const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    const texts = (family: string): string[] =>
      all.filter((one) => one.family === family).map((one) => one.cidr ?? one.address)
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

/** Whether tables of iptables' legacy variant exist in our namespace. */
export async function legacyTablesExist(family: Family): Promise<boolean> {
  const names = await readFile(LEGACY_TABLES[family], 'utf8').catch(() => '')
  return names.trim() !== ''
}
