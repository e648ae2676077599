/** The parts of a Kubernetes pod that code looks into. Everything else is carried along untouched. */

export type StringMap = Record<string, string>

export interface OwnerReference {
  readonly apiVersion?: string
  readonly kind?: string
  readonly name?: string
  readonly controller?: boolean | null
}

export interface ObjectMeta {
  name?: string
  generateName?: string
  namespace?: string
  labels?: StringMap | null
  annotations?: StringMap | null
  ownerReferences?: readonly OwnerReference[] | null
}

export interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: unknown
}

export interface ContainerPort {
  readonly name?: string
  readonly containerPort?: number
  readonly protocol?: string
}

/** A port by number or by name. */
export type PortReference = number | string

export interface HttpGetAction {
  readonly path?: string
  readonly port: PortReference
  readonly host?: string
  readonly scheme?: string
  readonly httpHeaders?: readonly { readonly name?: string; readonly value?: string }[]
}

export interface TcpSocketAction {
  readonly port: PortReference
  readonly host?: string
}

export interface GrpcAction {
  readonly port?: number
  readonly service?: string | null
}

/** What a probe or a lifecycle hook does; several kinds at once are possible in unchecked input. */
export interface Handler {
  readonly exec?: unknown
  readonly httpGet?: HttpGetAction | null
  readonly tcpSocket?: TcpSocketAction | null
  readonly grpc?: GrpcAction | null
  readonly sleep?: unknown
}

export interface Probe extends Handler {
  readonly timeoutSeconds?: number
}

export interface Lifecycle {
  readonly postStart?: Handler | null
  readonly preStop?: Handler | null
}

export interface SecurityContext {
  readonly runAsUser?: number | null
  readonly runAsGroup?: number | null
}

export interface Container {
  name?: string
  image?: string
  args?: readonly string[] | null
  env?: readonly EnvVar[] | null
  ports?: readonly ContainerPort[] | null
  livenessProbe?: Probe | null
  readinessProbe?: Probe | null
  startupProbe?: Probe | null
  lifecycle?: Lifecycle | null
  securityContext?: SecurityContext | null
}

export interface PodSpec {
  containers?: readonly Container[] | null
  initContainers?: readonly Container[] | null
  volumes?: readonly { readonly name?: string }[] | null
  imagePullSecrets?: readonly { readonly name?: string }[] | null
  hostNetwork?: boolean
  dnsPolicy?: string
  nodeName?: string
}

/** A decoded pod: canonical JSON, field names as Kubernetes spells them. */
export interface Pod {
  metadata?: ObjectMeta
  spec?: PodSpec
}
