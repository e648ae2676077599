/** The plugin's configuration on stdin, and the arguments of CNI_ARGS. */
import { messageOf } from '../../base/errors.ts'
import { quoteGo } from '../go-literals.ts'
import {
  boolField,
  fieldOf,
  isObject,
  objectField,
  objectsField,
  stringField,
  stringsField,
  type JsonObject,
} from './go-json.ts'
import { parseResult, type Result } from './result.ts'

export interface NetConf {
  readonly cniVersion: string
  readonly agentRunDir: string
  readonly logLevel: string
  readonly excludeNamespaces: readonly string[]
  /** Namespace of our own agent. */
  readonly podNamespace: string
  readonly nativeNftables: boolean
  readonly prevResult?: Result
}

/**
 * Reads a configuration whose name and version were checked before.
 * @throws Error with the words of the original
 */
export function parseNetConf(object: JsonObject): NetConf {
  const conf = readFields(object)
  const raw = fieldOf(object, 'prevResult')
  if (!isObject(raw)) return conf
  try {
    return { ...conf, prevResult: parseResult(raw, conf.cniVersion) }
  } catch (error) {
    throw new Error(`could not parse prevResult: ${messageOf(error)}`, { cause: error })
  }
}

function readFields(object: JsonObject): NetConf {
  const text = (name: string): string => stringField({ object, name, of: 'Config' })
  try {
    checkUnused(object)
    return {
      cniVersion: text('cniVersion'),
      agentRunDir: text('cni_agent_run_dir'),
      logLevel: text('plugin_log_level'),
      excludeNamespaces: stringsField({ object, name: 'exclude_namespaces', of: 'Config' }),
      podNamespace: text('pod_namespace'),
      nativeNftables: boolField({ object, name: 'native_nftables', of: 'Config' }),
    }
  } catch (error) {
    throw new Error(`failed to parse network configuration: ${messageOf(error)}`, { cause: error })
  }
}

/** Types of the fields that are not used are checked as well: the original refuses the whole configuration. */
function checkUnused(object: JsonObject): void {
  const at = (name: string): { object: JsonObject; name: string; of: string } => ({ object, name, of: 'Config' })
  for (const name of ['name', 'type']) stringField(at(name))
  for (const name of ['ambient_enabled', 'enable_ambient_detection_retry']) boolField(at(name))
  objectsField(at('enablement_selectors'), 'empty')
  for (const attachment of objectsField(at('cni.dev/valid-attachments'), 'empty'))
    for (const name of ['containerID', 'ifname']) stringField({ object: attachment, name, of: 'GCAttachment' })
  const capabilities = objectField(at('capabilities'))
  for (const name of Object.keys(capabilities)) boolField({ object: capabilities, name, of: 'Config.capabilities' })
  stringField({ object: objectField(at('ipam')), name: 'type', of: 'IPAM' })
  const dns = objectField(at('dns'))
  stringField({ object: dns, name: 'domain', of: 'DNS' })
  for (const name of ['nameservers', 'search', 'options']) stringsField({ object: dns, name, of: 'DNS' })
  objectField(at('prevResult'))
}

export interface PodArgs {
  readonly name: string
  readonly namespace: string
}

const KNOWN_ARGS: ReadonlySet<string> = new Set([
  'K8S_POD_NAME',
  'K8S_POD_NAMESPACE',
  'K8S_POD_INFRA_CONTAINER_ID',
  'K8S_POD_UID',
])

/** Reads `K=V;K=V`. @throws Error with the words of the original */
export function parsePodArgs(text: string): PodArgs {
  const known = new Map<string, string>()
  const unknown: string[] = []
  let ignoreUnknown = false
  for (const pair of text === '' ? [] : text.split(';')) {
    const [key = '', value = '', ...rest] = pair.split('=')
    if (!pair.includes('=') || rest.length > 0) throw new Error(`ARGS: invalid pair ${quoteGo(pair)}`)
    if (key === 'IgnoreUnknown') ignoreUnknown = parseFlag(pair, value)
    else if (KNOWN_ARGS.has(key)) known.set(key, value)
    else unknown.push(pair)
  }
  if (unknown.length > 0 && !ignoreUnknown) {
    throw new Error(`ARGS: unknown args [${unknown.map(quoteGo).join(' ')}]`)
  }
  return { name: known.get('K8S_POD_NAME') ?? '', namespace: known.get('K8S_POD_NAMESPACE') ?? '' }
}

function parseFlag(pair: string, value: string): boolean {
  const lower = value.toLowerCase()
  if (lower === '1' || lower === 'true') return true
  if (lower === '0' || lower === 'false') return false
  throw new Error(`ARGS: error parsing value of pair ${quoteGo(pair)}: boolean unmarshal error: invalid input ${value}`)
}
