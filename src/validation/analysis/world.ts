/** A read-only set of objects, as analyzers see it. */
import type { MeshObject } from '../api-server.ts'
import { parseApiVersion } from '../gvk.ts'
import type { Bag } from './read.ts'
import { bagOf, textMapOf, textOf } from './read.ts'

export interface Resource {
  readonly kind: string
  readonly group: string
  readonly namespace: string
  readonly name: string
  /** `namespace/name`, or the name alone. */
  readonly fullName: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: Bag
  readonly object: MeshObject
}
/** `KubernetesGateway` is the Gateway of the Gateway API; `Gateway` alone is Istio's. */
export type KindName = string
export interface World {
  all(kind: KindName): readonly Resource[]
  find(kind: KindName, fullName: string): Resource | undefined
  /** The mesh configuration, not merged over the defaults. */
  readonly mesh: Bag
  readonly networks: Bag
  readonly rootNamespace: string
}

export const RUNTIME_KINDS: ReadonlySet<string> = new Set(['Service', 'Namespace', 'Node', 'Pod', 'Secret'])
const NEVER_LOADED: ReadonlySet<string> = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
])
export const SYSTEM_NAMESPACE = 'istio-system'

/** istiod: the ingress gateway of a default installation is taken to be there, under these names. */
const DEFAULT_POD_NAME = 'istio-ingressgateway-dummypod'
export const DEFAULT_POD = `${SYSTEM_NAMESPACE}/${DEFAULT_POD_NAME}`
const GATEWAY_LABELS = { istio: 'ingressgateway' }
const GATEWAY_PORTS = [
  [15021, 15021],
  [80, 8080],
  [443, 8443],
  [15443, 15443],
  [31400, 31400],
] as const
const DEFAULT_GATEWAY: readonly MeshObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: DEFAULT_POD_NAME, namespace: SYSTEM_NAMESPACE, labels: GATEWAY_LABELS },
    spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'istio-ingressgateway', namespace: SYSTEM_NAMESPACE, labels: GATEWAY_LABELS },
    spec: {
      selector: GATEWAY_LABELS,
      ports: GATEWAY_PORTS.map(([port, targetPort]) => ({ name: `tcp-${port}`, port, targetPort, protocol: 'TCP' })),
    },
  },
]

export function createWorld(
  objects: readonly MeshObject[],
  { mesh, networks, runtime }: { mesh: Bag; networks: Bag; runtime: boolean },
): World {
  const byKind = new Map<string, Resource[]>()
  const byName = new Map<string, Resource>()
  for (const object of [...objects, ...DEFAULT_GATEWAY]) {
    const resource = readResource(object)
    if (resource === undefined || (!runtime && RUNTIME_KINDS.has(resource.kind))) continue
    const key = `${resource.kind} ${resource.fullName}`
    if (byName.has(key)) continue
    byName.set(key, resource)
    const list = byKind.get(resource.kind)
    if (list === undefined) byKind.set(resource.kind, [resource])
    else list.push(resource)
  }
  return {
    all: (kind) => byKind.get(kind) ?? [],
    find: (kind, fullName) => byName.get(`${kind} ${fullName}`),
    mesh,
    networks,
    rootNamespace: textOf(mesh['rootNamespace']) || SYSTEM_NAMESPACE,
  }
}

function readResource(object: MeshObject): Resource | undefined {
  const { group } = parseApiVersion(textOf(object['apiVersion']))
  const metadata = bagOf(object['metadata'])
  const plainKind = textOf(object['kind'])
  const namespace = textOf(metadata['namespace'])
  const name = textOf(metadata['name'])
  if (plainKind === '' || NEVER_LOADED.has(namespace)) return undefined
  const kind = plainKind === 'Gateway' && group === 'gateway.networking.k8s.io' ? 'KubernetesGateway' : plainKind
  if (kind === 'ConfigMap' && !(namespace === SYSTEM_NAMESPACE && name.startsWith('istio'))) return undefined
  if (kind === 'Secret' && /^(?:helm\.sh\/|kubernetes\.io\/service-account-token$)/.test(textOf(object['type'])))
    return undefined
  return {
    kind,
    group,
    namespace,
    name,
    fullName: namespace === '' ? name : `${namespace}/${name}`,
    labels: textMapOf(metadata['labels']),
    annotations: textMapOf(metadata['annotations']),
    spec: bagOf(object['spec']),
    object,
  }
}

/** Whether `selector` holds for `labels`; the empty one holds for all. */
export const selects = (
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean => Object.entries(selector).every(([key, value]) => labels[key] === value)

/** `a=b,c=d`, sorted, as messages print selectors. */
export const selectorText = (selector: Readonly<Record<string, string>>): string =>
  Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',')
