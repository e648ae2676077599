/** The initializer and the CNI plugin end to end, each in a network namespace that was just made, beside what they consist of. */
import { spawnSync } from 'node:child_process'
import { packagePath } from '../src/cli/package.ts'
import { startCniNode } from './support/cni-node.ts'
import { createPodNamespace, execute, type Execution, type PodNamespace } from './support/pod-namespace.ts'
import { median } from './support/statistics.ts'

export interface RedirectBenchOptions {
  readonly rounds: number
}

interface Row {
  readonly name: string
  readonly run: Execution
  /** Whether the namespace is left as the row before has made it. */
  readonly overRules?: boolean
}

const RANGES = Array.from({ length: 100 }, (_, i) => `10.${i}.0.0/16`).join(',')
const SIDECAR = '-p 15001 -z 15006 -u 1337 -m REDIRECT -i * -b * -d 15090,15021'.split(' ')
const WITH_RANGES = [...SIDECAR, '-x', RANGES]
const EXCLUDE_RANGES = 'traffic.sidecar.istio.io/excludeOutboundIPRanges'

/** Rows of milliseconds from start to end; a row that says why where it cannot be measured. */
export async function benchRedirect({ rounds }: RedirectBenchOptions): Promise<string[]> {
  const reason = whyNotHere()
  if (reason !== undefined) return [`not measured: ${reason}`]
  const namespace = createPodNamespace('bench')
  try {
    const rows = await allRows(namespace, rounds)
    return ['| what runs | minimum | median |', '|---|---|---|', ...rows]
  } finally {
    namespace.remove()
  }
}

function whyNotHere(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  const missing = ['ip', 'nsenter', 'iptables-nft', 'iptables-legacy', 'nft', 'cc'].find(
    (tool) => spawnSync(tool, ['--version']).error !== undefined,
  )
  return missing === undefined ? undefined : `needs ${missing}`
}

async function allRows(namespace: PodNamespace, rounds: number): Promise<string[]> {
  namespace.renew()
  const rows = await measure([...(await baseRows(namespace)), ...initRows(namespace)], { namespace, rounds })
  for (const nativeNftables of [false, true]) {
    for (const [name, annotations] of [
      ['no list', {}],
      ['100 ranges', { [EXCLUDE_RANGES]: RANGES }],
    ] as const) {
      const node = await startCniNode(annotations, { nativeNftables })
      const row = { name: `ADD, ${nativeNftables ? 'nftables' : 'iptables'}, ${name}`, run: node.add(namespace.path) }
      try {
        rows.push(...(await measure([row], { namespace, rounds })))
      } finally {
        await node.stop()
      }
    }
  }
  return rows
}

/** What everything else is made of: a program that does nothing, Node, and the kernel's tools. */
async function baseRows(namespace: PodNamespace): Promise<Row[]> {
  const inside = insideOf(namespace)
  const restore = await dryRun(namespace, WITH_RANGES)
  const nft = await dryRun(namespace, [...WITH_RANGES, '--native-nftables'])
  return [
    { name: 'entering the namespace', run: inside('true') },
    { name: 'Node alone', run: inside(process.execPath, '-e', '0') },
    {
      name: 'iptables-restore alone, 100 ranges',
      run: { ...inside('iptables-nft-restore', '--noflush'), stdin: restore },
    },
    { name: 'nft -f alone, 100 ranges', run: { ...inside('nft', '-f', '-'), stdin: nft } },
  ]
}

const insideOf =
  ({ path }: PodNamespace) =>
  (...args: readonly string[]): Execution => ({ file: 'nsenter', args: [`--net=${path}`, ...args] })

function init(...flags: readonly string[]): readonly string[] {
  return [process.execPath, packagePath('dist/main.js'), 'istio-iptables', ...flags]
}

async function dryRun(namespace: PodNamespace, flags: readonly string[]): Promise<string> {
  const { stdout } = await execute(insideOf(namespace)(...init(...flags, '--dry-run')))
  return stdout
}

function initRows(namespace: PodNamespace): Row[] {
  const inside = insideOf(namespace)
  const rows = (name: string, ...flags: readonly string[]): Row[] => [
    { name: `init, ${name}`, run: inside(...init(...SIDECAR, ...flags)) },
    { name: `init, ${name}, 100 ranges`, run: inside(...init(...WITH_RANGES, ...flags)) },
    { name: `init, ${name}, 100 ranges, second run`, run: inside(...init(...WITH_RANGES, ...flags)), overRules: true },
  ]
  return [
    ...rows('iptables'),
    ...rows('iptables legacy', '--force-iptables-binary=legacy'),
    ...rows('nftables', '--native-nftables'),
  ]
}

/** All rows in turn, `rounds` times, so that what else the machine does meets them alike. */
async function measure(
  rows: readonly Row[],
  { namespace, rounds }: { namespace: PodNamespace; rounds: number },
): Promise<string[]> {
  const samples = rows.map(() => [] as number[])
  for (let round = -1; round < rounds; round++) {
    for (const [i, { run, overRules = false }] of rows.entries()) {
      if (!overRules) namespace.renew()
      const { elapsedMs } = await execute(run)
      // The first round only warms files and the agent.
      if (round >= 0) samples[i]?.push(elapsedMs)
    }
  }
  return rows.map(({ name }, i) => {
    const times = samples[i] ?? []
    return `| ${name} | ${Math.min(...times).toFixed(1)} ms | ${median(times).toFixed(1)} ms |`
  })
}
