/** `mesh-admission trace-packet`: which redirection rules does a packet meet, and where does it end? */
import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import { Option } from 'commander'
import { ProjectError } from '../base/errors.ts'
import { readYaml } from '../injection/yaml/read.ts'
import { formatAddress, isLoopback, parseAddress, type Address, type Family } from '../redirect/addresses.ts'
import type { RedirectedPod } from '../redirect/cni/pod-redirect.ts'
import { runTool } from '../redirect/run.ts'
import type { ConnectionState, Packet, Ruleset } from '../redirect/trace/packet.ts'
import { ownerOf, rulesetOfSettings, rulesetOfText, settingsOfFlags, settingsOfPod } from '../redirect/trace/source.ts'
import { formatPacket, formatTrace, tracePacket } from '../redirect/trace/walk.ts'
import type { CommandInput, CommandModule } from './commands.ts'
import { EXIT, type CommandContext } from './output.ts'

const DEFAULT_POD_IP = { v4: '10.244.0.5', v6: 'fd00:10:244::5' } as const
const DEFAULT_REMOTE = { v4: '10.244.0.9', v6: 'fd00:10:244::9' } as const
const EPHEMERAL_PORT = 40000

export const command: CommandModule = {
  examples: [
    {
      text: 'An application calls a service; the rules of the default sidecar:',
      line: "mesh-admission trace-packet --to 10.96.0.1:80 --uid 1000 -- -u 1337 -i '*' -b '*' -d 15090,15021,15020",
    },
    {
      text: 'What arrives at a pod, by its annotations or the arguments of its init container:',
      line: 'mesh-admission trace-packet --in --to 10.244.0.5:8080 -f pod.yaml',
    },
    {
      text: 'What the application container of that pod sends:',
      line: 'mesh-admission trace-packet --to 10.96.0.1:80 --container app -f pod.yaml',
    },
    {
      text: 'Rules that iptables-save or nft -j list ruleset has printed:',
      line: 'mesh-admission trace-packet --to 10.96.0.1:80 --uid 1000 --rules rules.txt',
    },
    {
      text: 'The rules of a live pod:',
      line: 'mesh-admission trace-packet --to 10.96.0.1:80 --netns /proc/4242/ns/net',
    },
  ],
  configure: (command) => {
    command
      .argument('[flags...]', 'flags of istio-iptables, behind --')
      .requiredOption('--to <address:port>', 'destination')
      .option('--from <address:port>', 'source (default: the pod, or a host beside it with --in)')
      .option('--in', 'the packet arrives; without it, a process of the pod sends it')
      .addOption(new Option('--protocol <name>', 'tcp or udp').choices(['tcp', 'udp']).default('tcp'))
      .option('--uid <number>', "the sender's user (default: 0)")
      .option('--gid <number>', "the sender's group (default: the user's number)")
      .option('--container <name>', 'the sender is this container of the pod of -f')
      .option('--interface <name>', 'interface (default: lo between addresses of the pod, else eth0)')
      .option('--pod-ip <address...>', 'address of the pod; repeatable')
      .option('--nameserver <address...>', 'name server in its resolv.conf; repeatable')
      .option('--mark <number>', 'firewall mark of the packet (default: 0)')
      .addOption(
        new Option('--state <state>', 'of its connection')
          .choices(['NEW', 'ESTABLISHED', 'RELATED', 'INVALID'])
          .default('NEW'),
      )
      .option('-f, --file <pod>', 'rules of this pod; - is standard input')
      .option('--rules <file>', 'output of iptables-save, ip6tables-save or nft -j list ruleset; - is standard input')
      .option('--netns <path>', 'rules of this network namespace')
      .addOption(new Option('--compat <mode>', 'make rules as the original does').choices(['istiod', 'off']))
      .addOption(new Option('-o, --output <form>', 'form of the result').choices(['text', 'json']).default('text'))
  },
  run: trace,
}

async function trace({ args, options }: CommandInput, context: CommandContext): Promise<number> {
  const text = (name: string): string | undefined => (typeof options[name] === 'string' ? options[name] : undefined)
  const file = text('file')
  const pod = file === undefined ? undefined : (readYaml(await readInput(file, context)) as RedirectedPod)
  const packet = readPacket(options, pod)
  const ruleset = await findRuleset({ args, options, pod, family: packet.family }, context)
  const found = tracePacket(packet, ruleset)
  if (options.output === 'json') context.print(`${JSON.stringify(found, undefined, 2)}\n`)
  else context.print(`${formatPacket(packet)}\n${formatTrace(found)}`)
  return EXIT.clean
}

interface Sources extends CommandInput {
  readonly pod: RedirectedPod | undefined
  readonly family: Family
}

async function findRuleset({ args, options, pod, family }: Sources, context: CommandContext): Promise<Ruleset> {
  const compat = options.compat === 'istiod' ? 'istiod' : 'off'
  if (typeof options.rules === 'string') return rulesetOfText(await readInput(options.rules, context))
  if (typeof options.netns === 'string') return rulesetOfNamespace(options.netns, family)
  const settings = pod === undefined ? settingsOfFlags(args, {}, compat) : settingsOfPod(pod, compat)
  const facts = { addresses: podAddresses(options), nameServers: list(options.nameserver) }
  return rulesetOfSettings(settings, { family, facts, compat })
}

/** Rules of nftables where there are any of ours, else those of the iptables variant that holds some. */
async function rulesetOfNamespace(path: string, family: Family): Promise<Ruleset> {
  const inside = (tool: string, ...args: readonly string[]): ReturnType<typeof runTool> =>
    runTool('nsenter', [`--net=${path}`, tool, ...args])
  const nft = await inside('nft', '-j', 'list', 'ruleset')
  if (nft.exitCode === 0 && nft.stdout.includes('"istio-proxy-')) return rulesetOfText(nft.stdout)
  const name = family === 'v4' ? 'iptables' : 'ip6tables'
  for (const variant of ['nft', 'legacy']) {
    const saved = await inside(`${name}-${variant}-save`)
    if (saved.exitCode === 0 && saved.stdout.includes('ISTIO_')) return rulesetOfText(saved.stdout)
  }
  if (nft.missing || nft.stderr.includes('nsenter'))
    throw new ProjectError('OPTION_INVALID', `netns: ${nft.stderr.trim()}`)
  return rulesetOfText('')
}

async function readInput(path: string, { stdin }: CommandContext): Promise<string> {
  return path === '-' ? readStream(stdin) : readFile(path, 'utf8')
}

type Options = CommandInput['options']

function readPacket(options: Options, pod: RedirectedPod | undefined): Packet {
  const incoming = options.in === true
  const to = endpoint('to', String(options.to))
  const { family } = to.address
  const own = podAddresses(options)
  const staysHere = isLoopback(to.address) || own.includes(formatAddress(to.address))
  const sender = incoming ? DEFAULT_REMOTE[family] : staysHere ? formatAddress(to.address) : addressOf(own, family)
  const from =
    typeof options.from === 'string'
      ? endpoint('from', options.from)
      : { address: addressText(sender), port: EPHEMERAL_PORT }
  return {
    direction: incoming ? 'in' : 'out',
    family,
    protocol: options.protocol === 'udp' ? 'udp' : 'tcp',
    source: from.address,
    sourcePort: from.port,
    destination: to.address,
    destinationPort: to.port,
    interface: typeof options.interface === 'string' ? options.interface : !incoming && staysHere ? 'lo' : 'eth0',
    mark: number(options, 'mark') ?? 0,
    connectionMark: 0,
    state: options.state as ConnectionState,
    ...(incoming ? {} : owner(options, pod)),
  }
}

function owner(options: Options, pod: RedirectedPod | undefined): { uid: number; gid: number } {
  const container =
    typeof options.container === 'string' && pod !== undefined ? ownerOf(pod, options.container) : undefined
  const uid = number(options, 'uid') ?? container?.uid ?? 0
  return { uid, gid: number(options, 'gid') ?? container?.gid ?? uid }
}

function number(options: Options, name: string): number | undefined {
  const given = options[name]
  if (given === undefined) return undefined
  const value = Number(given)
  if (Number.isInteger(value) && value >= 0) return value
  throw new ProjectError('OPTION_INVALID', `${name}: expected a number from 0, got ${JSON.stringify(given)}`)
}

function list(given: unknown): string[] {
  return Array.isArray(given) ? given.map(String) : []
}

function podAddresses(options: Options): string[] {
  const given = list(options.podIp)
  return (given.length > 0 ? given : Object.values(DEFAULT_POD_IP)).map((one) => formatAddress(addressText(one)))
}

function addressOf(own: readonly string[], family: Family): string {
  return own.find((one) => one.includes(':') === (family === 'v6')) ?? DEFAULT_POD_IP[family]
}

function addressText(given: string): Address {
  const address = parseAddress(given)
  if (address !== undefined) return address
  throw new ProjectError('OPTION_INVALID', `address: expected an IP address, got ${JSON.stringify(given)}`)
}

/** `10.0.0.1:80` or `[fd00::1]:80`. */
function endpoint(name: string, given: string): { address: Address; port: number } {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(given) ?? []
  const address = parseAddress(bracketed ?? plain ?? '')
  if (address !== undefined && Number(port) <= 0xffff) return { address, port: Number(port) }
  throw new ProjectError(
    'OPTION_INVALID',
    `${name}: expected address:port or [address]:port, got ${JSON.stringify(given)}`,
  )
}
