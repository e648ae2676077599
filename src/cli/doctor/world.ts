/** What `doctor` looks at: a reading of the cluster, taken once. */
import type { StoredAuthority } from '../../certificates/store.ts'
import type { KubeObject } from '../../kube/resource.ts'
import type { Configuration } from '../installed/configurations.ts'
import type { Replica } from '../installed/replicas.ts'
import type { ServedFiles } from '../installed/served-files.ts'
import type { ServerDeployment } from '../installed/served-options.ts'
import type { Plan } from '../manifests/plan.ts'

export interface Namespace extends KubeObject {
  readonly status?: { readonly phase?: string }
}

export interface Service extends KubeObject {
  readonly spec: { readonly ports?: readonly ServicePort[] }
}

export interface ServicePort {
  readonly name?: string
  readonly port: number
  readonly targetPort?: number | string
}

export interface EndpointSlice extends KubeObject {
  readonly endpoints?: readonly Endpoint[] | null
}

export interface Endpoint {
  readonly conditions?: { readonly ready?: boolean | null }
  readonly targetRef?: { readonly kind?: string; readonly name?: string }
  readonly addresses?: readonly string[]
}

/** A replica that takes no requests, with its own words where they could be had. */
export interface UnreadyReplica {
  readonly name: string
  readonly why: string | undefined
}

export type Deployment = ServerDeployment

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

/** What the server's account must be allowed, and whether it is. */
export interface Right {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly name: string | undefined
  readonly namespace: string | undefined
  readonly isAllowed: boolean
}

/** An object created for show, and what the API server said. */
export interface Probe {
  readonly configuration: Configuration
  readonly namespace: string
  readonly tookMs: number
  readonly outcome:
    | { readonly is: 'created'; readonly isInjected: boolean }
    | { readonly is: 'refused'; readonly status: number | undefined; readonly words: string }
}

/** Who runs the machines, as far as their labels tell. */
export type Provider = 'gke' | 'eks' | 'aks' | undefined

export interface World {
  readonly plan: Plan
  /** By the API server's clock, epoch milliseconds. */
  readonly nowMs: number
  /** This machine's clock minus the API server's, milliseconds. */
  readonly skewMs: number
  readonly configurations: readonly Configuration[]
  readonly namespaces: readonly Namespace[]
  readonly authority: StoredAuthority | { readonly holds: 'foreign'; readonly why: string }
  readonly service: Service | undefined
  readonly endpointSlices: readonly EndpointSlice[]
  readonly unreadyReplicas: readonly UnreadyReplica[]
  readonly deployment: Deployment | undefined
  /** By name; of those that the installation reads, the ones that are there. */
  readonly configMaps: ReadonlyMap<string, ConfigMap>
  readonly istiods: readonly Deployment[]
  /** Those that tell of themselves. */
  readonly replicas: readonly Replica[]
  /** Where the serving certificate comes from; undefined: from our own authority. */
  readonly servedFiles: (ServedFiles & { readonly secretFingerprint: string | undefined }) | undefined
  readonly rights: readonly Right[]
  readonly probes: readonly Probe[]
  /** Of mesh resources that must be refused. */
  readonly validationProbes: readonly Probe[]
  readonly provider: Provider
}

/** A part of the world, or why it could not be read. */
export type Reading<T> = { readonly value: T } | { readonly unread: string }

export type Readings = { readonly [Part in keyof World]: Reading<World[Part]> }
