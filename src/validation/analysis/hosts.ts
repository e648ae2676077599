/** Finding a host among ServiceEntries and Services, with regard to who exports what to whom. */
import { bagsOf, numberOf, textOf, textsOf } from './read.ts'
import type { Resource, World } from './world.ts'

export interface KnownHost {
  readonly host: string
  readonly ports: readonly number[]
}
/** Scope (`*` or a namespace) and host -> who has it. */
export type HostTable = ReadonlyMap<string, ReadonlyMap<string, KnownHost>>

const SUFFIX = '.svc.cluster.local'
const EXPORT_ANNOTATION = 'networking.istio.io/exportTo'

/** istiod: a short name is completed with the namespace of whoever asks; the cluster domain is fixed. */
export const completeHost = (host: string, namespace: string): string =>
  host.startsWith('*') || host.includes('.') ? host : `${host}.${namespace}${SUFFIX}`

export function hostTable(world: World): HostTable {
  const table = new Map<string, Map<string, KnownHost>>()
  const add = (scope: string, known: KnownHost): void => {
    const hosts = table.get(scope) ?? new Map<string, KnownHost>()
    hosts.set(known.host, known)
    table.set(scope, hosts)
  }
  for (const entry of world.all('ServiceEntry')) {
    const ports = bagsOf(entry.spec['ports']).map(({ number }) => numberOf(number))
    for (const scope of scopesOf(textsOf(entry.spec['exportTo']), entry.namespace)) {
      for (const host of textsOf(entry.spec['hosts'])) add(scope, { host: completeHost(host, entry.namespace), ports })
    }
  }
  for (const service of world.all('Service')) {
    const ports = bagsOf(service.spec['ports']).map(({ port }) => numberOf(port))
    const exported = (service.annotations[EXPORT_ANNOTATION] ?? '').split(',').map((scope) => scope.trim())
    const host = `${service.name}.${service.namespace}${SUFFIX}`
    for (const scope of scopesOf(
      exported.filter((scope) => scope !== ''),
      service.namespace,
    ))
      add(scope, { host, ports })
  }
  return table
}

const scopesOf = (exportTo: readonly string[], namespace: string): readonly string[] =>
  exportTo.length === 0 ? ['*'] : exportTo.map((scope) => (scope === '.' ? namespace : scope))

/** What `host` means to `asker`, or undefined. */
export function findHost(host: string, asker: Resource, table: HostTable): KnownHost | undefined {
  const full = completeHost(host, asker.namespace)
  const scopes = ['*', ...askerScopes(asker)]
  for (const scope of scopes) {
    const known = table.get(scope)?.get(full)
    if (known !== undefined) return known
  }
  const bare = full.startsWith('*') ? full.slice(1) : full
  for (const scope of scopes) {
    for (const known of table.get(scope)?.values() ?? []) {
      if (known.host.startsWith('*') && bare.endsWith(known.host.slice(1))) return known
    }
  }
  return undefined
}

function askerScopes({ spec, namespace }: Resource): readonly string[] {
  const exported = textsOf(spec['exportTo'])
  return exported.length === 0 ? [namespace] : exported.map((scope) => (scope === '.' ? namespace : scope))
}

export interface RouteTarget {
  readonly destination: Readonly<Record<string, unknown>>
  /** Where the destination stands in the VirtualService. */
  readonly path: string
  readonly mirror: boolean
}

/** Every destination of a VirtualService. istiod: tcp, then tls, then http. */
export function* destinationsOf({ spec }: Resource): Iterable<RouteTarget> {
  for (const list of ['tcp', 'tls', 'http'] as const) {
    for (const [i, route] of bagsOf(spec[list]).entries()) {
      for (const [j, { destination }] of bagsOf(route['route']).entries()) {
        yield { destination: bag(destination), path: `spec.${list}[${i}].route[${j}].destination`, mirror: false }
      }
      if (list !== 'http') continue
      if (route['mirror'] !== undefined && route['mirror'] !== null) {
        yield { destination: bag(route['mirror']), path: `spec.http[${i}].mirror`, mirror: true }
      }
      for (const [j, { destination }] of bagsOf(route['mirrors']).entries()) {
        yield { destination: bag(destination), path: `spec.http[${i}].mirrors[${j}].destination`, mirror: true }
      }
    }
  }
}

const bag = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

export const hostOf = ({ destination }: RouteTarget): string => textOf(destination['host'])
