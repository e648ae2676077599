/** A read-only set of objects, as analyzers see it. */
import type { MeshObject } from '../api-server.ts'
import { parseApiVersion } from '../gvk.ts'
import type { Bag } from './read.ts'
import { bagOf, bagsOf, textMapOf, textOf } from './read.ts'

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
  /** Undefined: nobody knows what time it is, so nothing has expired. */
  readonly nowMs: number | undefined
  /** What is wrong with the text of the annotation `proxy.istio.io/config`; undefined: nobody here can read it. */
  readonly wrongProxyConfig: ((yaml: string) => string | undefined) | undefined
}

export const RUNTIME_KINDS: ReadonlySet<string> = new Set(['Service', 'Namespace', 'Node', 'Pod', 'Secret'])
const NEVER_LOADED: ReadonlySet<string> = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
])
export const SYSTEM_NAMESPACE = 'istio-system'

/** istiod: an ingress gateway is taken to be there unless the mesh says otherwise, so that files alone do not miss it. */
const DEFAULT_SERVICE = 'istio-ingressgateway'
const GATEWAY_LABELS = { istio: 'ingressgateway' }
const GATEWAY_PORTS = { http2: 80, https: 443, tcp: 31400, tls: 15443 }
function defaultGateway(mesh: Bag): readonly MeshObject[] {
  const mode = mesh['ingressControllerMode']
  if (mode === 'OFF' || mode === 1) return []
  const name = textOf(mesh['ingressService']) || DEFAULT_SERVICE
  const ports = Object.entries(GATEWAY_PORTS).map(([port, number]) => {
    return { name: port, port: number, targetPort: number, protocol: 'TCP' }
  })
  return [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-dummypod`, namespace: SYSTEM_NAMESPACE, labels: GATEWAY_LABELS },
      spec: { containers: [{ name: 'istio-proxy' }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: SYSTEM_NAMESPACE },
      spec: { selector: GATEWAY_LABELS, ports },
    },
  ]
}

export interface WorldOptions extends Omit<World, 'all' | 'find' | 'rootNamespace'> {
  /** False: the kinds that only a cluster has are left out. */
  readonly runtime: boolean
}

export function createWorld(objects: readonly MeshObject[], { runtime, ...options }: WorldOptions): World {
  const { mesh } = options
  const byName = new Map<string, Resource>()
  for (const object of [...objects.flatMap(membersOf), ...defaultGateway(mesh)]) {
    const resource = readResource(object)
    if (resource === undefined || (!runtime && RUNTIME_KINDS.has(resource.kind))) continue
    // Of two with one name the last counts.
    byName.set(`${resource.kind} ${resource.fullName}`, resource)
  }
  const byKind = new Map<string, Resource[]>()
  for (const resource of byName.values()) {
    const list = byKind.get(resource.kind)
    if (list === undefined) byKind.set(resource.kind, [resource])
    else list.push(resource)
  }
  return {
    all: (kind) => byKind.get(kind) ?? [],
    find: (kind, fullName) => byName.get(`${kind} ${fullName}`),
    ...options,
    rootNamespace: textOf(mesh['rootNamespace']) || SYSTEM_NAMESPACE,
  }
}

/** Of a List its items, of any other object itself. */
function membersOf(object: MeshObject): readonly MeshObject[] {
  return textOf(object['kind']) === 'List' ? bagsOf(object['items']) : [object]
}

const CLUSTER_KINDS: ReadonlySet<string> = new Set([
  'Namespace',
  'Node',
  'GatewayClass',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
])

function readResource(object: MeshObject): Resource | undefined {
  const { group } = parseApiVersion(textOf(object['apiVersion']))
  const metadata = bagOf(object['metadata'])
  const plainKind = textOf(object['kind'])
  const namespace = CLUSTER_KINDS.has(plainKind) ? '' : textOf(metadata['namespace'])
  const name = textOf(metadata['name'])
  if (plainKind === '' || NEVER_LOADED.has(namespace)) return undefined
  const kind = plainKind === 'Gateway' && group === 'gateway.networking.k8s.io' ? 'KubernetesGateway' : plainKind
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
