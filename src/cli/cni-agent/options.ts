/** Everything `cni-agent` can be told, resolved once: a flag wins over a variable (also an empty one), a variable over the default. */
import type { Command } from 'commander'
import { ProjectError } from '../../base/errors.ts'
import { LOG_LEVELS, type LogLevel } from '../../base/log.ts'
import type { RepairMode, RepairSettings } from '../../redirect/cni/broken-pod.ts'
import type { InstallPlaces } from '../../redirect/cni/install.ts'
import type { Compat } from '../../redirect/flags.ts'

export interface CniAgentOptions extends InstallPlaces {
  /** Folder of the socket: the same path here and on the node. */
  readonly runDir: string
  /** The node's /var/run/netns and /proc, as this process sees them. */
  readonly netnsDir: string
  readonly procDir: string
  readonly excludeNamespaces: readonly string[]
  readonly podNamespace: string
  readonly nativeNftables: boolean
  readonly healthPort: number
  /** 0 or less: no metrics. */
  readonly monitoringPort: number
  readonly repair: RepairSettings
  readonly kubeconfig: string | undefined
  readonly compat: Compat
  readonly logLevel: LogLevel
}

interface Flag {
  readonly name: string
  readonly type: 'text' | 'bool' | 'number'
  readonly fallback: string
  readonly help: string
}

/** Each has a variable of its name in upper case, `-` as `_`. istiod: names and defaults of install-cni. */
export const CNI_AGENT_FLAGS: readonly Flag[] = [
  flag('mounted-cni-net-dir', '/host/etc/cni/net.d', "folder of the node's CNI configurations"),
  flag('cni-conf-name', '', 'name of the primary CNI configuration; found when empty'),
  flag('chained-cni-plugin', 'true', 'add to the primary configuration, instead of a file of its own', 'bool'),
  flag('cni-conf-group-read', 'false', 'make files that are created readable for their group', 'bool'),
  flag('cni-bin-source-dir', '/opt/cni/bin', 'folder of the executable in the image'),
  flag('mounted-cni-bin-dir', '/host/opt/cni/bin', "folder of the node's CNI executables"),
  flag('cni-agent-run-dir', '/var/run/istio-cni', "folder of the agent's socket, the same on the node"),
  flag('host-netns-dir', '/var/run/netns', "where the node's /var/run/netns is mounted"),
  flag('host-proc-dir', '/host/proc', "where the node's /proc is mounted"),
  flag('health-port', '8000', 'port of /healthz and /readyz', 'number'),
  flag('monitoring-port', '15014', 'port of /metrics; 0: none', 'number'),
  flag('repair-enabled', 'true', 'look for pods that came up without redirection', 'bool'),
  flag('repair-delete-pods', 'false', 'delete them', 'bool'),
  flag('repair-label-pods', 'false', 'label them', 'bool'),
  flag('repair-broken-pod-label-key', 'cni.istio.io/uninitialized', 'the label'),
  flag('repair-broken-pod-label-value', 'true', 'its value'),
  flag('repair-node-name', '', 'pods of this node only'),
  flag('repair-sidecar-annotation', 'sidecar.istio.io/status', 'annotation of pods with a sidecar'),
  flag('repair-init-container-name', 'istio-validation', 'init container whose failure tells'),
  flag('repair-init-container-termination-message', '', 'its last words; empty: any'),
  flag('repair-init-container-exit-code', '126', 'its exit code; 0: any', 'number'),
  flag('repair-label-selectors', '', 'pods with these labels only'),
  flag('repair-field-selectors', '', 'pods with these fields only'),
]

function flag(name: string, fallback: string, help: string, type: Flag['type'] = 'text'): Flag {
  return { name, fallback, help, type }
}

/** Variables without a flag. */
const VARIABLES = {
  excludeNamespaces: 'EXCLUDE_NAMESPACES',
  podNamespace: 'POD_NAMESPACE',
  nativeNftables: 'NATIVE_NFTABLES',
  repairPods: 'REPAIR_REPAIR_PODS',
} as const

/** Adds the flags. */
export function addCniAgentFlags(command: Command): void {
  for (const { name, type, fallback, help } of CNI_AGENT_FLAGS) {
    const value = type === 'bool' ? '[true|false]' : '<value>'
    const shown = fallback === '' ? '' : ` (default: ${fallback})`
    command.option(`--${name} ${value}`, `${help}${shown}`)
  }
  command
    .option('--kubeconfig <file>', 'cluster (default: the one this process runs in)')
    .option('--compat <mode>', 'istiod: do as istio-cni does where we would behave better (default: off)')
    .option('--log_output_level <level>', `one of ${LOG_LEVELS.join(', ')}; also scope:level as istiod takes it`)
}

type Given = Readonly<Record<string, unknown>>
type Env = Readonly<Record<string, string | undefined>>

/** @throws ProjectError OPTION_INVALID naming the flag or variable */
export function resolveCniAgentOptions(given: Given, env: Env): CniAgentOptions {
  const read = (name: string): string => valueOf(findFlag(name), given, env)
  const bool = (name: string): boolean => parseBool(name, read(name))
  const number = (name: string): number => parseNumber(name, read(name))
  return {
    configDir: read('mounted-cni-net-dir'),
    configName: read('cni-conf-name'),
    chained: bool('chained-cni-plugin'),
    groupRead: bool('cni-conf-group-read'),
    binarySource: read('cni-bin-source-dir'),
    binaryTarget: read('mounted-cni-bin-dir'),
    runDir: read('cni-agent-run-dir'),
    netnsDir: read('host-netns-dir'),
    procDir: read('host-proc-dir'),
    healthPort: number('health-port'),
    monitoringPort: number('monitoring-port'),
    excludeNamespaces: splitTrimmed(env[VARIABLES.excludeNamespaces] ?? ''),
    podNamespace: env[VARIABLES.podNamespace] ?? '',
    nativeNftables: parseBool(VARIABLES.nativeNftables, env[VARIABLES.nativeNftables] ?? ''),
    repair: {
      mode: repairMode(bool, env),
      labelKey: read('repair-broken-pod-label-key'),
      labelValue: read('repair-broken-pod-label-value'),
      nodeName: read('repair-node-name'),
      sidecarAnnotation: read('repair-sidecar-annotation'),
      initContainerName: read('repair-init-container-name'),
      terminationMessage: read('repair-init-container-termination-message'),
      exitCode: number('repair-init-container-exit-code'),
      labelSelectors: read('repair-label-selectors'),
      fieldSelectors: read('repair-field-selectors'),
    },
    kubeconfig: typeof given.kubeconfig === 'string' ? given.kubeconfig : undefined,
    compat: parseCompat(given.compat),
    logLevel: parseLevel(given.log_output_level),
  }
}

function findFlag(name: string): Flag {
  const found = CNI_AGENT_FLAGS.find((one) => one.name === name)
  if (found === undefined) throw new ProjectError('OPTION_INVALID', `${name}: no such flag`)
  return found
}

function valueOf({ name, fallback }: Flag, given: Given, env: Env): string {
  const key = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const value = given[key]
  if (value === true) return 'true'
  if (typeof value === 'string') return value
  return env[name.toUpperCase().replaceAll('-', '_')] ?? fallback
}

const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False', ''])

function parseBool(name: string, text: string): boolean {
  if (TRUE.has(text)) return true
  if (FALSE.has(text)) return false
  throw new ProjectError('OPTION_INVALID', `${name}: expected true or false, got ${JSON.stringify(text)}`)
}

function parseNumber(name: string, text: string): number {
  if (/^-?[0-9]{1,9}$/.test(text)) return Number(text)
  throw new ProjectError('OPTION_INVALID', `${name}: expected a number, got ${JSON.stringify(text)}`)
}

function splitTrimmed(list: string): string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

/** istiod: of several, repair wins over delete, delete over label. */
function repairMode(bool: (name: string) => boolean, env: Env): RepairMode | undefined {
  if (!bool('repair-enabled')) return undefined
  if (parseBool(VARIABLES.repairPods, env[VARIABLES.repairPods] ?? '')) return 'repair'
  if (bool('repair-delete-pods')) return 'delete'
  return bool('repair-label-pods') ? 'label' : undefined
}

function parseCompat(value: unknown): Compat {
  if (value === undefined || value === 'off') return 'off'
  if (value === 'istiod') return 'istiod'
  throw new ProjectError('OPTION_INVALID', `compat: expected istiod or off, got ${JSON.stringify(value)}`)
}

/** istiod: `scope:level` pairs; the one without a scope, or for all of them, counts. */
function parseLevel(value: unknown): LogLevel {
  if (typeof value !== 'string' || value === '') return 'info'
  const parts = value.split(',').map((part) => part.split(':'))
  const level = parts.find(([scope]) => parts.length === 1 || scope === 'default' || scope === 'all')?.at(-1)
  const ours = level === 'none' ? 'silent' : level === 'fatal' ? 'error' : level
  const found = LOG_LEVELS.find((one) => one === ours)
  if (found !== undefined) return found
  throw new ProjectError(
    'OPTION_INVALID',
    `log_output_level: expected ${LOG_LEVELS.join(', ')}, got ${JSON.stringify(value)}`,
  )
}
