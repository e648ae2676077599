/** The result of the plugin before us, read in any generation of the CNI specification and printed in the one asked for. */
import { formatAddress, parseAddress, unmap } from '../addresses.ts'
import { quoteGo } from '../go-literals.ts'
import {
  fieldOf,
  GoTypeError,
  hasField,
  integerField,
  objectField,
  objectsField,
  stringField,
  stringsField,
  type JsonObject,
} from './go-json.ts'

export const SUPPORTED_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const

/** Versions that share one form of results. */
const GENERATIONS: readonly (readonly string[])[] = [
  ['', '0.1.0', '0.2.0'],
  ['0.3.0', '0.3.1', '0.4.0'],
  ['1.0.0', '1.1.0'],
]

interface Network {
  /** Canonical text with its length. */
  readonly text: string
  readonly family: 'v4' | 'v6'
}

/** A result without its version. */
export interface Result {
  readonly interfaces: readonly JsonObject[]
  readonly ips: readonly { readonly address: Network; readonly gateway: string; readonly interface?: number }[]
  readonly routes: readonly { readonly dst: Network; readonly gw: string; readonly more: JsonObject }[]
  readonly dns: JsonObject
}

export const EMPTY_RESULT: Result = { interfaces: [], ips: [], routes: [], dns: {} }

/**
 * Reads `prevResult` of a configuration of `version`.
 * @throws Error when its own version is of another generation, or a value has a wrong type or form
 */
export function parseResult(raw: JsonObject, version: string): Result {
  const generation = GENERATIONS.find((versions) => versions.includes(version)) ?? []
  const stated = stringField({ object: raw, name: 'cniVersion', of: 'Result' })
  const read = generation.includes('') ? readOldest(raw) : readCurrent(raw, generation.includes('1.0.0'))
  if (generation.includes(stated)) return read
  throw new Error(
    `result type supports [${generation.join(' ').trim()}] but unmarshalled CNIVersion is ${quoteGo(stated)}`,
  )
}

function readOldest(raw: JsonObject): Result {
  const configs = ['ip4', 'ip6'].map((name) => ({ object: raw, name, of: 'Result' })).map(objectField)
  const present = configs.filter((_, i) => fieldOf(raw, i === 0 ? 'ip4' : 'ip6') !== undefined)
  return {
    interfaces: [],
    ips: present.map((config) => ({ address: networkField(config, 'ip'), gateway: ipField(config, 'gateway') })),
    routes: present.flatMap(readRoutes),
    dns: readDns(raw),
  }
}

function readCurrent(raw: JsonObject, latest: boolean): Result {
  return {
    interfaces: objectsField({ object: raw, name: 'interfaces', of: 'Result' }).map((one) =>
      readInterface(one, latest),
    ),
    ips: objectsField({ object: raw, name: 'ips', of: 'Result' }).map((one) => readIp(one, latest)),
    routes: readRoutes(raw),
    dns: readDns(raw),
  }
}

function readInterface(raw: JsonObject, latest: boolean): JsonObject {
  const text = (name: string): string => stringField({ object: raw, name, of: 'Interface' })
  const names = latest ? ['mac', 'sandbox', 'socketPath', 'pciID'] : ['mac', 'sandbox']
  const mtu = latest ? integerField({ object: raw, name: 'mtu', of: 'Interface' }) : undefined
  const optional = names.map((name) => [name, text(name)] as const).filter(([, value]) => value !== '')
  return { name: text('name'), ...Object.fromEntries(optional), ...(mtu === undefined || mtu === 0 ? {} : { mtu }) }
}

function readIp(raw: JsonObject, latest: boolean): Result['ips'][number] {
  // Found out from the address when it is printed; its type counts all the same.
  if (!latest) stringField({ object: raw, name: 'version', of: 'IPConfig' })
  const index = integerField({ object: raw, name: 'interface', of: 'IPConfig' })
  const base = { address: networkField(raw, 'address'), gateway: ipField(raw, 'gateway') }
  return index === undefined ? base : { ...base, interface: index }
}

function readRoutes(raw: JsonObject): Result['routes'] {
  return objectsField({ object: raw, name: 'routes', of: 'Result' }).map((route) => {
    const number = (name: string): number | undefined => integerField({ object: route, name, of: 'Route' })
    const set = ['mtu', 'advmss', 'priority']
      .map((name) => [name, number(name)] as const)
      .filter(([, value]) => value !== 0)
    const pointers = ['table', 'scope'].map((name) => [name, number(name)] as const)
    const more = Object.fromEntries([...set, ...pointers].filter(([, value]) => value !== undefined))
    return { dst: networkField(route, 'dst'), gw: ipField(route, 'gw'), more }
  })
}

function readDns(raw: JsonObject): JsonObject {
  const object = objectField({ object: raw, name: 'dns', of: 'Result' })
  const lists = ['nameservers', 'search', 'options'].map(
    (name) => [name, stringsField({ object, name, of: 'DNS' })] as const,
  )
  const domain = stringField({ object, name: 'domain', of: 'DNS' })
  return {
    ...Object.fromEntries(lists.filter(([, list]) => list.length > 0)),
    ...(domain === '' ? {} : { domain }),
  }
}

/** A range with its host bits. istiod: an absent one is printed as `<nil>`; `null` or an empty text is none. */
function networkField(object: JsonObject, name: string): Network {
  if (!hasField(object, name)) return { text: '<nil>', family: 'v6' }
  const text = stringField({ object, name, of: 'Result' })
  const slash = text.indexOf('/')
  const length = slash < 0 ? '' : text.slice(slash + 1)
  const address = parseAddress(text.slice(0, Math.max(0, slash)))
  const bits = address === undefined ? 0 : address.bytes.length * 8
  if (address === undefined || address.zone !== undefined || !/^[0-9]+$/.test(length) || Number(length) > bits) {
    throw new GoTypeError(`invalid CIDR address: ${text}`)
  }
  const plain = unmap(address)
  const shown = plain === address ? Number(length) : Math.max(0, Number(length) - 96)
  return { text: `${formatAddress(plain)}/${shown}`, family: plain.family }
}

function ipField(object: JsonObject, name: string): string {
  const text = stringField({ object, name, of: 'Result' })
  if (text === '') return ''
  const address = parseAddress(text)
  if (address === undefined || address.zone !== undefined) throw new GoTypeError(`invalid IP address: ${text}`)
  return formatAddress(unmap(address))
}

/**
 * The result as JSON of `version`.
 * @throws Error when the oldest versions are asked for and there is no address
 */
export function printResult(result: Result, version: string): JsonObject {
  if (version === '' || version === '0.1.0' || version === '0.2.0') return printOldest(result, version)
  const old = version.startsWith('0.')
  const dns = old || Object.keys(result.dns).length > 0 ? { dns: result.dns } : {}
  return {
    cniVersion: version,
    ...nonEmpty('interfaces', result.interfaces),
    ...nonEmpty(
      'ips',
      result.ips.map((ip) => printIp(ip, old)),
    ),
    ...nonEmpty(
      'routes',
      result.routes.map(({ dst, gw, more }) => ({ dst: dst.text, ...(gw === '' ? {} : { gw }), ...more })),
    ),
    ...dns,
  }
}

function printIp({ address, gateway, interface: index }: Result['ips'][number], withVersion: boolean): JsonObject {
  return {
    ...(withVersion ? { version: address.family === 'v4' ? '4' : '6' } : {}),
    ...(index === undefined ? {} : { interface: index }),
    address: address.text,
    ...(gateway === '' ? {} : { gateway }),
  }
}

function nonEmpty(name: string, list: readonly JsonObject[]): JsonObject {
  return list.length === 0 ? {} : { [name]: list }
}

/** The oldest form has room for one address of each family, and demands at least one. */
function printOldest(result: Result, version: string): JsonObject {
  const families = (['v4', 'v6'] as const).flatMap((family) => {
    const first = result.ips.find(({ address }) => address.family === family)
    if (first === undefined) return []
    const routes = result.routes
      .filter(({ dst }) => dst.family === family)
      .map(({ dst, gw }) => ({ dst: dst.text, ...(gw === '' ? {} : { gw }) }))
    const gateway = first.gateway === '' ? {} : { gateway: first.gateway }
    return [
      [family === 'v4' ? 'ip4' : 'ip6', { ip: first.address.text, ...gateway, ...nonEmpty('routes', routes) }] as const,
    ]
  })
  if (families.length === 0) throw new Error('cannot convert: no valid IP addresses')
  return { cniVersion: version === '' ? '0.1.0' : version, ...Object.fromEntries(families), dns: result.dns }
}
