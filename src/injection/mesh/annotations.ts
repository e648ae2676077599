/** Validation of the annotations an incoming pod configures its sidecar with. */
import { ProjectError, messageOf } from '../../base/errors.ts'
import { parseQuantity } from '../model/quantity.ts'
import { DEFAULT_PROXY_CONFIG } from './defaults.ts'
import { errorList } from './error-list.ts'
import { GoTextError, goQuote, parseBool, parseUint } from './go-text.ts'
import { checkPrefix } from './ip-prefix.ts'
import type { Message } from './message-type.ts'
import { PROXY_CONFIG } from './messages.ts'
import { compareBytes } from './proto-json-write.ts'
import { readMessage } from './proto-json.ts'
import { validateProxyConfig } from './validate-proxy-config.ts'
import { readYaml } from '../yaml/read.ts'

/** The reason why a value is refused. */
type Check = (value: string) => string | undefined

/** istiod: annotations without an entry are used unchecked, `traffic.sidecar.istio.io/includeOutboundPorts` among them. */
const CHECKS: Readonly<Record<string, Check>> = {
  'proxy.istio.io/config': proxyConfigProblem,
  'sidecar.istio.io/interceptionMode': (value) =>
    ['REDIRECT', 'TPROXY', 'NONE'].includes(value)
      ? undefined
      : `interceptionMode invalid, use REDIRECT,TPROXY,NONE: ${value}`,
  'sidecar.istio.io/proxyCPU': quantityProblem,
  'sidecar.istio.io/proxyCPULimit': quantityProblem,
  'sidecar.istio.io/proxyMemory': quantityProblem,
  'sidecar.istio.io/proxyMemoryLimit': quantityProblem,
  'status.sidecar.istio.io/port': statusPortProblem,
  'readiness.status.sidecar.istio.io/initialDelaySeconds': (value) => refusal(() => parseUint(value, 32)),
  'readiness.status.sidecar.istio.io/periodSeconds': (value) => refusal(() => parseUint(value, 32)),
  'readiness.status.sidecar.istio.io/failureThreshold': (value) => refusal(() => parseUint(value, 32)),
  'traffic.sidecar.istio.io/includeOutboundIPRanges': starOr((value) => rangesProblem('includeIPRanges', value)),
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': (value) => rangesProblem('excludeIPRanges', value),
  'traffic.sidecar.istio.io/includeInboundPorts': starOr((value) => portsProblem('includeInboundPorts', value)),
  'traffic.sidecar.istio.io/excludeInboundPorts': (value) => portsProblem('excludeInboundPorts', value),
  'traffic.sidecar.istio.io/excludeOutboundPorts': (value) => portsProblem('excludeOutboundPorts', value),
  'traffic.sidecar.istio.io/excludeInterfaces': interfacesProblem,
  'traffic.sidecar.istio.io/kubevirtInterfaces': interfacesProblem,
  'istio.io/reroute-virtual-interfaces': interfacesProblem,
  'prometheus.istio.io/merge-metrics': (value) => refusal(() => parseBool(value)),
}

/**
 * The message about all annotations with bad values, in the order of their names; undefined where all are fine.
 * istiod: the order is random there.
 */
export function validateAnnotations(annotations: Readonly<Record<string, string>>): string | undefined {
  const problems: string[] = []
  for (const name of Object.keys(annotations).sort(compareBytes)) {
    const value = annotations[name] ?? ''
    const reason = Object.hasOwn(CHECKS, name) ? CHECKS[name]?.(value) : undefined
    if (reason !== undefined) problems.push(`invalid value '${value}' for annotation '${name}': ${reason}`)
  }
  return problems.length === 0 ? undefined : errorList(problems)
}

/** The text of a refusal by one of Go's parsers. */
function refusal(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (err) {
    if (err instanceof GoTextError || err instanceof ProjectError) return messageOf(err)
    throw err
  }
}

function starOr(check: Check): Check {
  return (value) => (value === '*' ? undefined : check(value))
}

/** istiod: read over the built-in defaults, never over the mesh's. */
function proxyConfigProblem(value: string): string | undefined {
  let config: Message = DEFAULT_PROXY_CONFIG
  const unreadable = refusal(() => {
    config = readMessage(PROXY_CONFIG, readYaml(value), DEFAULT_PROXY_CONFIG)
  })
  if (unreadable !== undefined) return `failed to convert to apply proxy config: ${unreadable}`
  const { errors } = validateProxyConfig(config)
  return errors.length === 0 ? undefined : errorList(errors)
}

function quantityProblem(value: string): string | undefined {
  if (/\p{Cc}/u.test(value)) return 'value contains control characters'
  return refusal(() => parseQuantity(value))
}

const portProblem = (port: string): string | undefined => {
  const reason = refusal(() => parseUint(goTrim(port), 16))
  return reason === undefined ? undefined : `failed parsing port '${port}': ${reason}`
}

/** istiod: the text names another setting. */
function statusPortProblem(value: string): string | undefined {
  const problem = portProblem(value)
  return problem === undefined ? undefined : `excludeInboundPorts invalid: ${problem}`
}

function portsProblem(setting: string, value: string): string | undefined {
  const list = goTrim(value)
  if (list === '') return undefined
  for (const port of list.split(',')) {
    const problem = portProblem(port)
    if (problem !== undefined) return `${setting} invalid: failed parsing port '${port}': ${problem}`
  }
  return undefined
}

function rangesProblem(setting: string, value: string): string | undefined {
  if (value === '') return undefined
  for (const range of value.split(',')) {
    const reason = refusal(() => checkPrefix(range))
    if (reason !== undefined) return `${setting} invalid: failed parsing cidr '${range}': ${reason}`
  }
  return undefined
}

/** Kernel limit of an interface name, without its final zero byte. */
const MAX_INTERFACE_NAME = 15

function interfacesProblem(value: string): string | undefined {
  if (value === '') return undefined
  for (const element of value.split(',')) {
    const name = goTrim(element)
    if (name === '') return 'empty interface name'
    if (new TextEncoder().encode(name).length > MAX_INTERFACE_NAME) {
      return `interface name ${goQuote(name)} too long (max ${MAX_INTERFACE_NAME} chars)`
    }
    if (!/^[a-zA-Z][-a-zA-Z0-9_.]*$/.test(name)) return `interface name ${goQuote(name)} contains invalid characters`
  }
  return undefined
}

/** Go's strings.TrimSpace: Unicode white space, to which the byte order mark does not belong. */
const goTrim = (text: string): string => text.replace(/^[\p{White_Space}]+|[\p{White_Space}]+$/gu, '')
