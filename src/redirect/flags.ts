/** The command line and the variables of the initializer: one table of flags, and a parser with the original's semantics. */
import { parseGoBool, parseGoDuration, parseGoUint16, quoteGo, type Parsed } from './go-literals.ts'

/** `istiod` copies the original wherever we would behave better; `off` is our own behaviour. */
export type Compat = 'istiod' | 'off'

/** What flags and variables say, before anything is looked up on the host. Lists are comma-separated text. */
export interface RedirectSettings {
  /** Outbound listener of the proxy. @default '15001' */
  proxyPort: string
  /** Inbound listener of the proxy. @default '15006' */
  inboundCapturePort: string
  /** HBONE port, never redirected inbound. @default '15008' */
  inboundTunnelPort: string
  /** Owner uids whose traffic is left alone; empty = the account `envoyUser`. */
  proxyUid: string
  /** Owner gids whose traffic is left alone; empty = the same text as `proxyUid`. */
  proxyGid: string
  /** Exactly `TPROXY` selects TPROXY; anything else redirects. */
  interceptionMode: string
  /** Inbound ports to capture: a list, `*` for all, empty for none. */
  inboundPortsInclude: string
  /** Inbound ports left alone; counts only beside `*`. */
  inboundPortsExclude: string
  excludeInterfaces: string
  /** Outbound ranges to capture: a list, `*` for all, empty for none. */
  outboundRangesInclude: string
  outboundRangesExclude: string
  outboundPortsInclude: string
  outboundPortsExclude: string
  /** Interfaces whose incoming packets count as outbound. */
  virtualInterfaces: string
  /** Decimal firewall mark. @default '1337' */
  tproxyMark: string
  /** Decimal number of a routing table. @default '133' */
  tproxyRouteTable: string
  dryRun: boolean
  probePort: number
  /** Nanoseconds. @default 5e9 */
  probeTimeoutNs: number
  skipRuleApply: boolean
  runValidation: boolean
  redirectDns: boolean
  captureAllDns: boolean
  dropInvalid: boolean
  dualStack: boolean
  networkNamespace: string
  cniMode: boolean
  reconcile: boolean
  cleanupOnly: boolean
  forceApply: boolean
  nativeNftables: boolean
  /** `''`, `legacy` or `nft`. */
  forceIptablesBinary: string
  /** Owner groups whose traffic is captured. @default '*' */
  ownerGroupsInclude: string
  /** Owner groups left alone; counts only beside an include of `*`. */
  ownerGroupsExclude: string
  /** @default '127.0.0.1/32' */
  loopbackCidr: string
  /** Account of the proxy. @default 'istio-proxy' */
  envoyUser: string
}

export const DEFAULT_SETTINGS: Readonly<RedirectSettings> = {
  proxyPort: '15001',
  inboundCapturePort: '15006',
  inboundTunnelPort: '15008',
  proxyUid: '',
  proxyGid: '',
  interceptionMode: '',
  inboundPortsInclude: '',
  inboundPortsExclude: '',
  excludeInterfaces: '',
  outboundRangesInclude: '',
  outboundRangesExclude: '',
  outboundPortsInclude: '',
  outboundPortsExclude: '',
  virtualInterfaces: '',
  tproxyMark: '1337',
  tproxyRouteTable: '133',
  dryRun: false,
  probePort: 15002,
  probeTimeoutNs: 5e9,
  skipRuleApply: false,
  runValidation: false,
  redirectDns: false,
  captureAllDns: false,
  dropInvalid: false,
  dualStack: false,
  networkNamespace: '',
  cniMode: false,
  reconcile: false,
  cleanupOnly: false,
  forceApply: false,
  nativeNftables: false,
  forceIptablesBinary: '',
  ownerGroupsInclude: '*',
  ownerGroupsExclude: '',
  loopbackCidr: '127.0.0.1/32',
  envoyUser: 'istio-proxy',
}

type FlagType = 'string' | 'bool' | 'uint16' | 'duration'
type Setting = keyof RedirectSettings

export interface Flag {
  readonly long: string
  readonly short?: string
  readonly type: FlagType
  /** The setting it fills; a flag without one is accepted and has no effect on the rules. */
  readonly sets?: Setting
  /** Variables that may fill it; the last that is present wins. Present but empty counts as set. */
  readonly env: readonly string[]
  readonly help: string
}

function flag(
  long: string,
  short: string,
  type: FlagType,
  sets: Setting,
  help: string,
  moreEnv: readonly string[] = [],
): Flag {
  const own = long.toUpperCase().replaceAll('-', '_')
  return { long, ...(short === '' ? {} : { short }), type, sets, env: [own, ...moreEnv], help }
}

/** Every flag of the command. istiod: `envoy-port` has no variable although one is logged. */
export const FLAGS: readonly Flag[] = [
  { ...flag('envoy-port', 'p', 'string', 'proxyPort', 'outbound listener of the proxy'), env: [] },
  flag('inbound-capture-port', 'z', 'string', 'inboundCapturePort', 'inbound listener of the proxy'),
  flag('inbound-tunnel-port', 'e', 'string', 'inboundTunnelPort', 'HBONE port, never redirected'),
  flag('proxy-uid', 'u', 'string', 'proxyUid', 'uids whose traffic is not redirected'),
  flag('proxy-gid', 'g', 'string', 'proxyGid', 'gids whose traffic is not redirected'),
  flag('istio-inbound-interception-mode', 'm', 'string', 'interceptionMode', 'REDIRECT or TPROXY'),
  flag('istio-inbound-ports', 'b', 'string', 'inboundPortsInclude', 'inbound ports to capture, or *'),
  flag('istio-local-exclude-ports', 'd', 'string', 'inboundPortsExclude', 'inbound ports left alone, beside *'),
  flag('istio-exclude-interfaces', 'c', 'string', 'excludeInterfaces', 'interfaces without any capture'),
  flag('istio-service-cidr', 'i', 'string', 'outboundRangesInclude', 'outbound ranges to capture, or *'),
  flag('istio-service-exclude-cidr', 'x', 'string', 'outboundRangesExclude', 'outbound ranges left alone'),
  flag('istio-outbound-ports', 'q', 'string', 'outboundPortsInclude', 'outbound ports captured whatever the range'),
  flag('istio-local-outbound-ports-exclude', 'o', 'string', 'outboundPortsExclude', 'outbound ports left alone'),
  flag('kube-virt-interfaces', 'k', 'string', 'virtualInterfaces', 'interfaces of nested machines'),
  flag('istio-inbound-tproxy-mark', 't', 'string', 'tproxyMark', 'firewall mark for TPROXY'),
  flag('istio-inbound-tproxy-route-table', 'r', 'string', 'tproxyRouteTable', 'routing table for TPROXY'),
  flag('dry-run', 'n', 'bool', 'dryRun', 'print what would be done'),
  flag('iptables-probe-port', '', 'uint16', 'probePort', 'port that validation dials'),
  flag('probe-timeout', '', 'duration', 'probeTimeoutNs', 'time that validation may take'),
  flag('skip-rule-apply', '', 'bool', 'skipRuleApply', 'leave the rules alone'),
  flag('run-validation', '', 'bool', 'runValidation', 'check that redirection works'),
  flag('redirect-dns', '', 'bool', 'redirectDns', 'capture DNS', ['ISTIO_META_DNS_CAPTURE']),
  flag('capture-all-dns', '', 'bool', 'captureAllDns', 'capture DNS to any server'),
  flag('drop-invalid', '', 'bool', 'dropInvalid', 'drop packets that conntrack finds invalid', ['INVALID_DROP']),
  flag('dual-stack', '', 'bool', 'dualStack', 'redirect IPv6 beside IPv4', ['ISTIO_DUAL_STACK']),
  flag('network-namespace', '', 'string', 'networkNamespace', 'path of the network namespace, used as lock'),
  flag('cni-mode', '', 'bool', 'cniMode', 'the tools are those of the host'),
  flag('reconcile', '', 'bool', 'reconcile', 'replace rules that differ'),
  flag('cleanup-only', '', 'bool', 'cleanupOnly', 'remove the rules'),
  flag('force-apply', '', 'bool', 'forceApply', 'apply even what is there'),
  flag('native-nftables', '', 'bool', 'nativeNftables', 'use nft instead of iptables'),
  flag('force-iptables-binary', '', 'string', 'forceIptablesBinary', 'legacy or nft'),
  { long: 'log_output_level', type: 'string', env: [], help: 'accepted for the injected arguments' },
  { long: 'log_as_json', type: 'bool', env: [], help: 'accepted for the injected arguments' },
  { long: 'log_target', type: 'string', env: [], help: 'accepted for the injected arguments' },
  { long: 'log_caller', type: 'string', env: [], help: 'accepted for the injected arguments' },
  { long: 'log_stacktrace_level', type: 'string', env: [], help: 'accepted for the injected arguments' },
  { long: 'help', short: 'h', type: 'bool', env: [], help: 'print this text' },
]

/** Settings that only variables fill. */
const ENVIRONMENT_ONLY: readonly (readonly [
  string,
  'ownerGroupsInclude' | 'ownerGroupsExclude' | 'loopbackCidr' | 'envoyUser',
])[] = [
  ['ISTIO_OUTBOUND_OWNER_GROUPS', 'ownerGroupsInclude'],
  ['ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE', 'ownerGroupsExclude'],
  ['ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR', 'loopbackCidr'],
  ['ENVOY_USER', 'envoyUser'],
]

export type Environment = Readonly<Record<string, string | undefined>>

export type FlagsOutcome =
  | { readonly kind: 'settings'; readonly settings: RedirectSettings; readonly logAsJson: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly message: string }

/**
 * Settings from defaults, variables and arguments, each over the one before.
 * Positional arguments are ignored, as the original does.
 */
export function parseFlags(args: readonly string[], env: Environment, compat: Compat): FlagsOutcome {
  const settings: RedirectSettings = { ...DEFAULT_SETTINGS }
  const problem = readEnvironment(settings, env)
  if (problem !== undefined && compat === 'off') return { kind: 'invalid', message: problem }
  let logAsJson = false
  let help = false
  for (const given of scanArguments(args)) {
    if ('problem' in given) return { kind: 'invalid', message: given.problem }
    const { flag: known, text, named } = given
    const parsed = parseValue(known.type, text)
    if (!parsed.ok)
      return { kind: 'invalid', message: `invalid argument ${quoteGo(text)} for ${named} flag: ${parsed.reason}` }
    if (known.long === 'log_as_json') logAsJson = parsed.value === true
    if (known.long === 'help') help = parsed.value === true
    assign(settings, known.sets, parsed.value)
  }
  return help ? { kind: 'help' } : { kind: 'settings', settings, logAsJson }
}

/**
 * Fills `settings` from variables; returns what is wrong with the first bad one.
 * istiod: a bad value is not reported, but has already put the zero value in place.
 */
function readEnvironment(settings: RedirectSettings, env: Environment): string | undefined {
  let problem: string | undefined
  for (const { env: names, type, sets } of FLAGS) {
    for (const name of names) {
      const text = valueOf(env, name)
      if (text === undefined) continue
      const parsed = parseValue(type, text)
      if (!parsed.ok) problem ??= `${name}: ${parsed.reason}`
      assign(settings, sets, parsed.value)
    }
  }
  for (const [name, sets] of ENVIRONMENT_ONLY) settings[sets] = valueOf(env, name) ?? settings[sets]
  return problem
}

function valueOf(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined
}

function parseValue(type: FlagType, text: string): Parsed<string | boolean | number> {
  switch (type) {
    case 'string':
      return { ok: true, value: text }
    case 'bool':
      return parseGoBool(text)
    case 'uint16':
      return parseGoUint16(text)
    case 'duration':
      return parseGoDuration(text)
  }
}

function assign(settings: RedirectSettings, sets: Setting | undefined, value: string | boolean | number): void {
  // The table pairs each setting with the type of its flag; the compiler cannot follow that pairing.
  if (sets !== undefined) Object.assign(settings, { [sets]: value })
}

type Given = { readonly flag: Flag; readonly text: string; readonly named: string } | { readonly problem: string }

/** The flags of a command line in order, until the first that is wrong or `--`. */
function* scanArguments(args: readonly string[]): Generator<Given> {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg === '--') return
    if (!arg.startsWith('-') || arg === '-') continue
    const next = args[i + 1]
    const scanned = arg.startsWith('--') ? scanLong(arg, next) : scanShort(arg, next)
    yield* scanned.given
    if (scanned.tookNext) i++
  }
}

interface Scanned {
  readonly given: readonly Given[]
  readonly tookNext: boolean
}

const wrong = (problem: string): Scanned => ({ given: [{ problem }], tookNext: false })

function scanLong(arg: string, next: string | undefined): Scanned {
  const body = arg.slice(2)
  if (body.startsWith('-') || body.startsWith('=')) return wrong(`bad flag syntax: ${arg}`)
  const equals = body.indexOf('=')
  const name = equals < 0 ? body : body.slice(0, equals)
  const known = FLAGS.find(({ long }) => long === name)
  if (known === undefined) return wrong(`unknown flag: --${name}`)
  const named = quoteGo(known.short === undefined ? `--${name}` : `-${known.short}, --${name}`)
  if (equals >= 0) return { given: [{ flag: known, text: body.slice(equals + 1), named }], tookNext: false }
  if (known.type === 'bool') return { given: [{ flag: known, text: 'true', named }], tookNext: false }
  if (next === undefined) return wrong(`flag needs an argument: --${name}`)
  return { given: [{ flag: known, text: next, named }], tookNext: true }
}

/** `-n`, `-nu 5`, `-p15001`, `-p=15001`; `-p=` alone is the value `=`. */
function scanShort(arg: string, next: string | undefined): Scanned {
  const given: Given[] = []
  let rest = arg.slice(1)
  while (rest !== '') {
    const letter = rest.charAt(0)
    const known = FLAGS.find(({ short }) => short === letter)
    if (known === undefined) {
      given.push({ problem: `unknown shorthand flag: '${letter}' in -${rest}` })
      return { given, tookNext: false }
    }
    const named = quoteGo(`-${letter}, --${known.long}`)
    const tail = rest.slice(1)
    if (tail.length > 1 && tail.startsWith('=')) return last(given, { flag: known, text: tail.slice(1), named })
    if (known.type === 'bool') {
      given.push({ flag: known, text: 'true', named })
      rest = tail
      continue
    }
    if (tail !== '') return last(given, { flag: known, text: tail, named })
    if (next === undefined) return last(given, { problem: `flag needs an argument: '${letter}' in -${rest}` })
    return { given: [...given, { flag: known, text: next, named }], tookNext: true }
  }
  return { given, tookNext: false }
}

function last(before: readonly Given[], given: Given): Scanned {
  return { given: [...before, given], tookNext: false }
}
