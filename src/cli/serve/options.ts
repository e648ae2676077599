/** Everything `serve` can be told, resolved once: a flag wins over a variable, a variable over the default. */
import type { Command } from 'commander'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseDurationMs } from '../../base/duration.ts'
import { ProjectError } from '../../base/errors.ts'
import { LOG_LEVELS, type LogLevel } from '../../base/log.ts'
import { KEY_ALGORITHMS, type KeyAlgorithm } from '../../certificates/x509.ts'
import type { MinTlsVersion } from '../../server/tls.ts'

export type NativeSidecars = 'auto' | 'true' | 'false'
export type Compatibility = 'istiod' | 'off'
export type Env = Readonly<Record<string, string | undefined>>

export interface ServeOptions {
  /** TCP port of the webhook; 0 picks a free one. */
  readonly port: number
  readonly healthPort: number
  readonly metricsPort: number
  /** Local address of all three; undefined: all interfaces. */
  readonly address: string | undefined
  /** Folder of our own certificate authority. */
  readonly stateDir: string
  /** The injector's ConfigMap, or the text of its key `config`. */
  readonly injectConfigFile: string | undefined
  readonly valuesFile: string | undefined
  readonly meshConfigFile: string | undefined
  /** Never empty: an empty revision is `default`. */
  readonly revision: string
  /** A serving certificate of somebody else's making; both files or neither. */
  readonly tlsFiles: { readonly certFile: string; readonly keyFile: string; readonly caFile?: string } | undefined
  readonly minTlsVersion: MinTlsVersion
  /** Further names and addresses for our own serving certificate. */
  readonly tlsExtraNames: readonly string[]
  /** File or folder of Kubernetes objects that stand for the cluster's. */
  readonly objects: string | undefined
  /** The cluster to serve; undefined: the one this process runs in, if any. */
  readonly kubeconfig: string | undefined
  /** Name of the installation: part of our authority's subject. */
  readonly installation: string
  /** Services that lead to this server, in its own namespace. */
  readonly services: readonly string[]
  /** Secret of our certificate authority, in the server's own namespace. */
  readonly caSecret: string
  /** How our certificates are made and changed. */
  readonly rotation: RotationOptions
  /** MutatingWebhookConfigurations whose entries get our caBundle. */
  readonly webhookConfigurations: readonly string[]
  /** ValidatingWebhookConfigurations whose entries get our caBundle. */
  readonly validationConfigurations: readonly string[]
  /** False: somebody else puts our authority into the webhook configurations. */
  readonly patchCaBundle: boolean
  readonly istioNamespace: string
  readonly nativeSidecars: NativeSidecars
  readonly compliancePolicy: string
  readonly platform: string
  readonly compat: Compatibility
  /** Variables of this process that templates may read. */
  readonly templateEnv: readonly string[]
  /** Name of a ConfigMap with mesh settings below the revision's own; empty: none. */
  readonly sharedMeshConfig: string
  /** False: nothing is injected, the paths are not even served. */
  readonly injectEnabled: boolean
  /** Bound on remembered answers; 0: nothing is remembered. */
  readonly memoBytes: number
  /** After about this time a connection is closed with an answer; 0: never. */
  readonly maxConnectionAgeMs: number
  readonly shutdownDelayMs: number
  readonly shutdownTimeoutMs: number
  readonly logLevel: LogLevel
  /** What was odd about variables, for the log. */
  readonly warnings: readonly string[]
}

/** Times in milliseconds. */
export interface RotationOptions {
  readonly caLifetimeMs: number
  readonly leafLifetimeMs: number
  readonly trustDwellMs: number
  readonly retireDwellMs: number
  readonly keyAlgorithm: KeyAlgorithm
}

const TLS_VERSIONS = ['1.2', '1.3'] as const

interface Flag {
  /** Long name; camel-case ones get a kebab-case twin. */
  readonly name: string
  /** Placeholder of the value. */
  readonly value: string
  readonly help: string
  /** Variable that is asked when the flag is absent; istiod's where istiod has one. */
  readonly env?: string
  /** As `--help` shows it. */
  readonly default?: string
  readonly repeatable?: true
}

/** Every flag. docs/serve.md holds the same table, and a test holds both together. */
export const SERVE_FLAGS: readonly Flag[] = [
  { name: 'port', value: 'port', help: 'webhook port, HTTPS', default: '15017' },
  { name: 'health-port', value: 'port', help: 'port of /livez, /readyz, /startupz and /ready', default: '8080' },
  { name: 'metrics-port', value: 'port', help: 'port of /metrics', default: '15014' },
  { name: 'address', value: 'address', help: 'local address to listen on', default: 'all interfaces' },
  {
    name: 'state-dir',
    value: 'folder',
    help: 'where our certificate authority is kept',
    default: 'below $XDG_STATE_HOME',
  },
  { name: 'injectConfigFile', value: 'file', help: 'injector ConfigMap, or the text of its key config' },
  { name: 'valuesFile', value: 'file', help: 'text of the key values of the injector ConfigMap' },
  { name: 'meshConfigFile', value: 'file', help: 'mesh configuration, or the ConfigMap that holds it as key mesh' },
  { name: 'objects', value: 'path', help: "file or folder of Kubernetes objects that stand for the cluster's" },
  { name: 'kubeconfig', value: 'file', help: 'cluster to serve', default: 'the one this process runs in' },
  {
    name: 'service',
    value: 'name',
    help: 'Service that leads here',
    default: 'mesh-admission, or mesh-admission-<revision>',
    repeatable: true,
  },
  {
    name: 'ca-secret',
    value: 'name',
    help: 'Secret of our certificate authority',
    default: 'mesh-admission-webhook-ca, or with the revision',
  },
  {
    name: 'webhook-configuration',
    value: 'name',
    help: 'webhook configuration that gets our caBundle',
    default: 'mesh-admission-injector, or with the revision',
    repeatable: true,
  },
  {
    name: 'validation-configuration',
    value: 'name',
    help: 'validating webhook configuration that gets our caBundle',
    default: 'mesh-admission-default-validator, or mesh-admission-validator-<revision>',
    repeatable: true,
  },
  {
    name: 'patch-ca-bundle',
    value: 'bool',
    help: 'whether caBundle is ours to write; false where another program does',
    default: 'true',
  },
  {
    name: 'ca-lifetime',
    value: 'duration',
    help: 'how long an authority of ours is good; a new one takes over when a third is left; at least 10s',
    default: '8760h',
  },
  {
    name: 'leaf-lifetime',
    value: 'duration',
    help: 'how long a serving certificate of ours is good; at least 5s',
    default: '720h',
  },
  {
    name: 'trust-dwell',
    value: 'duration',
    help: 'how long every webhook configuration must have trusted the next authority before it signs; at least 100ms',
    default: '10m',
  },
  {
    name: 'retire-dwell',
    value: 'duration',
    help: 'how long the former authority stays trusted after that; at least 200ms',
    default: '24h',
  },
  { name: 'key-algorithm', value: 'algorithm', help: KEY_ALGORITHMS.join(', '), default: 'ecdsa-p256' },
  { name: 'revision', value: 'name', help: 'control plane revision', env: 'REVISION', default: 'default' },
  {
    name: 'istio-namespace',
    value: 'name',
    help: 'namespace of the ConfigMaps',
    default: 'istio-system',
  },
  {
    name: 'tls-cert-file',
    value: 'file',
    help: 'serving certificate, with --tls-key-file',
    default: 'made by our own authority',
  },
  { name: 'tls-key-file', value: 'file', help: 'key of --tls-cert-file' },
  {
    name: 'tls-ca-file',
    value: 'file',
    help: 'authority of --tls-cert-file, which callers must trust',
    default: 'ca.crt beside it',
  },
  { name: 'tls-min-version', value: 'version', help: TLS_VERSIONS.join(', '), default: '1.2' },
  {
    name: 'tls-extra-name',
    value: 'name',
    help: 'further DNS name or address of our serving certificate',
    repeatable: true,
  },
  {
    name: 'native-sidecars',
    value: 'mode',
    help: 'auto, true or false',
    env: 'ENABLE_NATIVE_SIDECARS',
    default: 'auto',
  },
  { name: 'compliance-policy', value: 'policy', help: 'such as fips-140-2', env: 'COMPLIANCE_POLICY' },
  { name: 'platform', value: 'name', help: 'such as openshift', env: 'PLATFORM' },
  {
    name: 'shared-mesh-config',
    value: 'name',
    help: 'ConfigMap of mesh settings below the own ones',
    env: 'SHARED_MESH_CONFIG',
  },
  { name: 'inject-enabled', value: 'bool', help: 'whether /inject is served', env: 'INJECT_ENABLED', default: 'true' },
  { name: 'compat', value: 'mode', help: 'istiod: also where we would rather differ; off', default: 'off' },
  { name: 'memo-size', value: 'MiB', help: 'memory for answers to repeated pods; 0: none is kept', default: '64' },
  {
    name: 'max-connection-age',
    value: 'duration',
    help: 'when a connection is closed with an answer, a tenth more or less; 0s: never',
    default: '10m',
  },
  {
    name: 'shutdown-delay',
    value: 'duration',
    help: 'how long to serve on after SIGTERM',
    default: '15s in a cluster, else 0s',
  },
  { name: 'shutdown-timeout', value: 'duration', help: 'how long requests may take after that', default: '20s' },
  { name: 'log-level', value: 'level', help: LOG_LEVELS.join(', '), default: 'info' },
]

/** Adds all flags to a command. The twin of a camel-case flag works, but is not listed. */
export function addServeFlags(command: Command): void {
  for (const flag of SERVE_FLAGS) {
    addFlag(command, flag, flag.name)
    const twin = kebab(flag.name)
    if (twin !== flag.name) addFlag(command, flag, twin)
  }
}

function addFlag(command: Command, flag: Flag, name: string): void {
  const option = command.createOption(`--${name} <${flag.value}>`, helpOf(flag))
  if (flag.repeatable === true) option.argParser((value, sofar) => [...((sofar as string[] | undefined) ?? []), value])
  if (name !== flag.name) option.hideHelp()
  command.addOption(option)
}

function helpOf({ help, env, default: preset }: Flag): string {
  const notes = [env === undefined ? [] : `env: ${env}`, preset === undefined ? [] : `default: ${preset}`].flat()
  return notes.length === 0 ? help : `${help} (${notes.join(', ')})`
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
const camel = (name: string): string => name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/**
 * Flag, else variable, else default, each checked.
 * @throws ProjectError OPTION_INVALID naming the flag
 */
export function resolveServeOptions(given: Readonly<Record<string, unknown>>, env: Env): ServeOptions {
  const warnings: string[] = []
  const text = (name: string, preset = ''): string => lookup(name, given, env) ?? preset
  const inCluster = env.KUBERNETES_SERVICE_HOST !== undefined
  const revision = text('revision') || 'default'
  return {
    ...clusterNames(given, revision),
    kubeconfig: lookup('kubeconfig', given, env),
    rotation: rotation(text),
    port: port('port', text('port', '15017')),
    healthPort: port('health-port', text('health-port', '8080')),
    metricsPort: port('metrics-port', text('metrics-port', '15014')),
    address: lookup('address', given, env),
    stateDir: text('state-dir', defaultStateDir(env)),
    injectConfigFile: lookup('injectConfigFile', given, env),
    valuesFile: lookup('valuesFile', given, env),
    meshConfigFile: lookup('meshConfigFile', given, env),
    objects: lookup('objects', given, env),
    revision,
    patchCaBundle: oneOf('patch-ca-bundle', text('patch-ca-bundle', 'true'), ['true', 'false']) === 'true',
    istioNamespace: text('istio-namespace') || 'istio-system',
    tlsFiles: tlsFiles(text('tls-cert-file'), text('tls-key-file'), text('tls-ca-file')),
    minTlsVersion: `TLSv${oneOf('tls-min-version', text('tls-min-version', '1.2'), TLS_VERSIONS)}`,
    tlsExtraNames: (given.tlsExtraName as readonly string[] | undefined) ?? [],
    nativeSidecars: nativeSidecars(given, env, warnings),
    compliancePolicy: text('compliance-policy'),
    platform: text('platform'),
    templateEnv: (given.templateEnv as readonly string[] | undefined) ?? [],
    sharedMeshConfig: text('shared-mesh-config'),
    injectEnabled: injectEnabled(given, env, warnings),
    compat: oneOf('compat', text('compat', 'off'), ['istiod', 'off']),
    memoBytes: mebibytes('memo-size', text('memo-size', '64')),
    maxConnectionAgeMs: duration('max-connection-age', text('max-connection-age', '10m')),
    shutdownDelayMs: duration('shutdown-delay', text('shutdown-delay', inCluster ? '15s' : '0s')),
    shutdownTimeoutMs: duration('shutdown-timeout', text('shutdown-timeout', '20s')),
    logLevel: oneOf('log-level', text('log-level', 'info'), LOG_LEVELS),
    warnings,
  }
}

type ClusterNames = Pick<
  ServeOptions,
  'installation' | 'services' | 'caSecret' | 'webhookConfigurations' | 'validationConfigurations'
>

/** The names that `mesh-admission manifests` gives. */
function clusterNames(given: Readonly<Record<string, unknown>>, revision: string): ClusterNames {
  const suffix = revision === 'default' ? '' : `-${revision}`
  const installation = `mesh-admission${suffix}`
  return {
    installation,
    services: (given.service as readonly string[] | undefined) ?? [installation],
    caSecret: typeof given.caSecret === 'string' ? given.caSecret : `${installation}-webhook-ca`,
    webhookConfigurations: (given.webhookConfiguration as readonly string[] | undefined) ?? [
      `mesh-admission-injector${suffix}`,
    ],
    validationConfigurations: (given.validationConfiguration as readonly string[] | undefined) ?? [
      suffix === '' ? 'mesh-admission-default-validator' : `mesh-admission-validator${suffix}`,
    ],
  }
}

function lookup(name: string, given: Readonly<Record<string, unknown>>, env: Env): string | undefined {
  const value = given[camel(name)]
  if (typeof value === 'string') return value
  const variable = SERVE_FLAGS.find((flag) => flag.name === name)?.env
  return variable === undefined ? undefined : env[variable]
}

function invalid(name: string, expected: string, actual: string): ProjectError {
  return new ProjectError('OPTION_INVALID', `--${name}: expected ${expected}, got ${JSON.stringify(actual)}`)
}

function port(name: string, text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= 65_535) return value
  throw invalid(name, '0..65535', text)
}

function mebibytes(name: string, text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text) * 1024 * 1024
  throw invalid(name, 'a number of MiB', text)
}

function duration(name: string, text: string): number {
  const valueMs = parseDurationMs(text)
  if (valueMs !== undefined && valueMs >= 0) return valueMs
  throw invalid(name, 'a duration such as 15s', text)
}

/** The smallest values are for tests: a change of authority in seconds. */
function rotation(text: (name: string, preset: string) => string): RotationOptions {
  const atLeast = (name: string, preset: string, leastMs: number): number => {
    const given = text(name, preset)
    const valueMs = duration(name, given)
    if (valueMs >= leastMs) return valueMs
    throw invalid(name, `at least ${leastMs}ms`, given)
  }
  return {
    caLifetimeMs: atLeast('ca-lifetime', '8760h', 10_000),
    leafLifetimeMs: atLeast('leaf-lifetime', '720h', 5000),
    trustDwellMs: atLeast('trust-dwell', '10m', 100),
    retireDwellMs: atLeast('retire-dwell', '24h', 200),
    keyAlgorithm: oneOf('key-algorithm', text('key-algorithm', 'ecdsa-p256'), KEY_ALGORITHMS),
  }
}

function oneOf<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text)
  if (found !== undefined) return found
  throw invalid(name, `one of ${allowed.join(', ')}`, text)
}

function tlsFiles(certFile: string, keyFile: string, caFile: string): ServeOptions['tlsFiles'] {
  if ((certFile === '') !== (keyFile === ''))
    throw new ProjectError('OPTION_INVALID', '--tls-cert-file and --tls-key-file: expected both or neither, got one')
  if (certFile !== '') return { certFile, keyFile, ...(caFile === '' ? {} : { caFile }) }
  if (caFile === '') return undefined
  throw new ProjectError('OPTION_INVALID', '--tls-ca-file: expected --tls-cert-file beside it')
}

const NATIVE_MODES = ['auto', 'true', 'false'] as const

/** istiod: a text it does not know is false, with a warning; a flag of ours is simply wrong then. */
function nativeSidecars(given: Readonly<Record<string, unknown>>, env: Env, warnings: string[]): NativeSidecars {
  if (typeof given.nativeSidecars === 'string') return oneOf('native-sidecars', given.nativeSidecars, NATIVE_MODES)
  const text = env.ENABLE_NATIVE_SIDECARS ?? 'auto'
  const known = NATIVE_MODES.find((mode) => mode === text)
  if (known === undefined)
    warnings.push(`ENABLE_NATIVE_SIDECARS: expected auto, true or false, got ${JSON.stringify(text)}: false`)
  return known ?? 'false'
}

const GO_TRUE: readonly string[] = ['1', 't', 'T', 'true', 'TRUE', 'True']
const GO_FALSE: readonly string[] = ['0', 'f', 'F', 'false', 'FALSE', 'False']

/** istiod: a variable that is no boolean of Go's counts as unset. */
function injectEnabled(given: Readonly<Record<string, unknown>>, env: Env, warnings: string[]): boolean {
  const flag = given.injectEnabled
  const text = typeof flag === 'string' ? flag : (env.INJECT_ENABLED ?? 'true')
  if (GO_FALSE.includes(text)) return false
  if (GO_TRUE.includes(text)) return true
  if (typeof flag === 'string') throw invalid('inject-enabled', 'true or false', text)
  warnings.push(`INJECT_ENABLED: expected a boolean, got ${JSON.stringify(text)}: true`)
  return true
}

function defaultStateDir(env: Env): string {
  const base = env.XDG_STATE_HOME
  return join(base === undefined || base === '' ? join(homedir(), '.local', 'state') : base, 'mesh-admission')
}
