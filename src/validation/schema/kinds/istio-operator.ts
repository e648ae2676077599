/** IstioOperator: install.istio.io v1alpha1, a file for the installer; no CRD serves it. */
import { bool, free, list, map, object, text, u32 } from '../dsl.ts'
import type { Decoded } from '../dsl.ts'

/** Kubernetes' own types, which the installer decodes further. */
const KUBERNETES = free()

const k8s = object({
  affinity: KUBERNETES,
  env: KUBERNETES,
  hpaSpec: KUBERNETES,
  imagePullPolicy: text(),
  nodeSelector: map(text()),
  podDisruptionBudget: KUBERNETES,
  podAnnotations: map(text()),
  priorityClassName: text(),
  readinessProbe: KUBERNETES,
  replicaCount: u32(),
  resources: KUBERNETES,
  service: KUBERNETES,
  strategy: KUBERNETES,
  tolerations: KUBERNETES,
  serviceAnnotations: map(text()),
  securityContext: KUBERNETES,
  volumes: KUBERNETES,
  volumeMounts: KUBERNETES,
  overlays: list(
    object({ apiVersion: text(), kind: text(), name: text(), patches: list(object({ path: text(), value: free() })) }),
  ),
})
/** A tag may be written as a number. */
const common = { enabled: bool(), namespace: text(), hub: text(), tag: free(), k8s }
const component = object(common)
const gateway = object({ ...common, name: text(), label: map(text()) })
const values = object({
  cni: free(),
  gateways: free(),
  global: free(),
  pilot: free(),
  ztunnel: free(),
  telemetry: free(),
  sidecarInjectorWebhook: free(),
  istio_cni: free(),
  revision: text(),
  ownerName: text(),
  meshConfig: free(),
  base: free(),
  istiodRemote: free(),
  revisionTags: list(text()),
  defaultRevision: text(),
  profile: text(),
  compatibilityVersion: text(),
  experimental: free(),
  gatewayClasses: free(),
})

export const istioOperatorSpec = object({
  profile: text(),
  installPackagePath: text(),
  hub: text(),
  tag: free(),
  namespace: text(),
  revision: text(),
  compatibilityVersion: text(),
  meshConfig: free(),
  components: object({
    base: object({ enabled: bool(), k8s }),
    pilot: component,
    cni: component,
    ztunnel: component,
    istiodRemote: component,
    ingressGateways: list(gateway),
    egressGateways: list(gateway),
  }),
  values,
  unvalidatedValues: free(),
})
export type IstioOperatorSpec = Decoded<typeof istioOperatorSpec>
export type GatewayComponent = Decoded<typeof gateway>
