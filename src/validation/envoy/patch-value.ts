/** What Envoy's v3 API makes of the value of an EnvoyFilter patch: proto-JSON, as istiod decodes it. */
import { parseDurationNs } from '../../base/duration.ts'
import type { EnvoyField, EnvoyMessage } from './types.ts'
import { enumByNumber, messageByName, messageByNumber } from './types.ts'

export interface EnvoyMessageCheck {
  /** Why it cannot be decoded. */
  readonly error: string | undefined
  readonly warnings: readonly string[]
}

const MESSAGES: Readonly<Record<string, string>> = {
  LISTENER: 'envoy.config.listener.v3.Listener',
  FILTER_CHAIN: 'envoy.config.listener.v3.FilterChain',
  NETWORK_FILTER: 'envoy.config.listener.v3.Filter',
  HTTP_FILTER: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
  ROUTE_CONFIGURATION: 'envoy.config.route.v3.RouteConfiguration',
  VIRTUAL_HOST: 'envoy.config.route.v3.VirtualHost',
  HTTP_ROUTE: 'envoy.config.route.v3.Route',
  CLUSTER: 'envoy.config.cluster.v3.Cluster',
  EXTENSION_CONFIG: 'envoy.config.core.v3.TypedExtensionConfig',
  BOOTSTRAP: 'envoy.config.bootstrap.v3.Bootstrap',
  LISTENER_FILTER: 'envoy.config.listener.v3.ListenerFilter',
}
/** Hostile nesting ends here; Envoy's own configurations are less than half as deep. */
const MAX_DEPTH = 100

type Bag = Readonly<Record<string, unknown>>
const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)

interface Walk {
  error: string | undefined
  /** The first field that no message declares. */
  unknown: string | undefined
  depth: number
}

export function checkPatchValue(applyTo: string, value: Bag): EnvoyMessageCheck {
  const message = messageByName(MESSAGES[applyTo] ?? '')
  if (message === undefined) return { error: `Envoy filter: unknown object type for applyTo ${applyTo}`, warnings: [] }
  const walk: Walk = { error: undefined, unknown: undefined, depth: 0 }
  decodeMessage(message, value, walk)
  if (walk.error !== undefined) return { error: withHint(walk.error), warnings: [] }
  if (walk.unknown !== undefined) return { error: undefined, warnings: [`Envoy filter: ${walk.unknown}`] }
  const untyped = withoutTypedConfig(message, value)
  const warnings =
    untyped.length === 0 ? [] : [`using deprecated types by name without typed_config; ${untyped.join(', ')}`]
  return { error: undefined, warnings }
}

const UNRESOLVED = 'could not resolve Any message type: '

function withHint(error: string): string {
  const text = `Envoy filter: ${error}`
  if (!error.startsWith(UNRESOLVED)) return text
  return `referenced type unknown${error.includes('.v2.') ? ' (hint: try using the v3 XDS API)' : ''}: ${text}`
}

function fail(walk: Walk, text: string): void {
  walk.error ??= text
}
const mismatch = (walk: Walk, value: unknown, goType: string): void => {
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  fail(walk, `json: cannot unmarshal ${found} into Go value of type ${goType}`)
}

function decodeMessage(message: EnvoyMessage, value: unknown, walk: Walk): void {
  if (value === null) return
  if (!isBag(value)) {
    mismatch(walk, value, 'map[string]json.RawMessage')
    return
  }
  walk.depth += 1
  if (walk.depth > MAX_DEPTH) fail(walk, 'exceeded maximum nesting depth')
  else decodeFields(message, value, walk)
  walk.depth -= 1
}

function decodeFields(message: EnvoyMessage, value: Bag, walk: Walk): void {
  const left = new Set(Object.keys(value))
  for (const field of message.fields) {
    const key = left.has(field.jsonName) ? field.jsonName : left.has(field.name) ? field.name : undefined
    left.delete(field.jsonName)
    left.delete(field.name)
    if (key === undefined || (value[key] === null && field.type !== '@google.protobuf.Value')) continue
    decodeField(field, value[key], walk)
    if (walk.error !== undefined) return
  }
  for (const name of left) walk.unknown ??= `unknown field "${name}" in ${message.name}`
}

function decodeField({ shape, type }: EnvoyField, value: unknown, walk: Walk): void {
  if (shape === 'one') decodeOne(type, value, walk)
  else if (shape === 'list') {
    if (Array.isArray(value)) for (const item of value as readonly unknown[]) decodeOne(type, item, walk)
    else mismatch(walk, value, '[]json.RawMessage')
  } else if (isBag(value)) for (const item of Object.values(value)) decodeOne(type, item, walk)
  else mismatch(walk, value, 'map[string]json.RawMessage')
}

/** null as an element is the zero of its type. */
function decodeOne(type: string, value: unknown, walk: Walk): void {
  if (value === null && type !== '@google.protobuf.Any') return
  if (type.startsWith('@')) decodeGoogle(type, value, walk)
  else if (type.startsWith('e')) decodeEnum(Number(type.slice(1)), value, walk)
  else if (Object.hasOwn(SCALARS, type)) decodeScalar(type, value, walk)
  else decodeMessage(messageByNumber(Number(type)), value, walk)
}

function decodeEnum(number: number, value: unknown, walk: Walk): void {
  if (typeof value === 'string') {
    if (!enumByNumber(number).has(value)) fail(walk, `unknown value ${JSON.stringify(JSON.stringify(value))} for enum`)
  } else if (!isInRange(value, -(2 ** 31), 2 ** 31 - 1)) mismatch(walk, value, 'protoreflect.EnumNumber')
}

const isInRange = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
/** Numbers may stand in quotes. */
const unquoted = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const isDouble = (value: unknown): boolean =>
  typeof unquoted(value) === 'number' || value === 'NaN' || value === 'Infinity' || value === '-Infinity'

/** Letter of the generated text -> Go's type, and what it takes. */
const SCALARS: Readonly<Record<string, readonly [goType: string, takes: (value: unknown) => boolean]>> = {
  s: ['string', (value) => typeof value === 'string'],
  y: ['[]uint8', (value) => typeof value === 'string' && BASE64.test(value)],
  b: ['bool', (value) => typeof value === 'boolean'],
  d: ['float64', isDouble],
  i: ['int32', (value) => isInRange(unquoted(value), -(2 ** 31), 2 ** 31 - 1)],
  u: ['uint32', (value) => isInRange(unquoted(value), 0, 2 ** 32 - 1)],
  I: ['int64', (value) => isInRange(unquoted(value), -(2 ** 63), 2 ** 63)],
  U: ['uint64', (value) => isInRange(unquoted(value), 0, 2 ** 64)],
}

function decodeScalar(letter: string, value: unknown, walk: Walk): void {
  const [goType = '', takes] = SCALARS[letter] ?? []
  if (takes?.(value) === false) mismatch(walk, value, goType)
}

const WRAPPERS: Readonly<Record<string, string>> = {
  BoolValue: 'b',
  BytesValue: 'y',
  DoubleValue: 'd',
  FloatValue: 'd',
  Int32Value: 'i',
  Int64Value: 'I',
  StringValue: 's',
  UInt32Value: 'u',
  UInt64Value: 'U',
}
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

function decodeGoogle(type: string, value: unknown, walk: Walk): void {
  const name = type.slice('@google.protobuf.'.length)
  if (Object.hasOwn(WRAPPERS, name)) {
    decodeScalar(WRAPPERS[name] ?? 's', value, walk)
    return
  }
  switch (name) {
    case 'Any':
      decodeAny(value, walk)
      return
    case 'Duration':
      if (typeof value !== 'string') mismatch(walk, value, 'string')
      else if (parseDurationNs(value) === undefined)
        fail(walk, `bad Duration: time: invalid duration ${JSON.stringify(value)}`)
      return
    case 'Timestamp':
      if (typeof value !== 'string' || !RFC3339.test(value)) fail(walk, `bad Timestamp: ${JSON.stringify(value)}`)
      return
    case 'Struct':
    case 'Empty':
      if (!isBag(value)) mismatch(walk, value, 'map[string]json.RawMessage')
      return
    case 'ListValue':
      if (!Array.isArray(value)) mismatch(walk, value, '[]json.RawMessage')
  }
}

const GOOGLE = 'google.protobuf.'

function decodeAny(value: unknown, walk: Walk): void {
  if (value !== null && !isBag(value)) {
    mismatch(walk, value, 'map[string]json.RawMessage')
    return
  }
  const bag = value ?? {}
  const url = bag['@type']
  if (!Object.hasOwn(bag, '@type')) fail(walk, "Any JSON doesn't have '@type'")
  else if (typeof url !== 'string') fail(walk, `can't unmarshal Any's '@type': ${JSON.stringify(JSON.stringify(url))}`)
  else {
    const name = url.slice(url.lastIndexOf('/') + 1)
    const message = messageByName(name)
    const { '@type': _, ...rest } = bag
    if (message !== undefined) decodeMessage(message, rest, walk)
    else if (!name.startsWith(GOOGLE)) fail(walk, `${UNRESOLVED}${url}`)
    else if (Object.hasOwn(rest, 'value')) decodeOne(`@${name}`, rest['value'], walk)
    else fail(walk, "Any JSON doesn't have 'value'")
  }
}

/** Names of messages that have a place for typed_config and leave it empty. istiod: lists and maps are not entered. */
function withoutTypedConfig(message: EnvoyMessage, value: Bag): readonly string[] {
  const found: string[] = []
  const valueOf = ({ name, jsonName }: EnvoyField): unknown => value[jsonName] ?? value[name] ?? undefined
  let requires = false
  let has = false
  for (const field of message.fields) {
    const set = valueOf(field)
    if (field.jsonName === 'typedConfig') requires = true
    if (set === undefined) continue
    if (field.jsonName === 'typedConfig' || field.jsonName === 'configDiscovery') has = true
    if (field.shape === 'one' && /^\d/.test(field.type) && isBag(set)) {
      found.push(...withoutTypedConfig(messageByNumber(Number(field.type)), set))
    }
  }
  if (requires && !has) found.push(typeof value['name'] === 'string' ? value['name'] : '')
  return found
}
