/** Random command lines, variables, pods and calls of the plugin: mostly sensible, often odd, sometimes wrong on purpose. */
import type { CniCall } from '../../src/redirect/cni/protocol.ts'
import type { RedirectedPod } from '../../src/redirect/cni/pod-redirect.ts'
import { FLAGS } from '../../src/redirect/flags.ts'

/** The same numbers for the same seed, below `limit`. */
export type Random = (limit: number) => number

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  // mulberry32
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

export function pick<T>(random: Random, list: readonly [T, ...T[]]): T {
  return list[random(list.length)] ?? list[0]
}

const ODD = [
  '',
  '*',
  ',',
  'abc',
  ' 80',
  '80,',
  '-1',
  '65536',
  'a b',
  'x\nCOMMIT',
  '-j ACCEPT',
  '\u0000',
  'ä',
  "';",
] as const
const NUMBERS = ['80', '443', '15001', '15006', '15008', '15020', '15021', '15090', '53', '3306', '8080', '0'] as const
const IDS = ['1337', '0', '1000', '1000670000', '101', '4294967294'] as const
const RANGES = [
  '10.0.0.0/8',
  '10.1.2.3/16',
  '127.0.0.0/8',
  '::1/128',
  'fd00::/8',
  '0.0.0.0/0',
  '::/0',
  '2001:db8::/32',
] as const
const BAD_RANGES = ['10.0.0.1', '10.0.0.0/33', 'fe80::1%eth0/64', '*', '::ffff:10.0.0.0/104', '010.0.0.0/8'] as const
const INTERFACES = ['eth0', 'eth1', 'lo', 'net1', 'br-1', 'tap0', 'veth12ab'] as const
const BOOLS = ['true', 'false', '1', 'T', '0'] as const
const BAD_BOOLS = ['yes', '', 'TRue'] as const
const MODES = ['REDIRECT', 'TPROXY', 'NONE', 'tproxy', ''] as const

function listOf(random: Random, values: readonly [string, ...string[]]): string {
  const entries = Array.from({ length: random(4) }, () => pick(random, values))
  if (random(60) === 0) entries.push(pick(random, ODD))
  return random(6) === 0 ? '*' : entries.join(',')
}

/** A value for a flag, by its name. */
function valueFor(random: Random, name: string): string {
  if (random(100) === 0) return pick(random, ODD)
  if (/cidr/.test(name)) return listOf(random, random(10) === 0 ? BAD_RANGES : RANGES)
  if (/interfaces/.test(name)) return listOf(random, INTERFACES)
  if (/mode$/.test(name) && name !== 'cni-mode') return pick(random, MODES)
  if (/uid|gid/.test(name)) return listOf(random, IDS)
  if (/ports/.test(name)) return listOf(random, NUMBERS)
  if (/port$|mark|table/.test(name)) return pick(random, NUMBERS)
  if (/timeout/.test(name)) return pick(random, random(10) === 0 ? ['5', 'x'] : ['5s', '1m', '0', '-1s'])
  if (/binary/.test(name)) return pick(random, random(10) === 0 ? ['legacy', 'x'] : ['', 'nft'])
  return pick(random, random(40) === 0 ? BAD_BOOLS : BOOLS)
}

/** Never set at random: they would end or outlive the run. */
const LEFT_OUT: ReadonlySet<string> = new Set(['help', 'run-validation', 'network-namespace'])

/** What is asked of the command, by flags and by variables. */
export function randomCommand(random: Random): { args: string[]; env: Record<string, string> } {
  const args: string[] = []
  const env: Record<string, string> = {}
  for (const { long, short, type, env: names } of FLAGS) {
    if (LEFT_OUT.has(long) || random(4) !== 0) continue
    const value = valueFor(random, long)
    const [variable] = names
    if (variable !== undefined && random(3) === 0) env[variable] = value
    else if (type === 'bool') args.push(random(2) === 0 ? `--${long}` : `--${long}=${pick(random, BOOLS)}`)
    else if (short !== undefined && random(2) === 0)
      args.push(...(random(3) === 0 ? [`-${short}${value}`] : [`-${short}`, value]))
    else args.push(`--${long}=${value}`)
  }
  if (random(6) === 0) env.ISTIO_OUTBOUND_OWNER_GROUPS = listOf(random, ['java', '202', '1000'])
  if (random(6) === 0) env.ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE = listOf(random, ['ftp', '202'])
  if (random(8) === 0)
    env.ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR = pick(random, ['127.0.0.0/8', '127.0.0.1/32', '10.0.0.0/8', 'x'])
  if (random(30) === 0) args.push(pick(random, ['--', '-', '---', '--no-such', '-Y', '-p', 'word', '--=', '-p=']))
  return { args, env }
}

const ADDRESSES = [
  ['10.0.0.5/24'],
  ['10.0.0.5/24', 'fd00::5/64'],
  ['fd00::5/64'],
  ['169.254.1.1/16', 'fe80::1/64'],
  ['10.0.0.5/24', 'fe80::1/64'],
] as const

export function randomAddresses(random: Random): readonly string[] {
  return random(10) === 0
    ? pick(random, [[], ['x'], ['::ffff:10.0.0.5/96']])
    : (ADDRESSES[random(ADDRESSES.length)] ?? [])
}

const TRAFFIC = [
  'includeOutboundIPRanges',
  'excludeOutboundIPRanges',
  'includeInboundPorts',
  'excludeInboundPorts',
  'includeOutboundPorts',
  'excludeOutboundPorts',
  'excludeInterfaces',
  'kubevirtInterfaces',
] as const

/** A value of any kind, for the places where a text, an object or a list should be. */
function anything(random: Random, depth = 0): unknown {
  const simple = [null, true, 0, -1, 1.5, 1e300, 'x', '', [], {}]
  if (depth > 2 || random(2) === 0) return simple[random(simple.length)]
  if (random(2) === 0) return Array.from({ length: random(3) }, () => anything(random, depth + 1))
  return Object.fromEntries(
    Array.from({ length: random(3) }, () => [
      pick(random, ['name', '__proto__', 'env', 'ip']),
      anything(random, depth + 1),
    ]),
  )
}

/** A pod; every now and then one that no API server would return. */
export function randomPod(random: Random): RedirectedPod {
  const annotations: Record<string, string> = random(10) === 0 ? {} : { 'sidecar.istio.io/status': '{}' }
  for (const name of TRAFFIC) {
    if (random(4) !== 0) continue
    const kind = /IPRanges/.test(name) ? 'cidr' : /nterfaces/.test(name) ? 'interfaces' : 'ports'
    annotations[`traffic.sidecar.istio.io/${name}`] = valueFor(random, kind)
  }
  if (random(3) === 0) annotations['sidecar.istio.io/interceptionMode'] = pick(random, MODES)
  if (random(10) === 0) annotations['sidecar.istio.io/inject'] = pick(random, BOOLS)
  const env = [
    'ISTIO_META_DNS_CAPTURE',
    'ISTIO_DUAL_STACK',
    'INVALID_DROP',
    'DISABLE_ENVOY',
    'ISTIO_OUTBOUND_OWNER_GROUPS',
  ]
    .filter(() => random(5) === 0)
    .map((name) => ({ name, value: pick(random, BOOLS) }))
  const proxy = {
    name: random(20) === 0 ? 'other' : 'istio-proxy',
    args: random(10) === 0 ? ['proxy', 'router'] : ['proxy', 'sidecar'],
    env,
    securityContext: { runAsUser: Number(pick(random, IDS)), runAsGroup: Number(pick(random, IDS)) },
  }
  const init = random(20) === 0 ? [{ name: 'istio-init' }] : []
  return {
    metadata: { name: 'shop', namespace: 'prod', annotations },
    spec: { initContainers: init, containers: [{ name: 'app' }, proxy] },
  }
}

const COMMANDS = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION', 'NONSENSE', ''] as const
const VERSIONS = [
  '1.0.0',
  '1.1.0',
  '0.3.1',
  '0.1.0',
  '0.2.0',
  '0.3.0',
  '0.3.1',
  '0.4.0',
  '1.0.0',
  '1.1.0',
  '2.0.0',
  '',
] as const
const POD_ARGS = [
  'IgnoreUnknown=1;K8S_POD_NAMESPACE=prod;K8S_POD_NAME=shop',
  'IgnoreUnknown=1;K8S_POD_NAMESPACE=prod;K8S_POD_NAME=shop',
  'IgnoreUnknown=1;K8S_POD_NAMESPACE=prod;K8S_POD_NAME=shop',
  'IgnoreUnknown=1;K8S_POD_NAMESPACE=prod;K8S_POD_NAME=shop',
  'K8S_POD_NAMESPACE=kube-system;K8S_POD_NAME=dns',
  'K8S_POD_NAMESPACE=istio-system;K8S_POD_NAME=istio-cni-node-x',
  'A=B',
  'K8S_POD_NAMESPACE=prod;',
  '',
] as const

/** A call of the plugin; every third is of any form. */
export function randomCall(random: Random): CniCall {
  return random(3) === 0 ? oddCall(random) : usualCall(random)
}

function usualCall(random: Random): CniCall {
  const version = pick(random, ['1.0.0', '1.1.0', '0.4.0', '0.3.1'])
  const prevResult = { cniVersion: version, ips: [{ address: pick(random, ['10.0.0.5/24', 'fd00::5/64']) }], dns: {} }
  const conf = {
    cniVersion: version,
    name: 'net',
    pod_namespace: 'istio-system',
    exclude_namespaces: ['kube-system'],
    native_nftables: random(2) === 0,
    prevResult,
  }
  const env = {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: '/n',
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/b',
    CNI_ARGS: random(8) === 0 ? pick(random, POD_ARGS) : POD_ARGS[0],
  }
  return { env, stdin: JSON.stringify(conf) }
}

function oddCall(random: Random): CniCall {
  const version = pick(random, VERSIONS)
  const prevResult =
    random(3) !== 0
      ? {
          cniVersion: random(20) === 0 ? pick(random, VERSIONS) : version,
          ips: [{ address: random(8) === 0 ? pick(random, ['x', '']) : '10.0.0.5/24' }],
          dns: {},
        }
      : anything(random)
  const conf: Record<string, unknown> = {
    cniVersion: version,
    name: 'net',
    type: 'istio-cni',
    pod_namespace: 'istio-system',
    exclude_namespaces: ['kube-system'],
    native_nftables: random(2) === 0,
    ...(random(2) === 0 ? { prevResult } : {}),
  }
  if (random(6) === 0)
    conf[pick(random, ['name', 'cniVersion', 'exclude_namespaces', 'native_nftables', 'ipam', 'dns', 'capabilities'])] =
      anything(random)
  const text = JSON.stringify(conf)
  const env: Record<string, string> = {
    CNI_COMMAND: random(4) === 0 ? pick(random, COMMANDS) : 'ADD',
    CNI_CONTAINERID: random(20) === 0 ? pick(random, ['../x', '']) : 'c1',
    CNI_NETNS: random(20) === 0 ? '' : '/n',
    CNI_IFNAME: random(10) === 0 ? pick(random, ['a/b', '.', 'sixteen-letters-']) : 'eth0',
    CNI_PATH: '/b',
    CNI_ARGS: pick(random, POD_ARGS),
  }
  if (random(20) === 0) delete env.CNI_IFNAME
  return { env, stdin: random(20) === 0 ? text.slice(0, random(text.length)) : text }
}
